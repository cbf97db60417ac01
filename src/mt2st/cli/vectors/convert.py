"""``mt2st vectors convert``: word vectors from one file format to another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from mt2st.cli.options import parse
from mt2st.cli.terminal import progress_bar

DESCRIPTION = """Write the word vectors of one file to another, in flat memory.

Formats: word2vec (.vec, .txt), word2vec-binary (.bin), glove (.glove), keyedvectors (gensim's, .kv), safetensors and
static-embedding (folders; the second is what model2vec and sentence-transformers load). Read only: model (the folder of
a trained model), fasttext (fastText's own .bin) and ngrams (the folder of a -fasttext training); their words' vectors
are written without n-grams."""


@dataclass(frozen=True)
class ConvertOptions:
    """Options of ``mt2st vectors convert``."""

    source: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="SOURCE")]
    """File or folder to read, a trained model's folder among them, or published vectors: gensim:glove-twitter-100."""
    target: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="TARGET")]
    """File or folder to write; .gz compresses text and word2vec files."""
    from_: Annotated[str | None, tyro.conf.arg(name="from")] = None
    """Format to read; found by the content if not given."""
    to: str | None = None
    """Format to write; found by the name if not given."""
    spaces: str | None = None
    """What to write for each space inside a word, for a format that cannot hold one: _"""
    limit: int | None = None
    """Write the first so many words alone: published files hold the most frequent ones first."""
    overwrite: bool = False
    """Replace what is there."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(ConvertOptions, arguments, program="mt2st vectors convert", description=DESCRIPTION)

    from mt2st.embedding import convert_vectors

    with progress_bar() as bar:
        done = convert_vectors(
            options.source,
            options.target,
            source_format=options.from_,
            target_format=options.to,
            overwrite=options.overwrite,
            spaces=options.spaces,
            limit=options.limit,
            progress=lambda words, total: bar.show(words / total if total else None, f"{words:,} words"),
        )
    print(
        f"{options.target}: {done.count:,} vectors of {done.size} dimensions "
        f"({done.source_format} -> {done.target_format})"
    )
    return 0
