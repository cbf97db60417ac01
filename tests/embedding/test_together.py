"""Word vectors by several processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.processes import Team

from mt2st.embedding import VectorCheckpoints, together, train_word_vectors, training
from mt2st.embedding.together import Rounds, joined_corpus
from mt2st.errors import InputError, LostProcessError
from mt2st.text import Corpus, Tokeniser
from mt2st.training.processes import current

SELDOM = ["seldom twice twice", "seldom twice twice", "seldom twice twice", "twice"]
SETTINGS: dict[str, Any] = {"vector_size": 16, "window": 3, "epochs": 6, "sample": 0.0, "alpha": 0.05}


@pytest.fixture(scope="module")
def pair() -> Iterator[Team]:
    team = Team(2)
    yield team
    team.end()


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Undo `in_small_parts`."""
    before = together.FEWEST_WORDS, together.WORDS_A_ROW, training.chunk_words
    yield
    together.FEWEST_WORDS, together.WORDS_A_ROW, training.chunk_words = before


def documents(seed: int = 0, count: int = 1200) -> list[str]:
    """Each is about one of two topics with twenty words each."""
    rng = np.random.default_rng(seed)
    return [" ".join(f"{'ab'[topic]}{n}" for n in rng.integers(0, 20, 15)) for topic in rng.integers(0, 2, count)]


def own_corpus(folder: Path, min_count: int = 5, texts: list[str] | None = None) -> Corpus:
    """This process's share of the documents, in the vocabulary of all."""
    processes = current()
    texts = documents() if texts is None else texts
    own = Corpus.build(texts[processes.rank :: processes.count], tokeniser=Tokeniser(), min_count=1)
    place = folder / str(processes.rank)
    place.mkdir(exist_ok=True)
    return joined_corpus(own, processes, min_count=min_count, directory=place)


def shared(folder: Path) -> tuple[Any, ...]:
    corpus = own_corpus(folder, 5, [*documents(), *SELDOM])
    decoded = [" ".join(corpus.vocabulary.decode(each)) for each in corpus]
    return corpus.vocabulary.tokens, corpus.vocabulary.counts, decoded


def test_shares_of_a_corpus_have_one_vocabulary_with_the_counts_of_all(pair: Team, tmp_path: Path) -> None:
    first, second = pair.run(shared, tmp_path)
    assert first[0] == second[0]
    assert np.array_equal(first[1], second[1])
    whole = Corpus.build([*documents(), *SELDOM], tokeniser=Tokeniser(), min_count=5)
    counts = dict(zip(first[0], first[1].tolist(), strict=True))
    assert counts == dict(zip(whole.vocabulary.tokens, whole.vocabulary.counts.tolist(), strict=True))
    assert sorted(first[0][2:], key=lambda word: (-counts[word], word)) == list(first[0][2:])
    assert counts["twice"] == 7, "too seldom in the second share alone"
    assert "seldom" not in counts
    expected = [" ".join(whole.vocabulary.decode(each)) for each in whole]
    assert first[2] == expected[::2]
    assert second[2] == expected[1::2]


class Alike:
    """One process of several that have as much text each."""

    rank, on_machine = 0, 1

    def __init__(self, count: int) -> None:
        self.count = count

    def sums(self, values: Sequence[float]) -> list[float]:
        return [sum(values)] * len(values)


@pytest.mark.parametrize(
    ("count", "words", "joins"),
    [
        (2, 1_000_000, 20),  # each after 50,000 words
        (2, 20_000_000, 50),  # not fewer
        (64, 20_000_000, 320),  # five for each process
        (2, 500_000_000, 100),  # each after 50 words a row
    ],
)
def test_tables_are_joined_as_often_as_text_rows_and_processes_ask_for(count: int, words: int, joins: int) -> None:
    tables = [np.zeros((100_000, 1), dtype=np.float32)] * 2
    rounds = together.Rounds(Alike(count), words, tables, np.empty(0, dtype=np.bool_))  # type: ignore[arg-type]
    rounds.begin(0)
    assert rounds.due(words) == joins


