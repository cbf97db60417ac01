"""``mt2st vectors neighbours``: the words nearest to a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import tyro

from mt2st.cli.options import parse
from mt2st.errors import InputError
from mt2st.evaluation.tables import aligned


@dataclass(frozen=True)
class NeighboursOptions:
    """Options of ``mt2st vectors neighbours``."""

    vectors: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="VECTORS")]
    """Word vectors: a file or folder in any format, the folder of a trained model, or gensim:NAME of published ones."""
    words: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="WORD ...")]
    """Words whose neighbours are wanted."""
    topn: int = 10
    """How many."""
    limit: int | None = None
    """Read the first so many words of the vectors alone."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(NeighboursOptions, arguments, program="mt2st vectors neighbours", description="The nearest words.")
    if not options.words:
        raise InputError("give at least one word")
    from mt2st.embedding import load_vectors

    vectors = load_vectors(options.vectors, limit=options.limit)
    for word, found in zip(options.words, vectors.similar_by_words(options.words, topn=options.topn), strict=True):
        print(aligned([[word, "cosine"], *([each, f"{similarity:.4f}"] for each, similarity in found)]))
    return 0
