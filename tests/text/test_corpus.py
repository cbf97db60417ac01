from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.text import (
    UNK,
    Corpus,
    OpenVocabulary,
    Tokeniser,
    Vocabulary,
    corpus_writer,
    iterate_texts,
    lines,
    numbering,
)

BENCHMARK = Path(__file__).resolve().parents[2] / "benchmarks" / "corpus_build.py"
MOST_RESIDENT_MB = 300
tokenise = Tokeniser()
texts_of_few_words = st.lists(st.lists(st.sampled_from(list("abcdefghij")), max_size=12).map(" ".join), max_size=12)


def words_of(corpus: Corpus) -> list[list[str]]:
    return [corpus.vocabulary.decode(document) for document in corpus]


def expected_words(texts: list[str], vocabulary: Vocabulary) -> list[list[str]]:
    return [[token if token in vocabulary else "<unk>" for token in tokenise(text)] for text in texts]


@given(texts_of_few_words)
@settings(max_examples=30, deadline=None)
def test_documents_decode_to_their_tokens(texts: list[str]) -> None:
    counts = Counter(token for text in texts for token in tokenise(text))
    if not counts:
        with pytest.raises(InputError, match="no tokens"):
            Corpus.build(texts, tokeniser=tokenise, min_count=1)
        return
    corpus = Corpus.build(texts, tokeniser=tokenise, min_count=1)
    assert corpus.vocabulary == Vocabulary.from_counts(counts, min_count=1)
    assert words_of(corpus) == [tokenise(text) for text in texts]
    assert corpus.offsets[0] == 0
    assert corpus.offsets[-1] == corpus.n_tokens == counts.total()
    assert len(corpus) == len(texts)
    assert np.diff(corpus.offsets).tolist() == [len(tokenise(text)) for text in texts]


def test_rare_tokens_become_unk_and_keep_their_place() -> None:
    corpus = Corpus.build(["a b a", "c a"], tokeniser=tokenise, min_count=2)
    assert corpus.vocabulary.tokens[2:] == ("a",)
    assert words_of(corpus) == [["a", "<unk>", "a"], ["<unk>", "a"]]


def test_a_given_vocabulary_is_used_unchanged() -> None:
    vocabulary = Vocabulary.from_counts({"b": 9, "x": 8})
    corpus = Corpus.build(["a b", ""], tokeniser=tokenise, vocabulary=vocabulary)
    assert corpus.vocabulary is not None
    assert corpus.vocabulary == vocabulary
    assert words_of(corpus) == [["<unk>", "b"], []]
    assert len(Corpus.build([], tokeniser=tokenise, vocabulary=vocabulary)) == 0


def test_encoding_in_a_given_vocabulary_writes_nothing_and_keeps_the_vocabulary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vocabulary = Vocabulary.from_counts({"b": 9, "x": 8})
    on_disk = Corpus.build(["a b", "", "x"], tokeniser=tokenise, vocabulary=vocabulary, directory=tmp_path / "c")
    monkeypatch.setattr("tempfile.mkdtemp", lambda *_, **__: pytest.fail("a folder was made"))
    monkeypatch.setattr(Vocabulary, "save", lambda *_: pytest.fail("the vocabulary was written"))
    corpus = Corpus.build(["a b", "", "x"], tokeniser=tokenise, vocabulary=vocabulary)
    assert corpus.vocabulary is vocabulary
    for ours, theirs in ((corpus.ids, on_disk.ids), (corpus.offsets, on_disk.offsets)):
        assert np.array_equal(ours, theirs)
        assert ours.dtype == theirs.dtype
        assert not ours.flags.writeable


def test_the_largest_vocabulary_is_respected() -> None:
    corpus = Corpus.build(["a a a b b c"], tokeniser=tokenise, min_count=1, max_vocabulary=2)
    assert corpus.vocabulary.tokens[2:] == ("a", "b")


