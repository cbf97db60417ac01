"""The options of ``mt2st vectors train``: their checks, and the settings and vectors that they give."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_type_hints

import tyro

from mt2st._field_docs import field_docs
from mt2st.cli.data_options import DialectOptions
from mt2st.cli.options import ABOVE_0, AT_LEAST_1
from mt2st.embedding.settings import SUBWORD_METHODS, WORD_METHODS, GloveSettings, WordVectorSettings
from mt2st.errors import InputError, listed, suggestion
from mt2st.text.tokeniser import Tokens

if TYPE_CHECKING:
    from mt2st.embedding import WordVectors

GLOVE = "glove"
"""The method that counts co-occurrences; the others go over the text."""
METHODS = (*WORD_METHODS, *SUBWORD_METHODS, GLOVE)
_OF_NGRAMS = ("min_n", "max_n", "bucket")
_GLOVE_NAMES = {"learning_rate": "alpha", "alpha": "weight_exponent", "memory_mb": "memory"}
"""What options are called that set these of `GloveSettings`, whose names are of other options here."""


def _names(method: str) -> dict[str, str]:
    """Return the settings of a method, by the names of the options that set them."""
    names = [each.name for each in fields(GloveSettings if method == GLOVE else WordVectorSettings)]
    renamed = _GLOVE_NAMES if method == GLOVE else {}
    return {renamed.get(name, name): name for name in names if name != "method"}


def _setting_options() -> Any:
    """Return a dataclass with an option for each setting of the methods, none of them given by default."""
    made: dict[str, tuple[Any, str]] = {}
    for method, owner in ((WORD_METHODS[0], WordVectorSettings), (GLOVE, GloveSettings)):
        kinds, docs = get_type_hints(owner, include_extras=True), field_docs(owner)
        for option, name in _names(method).items():
            default = getattr(owner, name)
            text = docs[name] + ("" if default is None else f" By default {default:g}.")
            kind, before = made.get(option, (kinds[name] | None, ""))
            made[option] = kind, f"{before} glove: {text}".lstrip() if method == GLOVE and text != before else text
    options = [(name, kind, field(default=None, metadata={"help": text})) for name, (kind, text) in made.items()]
    return make_dataclass("SettingOptions", options, frozen=True, kw_only=True)


_SettingOptions = _setting_options()


@dataclass(frozen=True)
class VectorsTrainOptions(DialectOptions, _SettingOptions):  # type: ignore[misc, valid-type]  # made at run time
    """Options of ``mt2st vectors train``."""

    corpus: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="CORPUS")]
    """Text: .txt (a document a line), .csv, .tsv, .jsonl (each also .gz), .parquet, a folder, hf:owner/name, - for
    standard input, or a pattern of file names in quotes, such as 'news-*.txt'."""
    output: Path
    """File or folder for the vectors. Its name tells the format: .bin word2vec's binary, .kv gensim's, .glove GloVe's,
    .vec and .txt word2vec's text; .gz compresses. Any other name is word2vec's text too, or, with a -fasttext method, a
    folder that keeps the n-grams."""
    to: str | None = None
    """Format to write, where the name does not tell it: word2vec, word2vec-binary, glove, keyedvectors, safetensors or
    static-embedding (folders), ngrams (the folder of a -fasttext method)."""
    text: str | None = None
    """Column of the texts; needed where the corpus has several columns and none is called 'text'."""
    method: str = "skipgram"
    """skipgram, cbow, skipgram-fasttext, cbow-fasttext or glove."""
    min_count: Annotated[int, AT_LEAST_1] = 5
    """Leave out words that occur less often."""
    init: str | None = None
    """Go on from these vectors: a file or folder in any format, or gensim:NAME. The result has their words and those
    of the corpus. With a -fasttext method, a folder that it wrote or fastText's .bin."""
    freeze: str | None = None
    """Words of --init whose vectors must not change: 'known' for all, or a file with one a line."""
    tokens: Tokens = "words"
    """Where text is cut: words; whitespace, for text that is tokenised already (new_york, film|NOUN); or characters,
    for scripts that set no spaces between words."""
    lowercase: bool = True
    """Lower-case all text."""
    remove_breaks: bool = True
    """Read HTML line breaks as spaces."""
    overwrite: bool = False
    """Replace the output file, and an interrupted training if --resume is not given."""
    resume: bool = False
    """Go on with an interrupted training from its checkpoint."""
    checkpoint: Path | None = None
    """Folder for the checkpoint, by default OUTPUT.checkpoint. It is removed when the vectors are written."""
    checkpoint_minutes: Annotated[float, ABOVE_0] = 5.0
    """Minutes between two checkpoints: what is lost at most if the process is killed. Epochs that are long enough end
    with one too."""
    fallback: Path | None = None
    """Folder for the vectors if the disk of the output refuses them."""


