"""Whatever the bytes: vectors that are right or an `InputError` that names the file, soon, and in little memory."""

from __future__ import annotations

import gzip
import tempfile
import tracemalloc
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.embedding.formats.conftest import gensim_data

from mt2st.embedding import SubwordSettings, SubwordVectors, WordVectors, load_vectors
from mt2st.errors import InputError

pytestmark = pytest.mark.filterwarnings("ignore::mt2st.errors.DataWarning")  # oddities that are read

MOST_MEMORY = 4_000_000
"""Bytes, for files of a few thousand: a hundredth of what any inflated count or size would reserve."""


@cache
def valid_files(name: str) -> dict[str, bytes]:
    """Return the files of a small valid specimen of a format, by their names in its folder."""
    if name == "fasttext":
        return {"v": gensim_data("crime-and-punishment.bin").read_bytes()}
    words = ["the", "été", "of", "x_y"]
    values = np.array([[0.1, -2e-3, 3], [1, 2, 3], [0, 0, 0], [4.25, 5, 6]], dtype=np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "v"
        if name == "keyedvectors":
            models = pytest.importorskip("gensim.models")
            theirs = models.KeyedVectors(3)
            theirs.add_vectors(words, values)
            theirs.save(str(path), separately=["vectors"])
        elif name == "ngrams":
            table = np.arange(3 * (len(words) + 5), dtype=np.float32).reshape(-1, 3)
            SubwordVectors(words, table, SubwordSettings(bucket=5)).save_folder(path)
        elif name == "pickled":
            WordVectors(words, values).save(path, format="keyedvectors")
        else:
            WordVectors(words, values).save(path, format=name)
        return {
            str(each.relative_to(folder)): each.read_bytes() for each in Path(folder).rglob("v*") if each.is_file()
        } | {str(each.relative_to(folder)): each.read_bytes() for each in path.rglob("*") if path.is_dir()}


HUGE = st.sampled_from(
    [b"\xff\xff\xff\x7f", b"\xff" * 8, b"\x00" * 8, b"999999999999", b"nan", b" ", b"\n", b"[" * 3000]
)


@st.composite
def mangled(draw: st.DrawFn, name: str) -> dict[str, bytes]:
    """Draw a specimen of which one file has some bytes replaced, inserted, removed, or none left of its own."""
    files = dict(valid_files(name))
    victim = draw(st.sampled_from(sorted(files)))
    content = files[victim]
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.one_of(st.integers(0, len(content)), st.integers(0, min(96, len(content)))))
        removed = draw(st.integers(0, 12))
        added = draw(st.one_of(st.binary(max_size=12), HUGE))
        content = content[:at] + added + content[at + removed :]
    files[victim] = draw(st.one_of(st.just(content), st.just(content[: len(content) // 2]), st.binary(max_size=200)))
    return files


def load_and_judge(files: dict[str, bytes], format_name: str | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            (Path(folder) / name).parent.mkdir(exist_ok=True)
            (Path(folder) / name).write_bytes(content)
        tracemalloc.start()
        try:
            place = Path(folder) / "v"
            loaded = WordVectors.load(place, format=format_name) if format_name else load_vectors(place)
        except InputError as error:
            assert folder in str(error)  # noqa: PT017 - either outcome is right
        else:
            assert np.isfinite(loaded.vectors).all()
            assert len(loaded) == len(set(loaded.index_to_key)) > 0
            assert all(type(word) is str for word in loaded.index_to_key)
        finally:
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < MOST_MEMORY


NAMES = {
    "word2vec": "word2vec",
    "word2vec-binary": "word2vec-binary",
    "glove": "glove",
    "keyedvectors": "keyedvectors",
    "pickled": "keyedvectors",
    "safetensors": "safetensors",
    "static-embedding": "static-embedding",
    "fasttext": "fasttext",
    "ngrams": "ngrams",
}


@pytest.mark.parametrize("specimen", NAMES)
def test_mangled_files(specimen: str) -> None:
    pytest.importorskip("gensim")
    load_and_judge(valid_files(specimen), NAMES[specimen])  # what is imported now is not counted below

    @settings(max_examples=150, deadline=2000)
    @given(files=mangled(specimen), named=st.booleans())
    def judged(files: dict[str, bytes], named: bool) -> None:
        load_and_judge(files, NAMES[specimen] if named else None)

    judged()


@pytest.mark.parametrize("name", ["word2vec", "word2vec-binary", "glove"])
def test_mangled_packed_files(name: str) -> None:
    packed = gzip.compress(valid_files(name)["v"], mtime=0)

    @settings(max_examples=100, deadline=2000)
    @given(
        at=st.integers(0, len(packed)), removed=st.integers(0, 8), added=st.binary(max_size=8), outside=st.booleans()
    )
    def judged(at: int, removed: int, added: bytes, outside: bool) -> None:
        mangle = packed if outside else valid_files(name)["v"]
        content = mangle[:at] + added + mangle[at + removed :]
        load_and_judge({"v": content if outside else gzip.compress(content)}, name)

    judged()


@settings(max_examples=200, deadline=2000)
@given(
    count=st.integers(0, 10**17),
    size=st.integers(0, 10**17),
    rest=st.binary(max_size=60),
    name=st.sampled_from(["word2vec", "word2vec-binary", "glove", None]),
    packed=st.booleans(),
)
def test_headers_that_promise_anything(count: int, size: int, rest: bytes, name: str | None, packed: bool) -> None:
    content = f"{count} {size}\n".encode() + rest
    load_and_judge({"v": gzip.compress(content) if packed else content}, name)