def test_documents_are_indexed_like_a_list() -> None:
    corpus = Corpus.build(["a", "b b"], tokeniser=tokenise, min_count=1)
    assert corpus[-1].tolist() == corpus[1].tolist() == [2, 2]
    for index in (2, -3):
        with pytest.raises(IndexError, match="has 2 documents"):
            corpus[index]


def test_texts_are_read_once() -> None:
    texts = iter(["a b", "a"])
    assert Corpus.build(texts, tokeniser=tokenise, min_count=1).n_tokens == 3


def test_a_single_string_is_refused() -> None:
    with pytest.raises(InputError, match="single string"):
        Corpus.build("a b", tokeniser=tokenise)


@given(texts=texts_of_few_words, batch=st.integers(1, 9), block=st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_batches_and_blocks_change_nothing(texts: list[str], batch: int, block: int) -> None:
    texts = ["a", *texts]
    whole = Corpus.build(texts, tokeniser=tokenise, min_count=2 if "a" in " ".join(texts[1:]) else 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numbering, "CHARACTERS_PER_BATCH", batch)
        patch.setattr(numbering, "DOCUMENTS_PER_BATCH", batch)
        patch.setattr(corpus_writer, "IDS_PER_BLOCK", block)
        patch.setattr(numbering, "CHARACTERS_PER_PIECE", 2 * block)
        pieces = Corpus.build(texts, tokeniser=tokenise, min_count=2 if "a" in " ".join(texts[1:]) else 1)
    assert pieces.vocabulary == whole.vocabulary
    assert np.array_equal(pieces.ids, whole.ids)
    assert np.array_equal(pieces.offsets, whole.offsets)


@pytest.mark.parametrize("line_break", ["<br />", "<Br />", "</br />", "<br  />"])
def test_a_long_document_is_not_cut_inside_a_break(monkeypatch: pytest.MonkeyPatch, line_break: str) -> None:
    text = f"one two{line_break}three" * 5
    for size in range(20, 50):
        monkeypatch.setattr(numbering, "CHARACTERS_PER_PIECE", size)
        corpus = Corpus.build([text], tokeniser=tokenise, min_count=1)
        assert words_of(corpus) == [tokenise(text)]


@pytest.mark.parametrize("line_break", ["<br />", "<Br />", "</br />", "<br  />"])
def test_a_long_line_is_not_cut_inside_a_break(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, line_break: str
) -> None:
    text = f"one two{line_break}three" * 5
    (tmp_path / "a.txt").write_text(text)
    for size in range(20, 50):
        monkeypatch.setattr(lines, "LONGEST_TEXT", size)
        assert [token for part in iterate_texts(tmp_path / "a.txt") for token in tokenise(part)] == tokenise(text)


def test_a_long_document_without_spaces_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "CHARACTERS_PER_PIECE", 4)
    corpus = Corpus.build(["abcdefghij kl"], tokeniser=tokenise, min_count=1)
    assert words_of(corpus) == [["abcd", "efgh", "ij", "kl"]]


@given(texts=texts_of_few_words, batch=st.integers(1, 9), workers=st.integers(1, 3), limit=st.integers(2, 12))
@settings(max_examples=60, deadline=None)
def test_compiled_code_on_several_cores_builds_the_same_corpus(
    texts: list[str], batch: int, workers: int, limit: int
) -> None:
    built = []
    for compiled in (False, True):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(numbering, "pays", lambda _, compiled=compiled: compiled)
            patch.setattr(numbering, "CHARACTERS_PER_BATCH", batch)
            patch.setattr(corpus_writer, "MOST_TYPES", limit)
            patch.setattr(corpus_writer, "TYPES_AFTER_PRUNING", limit // 2)
            every = ["a " * 40, *texts, "a a a é"]
            corpus = Corpus.build(every, tokeniser=tokenise, min_count=1, workers=workers if compiled else 1)
            known = Corpus.build(every, tokeniser=tokenise, vocabulary=corpus.vocabulary, workers=workers)
        built.append((corpus.vocabulary, *(each.tobytes() for each in (corpus.ids, corpus.offsets, known.ids))))
    assert built[0] == built[1]


def test_much_text_is_cut_by_compiled_code_from_some_place_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "CHARACTERS_PER_BATCH", 10)
    built = []
    for worth in (10**9, 60):
        monkeypatch.setattr(numbering, "pays", lambda characters, worth=worth: characters >= worth)
        corpus = Corpus.build([f"a b{n} c{n % 7}" for n in range(50)], tokeniser=tokenise, min_count=1)
        built.append((corpus.vocabulary, corpus.ids.tolist(), corpus.offsets.tolist()))
    assert built[0] == built[1]


