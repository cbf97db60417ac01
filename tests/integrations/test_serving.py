"""The web service of examples/serving, with the model's own probabilities."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st import Switch, TextClassifier

pytest.importorskip("fastapi", reason="FastAPI is not installed")
pytest.importorskip("httpx", reason="httpx is not installed")
SERVING = Path(__file__).parents[2] / "examples" / "serving"


@pytest.fixture(scope="module")
def model() -> TextClassifier:
    small: dict[str, Any] = {"encoder__name": "mean", "embedding__vector_size": 8, "text__min_count": 1}
    classifier = TextClassifier(Switch(1)).set_params(optimisation__epochs=2, compute__parallel_context=False, **small)
    return classifier.fit(["a warm and witty film", "a dull and long film"] * 20, [1, 0] * 20)


@pytest.fixture
def client(model: TextClassifier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    from fastapi.testclient import TestClient

    model.save(tmp_path / "model")
    monkeypatch.setenv("MODEL", str(tmp_path / "model"))
    return TestClient(runpy.run_path(str(SERVING / "app.py"))["app"])


def test_it_answers_with_the_probabilities_of_the_model(model: TextClassifier, client: Any) -> None:
    texts = ["a warm film", "long and dull", "\u00e9t\u00e9 \U0001f600"]
    answer = client.post("/predict", json={"texts": texts})
    assert answer.status_code == 200
    found = [[row["0"], row["1"]] for row in answer.json()]
    np.testing.assert_allclose(found, model.predict_known(texts)[0], atol=1e-6)
    assert client.post("/predict", json={"texts": []}).json() == []
    assert client.get("/health").json() == {"classes": ["0", "1"]}


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b'{"texts": ["\\ud800"]}', "unicode"),
        (b'{"texts": "a film"}', "valid list"),
        (b'{"texts": [3]}', "valid string"),
        (b'{"texts": [null]}', "valid string"),
        (b'{"texts": ["' + b"x" * 100_001 + b'"]}', "at most 100000 characters"),
        (b'{"texts": [' + b'"x",' * 1_000 + b'"x"]}', "at most 1000 items"),
        (b"{}", "required"),
        (b"no JSON", "JSON"),
    ],
)
def test_a_request_that_cannot_be_answered_is_the_callers_fault(body: bytes, what: str, client: Any) -> None:
    answer = client.post("/predict", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, what in answer.text) == (422, True), answer.text


def test_it_is_as_short_as_it_is_said_to_be() -> None:
    lines = (SERVING / "app.py").read_text(encoding="utf-8").partition('"""\n')[2].splitlines()
    assert len([line for line in lines if line.strip()]) <= 30


def test_the_image_installs_what_the_service_imports() -> None:
    told = (SERVING / "Dockerfile").read_text(encoding="utf-8")
    imported = set(
        re.findall(r"^(?:from|import) (\w+)", (SERVING / "app.py").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert imported <= {"__future__", "os", "typing", "mt2st", "fastapi", "pydantic"}, "which fastapi brings"
    assert "numpy safetensors fastapi uvicorn" in told
    assert "\nUSER " in told
