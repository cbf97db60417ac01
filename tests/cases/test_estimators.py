"""Estimators as people use them: in pipelines and searches, with settings of numpy, in threads and processes."""

from __future__ import annotations

import copy
import multiprocessing
import pickle
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from joblib import Parallel, delayed
from sklearn.base import clone
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from tests.cli.conftest import FAST

from mt2st import TextClassifier
from mt2st.cli.main import main
from mt2st.errors import InputError
from mt2st.models import Compute, Embedding, Optimisation, Text

TEXTS = ["a good film", "a fine good cast", "a bad film", "a dull bad plot"] * 6
LABELS = ["+", "+", "-", "-"] * 6


def small(*, epochs: int = 8, **settings: Any) -> TextClassifier:
    return TextClassifier(
        encoder="mean",
        embedding=Embedding(vector_size=16),
        text=Text(min_count=1),
        optimisation=Optimisation(epochs=epochs, learning_rate=0.1, embedding_learning_rate=0.1),
        compute=Compute(parallel_context=False),
        **settings,
    )


def score(seed: int) -> float:
    return small(seed=seed).fit(TEXTS, LABELS).score(TEXTS, LABELS)


def test_columns_of_numbers_are_in_the_numbers_order() -> None:
    texts, labels = [f"word{number} film" for number in range(12)] * 8, list(range(12)) * 8
    model = small(epochs=20).fit(texts, labels)
    assert model.classes_.tolist() == list(range(12))
    assert model.predict_proba(texts[:12]).argmax(axis=1).tolist() == list(range(12))


def test_scikit_learns_tools_take_it() -> None:
    assert isinstance(clone(small()), TextClassifier)
    assert len(cross_val_score(small(), np.array(TEXTS), np.array(LABELS), cv=2, error_score="raise")) == 2
    pipeline = make_pipeline(FunctionTransformer(), small()).fit(TEXTS, LABELS)
    assert pipeline.predict(TEXTS[:2]).tolist() == ["+", "+"]


def test_pandas_columns_with_gaps_in_the_index(recwarn: pytest.WarningsRecorder) -> None:
    texts = pd.Series(TEXTS, index=range(100, 124))
    labels = pd.Series(LABELS, index=range(5, 29)).astype("category")
    assert small().fit(texts, labels, validation=(texts[:6], labels[:6])).score(texts, labels) == 1.0
    assert small().fit(texts.astype("string"), labels).score(texts.astype("string"), labels) == 1.0
    missing = texts.copy()
    missing.iloc[3] = None
    with pytest.raises(InputError, match="number 3"):
        small().fit(missing, labels)
    assert not [each for each in recwarn if "mt2st" in str(each.filename)]


def test_validation_data_are_a_pair_of_any_kind() -> None:
    for pair in ((TEXTS[:4], LABELS[:4]), [TEXTS[:4], LABELS[:4]]):
        assert small().fit(TEXTS, LABELS, validation=pair).classes_.tolist() == ["+", "-"]
    for wrong in (None, "0.2", [TEXTS, LABELS, LABELS]):
        with pytest.raises(InputError, match="validation must be a share between 0 and 1, or"):
            small().fit(TEXTS, LABELS, validation=wrong)  # type: ignore[arg-type]


def test_settings_may_be_numbers_of_numpy() -> None:
    model = TextClassifier(optimisation=Optimisation(epochs=np.int64(3), learning_rate=np.float32(0.5)))  # type: ignore[arg-type]
    found = model.checked_settings().optimisation
    assert (found.epochs, type(found.epochs), found.learning_rate) == (3, int, 0.5)


def test_a_strategy_and_places_are_taken_by_name(tmp_path: Path) -> None:
    model = small(strategy="diminish")
    model.fit(TEXTS, LABELS, log=str(tmp_path / "m.jsonl"), checkpoint=str(tmp_path / "checkpoint"))
    model.save(str(tmp_path / "model"))
    assert (tmp_path / "m.jsonl").exists()


def test_generators_threads_and_subnormal_numbers_are_as_before() -> None:
    state, threads = torch.random.get_rng_state(), torch.get_num_threads()
    numpy_state = np.random.get_state()[1].copy()  # type: ignore[index]  # noqa: NPY002
    score(1)
    assert torch.equal(state, torch.random.get_rng_state())
    assert torch.get_num_threads() == threads
    assert (numpy_state == np.random.get_state()[1]).all()  # type: ignore[index]  # noqa: NPY002
    assert np.float32(1e-39) * np.float32(1) != 0
    assert (torch.tensor([1e-39]) * 1.0).item() != 0


def test_copies_pickles_threads_and_workers() -> None:
    model = small().fit(TEXTS, LABELS)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert again.predict(TEXTS[:2]).tolist() == ["+", "+"]
    assert Parallel(n_jobs=2)(delayed(score)(seed) for seed in (1, 2)) == [1.0, 1.0]
    found: list[float] = []
    threads = [threading.Thread(target=lambda: found.append(score(1))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 2


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking with threads, which is what is tested
def test_a_forked_child_fits_after_its_parent() -> None:
    score(1)
    fork = multiprocessing.get_context("fork")
    queue = fork.Queue()
    child = fork.Process(target=lambda: queue.put(score(1)))
    child.start()
    try:
        assert queue.get(timeout=90) == 1.0
    finally:
        child.join(5)
        child.kill()


def test_similarity_files_as_published_and_vertical_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "v.vec").write_text("3 2\nold 0.5 1\nnew 1 0.5\nfilm 1 1\n", encoding="utf-8")
    (tmp_path / "ws.csv").write_text(
        "Word 1,Word 2,Human (mean)\nold,new,1.5\nnew,film,3\nold,film,2\n", encoding="utf-8"
    )
    (tmp_path / "simlex.txt").write_text("word1\tword2\tPOS\tSimLex999\nold\tnew\tA\t1.58\n", encoding="utf-8")
    assert main(["vectors", "evaluate", str(tmp_path / "v.vec"), "--similarity", str(tmp_path / "ws.csv")]) == 0
    assert main(["vectors", "evaluate", str(tmp_path / "v.vec"), "--similarity", str(tmp_path / "simlex.txt")]) == 2
    assert "two words and a score" in capsys.readouterr().err
    (tmp_path / "vertical.txt").write_text("a\nfine\nfilm\n" * 20, encoding="utf-8")
    arguments = [
        "vectors",
        "train",
        str(tmp_path / "vertical.txt"),
        "--output",
        str(tmp_path / "o.vec"),
        "--min-count",
        "1",
    ]
    assert main(arguments) == 2
    assert "no two words" in capsys.readouterr().err


def test_labels_beyond_the_terminals_encoding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = ("\u0434\u0430", "\u043d\u0435\u0442")
    rows = [f"a {'good' if number % 2 else 'bad'} film,{labels[number % 2]}\n" for number in range(40)]
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
    assert main(["train", str(tmp_path / "a.csv"), "--output", str(tmp_path / "run"), *FAST]) == 0
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "run"), "good film"]) == 0
    assert labels[0] in capsys.readouterr().out