def test_compiled_code_that_another_thread_imports_is_not_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mt2st.text.scanner", ModuleType("mt2st.text.scanner"))
    corpus = Corpus.build(["a b a"], tokeniser=tokenise, min_count=1)
    assert corpus.ids.tolist() == [2, 3, 2]


def test_words_with_ids_of_their_own_get_the_same_by_compiled_code(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for compiled in (False, True):
        monkeypatch.setattr(numbering, "pays", lambda _, compiled=compiled: compiled)
        words, ids, offsets = OpenVocabulary(Vocabulary.from_counts({"a": 9, "é": 8})), BytesIO(), BytesIO()
        corpus_writer.write_known(["a b <unk> é", "b c", "d b"], tokenise, words, ids, offsets)
        corpus_writer.write_known(["<unk> c e"], Tokeniser(tokens="whitespace"), words, ids, offsets)
        found.append((ids.getvalue(), offsets.getvalue(), words.further))
    assert found[0] == found[1]
    assert found[0][2] == ["b", "<", "unk", ">", "c", "d", "e"]


@pytest.mark.parametrize("variables", [{}, {"NUMBA_DISABLE_JIT": "1"}])
def test_numba_is_not_loaded_for_text(variables: dict[str, str]) -> None:
    script = """
import sys
from mt2st.text import Corpus, Tokeniser
corpus = Corpus.build(["a fine film. " * 1000] * 100, tokeniser=Tokeniser(), workers=2)
print(corpus.n_tokens, sorted({"numba", "llvmlite"} & set(sys.modules)))
"""
    Corpus.build(["a " * 1_000_000], tokeniser=tokenise)  # keeps the machine code
    found = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == f"400000 {[] if variables else ['llvmlite']}"


@pytest.fixture(params=[False, True], ids=["python", "compiled"])
def compiled(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "pays", lambda _: request.param)


@pytest.mark.usefixtures("compiled")
def test_past_the_limit_of_types_the_rarest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_writer, "MOST_TYPES", 50)
    monkeypatch.setattr(corpus_writer, "TYPES_AFTER_PRUNING", 25)
    monkeypatch.setattr(numbering, "CHARACTERS_PER_BATCH", 30)
    rng = np.random.default_rng(3)
    frequent = [f"f{number}" for number in range(10)]
    # Each document brings new rare words between the frequent ones, so that there are many prunings.
    texts = [" ".join([*rng.permutation(frequent), f"r{n}", f"r{n + 1}", f"r{n + 2}"]) for n in range(200)]
    corpus = Corpus.build(texts, tokeniser=tokenise, min_count=5)
    assert set(corpus.vocabulary.tokens[2:]) == set(frequent)
    assert corpus.vocabulary.counts[2:].tolist() == [200] * 10
    assert words_of(corpus) == expected_words(texts, corpus.vocabulary)


@pytest.mark.usefixtures("compiled")
def test_a_token_that_comes_back_after_pruning_starts_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corpus_writer, "MOST_TYPES", 3)
    monkeypatch.setattr(corpus_writer, "TYPES_AFTER_PRUNING", 2)
    monkeypatch.setattr(numbering, "CHARACTERS_PER_BATCH", 1)
    corpus = Corpus.build(["late a a b b", "x y", "late late"], tokeniser=tokenise, min_count=2)
    assert words_of(corpus) == [["<unk>", "a", "a", "b", "b"], ["<unk>", "<unk>"], ["late", "late"]]
    assert corpus.vocabulary.counts[corpus.vocabulary.id_of("late")] == 2


