"""``mt2st export``: a trained model for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from mt2st.cli.options import parse

VECTOR_FORMATS = {"fasttext-vec": "word2vec"}
"""Names of formats of word vectors that `mt2st vectors convert` calls otherwise."""

DESCRIPTION = """Write a trained model for other programs.

  onnx              a folder for onnxruntime: classifiers and taggers with any built-in encoder (extra onnx)
  numpy             a folder that mt2st.inference reads with numpy and safetensors alone: mean models
  static-embedding  the word vectors as a folder that sentence-transformers and model2vec load
  word2vec, glove, fasttext-vec, keyedvectors
                    the word vectors as a file, as mt2st vectors convert writes them

Examples:
  mt2st export run/model classifier-onnx --to onnx
  mt2st export run words.vec --to fasttext-vec"""


@dataclass(frozen=True)
class ExportOptions:
    """Options of ``mt2st export``."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL")]
    """The folder of the model, or of the run that holds it."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """Where to write: a new folder, or a file for word vectors."""
    to: Literal["onnx", "numpy", "static-embedding", "word2vec", "glove", "fasttext-vec", "keyedvectors"]
    """What to write."""
    overwrite: bool = False
    """Replace an earlier export."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(ExportOptions, arguments, program="mt2st export", description=DESCRIPTION)
    if options.to == "onnx":
        from mt2st.integrations import onnx

        onnx.export(options.model, options.out, overwrite=options.overwrite)
    elif options.to == "numpy":
        from mt2st import inference

        inference.export(options.model, options.out, overwrite=options.overwrite)
    else:
        from mt2st.embedding import convert_vectors

        form = VECTOR_FORMATS.get(options.to, options.to)
        done = convert_vectors(
            options.model, options.out, source_format="model", target_format=form, overwrite=options.overwrite
        )
        print(f"{options.out}: {done.count:,} word vectors of {done.size} dimensions ({options.to})")
        return 0
    files = sorted(options.out.iterdir())
    size = sum(each.stat().st_size for each in files) / 1e6
    print(f"{options.out}: {', '.join(each.name for each in files)} ({size:.1f} MB, {options.to})")
    return 0
