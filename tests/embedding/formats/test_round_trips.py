"""What is written comes back to the bit, in every format and from every format to every other."""

from __future__ import annotations

import gzip
import itertools
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from mt2st.embedding import WordVectors, convert_vectors, open_vectors
from mt2st.embedding.formats.catalogue import FORMATS
from mt2st.embedding.formats.stream import rows_per_block
from mt2st.errors import InputError

WRITTEN = [each.name for each in FORMATS if each.write is not None]
FOLDERS = ("safetensors", "static-embedding")
LARGE = (11, 960_000)
"""Words and dimensions: more than 10 Mi values, from which on gensim puts the vectors into a file of their own."""


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_saved_loads_bit_for_bit_and_its_format_is_found(
    vectors: WordVectors, tmp_path: Path, name: str
) -> None:
    path = tmp_path / "vectors"
    vectors.save(path, format=name)
    loaded = WordVectors.load(path)
    assert loaded.index_to_key == vectors.index_to_key
    assert loaded.vectors.tobytes() == vectors.vectors.tobytes()
    assert [each.name for each in tmp_path.iterdir()] == ["vectors"]
    assert WordVectors.load(path, format=name).index_to_key == vectors.index_to_key


@pytest.mark.parametrize(("first", "second"), list(itertools.product(WRITTEN, WRITTEN)))
def test_every_format_converts_to_every_other(vectors: WordVectors, tmp_path: Path, first: str, second: str) -> None:
    vectors.save(tmp_path / "first", format=first)
    done = convert_vectors(tmp_path / "first", tmp_path / "second", target_format=second)
    assert (done.count, done.size, done.source_format, done.target_format) == (len(vectors), 5, first, second)
    loaded = WordVectors.load(tmp_path / "second")
    assert loaded.index_to_key == vectors.index_to_key
    assert loaded.vectors.tobytes() == vectors.vectors.tobytes()


@pytest.mark.parametrize("name", WRITTEN)
def test_several_blocks_pass(tmp_path: Path, name: str) -> None:
    size = 64
    n_words = 2 * rows_per_block(size) + 3
    many = WordVectors([f"w{i}" for i in range(n_words)], np.random.default_rng(0).normal(size=(n_words, size)))
    many.save(tmp_path / "glove", format="glove")  # a file that does not tell its count
    convert_vectors(tmp_path / "glove", tmp_path / "vectors", target_format=name)
    loaded = WordVectors.load(tmp_path / "vectors")
    assert loaded.index_to_key == many.index_to_key
    np.testing.assert_array_equal(loaded.vectors, many.vectors)


