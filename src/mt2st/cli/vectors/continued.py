"""What ``mt2st vectors train --init`` adds: the vectors it goes on from, and the words that keep theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mt2st.cli.vectors.train_options import GLOVE, glove_settings_of, settings_of
from mt2st.errors import InputError

if TYPE_CHECKING:
    from mt2st.cli.vectors.train_options import VectorsTrainOptions
    from mt2st.embedding import WordVectors

KNOWN = "known"


def given_vectors(options: VectorsTrainOptions) -> list[WordVectors]:
    """Read the vectors to go on from, and refuse those that do not suit, before the corpus is read.

    Returns:
        The vectors, or nothing. Whoever takes them out of the list is the only one who holds them: the training needs
        their memory for its tables.

    Raises:
        InputError: no such vectors, damaged ones, some that do not go with the other options, or words that they lack.
    """
    if options.init is None:
        if options.freeze is not None:
            raise InputError("--freeze needs --init: only given vectors can be kept")
        return []
    from mt2st.embedding import GloveSettings, WordVectorSettings, load_vectors
    from mt2st.embedding.grown_vocabulary import frozen_places

    frozen = frozen_words(options)
    given = load_vectors(options.init)
    try:
        if options.method == GLOVE:
            GloveSettings(**glove_settings_of(options)).going_on_from(given)
        else:
            WordVectorSettings(**settings_of(options)).going_on_from(given)
    except InputError as error:
        raise InputError(f"--init {options.init}: {error}") from error
    try:
        frozen_places(frozen, given)
    except InputError as error:
        raise InputError(f"--freeze {options.freeze}: {error}") from error
    return [given]


def frozen_words(options: VectorsTrainOptions) -> Literal["known"] | list[str] | None:
    """Return the words whose vectors must not change, as `mt2st.embedding.train_word_vectors` takes them.

    Raises:
        InputError: the file cannot be read or names no word.
    """
    if options.freeze is None:
        return None
    if options.freeze == KNOWN:
        return "known"
    try:
        text = Path(options.freeze).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(
            f"--freeze {options.freeze}: cannot be read: {reason}; give 'known' or a file with a word a line"
        ) from error
    words = [word for word in (line.strip() for line in text.split("\n")) if word]
    if not words:
        raise InputError(f"--freeze {options.freeze}: names no word: give 'known' or a file with a word a line")
    return words
