"""Word vectors in files: one module for each format, all of them readers to and writers from the same stream.

`open_vectors` finds the format and opens it, `convert_vectors` goes between any two in flat memory, and
`mt2st.embedding.WordVectors` loads and saves through them. A reader trusts no byte: what a file claims is held against
its size before memory is reserved, and every fault is an `mt2st.errors.InputError` with its place.

Importing this package loads neither gensim nor torch.
"""

from __future__ import annotations

from mt2st.embedding.formats.catalogue import (
    FORMATS,
    WORD2VEC,
    Conversion,
    Format,
    convert_vectors,
    format_by_name_of,
    format_named,
    format_to_write,
    open_vectors,
    write_vectors,
)
from mt2st.embedding.formats.pretrained import is_pretrained
from mt2st.embedding.formats.stream import Block, VectorStream, checked, collected, stream_of

__all__ = [
    "FORMATS",
    "WORD2VEC",
    "Block",
    "Conversion",
    "Format",
    "VectorStream",
    "checked",
    "collected",
    "convert_vectors",
    "format_by_name_of",
    "format_named",
    "format_to_write",
    "is_pretrained",
    "open_vectors",
    "stream_of",
    "write_vectors",
]
