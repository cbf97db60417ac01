"""The memory that a training takes: what is told before it, and that it is kept."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest

from mt2st.embedding import (
    Footprint,
    GloveSettings,
    SubwordRows,
    SubwordVectors,
    WordVectors,
    WordVectorSettings,
    memory,
    train_glove,
    train_word_vectors,
)
from mt2st.embedding.glove.counting import counting_memory
from mt2st.errors import InputError
from mt2st.text import Corpus, Tokeniser

TOKENS = ["<pad>", "<unk>", *(f"word{i}" for i in range(998))]


def test_tables_are_counted_exactly() -> None:
    assert Footprint.of(WordVectorSettings(vector_size=50), TOKENS).tables == 2 * 1000 * 50 * 4
    with_ngrams = WordVectorSettings(method="cbow-fasttext", vector_size=50, bucket=700)
    assert Footprint.of(with_ngrams, TOKENS).tables == (2 * 1000 + 700) * 50 * 4


def test_ngrams_are_counted_exactly() -> None:
    settings = WordVectorSettings(method="skipgram-fasttext", min_n=2, max_n=5, bucket=700)
    rows = SubwordRows.of(TOKENS, settings.ngrams)
    kept, hashed = 3 * (rows.rows.nbytes + rows.offsets.nbytes - 8), 100 * rows.rows.size
    assert Footprint.of(settings, TOKENS).ngrams == kept + hashed
    assert Footprint.of(WordVectorSettings(), TOKENS).ngrams == 0


def test_given_vectors_count_as_far_as_they_exceed_the_room_of_the_output_vectors() -> None:
    settings = WordVectorSettings(method="cbow-fasttext", vector_size=8, bucket=700)
    given = SubwordVectors(TOKENS[2:], np.zeros((998 + 700, 8), dtype=np.float32), settings.ngrams)
    alone, with_given = Footprint.of(settings, TOKENS), Footprint.of(settings, TOKENS, given)
    assert with_given.given == 4 * 8 * (998 + 700 + 998 - 1000)
    assert with_given.total == alone.total + with_given.given
    assert Footprint.of(settings, TOKENS, WordVectors(["a"], np.zeros((1, 8)))).given == 0


def test_several_processes_keep_two_copies_of_the_tables_and_send_one() -> None:
    settings = WordVectorSettings(method="cbow-fasttext", vector_size=8, bucket=700)
    alone, joined = Footprint.of(settings, TOKENS), Footprint.of(settings, TOKENS, joined=True)
    assert joined.total == alone.total + joined.joining
    assert joined.joining == 2 * alone.tables + (1000 + 700) * 8 * 4


def test_the_sum_that_is_shown_is_that_of_the_parts_that_are_shown() -> None:
    shown = str(Footprint(tables=1, vocabulary=memory.MEGABYTE + 1, scratch=2))
    assert shown == "4 MB (tables 1 MB, vocabulary 2 MB, kernels 1 MB)"


def test_every_thread_has_scratch_of_its_own_and_it_grows_with_the_window() -> None:
    one, two, wide = (
        Footprint.of(WordVectorSettings(workers=workers, window=window), TOKENS)
        for workers, window in ((1, 5), (2, 5), (1, 50_000))
    )
    assert two.scratch == 2 * one.scratch
    assert one.scratch < 10 << 20 < wide.scratch
    assert one.total == one.tables + one.vocabulary + one.scratch
    assert re.fullmatch(r"\d+ MB \(tables 1 MB, vocabulary 1 MB, kernels \d+ MB\)", str(one))


@pytest.mark.parametrize("method", ["skipgram", "cbow-fasttext"])
def test_a_training_that_does_not_fit_is_refused_before_it_starts(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus.build(["the cat sat on the mat"], tokeniser=Tokeniser(), min_count=1)
    told: list[Footprint] = []
    train_word_vectors(corpus, method=method, epochs=1, sample=0, bucket=9, on_memory=told.append)
    monkeypatch.setattr(memory, "available_memory", lambda: told[0].total - 1)
    with pytest.raises(InputError, match=r"training 7 vectors of 100 dimensions takes .* MB .* are available"):
        train_word_vectors(corpus, method=method, epochs=1, sample=0, bucket=9)
    monkeypatch.setattr(memory, "available_memory", lambda: told[0].total)
    train_word_vectors(corpus, method=method, epochs=1, sample=0, bucket=9)


def test_processes_of_one_machine_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Two:
        rank, count, on_machine = 0, 2, 2

    corpus = Corpus.build(["the cat sat on the mat"], tokeniser=Tokeniser(), min_count=1)
    need = Footprint.of(WordVectorSettings(), corpus.vocabulary.tokens, joined=True).total
    monkeypatch.setattr(memory, "available_memory", lambda: 2 * need - 1)
    with pytest.raises(InputError, match="in 2 processes on this machine takes"):
        train_word_vectors(corpus, epochs=1, together=Two())  # type: ignore[arg-type]


def test_glove_that_does_not_fit_is_refused_before_it_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    texts = (" ".join(f"w{number}" for number in rng.integers(0, 2_000, 500)) for _ in range(100))
    corpus = Corpus.build(texts, tokeniser=Tokeniser(), min_count=1)
    monkeypatch.setattr(memory, "available_memory", lambda: 9 << 20)
    with pytest.raises(InputError, match="takes 10 MB of memory, and 9 MB are available: 6 MB of it are for the cou"):
        train_glove(corpus, memory_mb=6, epochs=1)
    train_glove(corpus, memory_mb=5, epochs=1)


def test_glove_asks_for_no_more_than_a_small_corpus_can_fill(monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = Corpus.build(["the cat sat on the mat"], tokeniser=Tokeniser(), min_count=1)
    monkeypatch.setattr(memory, "available_memory", lambda: 3 << 20)
    train_glove(corpus, memory_mb=1_000_000, epochs=1)
    counting = counting_memory(6, 7, GloveSettings.window, 1_000_000 << 20)
    assert Footprint.of_glove(7, 100, counting).total < 3 << 20


PEAK = """
import re, sys
from pathlib import Path
import numpy as np
from mt2st.embedding import train_word_vectors
from mt2st.text import Corpus, Tokeniser, Vocabulary

