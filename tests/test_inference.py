"""What prediction without torch loads."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mt2st import Switch, TextClassifier

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
