from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mt2st
from mt2st import MultiLabelClassifier, Switch, Tagger, TextClassifier
from mt2st.errors import DataWarning, InputError, MissingExtraError
from mt2st.models import mean, ngram_classifier
from mt2st.models.inference import Predictor
from mt2st.models.trained_model import TrainedModel
from mt2st.text import LabelledText, numbering

SMALL: dict[str, Any] = {
    "encoder__name": "mean",
    "embedding__vector_size": 8,
    "optimisation__epochs": 4,
    "text__min_count": 1,
    "text__max_length": 5,
    "compute__parallel_context": False,
}
TEXTS = ["a good good film that was a good film", "", "an unheard word", "filmlike goodness", "bad", "x " * 30]
Films = tuple[list[str], list[str]]


@pytest.mark.filterwarnings("ignore:.* texts ha.* no word that the model knows")
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"encoder__standardise": False, "text__truncation": "end"},
        {"encoder__linear": False},
        {"transition__task_layer": True},
        {"context__method": "skipgram-fasttext", "embedding__bucket": 200, "encoder__linear": False},
        {"context__method": "cbow-fasttext", "embedding__bucket": 200, "text__min_count": 2},
    ],
    ids=["defaults", "features as they are", "network alone", "task layer", "subwords alone", "subwords"],
)
def test_its_probabilities_are_torchs(
    settings: dict[str, Any], films: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = TextClassifier(Switch(2)).set_params(**(SMALL | settings)).fit(*films)
    model.save(tmp_path / "model")
    predictor = Predictor.load(tmp_path / "model")
    with monkeypatch.context() as patch:
        patch.setattr(TrainedModel, "_reads_by_mean", lambda _: False)
        expected = model.predict_proba(TEXTS)
    few = predictor.predict_proba(TEXTS)
    for compiled in (False, True):
        for module in (mean, ngram_classifier, numbering):
            monkeypatch.setattr(module, "pays", lambda *_, compiled=compiled: compiled)
        for times in (1, 200):  # the head reads texts, or words
            for each in (model, Predictor.load(tmp_path / "model")):
                found = each.predict_proba(TEXTS * times)
                np.testing.assert_allclose(found, np.concatenate([expected] * times), atol=1e-6)
                np.testing.assert_array_max_ulp(found, np.concatenate([few] * times), 1)
    assert predictor.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()
    assert predictor.predict_proba([]).shape == (0, 2)
    np.testing.assert_allclose(predictor.word_vectors["film"], model.word_vectors["film"], atol=1e-6)


@pytest.mark.parametrize("indicator", [False, True])
def test_several_labels_are_predicted_in_the_form_in_which_they_came(indicator: bool, tmp_path: Path) -> None:
    texts = ["funny film", "long film", "funny long film", "film"] * 10
    y: Any = [["comedy"], ["slow"], ["comedy", "slow"], []] * 10
    if indicator:
        y = np.array([[int(name in labels) for name in ("comedy", "slow")] for labels in y])
    model = MultiLabelClassifier(Switch(2)).set_params(**SMALL).fit(texts, y)
    model.save(tmp_path / "model")
    predictor = Predictor.load(tmp_path / "model")
    np.testing.assert_allclose(predictor.predict_proba(texts), model.predict_proba(texts), atol=1e-6)
    found, again = predictor.predict(texts), MultiLabelClassifier.load(tmp_path / "model").predict(texts)
    assert found.tolist() == model.predict(texts).tolist() == again.tolist()
    assert found.shape == ((40, 2) if indicator else (40,))


def test_a_model_that_needs_torch_says_so(films: Films, tmp_path: Path) -> None:
    TextClassifier("switch").set_params(**(SMALL | {"encoder__name": "cnn"})).fit(*films).save(tmp_path / "cnn")
    with pytest.raises(MissingExtraError, match=r"the encoder 'cnn' needs the extra 'train': pip install"):
        Predictor.load(tmp_path / "cnn")
    tagger = Tagger().set_params(**SMALL).fit([["the", "dog"]] * 9, [["DET", "NOUN"]] * 9)
    tagger.save(tmp_path / "tagger")
    with pytest.raises(MissingExtraError, match="a model for tagging needs the extra 'train'"):
        Predictor.load(tmp_path / "tagger")
    with pytest.raises(InputError, match="there is no model folder"):
        Predictor.load(tmp_path / "nothing")


def test_load_gives_an_estimator_with_torch_and_a_predictor_without(films: Films, tmp_path: Path) -> None:
    model = TextClassifier(Switch(2)).set_params(**SMALL).fit(*films)
    model.save(tmp_path / "model")
    assert isinstance(mt2st.load(tmp_path / "model"), TextClassifier)
    script = """if True:
        import importlib.abc, sys

        class NoTorch(importlib.abc.MetaPathFinder):
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] == "torch":
                    raise ModuleNotFoundError("No module named 'torch'", name="torch")

        sys.meta_path.insert(0, NoTorch())
        import importlib.util
        real = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "torch" else real(name, *rest)
        import mt2st
        model = mt2st.load(sys.argv[1])
        print(type(model).__name__, model.predict(["good film"])[0])
        try:
            mt2st.TextClassifier
        except mt2st.MissingExtraError as error:
            print(error)
    """
    command = [sys.executable, "-c", script, str(tmp_path / "model")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert lines[0] == f"Predictor {model.predict(['good film'])[0]}"
    assert lines[1] == "TextClassifier needs the extra 'train': pip install 'mt2st[train]'"


@pytest.mark.parametrize("linear", [False, True])
def test_a_text_without_a_known_word_has_the_shares_of_the_classes_and_is_told(
    linear: bool, films: Films, tmp_path: Path
) -> None:
    texts, labels = [*films[0], *(["a good film"] * 40)], [*films[1], *(["good"] * 40)]
    model = TextClassifier(Switch(2)).set_params(**(SMALL | {"encoder__linear": linear})).fit(texts, labels)
    assert model.class_prior_ == pytest.approx([0.25, 0.75])
    model.save(tmp_path / "model")
    given = ["a bad film", "xqzv jjq", ""]
    for each in (model, TextClassifier.load(tmp_path / "model"), Predictor.load(tmp_path / "model")):
        with pytest.warns(DataWarning, match="2 of 3 texts have no word that the model knows: their probabilities are"):
            found = each.predict_proba(given)
        assert found[1:] == pytest.approx(np.array([[0.25, 0.75]] * 2))
        assert found[0] != pytest.approx([0.25, 0.75])
    model.evaluate(given, ["bad", "good", "bad"])
    right = float(np.mean(-np.log(found[[0, 1, 2], [0, 1, 0]])))
    assert model.metrics_["test"]["loss"] == pytest.approx(right), "what is measured is what is predicted"


def test_the_shares_of_several_labels_are_those_of_texts_with_each(tmp_path: Path) -> None:
    texts, y = ["funny film", "long film", "funny long film", "film"] * 10, [["a"], ["b"], ["a", "b"], []] * 10
    model = MultiLabelClassifier(Switch(2)).set_params(**SMALL).fit(texts, y, sample_weight=[3, 1, 1, 1] * 10)
    with pytest.warns(DataWarning, match="1 of 1 text has no word"):
        assert model.predict_proba(["xqzv"]) == pytest.approx(np.array([[4 / 6, 2 / 6]]))


def test_words_made_of_n_grams_are_all_known(films: Films) -> None:
    settings = SMALL | {"context__method": "skipgram-fasttext", "embedding__bucket": 200, "encoder__linear": False}
    model = TextClassifier(Switch(2)).set_params(**settings).fit(*films)
    assert model.predict_known(["xqzv", ""])[1].tolist() == [True, False]
    rows = LabelledText(["a xqzv"], ["good"])
    assert model.unknown_share(rows) is None
    by_words = TextClassifier(Switch(2)).set_params(**SMALL).fit(*films)
    assert by_words.unknown_share(rows) == 0.5