def names_of_glove(options: VectorsTrainOptions) -> dict[str, str]:
    """Return the options that `mt2st.embedding.train_glove` knows by other names, by these; none of other methods."""
    return {name: f"--{option.replace('_', '-')}" for name, option in _GLOVE_NAMES.items() if options.method == GLOVE}


def check_options(options: VectorsTrainOptions) -> None:
    """Refuse wrong options, the first with an `InputError`, before anything is read."""
    if options.method not in METHODS:
        raise InputError(
            f"unknown method '{options.method}': choose from {listed(METHODS)}.{suggestion(options.method, METHODS)}"
        )
    has_ngrams = options.method in SUBWORD_METHODS
    own = {name for name in _names(options.method) if has_ngrams or name not in _OF_NGRAMS}
    others = (name for method in (GLOVE, *WORD_METHODS) for name in _names(method) if name not in own)
    if unread := [name for name in dict.fromkeys(others) if getattr(options, name) is not None]:
        flags = listed(f"--{name.replace('_', '-')}" for name in unread)
        raise InputError(f"{flags} cannot be given with --method {options.method}: it has no such setting")
    settings(options)


def settings_of(options: VectorsTrainOptions) -> dict[str, Any]:
    """Return the settings of `mt2st.embedding.train_word_vectors`, or of `train_glove`, that the options give."""
    given = {name: getattr(options, option) for option, name in _names(options.method).items()}
    given = {name: value for name, value in given.items() if value is not None}
    return given if options.method == GLOVE else {"method": options.method, **given}


def settings(options: VectorsTrainOptions) -> GloveSettings | WordVectorSettings:
    """Return the checked settings that the options give."""
    return (GloveSettings if options.method == GLOVE else WordVectorSettings)(**settings_of(options))


def given_vectors(options: VectorsTrainOptions) -> list[WordVectors]:
    """Read the vectors of ``--init``, if any, and refuse those that do not suit, before the corpus is read.

    The list is their only owner: whoever takes them out can free their memory.
    """
    if options.init is None:
        if options.freeze is not None:
            raise InputError("--freeze needs --init: only given vectors can be kept")
        return []
    from mt2st.embedding import load_vectors
    from mt2st.embedding.grown_vocabulary import frozen_places

    frozen = frozen_words(options)
    given = load_vectors(options.init)
    try:
        settings(options).going_on_from(given)
    except InputError as error:
        raise InputError(f"--init {options.init}: {error}") from error
    try:
        frozen_places(frozen, given)
    except InputError as error:
        raise InputError(f"--freeze {options.freeze}: {error}") from error
    return [given]


def frozen_words(options: VectorsTrainOptions) -> Literal["known"] | list[str] | None:
    """Return the words whose vectors must not change, as `mt2st.embedding.train_word_vectors` takes them."""
    if options.freeze is None:
        return None
    if options.freeze == "known":
        return "known"
    advice = "give 'known' or a file with a word a line"
    try:
        text = Path(options.freeze).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"--freeze {options.freeze}: cannot be read: {reason}; {advice}") from error
    words = [word for word in (line.strip() for line in text.split("\n")) if word]
    if not words:
        raise InputError(f"--freeze {options.freeze}: names no word: {advice}")
    return words
