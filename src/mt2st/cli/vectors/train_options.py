"""The options of ``mt2st vectors train``: their checks, and the settings and vectors that they give."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from mt2st.cli.data_options import DialectOptions
from mt2st.errors import InputError, listed, suggestion
from mt2st.text.tokeniser import Tokens

if TYPE_CHECKING:
    from mt2st.embedding import GloveSettings, WordVectors, WordVectorSettings

GLOVE = "glove"
"""The method that counts co-occurrences; the others go over the text."""
NGRAM_METHODS = ("skipgram-fasttext", "cbow-fasttext")
TEXT_METHODS = ("skipgram", "cbow", *NGRAM_METHODS)
METHODS = (*TEXT_METHODS, GLOVE)

_READ_BY = {
    **dict.fromkeys(("negative", "ns_exponent", "min_alpha"), TEXT_METHODS),
    **dict.fromkeys(("x_max", "weight_exponent", "memory"), (GLOVE,)),
    **dict.fromkeys(("min_n", "max_n", "bucket"), NGRAM_METHODS),
}
"""Options that only some methods have, and these methods."""
_GLOVE_NAMES = {"alpha": "learning_rate", "weight_exponent": "alpha", "memory": "memory_mb"}
"""What `mt2st.embedding.train_glove` calls options of other names."""


@dataclass(frozen=True)
class VectorsTrainOptions(DialectOptions):
    """Options of ``mt2st vectors train``; the names and defaults are gensim's."""

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
    vector_size: int | None = None
    """Dimensions of the vectors, by default 100, or those of --init."""
    window: int | None = None
    """Widest reach of a context, in words; by default 5, glove 10."""
    negative: int = 5
    """Weight of noise against each true word, in noise words, 1 to 100. The kernels draw their own number and share
    them: a larger weight takes no more time."""
    min_count: int = 5
    """Leave out words that occur less often."""
    sample: float | None = None
    """Threshold above which frequent words are thinned out, by default 0.001; 0 keeps all, which is glove's default."""
    ns_exponent: float = 0.75
    """Noise words are drawn in proportion to their count to this power, -5 to 5."""
    alpha: float | None = None
    """Learning rate at the start, by default 0.025; glove's own throughout, by default 0.05."""
    min_alpha: float = 1e-4
    """Learning rate at the end."""
    epochs: int | None = None
    """Passes over the corpus, by default 5; of glove over its co-occurrences, by default 25."""
    x_max: float | None = None
    """glove: co-occurrences from which on a pair has its full weight, by default 100; 10 suits a few million words."""
    weight_exponent: float | None = None
    """glove: of the weight of rarer pairs, by default 0.75."""
    memory: float | None = None
    """glove: MB for counting and holding co-occurrences, by default 1024, at least 4; the rest is in files (TMPDIR)."""
    min_n: int | None = None
    """-fasttext: characters of the shortest n-gram, by default 3."""
    max_n: int | None = None
    """-fasttext: characters of the longest n-gram, by default 6."""
    bucket: int | None = None
    """-fasttext: rows that all n-grams share, by default 200,000."""
    init: str | None = None
    """Go on from these vectors: a file or folder in any format, or gensim:NAME. The result has their words and those
    of the corpus. With a -fasttext method, a folder that it wrote or fastText's .bin."""
    freeze: str | None = None
    """Words of --init whose vectors must not change: 'known' for all, or a file with one a line."""
    workers: int = 1
    """Threads. One repeats a seed's result to the bit; several do not."""
    seed: int = 1
    """Decides the first vectors, the windows and the noise."""
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
    checkpoint_minutes: float = 5.0
    """Minutes between two checkpoints: what is lost at most if the process is killed. Epochs that are long enough end
    with one too."""
    fallback: Path | None = None
    """Folder for the vectors if the disk of the output refuses them."""


def check_options(options: VectorsTrainOptions) -> None:
    """Refuse wrong options, the first with an `InputError`, before anything is read."""
    if options.method not in METHODS:
        raise InputError(
            f"unknown method '{options.method}': choose from {listed(METHODS)}.{suggestion(options.method, METHODS)}"
        )
    if options.min_count < 1:
        raise InputError(f"min_count must be 1 or more; found {options.min_count}")
    defaults = {field.name: field.default for field in fields(options)}
    unread = [
        name
        for name, methods in _READ_BY.items()
        if options.method not in methods and getattr(options, name) != defaults[name]
    ]
    if unread:
        flags = listed(f"--{name.replace('_', '-')}" for name in unread)
        raise InputError(f"{flags} cannot be given with --method {options.method}: it has no such setting")
    settings(options)


def settings_of(options: VectorsTrainOptions) -> dict[str, Any]:
    """Return the arguments of `mt2st.embedding.train_word_vectors`, or of `train_glove`, that the options give."""
    names = ["vector_size", "window", "sample", "alpha", "epochs", "workers", "seed"]
    names += [name for name, methods in _READ_BY.items() if options.method in methods]
    renamed = _GLOVE_NAMES if options.method == GLOVE else {}
    given = {renamed.get(name, name): getattr(options, name) for name in names}
    given = {name: value for name, value in given.items() if value is not None}
    return given if options.method == GLOVE else {"method": options.method, **given}


def settings(options: VectorsTrainOptions) -> GloveSettings | WordVectorSettings:
    """Return the checked settings that the options give."""
    from mt2st.embedding import GloveSettings, WordVectorSettings

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