def in_small_parts() -> None:
    """Let a training of a few thousand words have chunks and rounds, in the process of a test."""
    together.FEWEST_WORDS, together.WORDS_A_ROW = 2000, 10**9
    training.chunk_words = lambda _: 1000  # type: ignore[assignment]


def separation(vectors: Any) -> float:
    units = np.stack([vectors[f"{topic}{n}"] for topic in "ab" for n in range(20)])
    units = units / np.linalg.norm(units, axis=1, keepdims=True)
    alike = np.arange(40)[:, None] // 20 == np.arange(40) // 20
    cosines = units @ units.T
    return float(cosines[alike].mean() - cosines[~alike].mean())


def trained(folder: Path, method: str = "skipgram", **options: Any) -> tuple[Any, ...]:
    in_small_parts()
    processes = current()
    done: list[int] = []
    corpus = own_corpus(folder)
    vectors = train_word_vectors(
        corpus,
        method=method,
        together=processes,
        progress=lambda each: done.append(each.done),
        **{**SETTINGS, **({"bucket": 100} if "fasttext" in method else {}), **options},
    )
    return vectors.vectors, separation(vectors), done, corpus.n_tokens


@pytest.mark.parametrize("method", ["skipgram", "cbow", "skipgram-fasttext"])
def test_two_processes_end_with_the_same_vectors_which_are_as_good_as_those_of_one(
    pair: Team, tmp_path: Path, method: str
) -> None:
    (tmp_path / "one").mkdir()
    first, second = pair.run(trained, tmp_path, method)
    one = trained(tmp_path / "one", method)
    assert np.array_equal(first[0], second[0])
    assert first[2][-1] == second[2][-1] == 6 * (first[3] + second[3]) == one[2][-1]
    assert first[1] > one[1] - 0.1
    assert one[1] > 0.4


def test_a_mean_alone_would_learn_too_little(pair: Team, tmp_path: Path) -> None:
    """So the momentum matters: in so few words, one process without its help on half of the text is behind."""
    results = pair.run(few_words, tmp_path)
    (tmp_path / "one").mkdir()
    alone, half = few_words(tmp_path / "one"), few_words(tmp_path / "one", documents()[::2])
    assert results[0] == pytest.approx(alone, rel=0.15)
    assert half < 0.8 * alone


def few_words(folder: Path, texts: list[str] | None = None) -> float:
    in_small_parts()
    corpus = own_corpus(folder, texts=texts)
    vectors = train_word_vectors(corpus, together=current(), **{**SETTINGS, "epochs": 1, "alpha": 0.005})
    return float(np.linalg.norm(vectors.vectors, axis=1).mean())


def resumed(folder: Path, stop_at: int | None) -> tuple[Any, ...]:
    in_small_parts()
    return resumed_in_parts(folder, stop_at)


def resumed_in_parts(folder: Path, stop_at: int | None) -> tuple[Any, ...]:
    processes = current()
    saves = VectorCheckpoints(folder / "checkpoint", seconds=0.0, resume=True) if processes.rank == 0 else None
    corpus = own_corpus(folder)
    reports: list[int] = []

    def report(progress: Any) -> None:
        reports.append(progress.done)
        if stop_at is not None and progress.done >= stop_at:
            raise OSError("killed")

    try:
        vectors = train_word_vectors(corpus, together=processes, checkpoints=saves, progress=report, **SETTINGS)
    except OSError:
        return reports[0], None
    return reports[0], vectors.vectors, separation(vectors)


def test_they_go_on_from_a_checkpoint(pair: Team, tmp_path: Path) -> None:
    pair.run(resumed, tmp_path, 60_000)
    first, second = pair.run(resumed, tmp_path, None)
    assert first[0] >= 50_000, "not from the beginning"
    assert np.array_equal(first[1], second[1])
    assert first[2] > 0.4


def in_one_piece(folder: Path) -> tuple[Any, ...]:
    """Go on where the second process has an epoch in one piece: the last one began before the checkpoint."""
    in_small_parts()
    if current().rank:
        training.chunk_words = lambda _: 10**9  # type: ignore[assignment]
    return resumed_in_parts(folder, None)


