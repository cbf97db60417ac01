"""All tests of word vectors at once: what is asked by default, what is refused, and what is said beside the figures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mt2st import WordVectors
from mt2st.errors import InputError
from mt2st.evaluation import WordVectorTests, evaluate_word_vectors, word_vectors


@pytest.fixture
def vectors() -> WordVectors:
    words = [
        "cat",
        "cats",
        "dog",
        "dogs",
        "hotel",
        "hotels",
        "house",
        "houses",
        "king",
        "queen",
        "man",
        "woman",
        "tiger",
        "book",
        "paper",
    ]
    return WordVectors(words, np.random.default_rng(0).normal(size=(len(words), 6)))


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_without_files_the_packaged_tests_are_asked(vectors: WordVectors) -> None:
    pytest.importorskip("gensim")
    report = evaluate_word_vectors(vectors)
    assert report.analogies is not None
    assert "country-capital" in {each.section.name for each in report.analogies.sections}
    assert report.analogies.total.seen > 0
    assert [(each.name, each.total) for each in report.similarity] == [("wordsim353", 353), ("simlex999", 999)]
    json.dumps(report.as_dict(), allow_nan=False)


def test_where_gensim_is_not_there_it_is_said(vectors: WordVectors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_vectors, "gensim_similarity_files", list)
    report = evaluate_word_vectors(vectors)
    assert report.similarity == ()
    assert any("pip install 'mt2st[gensim]'" in note for note in report.notes)


def test_only_the_files_named_are_asked(vectors: WordVectors, tmp_path: Path) -> None:
    questions = write(tmp_path / "gram-plural.txt", "cat cats dog dogs\ncat cats house houses\n")
    report = evaluate_word_vectors(vectors, WordVectorTests.read(analogies=[questions]))
    assert report.analogies is not None
    assert (report.analogies.syntactic.seen, report.analogies.semantic.total) == (2, 0)
    assert report.similarity == ()
    pairs = write(tmp_path / "pairs.txt", "cat dog 3\ndog house 1\nking queen 9\n")
    report = evaluate_word_vectors(vectors, WordVectorTests.read(similarity=[pairs]))
    assert report.analogies is None
    assert report.similarity[0].seen == 3


def test_few_questions_and_repeats_are_noted(vectors: WordVectors, tmp_path: Path) -> None:
    questions = write(tmp_path / "q.txt", "cat cats dog dogs\n: again\ncat cats dog dogs\n")
    small = write(tmp_path / "small.txt", "cat dog 3\ndog house 1\nking queen 9\ndog cat 4\n")
    large = write(tmp_path / "large.txt", "cat dog 3\ndog house 1\nking queen 9\nbook paper 7\n")
    tests = WordVectorTests.read([questions], [small, large])
    notes = "\n".join(evaluate_word_vectors(vectors, tests).notes)
    assert "analogies: only 1 of 1 questions seen" in notes
    assert "1 of 2 questions are repeats" in notes
    assert "small: only 4 of 4 pairs seen" in notes
    assert "small (1 of 4)" in notes


def test_tests_of_which_nothing_can_be_asked_are_refused(vectors: WordVectors, tmp_path: Path) -> None:
    questions = write(tmp_path / "q.txt", "katze katzen hund hunde\n")
    pairs = write(tmp_path / "p.txt", "katze hund 3\n")
    with pytest.raises(InputError, match=r"q.txt: no question has vectors for all its words"):
        evaluate_word_vectors(vectors, WordVectorTests.read([questions]))
    with pytest.raises(InputError, match=r"p.txt: no pair has vectors for both its words"):
        evaluate_word_vectors(vectors, WordVectorTests.read(similarity=[pairs]))
    with pytest.raises(InputError, match="no packaged question or pair, which are English"):
        evaluate_word_vectors(WordVectors(["katze", "hund"], np.eye(2)))
