"""Analogy tests: gensim's numbers, the closed forms, and each different question once in the totals."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st import WordVectors
from mt2st.errors import InputError
from mt2st.evaluation import AnalogySection, evaluate_analogies, packaged_analogies, read_analogies
from mt2st.evaluation import analogies as module
from mt2st.evaluation.analogies import Method

SETTINGS: list[dict[str, Any]] = [
    {},
    {"case_insensitive": False},
    {"dummy4unknown": True},
    {"restrict_vocab": 400},
    {"restrict_vocab": 10_000_000},
]


def with_relations(sections: list[AnalogySection], *, noise: float, size: int = 12, others: int = 60) -> WordVectors:
    """Vectors in which relations are offsets, more or less; some words are lost, some have several spellings."""
    rng = np.random.default_rng(5)
    vectors: dict[str, np.ndarray] = {}
    for section in sections:
        offset = rng.normal(size=size)
        for a, b, c, d in section.questions:
            for word, related in ((a, b), (c, d)):
                base = vectors.setdefault(word, rng.normal(size=size))
                vectors.setdefault(related, base + offset + noise * rng.normal(size=size))
    lost = set(rng.choice(sorted(vectors), size=len(vectors) // 10, replace=False).tolist())
    words = {word: vector for word, vector in vectors.items() if word not in lost}
    for word in list(words)[::3]:  # other spellings, near and far
        words[word.title()] = words[word] + 0.2 * rng.normal(size=size)
        words[word.upper()] = rng.normal(size=size)
    words |= {f"other{i}": rng.normal(size=size) for i in range(others)}
    order = rng.permutation(len(words))
    keys = list(words)
    return WordVectors([keys[i] for i in order], np.array([words[keys[i]] for i in order], dtype=np.float32))


def written(sections: list[AnalogySection], path: Path) -> Path:
    """The questions as gensim wants them."""
    lines = [line for each in sections for line in (f": {each.name}", *map(" ".join, each.questions))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def as_gensim(vectors: WordVectors) -> Any:
    keyed_vectors = pytest.importorskip("gensim.models.keyedvectors")
    theirs = keyed_vectors.KeyedVectors(vectors.vector_size)
    theirs.add_vectors(vectors.index_to_key, vectors.vectors)
    return theirs


def check_agreement(sections: list[AnalogySection], vectors: WordVectors, path: Path, settings: dict[str, Any]) -> None:
    score, theirs = as_gensim(vectors).evaluate_word_analogies(str(written(sections, path)), **settings)
    ours = evaluate_analogies(vectors, read_analogies(path), **settings)
    assert ours.with_repeats.accuracy == score
    fold = str.upper if settings.get("case_insensitive", True) else str
    for section, result in zip(theirs[:-1], ours.sections, strict=True):
        assert result.section.name == section["section"]
        right = [
            tuple(map(fold, q)) for q, good in zip(result.section.questions, result.right.tolist(), strict=True) if good
        ]
        assert right == section["correct"]
        assert result.score.judged == len(section["correct"]) + len(section["incorrect"])
    assert 0 < ours.total.correct < ours.total.seen  # else the agreement would say little


@pytest.mark.parametrize("settings", SETTINGS)
def test_gensim_gives_the_same_score_and_the_same_right_answers(tmp_path: Path, settings: dict[str, Any]) -> None:
    sections = [AnalogySection(each.name, each.questions[::17]) for each in packaged_analogies()[2:7]]
    check_agreement(sections, with_relations(sections, noise=0.3), tmp_path / "questions.txt", settings)


@pytest.mark.parametrize("settings", SETTINGS[:3])
def test_gensim_agrees_on_the_questions_of_mikolov(shared_data: Path, tmp_path: Path, settings: dict[str, Any]) -> None:
    files = sorted((shared_data / "analogies").glob("*.txt"))
    read = [section for file in files for section in read_analogies(file)]
    assert (len(read), sum(len(each.questions) for each in read)) == (14, 19_544)
    sections = [AnalogySection(each.name, each.questions[::23]) for each in read]
    check_agreement(sections, with_relations(sections, noise=0.3), tmp_path / "questions.txt", settings)


def test_3cosmul_answers_as_gensim_does_question_by_question() -> None:
    sections = [AnalogySection(each.name, each.questions[::41]) for each in packaged_analogies()[3:6]]
    vectors = with_relations(sections, noise=0.6)
    theirs = as_gensim(vectors)
    result = evaluate_analogies(vectors, sections, method="3cosmul", case_insensitive=False)
    different = 0
    by_sum = evaluate_analogies(vectors, sections, case_insensitive=False)
    for section, sums in zip(result.sections, by_sum.sections, strict=True):
        for (a, b, c, d), answer, right in zip(section.section.questions, section.answers, section.right, strict=True):
            if not all(word in vectors for word in (a, b, c, d)):
                assert answer == -1
                continue
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # deprecations within gensim
                expected = theirs.most_similar_cosmul(positive=[b, c], negative=[a], topn=1)[0][0]
            assert vectors.index_to_key[answer] == expected
            assert right == (expected == d)
        different += int((section.answers != sums.answers).sum())
    assert different > 0  # the two methods are not the same


@pytest.mark.parametrize("method", ["3cosadd", "3cosmul"])
def test_answers_follow_the_closed_form_whatever_the_blocks(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    words = [f"w{i}" for i in range(57)]
    vectors = WordVectors(words, rng.normal(size=(57, 5)))
    questions = [tuple(rng.choice(words, size=4).tolist()) for _ in range(83)]  # some with a word twice
    section = AnalogySection("any", tuple(questions))
    units = vectors.vectors.astype(np.float64)
    units /= np.linalg.norm(units, axis=1, keepdims=True)
    cosines = units @ units.T
    expected = []
    for a, b, c, _ in questions:
        to_a, to_b, to_c = (cosines[vectors.index(word)] for word in (a, b, c))
        if method == "3cosadd":
            scores = to_b + to_c - to_a
        else:
            scores = (1 + to_b) / 2 * (1 + to_c) / 2 / ((1 + to_a) / 2 + 1e-6)
        scores[[vectors.index(word) for word in (a, b, c)]] = -np.inf
        expected.append(int(scores.argmax()))
    for rows, at_once, in_cache in ((2048, 2048, 128), (10, 7, 3), (1, 1, 1)):
        monkeypatch.setattr(module, "_ROWS_AT_ONCE", rows)
        monkeypatch.setattr(module, "_QUESTIONS_AT_ONCE", at_once)
        monkeypatch.setattr(module, "_IN_CACHE", in_cache)
        result = evaluate_analogies(vectors, [section], method=method)
        assert result.sections[0].answers.tolist() == expected


def test_no_word_of_the_question_is_an_answer_in_any_spelling() -> None:
    #            a        b        c        and c again, nearest of all, then the right one
    words = ["man", "king", "woman", "Woman", "WOMAN", "queen"]
    values = np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0.5, 1], [0, 0.6, 1], [0, 1, 0.3]])
    section = AnalogySection("royal", (("man", "king", "woman", "queen"),))
    assert evaluate_analogies(WordVectors(words, values), [section]).total.correct == 1
    spelled = evaluate_analogies(WordVectors(words, values), [section], case_insensitive=False)
    assert words[spelled.sections[0].answers[0]] == "WOMAN"


def test_the_first_spelling_gives_the_vector_and_any_spelling_is_right() -> None:
    words = ["Man", "King", "Woman", "far", "Queen", "queen"]
    values = np.array([[1.0, 0, 0], [1, 1, 0], [0, 0, 1], [-1, -1, -1], [-1, 0, 0], [0, 1, 1]])
    result = evaluate_analogies(WordVectors(words, values), [AnalogySection("x", (("man", "king", "woman", "QUEEN"),))])
    assert result.sections[0].answers.tolist() == [5]
    assert result.total.correct == 1


def test_repeats_count_in_their_sections_and_once_in_the_totals() -> None:
    values = np.array([[1.0, 1, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1], [5, -3, 1], [1, -1, -1]])
    vectors = WordVectors(["paris", "france", "rome", "italy", "apple", "pear"], values)
    right = ("france", "paris", "italy", "rome")
    wrong = ("france", "paris", "apple", "pear")
    unknown = ("france", "paris", "peru", "lima")
    sections = [
        AnalogySection("capital", (right, wrong, unknown)),
        AnalogySection("common capital", (right, ("France", "Paris", "Italy", "Rome"))),
        AnalogySection("gram-none", (unknown,)),
    ]
    report = evaluate_analogies(vectors, sections)
    assert [(each.score.correct, each.score.seen, each.score.total) for each in report.sections] == [
        (1, 2, 3),
        (2, 2, 2),
        (0, 0, 1),
    ]
    assert (report.semantic.correct, report.semantic.seen, report.semantic.total) == (1, 2, 3)
    assert report.syntactic.accuracy is None
    assert (report.total.correct, report.total.seen, report.total.total) == (1, 2, 3)
    assert (report.with_repeats.correct, report.with_repeats.seen, report.with_repeats.total) == (3, 4, 6)
    assert report.repeats == 3
    counted = evaluate_analogies(vectors, sections, dummy4unknown=True)
    assert counted.total.accuracy == pytest.approx(1 / 3)
    assert counted.syntactic.accuracy == 0
    assert evaluate_analogies(vectors, sections, case_insensitive=False).repeats == 2


def test_zero_vectors_and_too_few_words_are_no_fault() -> None:
    section = AnalogySection("x", (("a", "b", "c", "d"),))
    zeros = WordVectors(["a", "b", "c", "d"], np.zeros((4, 2)))
    assert evaluate_analogies(zeros, [section], method="3cosmul").total.correct == 1  # the only word left
    spellings = WordVectors(["a", "b", "A", "B"], np.eye(4))
    nothing_left = evaluate_analogies(spellings, [AnalogySection("x", (("a", "b", "a", "b"),))])
    assert nothing_left.sections[0].answers.tolist() == [-1]
    assert nothing_left.total.correct == 0


def test_requests_that_make_no_sense_are_refused() -> None:
    vectors = WordVectors(["a", "b"], np.eye(2))
    section = AnalogySection("x", (("a", "b", "c", "d"),))
    with pytest.raises(
        InputError, match=r"method should be '3cosadd' or '3cosmul', found '3cosad'. Did you mean '3cosadd'\?"
    ):
        evaluate_analogies(vectors, [section], method="3cosad")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="no analogy question"):
        evaluate_analogies(vectors, [AnalogySection("x", ())])
    with pytest.raises(InputError, match="restrict_vocab should be greater than or equal to 1, found 0"):
        evaluate_analogies(vectors, [section], restrict_vocab=0)