def test_a_process_without_text_behind_the_checkpoint_joins_to_the_end(pair: Team, tmp_path: Path) -> None:
    pair.run(resumed, tmp_path, 102_000)
    first, second = pair.run(in_one_piece, tmp_path)
    assert first[0] > 96_000, "within the last epoch"
    assert np.array_equal(first[1], second[1])


class Recorded:
    """One of two processes, of which the other moves its tables by twice as much."""

    rank, count, on_machine = 0, 2, 2

    def __init__(self) -> None:
        self.starts: list[Any] = []

    def sums(self, values: Any) -> list[float]:
        return [value or 100.0 for value in values]

    def average(self, tables: Any) -> None:
        for table, start in zip(tables, self.starts, strict=True):
            table += 0.5 * (table - start)


def test_a_round_ends_with_nesterovs_momentum_on_the_mean_step_and_leaves_frozen_rows() -> None:
    group, table = Recorded(), np.zeros((6, 2), dtype=np.float32)
    frozen = np.array([False, True, False, False, False, False])
    rounds = Rounds(group, 100, [table], frozen)  # type: ignore[arg-type]
    rounds.begin(0)
    expected = velocity = 0.0
    for _ in range(4):
        before = table.copy()
        group.starts = [before]
        table[~frozen] += 1.0  # and the other process 2
        rounds.join()
        velocity = 0.5 * velocity + 1.5
        expected += 1.5 + 0.5 * velocity
        np.testing.assert_allclose(table[0], expected, rtol=1e-6)
        assert not table[1].any()


def test_a_process_that_is_lost_while_tables_are_joined_leaves_those_of_the_last_round() -> None:
    class Lost(Recorded):
        def average(self, tables: Any) -> None:
            for table in tables:
                table[:3] *= 2  # the sum of both, and then the other has gone
                raise LostProcessError("gone")

    tables = [np.ones((6, 2), dtype=np.float32), np.zeros((6, 2), dtype=np.float32)]
    rounds = Rounds(Lost(), 100, tables, np.empty(0, np.bool_))  # type: ignore[arg-type]
    rounds.begin(0)
    for table in tables:
        table += 1.0
    with pytest.raises(LostProcessError):
        rounds.join()
    assert (tables[0] == 1).all()
    assert (tables[1] == 0).all()


def test_no_round_ends_without_training() -> None:
    """Else momentum alone would move the tables, time after time."""

    class Eight(Recorded):
        count = 8

        def sums(self, values: Any) -> list[float]:
            return [50_000.0] * 8

    tables = [np.zeros((200, 2), dtype=np.float32)] * 2
    assert Rounds(Eight(), 50_000, tables, np.empty(0, np.bool_)).due(50_000) == 1  # type: ignore[arg-type]


def test_all_processes_have_the_same_number_of_rounds_whatever_their_words() -> None:
    class Share(Recorded):
        def __init__(self, sizes: list[int], rank: int) -> None:
            self.sizes, self.rank, self.count = sizes, rank, len(sizes)

        def sums(self, values: Any) -> list[float]:
            return [float(size) for size in self.sizes]

    sizes = [10_000_000, 9_000_000, 70_000]
    tables = [np.zeros((10, 2), dtype=np.float32)] * 2
    for rank, words in enumerate(sizes):
        rounds = Rounds(Share(sizes, rank), words, tables, np.empty(0, np.bool_))  # type: ignore[arg-type]
        ended = 0
        for done in [*range(0, words, 50_000), words][1:]:
            due = rounds.due(done)
            rounds._joined += due
            ended += due
        assert rounds.total == sum(sizes)
        assert ended == rounds._count >= 50


def test_a_process_without_text_is_refused() -> None:
    class Nothing(Recorded):
        def sums(self, values: Any) -> list[float]:
            return [100.0, 0.0]

    with pytest.raises(InputError, match="2 processes, but only 1 of them have text"):
        Rounds(Nothing(), 100, [np.zeros((2, 2), np.float32)], np.empty(0, np.bool_))  # type: ignore[arg-type]
