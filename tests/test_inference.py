"""What prediction without torch loads."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mt2st
from mt2st import Switch, Tagger, TextClassifier, inference
from mt2st.embedding.subwords import KnownSubwords
from mt2st.errors import InputError, MissingExtraError
from mt2st.text.numbering import WORTH_COMPILED

SMALL: dict[str, Any] = {
    "encoder__name": "mean",
    "embedding__vector_size": 8,
    "optimisation__epochs": 2,
    "text__min_count": 1,
    "compute__parallel_context": False,
}
LOADED = """
import sys
before = set(sys.modules)
from mt2st.inference import load
model = load(sys.argv[1])
print(model.predict(["a warm and witty film", "filmlike \\u00e9t\\u00e9"])[0], model.predict_proba(["a film"]).shape)
new = [name for name in sys.modules if name not in before]
libraries = [name for name in new if "site-packages" in (getattr(sys.modules[name], "__file__", None) or "")]
print(*sorted({name.partition(".")[0] for name in libraries}))
"""


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"encoder__linear": False},
        {"context__method": "skipgram-fasttext", "embedding__bucket": 200, "embedding__min_n": 2},
    ],
    ids=["words and linear classifiers", "network alone", "n-grams"],
)
def test_prediction_loads_numpy_and_safetensors_alone(settings: dict[str, Any], tmp_path: Path) -> None:
    texts, labels = ["a warm and witty film", "a dull and long film"] * 20, ["good", "bad"] * 20
    model = TextClassifier(Switch(1)).set_params(**(SMALL | settings)).fit(texts, labels)
    assert (model.ensemble_ is None) == (settings.get("encoder__linear") is False)
    model.save(tmp_path / "model")
    command = [sys.executable, "-c", LOADED, str(tmp_path / "model")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    assert done.stdout.splitlines() == ["good (1, 2)", "numpy safetensors"]


def test_many_texts_need_no_compiler(tmp_path: Path) -> None:
    texts, labels = ["a warm and witty film", "a dull and long film"] * 20, ["good", "bad"] * 20
    model = TextClassifier(Switch(1)).set_params(**SMALL).fit(texts, labels)
    model.save(tmp_path / "model")
    many = [f"{text} {number}" for number, text in enumerate(texts * 1_500)]
    assert sum(map(len, many)) > WORTH_COMPILED
    (tmp_path / "texts").write_text("\n".join(many), encoding="utf-8")
    code = """if True:
        import sys
        from pathlib import Path
        sys.modules["llvmlite"] = sys.modules["numba"] = None
        from mt2st.inference import load
        found = load(sys.argv[1]).predict_proba(Path(sys.argv[2]).read_text(encoding="utf-8").split("\\n"))
        print(*found[::997, 0])
    """
    command = [sys.executable, "-c", code, str(tmp_path / "model"), str(tmp_path / "texts")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
    np.testing.assert_allclose(np.array(done.stdout.split(), float), model.predict_proba(many)[::997, 0], atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"context__method": "skipgram-fasttext", "embedding__bucket": 200}])
def test_an_export_predicts_the_same_and_has_no_record_of_the_training(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts, labels = ["a warm and witty film", "a dull and long film"] * 20, ["good", "bad"] * 20
    model = TextClassifier(Switch(1)).set_params(**(SMALL | settings)).fit(texts, labels)
    model.save(tmp_path / "run" / "model")
    inference.export(tmp_path / "run", tmp_path / "export")
    config = json.loads((tmp_path / "export" / "config.json").read_text(encoding="utf-8"))
    assert not {"run", "strategy", "metrics"} & set(config)
    monkeypatch.setattr(KnownSubwords, "of", None)  # the n-grams of the vocabulary are hashed already
    found = mt2st.load(tmp_path / "export")
    assert isinstance(found, inference.Predictor)
    given = ["a witty film", "filmlike warmth", "long"]
    np.testing.assert_allclose(found.predict_proba(given), model.predict_proba(given), atol=1e-6)
    np.testing.assert_allclose(found.word_vectors["film"], model.word_vectors["film"], atol=1e-6)
    with pytest.raises(InputError, match="was exported to predict: mt2st.inference.load reads it"):
        TextClassifier.load(tmp_path / "export")


def test_what_cannot_be_exported_is_told(tmp_path: Path) -> None:
    tagger = Tagger(Switch(1)).set_params(**SMALL).fit([["the", "dog"]] * 9, [["DET", "NOUN"]] * 9)
    tagger.save(tmp_path / "tagger")
    with pytest.raises(MissingExtraError, match="a model for tagging needs the extra 'train'"):
        inference.export(tmp_path / "tagger", tmp_path / "export")
    with pytest.raises(InputError, match="tagger is the model that is read: choose another place"):
        inference.export(tmp_path / "tagger", tmp_path / "tagger", overwrite=True)
    with pytest.raises(InputError, match="there is no model folder"):
        inference.export(tmp_path / "nothing", tmp_path / "export")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tagger"]
