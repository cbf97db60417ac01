"""A classifier in a spaCy pipeline."""

from __future__ import annotations

import runpy
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st import MultiLabelClassifier, Tagger, Text, TextClassifier
from mt2st.errors import InputError, MissingExtraError
from mt2st.models import Optimisation

spacy = pytest.importorskip("spacy")
import mt2st.integrations.spacy  # noqa: E402  # registers the component where the entry point is not installed

TEXTS = ["a warm film", "a dull film", "warm, fine!", "dull and long"] * 10
LABELS = ["good", "bad"] * 20
NEW = ["So warm, so fine", "long", "", "neither known nor new", "the cast is fine; the plot is dull"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("models") / "mean"
    TextClassifier(encoder="mean", text=Text(min_count=1)).fit(TEXTS, LABELS).save(place, about=["films"])
    return place


def pipeline(folder: Path) -> Any:
    nlp = spacy.blank("en")
    nlp.add_pipe("mt2st_textcat").from_disk(folder)
    return nlp


def cats(nlp: Any, texts: list[str] = NEW) -> list[dict[str, float]]:
    return [doc.cats for doc in nlp.pipe(texts)]


def test_the_categories_are_the_classifiers_probabilities(folder: Path) -> None:
    expected, _ = TextClassifier.load(folder).predict_known(NEW)
    nlp = pipeline(folder)
    assert nlp.pipe_labels["mt2st_textcat"] == ["bad", "good"]
    for found in (cats(nlp), [nlp(text).cats for text in NEW], [doc.cats for doc in nlp.pipe(NEW, batch_size=2)]):
        assert [list(each) for each in found] == [["bad", "good"]] * len(NEW)
        np.testing.assert_allclose([list(each.values()) for each in found], expected, rtol=1e-6)


def test_a_saved_pipeline_needs_nothing_but_its_folder(folder: Path, tmp_path: Path) -> None:
    nlp = pipeline(folder)
    expected = cats(nlp)
    nlp.to_disk(tmp_path / "pipeline")
    nlp.to_disk(tmp_path / "pipeline")  # again, in place of it
    again = spacy.load(tmp_path / "pipeline")
    assert cats(again) == expected
    assert cats(spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes())) == expected
    card = (folder / "README.md").read_text(encoding="utf-8")
    assert (tmp_path / "pipeline" / "mt2st_textcat" / "README.md").read_text(encoding="utf-8") == card


def test_several_processes_give_the_same(folder: Path) -> None:
    nlp = pipeline(folder)
    found = [doc.cats for doc in nlp.pipe(NEW, n_process=2, batch_size=2)]
    assert found == [pytest.approx(each, rel=1e-6) for each in cats(nlp)]  # other batches, other last digits


def test_categories_of_several_labels_are_independent(tmp_path: Path) -> None:
    labels = [["good", "short"], ["bad", "short"], ["good"], ["bad"]] * 10
    model = MultiLabelClassifier(encoder="mean", text=Text(min_count=1)).fit(TEXTS, labels)
    model.save(tmp_path / "model")
    found = cats(pipeline(tmp_path / "model"))
    np.testing.assert_allclose([list(each.values()) for each in found], model.predict_known(NEW)[0], rtol=1e-6)
    assert list(found[0]) == ["bad", "good", "short"]


def test_without_a_model_it_says_what_to_do() -> None:
    nlp = spacy.blank("en")
    nlp.add_pipe("mt2st_textcat")
    with pytest.raises(InputError, match="has no model: load one by from_disk"):
        nlp("a film")
    assert spacy.blank("en").from_config(nlp.config).from_bytes(nlp.to_bytes()).pipe_names == ["mt2st_textcat"]


def test_a_tagger_is_refused(tmp_path: Path) -> None:
    model = Tagger(text=Text(min_count=1), optimisation=Optimisation(epochs=1))
    model.fit([["a", "film"], ["two", "films"]] * 10, [["D", "N"], ["D", "N"]] * 10).save(tmp_path / "model")
    with pytest.raises(InputError, match="a model for tagging, which gives a text no categories"):
        pipeline(tmp_path / "model")


def test_a_mean_model_in_a_pipeline_needs_no_torch(folder: Path) -> None:
    code = f"""
import sys
sys.modules["torch"] = None
import spacy, mt2st.integrations.spacy
nlp = spacy.blank("en")
nlp.add_pipe("mt2st_textcat").from_disk({str(folder)!r})
print(nlp("So warm, so fine").cats["good"])
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    expected, _ = TextClassifier.load(folder).predict_known(NEW[:1])
    assert float(found.stdout) == pytest.approx(expected[0, 1], rel=1e-5)


def test_spacy_finds_the_component_by_its_entry_point() -> None:
    found = [each for each in entry_points(group="spacy_factories") if each.name == "mt2st_textcat"]
    if not found:
        pytest.skip("mt2st was installed before it had this entry point")
    assert found[0].load() is mt2st.integrations.spacy.textcat


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spacy.language", None)
    with pytest.raises(MissingExtraError, match=r"mt2st\[spacy\]"):
        runpy.run_path(mt2st.integrations.spacy.__file__)