def test_ids_do_not_depend_on_the_hash_seed() -> None:
    script = (
        "from mt2st.text import Corpus, Tokeniser\n"
        "corpus = Corpus.build(['b a c a', 'd e b'], tokeniser=Tokeniser(), min_count=1)\n"
        "print(corpus.vocabulary.tokens, corpus.ids.tolist())"
    )
    outputs = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(outputs) == 1


def test_importing_the_layer_loads_neither_torch_nor_numba() -> None:
    script = "import sys, mt2st.text; print({'torch', 'numba', 'sklearn', 'pyarrow', 'datasets'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert found == "set()\n"


class TestOnDisk:
    @pytest.fixture
    def directory(self, tmp_path: Path) -> Path:
        directory = tmp_path / "corpus"
        Corpus.build(["a b a", "", "c a"], tokeniser=Tokeniser(lowercase=False), min_count=1, directory=directory)
        return directory

    def test_it_is_the_same_as_in_memory(self, directory: Path) -> None:
        kept = Corpus.open(directory)
        held = Corpus.build(["a b a", "", "c a"], tokeniser=Tokeniser(lowercase=False), min_count=1)
        assert np.array_equal(kept.ids, held.ids)
        assert np.array_equal(kept.offsets, held.offsets)
        assert kept.vocabulary == held.vocabulary
        assert kept.tokeniser == held.tokeniser == Tokeniser(lowercase=False)
        assert kept.ids.dtype == np.dtype(np.int32)
        assert kept.offsets.dtype == np.dtype(np.int64)
        for corpus in (kept, held):
            assert not corpus.ids.flags.writeable
            assert not corpus.offsets.flags.writeable

    def test_only_its_files_are_left(self, directory: Path) -> None:
        assert sorted(file.name for file in directory.iterdir()) == [
            "corpus.json",
            "ids.bin",
            "offsets.bin",
            "vocabulary.txt",
        ]
        assert list(directory.parent.iterdir()) == [directory]

    def test_a_folder_in_use_is_refused_and_kept(self, directory: Path) -> None:
        before = {file.name: file.read_bytes() for file in directory.iterdir()}
        with pytest.raises(InputError, match="is not an empty folder"):
            Corpus.build(["x"], tokeniser=tokenise, min_count=1, directory=directory)
        assert {file.name: file.read_bytes() for file in directory.iterdir()} == before

    def test_an_empty_folder_is_filled(self, tmp_path: Path) -> None:
        assert Corpus.build(["x"], tokeniser=tokenise, min_count=1, directory=tmp_path).n_tokens == 1

    def test_a_build_that_fails_leaves_nothing(self, tmp_path: Path) -> None:
        def failing() -> Iterator[str]:
            yield "a"
            raise RuntimeError

        with pytest.raises(RuntimeError):
            Corpus.build(failing(), tokeniser=tokenise, directory=tmp_path / "corpus")
        assert list(tmp_path.iterdir()) == []

    def test_an_empty_corpus_opens(self, tmp_path: Path) -> None:
        vocabulary = Vocabulary.from_counts({"a": 5})
        corpus = Corpus.build([], tokeniser=tokenise, vocabulary=vocabulary, directory=tmp_path / "corpus")
        assert (len(corpus), corpus.n_tokens) == (0, 0)

    def test_a_place_that_cannot_be_written_is_reported(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(InputError, match="cannot write"):
            Corpus.build(["a"], tokeniser=tokenise, min_count=1, directory=tmp_path / "file" / "corpus")

    @pytest.mark.parametrize(
        ("file", "content", "message"),
        [
            ("corpus.json", b"{", "cannot be read as JSON"),
            ("corpus.json", b"[]", "expected a corpus of version 1, found None"),
            ("corpus.json", b'{"version": 99}', "expected a corpus of version 1, found 99"),
            ("ids.bin", b"\0" * 8, "expected 20 bytes, as corpus.json says, found 8"),
            ("offsets.bin", b"", "expected 32 bytes"),
            ("ids.bin", np.array([2, 9, 2, 3, 2], "<i4").tobytes(), "ids outside the vocabulary's 0 to 4"),
            ("ids.bin", np.array([2, -1, 2, 3, 2], "<i4").tobytes(), "ids outside"),
            ("offsets.bin", np.array([0, 4, 3, 5], "<i8").tobytes(), "do not rise"),
            ("offsets.bin", np.array([0, 9, 9, 5], "<i8").tobytes(), "do not rise"),
            ("offsets.bin", np.array([1, 3, 3, 5], "<i8").tobytes(), "do not span"),
            ("vocabulary.txt", b"<pad>\t0\n<unk>\t0\na\t1\n", "expected 5 tokens, as corpus.json says, found 3"),
        ],
    )
    def test_damage_is_found_on_opening(self, directory: Path, file: str, content: bytes, message: str) -> None:
        (directory / file).write_bytes(content)
        with pytest.raises(InputError, match=message):
            Corpus.open(directory)

    @pytest.mark.parametrize(
        ("key", "value"),
        [("n_tokens", -1), ("n_tokens", "5"), ("ids", "<i8"), ("tokeniser", {"x": True}), ("tokeniser", None)],
    )
    def test_a_wrong_manifest_is_reported(self, directory: Path, key: str, value: object) -> None:
        manifest = json.loads((directory / "corpus.json").read_text())
        (directory / "corpus.json").write_text(json.dumps({**manifest, key: value}))
        with pytest.raises(InputError):
            Corpus.open(directory)

    def test_a_missing_file_is_reported(self, directory: Path) -> None:
        (directory / "ids.bin").unlink()
        with pytest.raises(InputError, match=r"ids\.bin: cannot be read"):
            Corpus.open(directory)
        with pytest.raises(InputError, match="holds no corpus"):
            Corpus.open(directory.parent)

    def test_a_large_corpus_is_checked_in_samples(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("mt2st.text.corpus.VALUES_PER_CHECK", 1)
        monkeypatch.setattr("mt2st.text.corpus.BLOCKS_CHECKED", 2)
        assert Corpus.open(directory).n_tokens == 5
        (directory / "ids.bin").write_bytes(np.array([2, 2, 2, 2, 99], "<i4").tobytes())
        with pytest.raises(InputError, match="ids outside"):
            Corpus.open(directory)


def test_reviews_are_encoded_as_counted(shared_data: Path) -> None:
    source = shared_data / "imdb5k" / "imdb5k.csv.gz"
    texts = list(iterate_texts(source, text="review"))[:500]
    corpus = Corpus.build(texts, tokeniser=tokenise, min_count=5)
    counts = Counter(token for text in texts for token in tokenise(text))
    assert corpus.vocabulary == Vocabulary.from_counts(counts, min_count=5)
    assert words_of(corpus) == expected_words(texts, corpus.vocabulary)
    assert corpus.n_tokens == counts.total()
    assert (corpus.ids == UNK).sum() == sum(count for count in counts.values() if count < 5)


def test_memory_stays_flat_however_many_distinct_words_there_are(tmp_path: Path) -> None:
    # The peak comes from /proc: what getrusage tells starts with the peak of the process that started this one.
    script = f"""
from pathlib import Path
from mt2st.text import Corpus, Tokeniser
texts = (" ".join(f"w{{n + i}} the" for i in range(100)) for n in range(0, 2_400_000, 100))
corpus = Corpus.build(texts, tokeniser=Tokeniser(), directory=Path({str(tmp_path / "corpus")!r}))
assert corpus.vocabulary.tokens[2:] == ("the",)
assert corpus.vocabulary.counts[2] == corpus.n_tokens / 2 == 2_400_000
print(next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")).split()[1])
"""
    output = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert int(output) / 1024 < MOST_RESIDENT_MB


def test_the_benchmark_of_corpus_building_runs() -> None:
    command = [sys.executable, str(BENCHMARK), "--megabytes", "2", "--types", "50000", "--accents"]
    figures = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert figures["peak_resident_mb"] < MOST_RESIDENT_MB
    assert figures["tokens_per_second"] > 0