@pytest.mark.parametrize("name", ["v.vec.gz", "v.bin.gz", "v.glove.gz"])
def test_packed_files_are_written_the_same_each_time_and_read(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    vectors.save(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    assert before[:2] == b"\x1f\x8b"
    vectors.save(tmp_path / name, overwrite=True)
    assert (tmp_path / name).read_bytes() == before
    assert WordVectors.load(tmp_path / name).vectors.tobytes() == vectors.vectors.tobytes()
    (tmp_path / name).rename(tmp_path / "unnamed")  # the bytes tell that it is packed
    assert WordVectors.load(tmp_path / "unnamed").index_to_key == vectors.index_to_key


def test_gensims_format_is_neither_written_nor_read_packed(vectors: WordVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "v.vec")
    for chosen in (None, "keyedvectors"):
        with pytest.raises(InputError, match=r"v\.kv\.gz: .* not (written )?packed"):
            convert_vectors(tmp_path / "v.vec", tmp_path / "v.kv.gz", target_format=chosen)
    assert [each.name for each in tmp_path.iterdir()] == ["v.vec"]
    vectors.save(tmp_path / "v.kv")
    (tmp_path / "v.kv.gz").write_bytes(gzip.compress((tmp_path / "v.kv").read_bytes()))
    with pytest.raises(InputError, match=r"v\.kv\.gz is packed: .* unpack it first"):
        WordVectors.load(tmp_path / "v.kv.gz")


@pytest.mark.parametrize("name", ["v.vec", "v.vec.gz", "v.bin", "v.bin.gz"])
def test_a_count_that_shows_only_at_the_end_still_comes_first(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    vectors.save(tmp_path / "v.glove")
    assert open_vectors(tmp_path / "v.glove").count is None
    convert_vectors(tmp_path / "v.glove", tmp_path / name)
    assert open_vectors(tmp_path / name).count == len(vectors)
    assert WordVectors.load(tmp_path / name).vectors.tobytes() == vectors.vectors.tobytes()
    assert sorted(each.name for each in tmp_path.iterdir()) == sorted(["v.glove", name])


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_there_stays_unless_overwriting_is_asked_for(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    vectors.save(tmp_path / "v", format=name)
    with pytest.raises(InputError, match="v exists already"):
        vectors.save(tmp_path / "v", format=name)
    fewer = WordVectors(["one"], np.ones((1, 5), dtype=np.float32))
    fewer.save(tmp_path / "v", format=name, overwrite=True)
    assert WordVectors.load(tmp_path / "v").index_to_key == ["one"]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_of_other_things_is_never_replaced(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("precious")
    with pytest.raises(InputError, match="is not empty and holds no vectors"):
        vectors.save(tmp_path / "work", format=name, overwrite=True)
    assert (tmp_path / "work" / "thesis.tex").read_text() == "precious"
    (tmp_path / "file").write_text("precious")
    with pytest.raises(InputError, match="is a file"):
        vectors.save(tmp_path / "file", format=name, overwrite=True)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_source_that_breaks_half_way_leaves_no_target(tmp_path: Path, name: str) -> None:
    source = tmp_path / "broken.glove"
    source.write_bytes(b"a 1 2\nb 3 4\nc 5 nan\n")
    with pytest.raises(InputError, match=r"broken\.glove, line 3: a value of 'c' is NaN"):
        convert_vectors(source, tmp_path / "out", target_format=name)
    assert [each.name for each in tmp_path.iterdir()] == ["broken.glove"]


@pytest.mark.parametrize("name", WRITTEN)
def test_vectors_that_became_nan_are_not_written(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    vectors.vectors[2, 1] = np.nan
    with pytest.raises(InputError, match="'日本' is NaN"):
        vectors.save(tmp_path / "v", format=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("word", ["", "two words", "tab\t", "line\nbreak", "\ud800", " outer"])
def test_a_word_comes_back_as_it_is_or_is_refused(tmp_path: Path, name: str, word: str) -> None:
    try:
        WordVectors(["a", word], np.eye(2)).save(tmp_path / "v", format=name)
    except InputError as error:
        assert "(at 1)" in str(error)  # noqa: PT017 - either outcome is right
        assert list(tmp_path.iterdir()) == []
    else:
        assert WordVectors.load(tmp_path / "v").index_to_key == ["a", word]


def test_spaces_inside_words_can_be_written_as_something_else(tmp_path: Path) -> None:
    (tmp_path / "v.glove").write_bytes(b"at home 1 2\nb 3 4\n")
    with pytest.raises(InputError, match="cannot hold the word 'at home'"):
        convert_vectors(tmp_path / "v.glove", tmp_path / "v.vec")
    convert_vectors(tmp_path / "v.glove", tmp_path / "v.vec", spaces="_")
    assert WordVectors.load(tmp_path / "v.vec").index_to_key == ["at_home", "b"]
    (tmp_path / "v.glove").write_bytes(b"at home 1 2\nat_home 3 4\n")
    with pytest.raises(InputError, match=r"line 2: 'at_home' again; it is also on line 1"):
        convert_vectors(tmp_path / "v.glove", tmp_path / "w.vec", spaces="_")


def test_a_file_is_not_converted_onto_itself(vectors: WordVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "v.vec")
    with pytest.raises(InputError, match="read and written at once"):
        convert_vectors(tmp_path / "v.vec", tmp_path / "v.vec", target_format="glove", overwrite=True)
    assert WordVectors.load(tmp_path / "v.vec").index_to_key == vectors.index_to_key


def test_formats_that_are_unknown_untold_or_only_read_are_named(vectors: WordVectors, tmp_path: Path) -> None:
    vectors.save(tmp_path / "v.vec")
    with pytest.raises(InputError, match="unknown format 'glov' of word vectors. Did you mean 'glove'"):
        convert_vectors(tmp_path / "v.vec", tmp_path / "out", target_format="glov")
    with pytest.raises(InputError, match="its name tells no format"):
        convert_vectors(tmp_path / "v.vec", tmp_path / "out")
    with pytest.raises(InputError, match="not written in the format 'fasttext'"):
        convert_vectors(tmp_path / "v.vec", tmp_path / "out", target_format="fasttext")


@pytest.mark.parametrize("name", WRITTEN)
def test_links_are_followed_and_special_files_stay(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="pipe is (no regular file|a file)"):
        vectors.save(tmp_path / "pipe", format=name, overwrite=True)
    if name == "keyedvectors":  # gensim looks beside the link for the file of the vectors
        with pytest.raises(InputError, match="link is a symbolic link"):
            vectors.save(tmp_path / "link", format=name)
        return
    for _ in range(2):
        vectors.save(tmp_path / "link", format=name, overwrite=True)
    assert (tmp_path / "link").is_symlink()
    assert WordVectors.load(tmp_path / "real").index_to_key == vectors.index_to_key


def test_a_crash_never_leaves_old_words_beside_new_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gensim")
    n_words, size = LARGE
    old, new = ([f"{name}{number}" for number in range(n_words)] for name in ("old", "new"))
    place = tmp_path / "here" / "v.kv"
    place.parent.mkdir()
    WordVectors(old, np.zeros((n_words, size), np.float32)).save(place)
    assert place.with_name("v.kv.vectors.npy").is_file()
    crashes: list[Path] = []
    replace = Path.replace

    def replace_and_keep_what_a_crash_would_leave(source: Path, target: Path) -> Path:
        done = replace(source, target)
        crashes.append(tmp_path / f"crash{len(crashes)}")
        shutil.copytree(place.parent, crashes[-1], copy_function=os.link)
        return done

    monkeypatch.setattr(Path, "replace", replace_and_keep_what_a_crash_would_leave)
    WordVectors(new, np.ones((n_words, size), np.float32)).save(place, overwrite=True)
    monkeypatch.undo()
    found = []
    for crash in crashes:
        try:
            loaded = WordVectors.load(crash / "v.kv")
        except InputError as error:
            assert "cannot read" in str(error)  # noqa: PT017 - either outcome is right
            found.append("nothing")
        else:
            found.append(f"{loaded.index_to_key[0]} {loaded.vectors[0, 0]:.0f}")
    assert found == [*["nothing"] * 3, "new0 1"]


def test_old_vectors_stay_where_the_new_ones_cannot_be_put(tmp_path: Path) -> None:
    pytest.importorskip("gensim")
    n_words, size = LARGE
    words = [f"w{number}" for number in range(n_words)]
    WordVectors(["old"], np.zeros((1, size), np.float32)).save(tmp_path / "v.kv")
    (tmp_path / "v.kv.vectors.npy").mkdir()
    with pytest.raises(InputError, match=r"cannot write .*v\.kv"):
        WordVectors(words, np.ones((n_words, size), np.float32)).save(tmp_path / "v.kv", overwrite=True)
    assert WordVectors.load(tmp_path / "v.kv").index_to_key == ["old"]