method, init, V, D = sys.argv[1], sys.argv[2] or None, int(sys.argv[4]), int(sys.argv[5])
BUCKET = 20_000

def status(name):  # of this program; ru_maxrss would begin with that of the one that started it
    return int(re.search(name + r":\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

class Made:
    def __init__(self, n_words, words):
        self.ids = np.random.default_rng(0).integers(2, n_words, words).astype(np.int32)
        self.ids[: n_words - 2] = np.arange(2, n_words)  # every word at least once
        self.offsets = np.arange(0, words + 1, 20)
        counts = np.bincount(self.ids, minlength=n_words)
        counts[:2] = 0
        self.vocabulary = Vocabulary(("<pad>", "<unk>", *(f"w{i}" for i in range(2, n_words))), counts)

small, large = Made(50, 1000), Made(V, 2 * V)
train_word_vectors(small, method=method, epochs=1, bucket=100)  # loads the kernels
Path("/proc/self/clear_refs").write_text("5")  # the peak starts anew
before = status("VmRSS")
told = []
vectors = train_word_vectors(
    large, method=method, vector_size=D, epochs=1, sample=0, bucket=BUCKET, init_vectors=init, on_memory=told.append
)
tables = 4 * D * (2 * V + (BUCKET if "fasttext" in method else 0))
if init is None:
    save = vectors.save_folder if "fasttext" in method else vectors.save
    save(sys.argv[3], overwrite=True)
taken = status("VmHWM") - before
assert told[0].tables == tables
print(tables, told[0].total, taken)
"""


@pytest.mark.parametrize(
    ("method", "n_words", "size"),
    [("skipgram", 200_000, 100), ("skipgram", 60_000, 300), ("cbow-fasttext", 60_000, 300)],
)
def test_the_peak_is_what_was_told_and_at_most_the_two_tables_and_200_mb(
    method: str, n_words: int, size: int, tmp_path: Path
) -> None:
    """The peak of resident memory, less what the program has after its imports and a training on a thousand words."""
    if "fasttext" in method and tuple(map(int, version("safetensors").split(".")[:2])) < (0, 8):
        pytest.skip("safetensors before 0.8 copies a table while it writes it")
    vectors = tmp_path / ("ngrams" if "fasttext" in method else "v.bin")
    starts = [""] if (method, n_words) == ("skipgram", 60_000) else ["", str(vectors)]
    for init in starts:
        arguments = [sys.executable, "-c", PEAK, method, init, str(vectors), str(n_words), str(size)]
        done = subprocess.run(arguments, check=True, capture_output=True, text=True)
        tables, told, taken = map(int, done.stdout.split())
        assert 0.9 * tables < taken < tables + 200e6
        assert taken < told + 10e6, (init, tables, told, taken)  # what the allocator keeps for later


GLOVE_PEAK = (
    PEAK[: PEAK.index("small, large")]
    + """
from mt2st.embedding import Footprint, train_glove
from mt2st.embedding.glove.counting import counting_memory

MEMORY = 8
small, large = Made(50, 1000), Made(V, 200_000)
train_glove(small, epochs=1)
Path("/proc/self/clear_refs").write_text("5")
before = status("VmRSS")
vectors = train_glove(large, vector_size=D, window=4, epochs=1, memory_mb=MEMORY)
taken = status("VmHWM") - before
counting = counting_memory(200_000, V, 4, MEMORY << 20)
print(4 * 4 * V * (D + 1), Footprint.of_glove(V, D, counting).total, taken)
"""
)


def test_the_peak_of_glove_is_what_was_told_with_its_co_occurrences_on_disk() -> None:
    """Nine megabytes of co-occurrences, in runs and then mapped, beside eight in memory."""
    arguments = [sys.executable, "-c", GLOVE_PEAK, "glove", "", "", "60000", "100"]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    tables, told, taken = map(int, done.stdout.split())
    assert 0.9 * tables < taken
    assert taken < told + 10e6, (tables, told, taken)  # what the allocator keeps for later
