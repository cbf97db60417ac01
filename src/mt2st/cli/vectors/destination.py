"""Where ``mt2st vectors train`` writes its vectors, and whether their n-grams go with them."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from mt2st.cli.options import say
from mt2st.cli.vectors import subwords
from mt2st.errors import InputError, MissingExtraError, listed

if TYPE_CHECKING:
    from mt2st.cli.vectors.train_options import VectorsTrainOptions
    from mt2st.embedding import WordVectors
    from mt2st.embedding.formats import Format


def check_options(options: VectorsTrainOptions) -> None:
    """Refuse a place where the vectors may not be written, or not in that format.

    Raises:
        InputError: naming it.
        MissingExtraError: the format needs a package that is not there.
    """
    from mt2st.embedding.formats.catalogue import KEYEDVECTORS, NGRAMS, check_destination

    chosen = chosen_format(options)
    if chosen is NGRAMS and options.method not in subwords.METHODS:
        raise InputError(f"--to ngrams cannot be given with --method {options.method}: only {_METHODS} have n-grams")
    if chosen.write is None and chosen is not NGRAMS:
        raise InputError(f"--to {chosen.name}: vectors are not written in this format: choose another")
    check_destination(options.output, chosen, overwrite=options.overwrite)
    if chosen is KEYEDVECTORS and find_spec("gensim") is None:
        raise MissingExtraError(f"writing {options.output} in gensim's format", "gensim")


def chosen_format(options: VectorsTrainOptions) -> Format:
    """Return the format of the output: of its own name, by ``--to``, or else what keeps most of the vectors."""
    from mt2st.embedding.formats.catalogue import NGRAMS, WORD2VEC, format_to_write

    otherwise = NGRAMS if options.method in subwords.METHODS else WORD2VEC
    return format_to_write(options.output, options.to, otherwise=otherwise)


def save(vectors: WordVectors, options: VectorsTrainOptions) -> None:
    """Write the vectors, and say so if that loses their n-grams."""
    from mt2st.embedding import SubwordVectors
    from mt2st.embedding.formats.catalogue import NGRAMS

    chosen = chosen_format(options)
    if chosen is NGRAMS and isinstance(vectors, SubwordVectors):
        vectors.save_folder(options.output, overwrite=options.overwrite)
        return
    vectors.save(options.output, format=chosen.name, overwrite=options.overwrite)
    if isinstance(vectors, SubwordVectors):
        say(
            f"the format {chosen.name} holds no n-grams: words that {options.output} lacks have no vectors there; "
            f"--to ngrams keeps them, and so does an --output without the ending of a file"
        )


_METHODS = listed(subwords.METHODS)
