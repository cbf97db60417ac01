"""Models on the Hugging Face Hub: a folder, and a server that answers as the Hub does."""

from __future__ import annotations

import base64
import hashlib
import json
import runpy
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import mt2st
from mt2st import Text
from mt2st.errors import InputError, MissingExtraError
from mt2st.models import Optimisation
from mt2st.models.folder import FILES
from mt2st.strategy import Switch

pytest.importorskip("huggingface_hub")
hub = pytest.importorskip("mt2st.integrations.hub")
from huggingface_hub import ModelCard, constants, snapshot_download  # noqa: E402

TEXTS = ["a warm film", "a dull film", "warm, fine!", "dull and long"] * 10
LABELS = ["good", "bad"] * 20
NEW = ["so warm", "dull", "a film"]
REPOSITORY = "critics/films"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """The Hub's endpoints for one repository, whose files are sent in the commit itself."""

    files: dict[str, bytes]
    asked: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.asked.append(self.path)
        if self.path == "/api/repos/create":
            self.answer({"url": f"{self.home}/{REPOSITORY}"})
        elif self.path == "/api/validate-yaml":
            self.answer({"errors": [], "warnings": []})
        elif self.path.startswith(f"/api/models/{REPOSITORY}/preupload/"):
            names = [each["path"] for each in json.loads(body)["files"]]
            self.answer({"files": [{"path": each, "uploadMode": "regular", "shouldIgnore": False} for each in names]})
        elif self.path.startswith(f"/api/models/{REPOSITORY}/commit/"):
            lines = [json.loads(line) for line in body.splitlines()]
            added = [each["value"] for each in lines if each["key"] == "file"]
            self.files.update((each["path"], base64.b64decode(each["content"])) for each in added)
            self.answer(
                {"success": True, "commitUrl": f"{self.home}/{REPOSITORY}/commit/{COMMIT}", "commitOid": COMMIT}
            )
        else:
            self.send_error(404)

    def do_GET(self) -> None:
        self.asked.append(self.path)
        name = self.path.partition("?")[0].rpartition("/")[2]
        if self.path.startswith(f"/api/models/{REPOSITORY}/revision/"):
            siblings = [{"rfilename": each} for each in self.files]
            self.answer({"id": REPOSITORY, "sha": COMMIT, "siblings": siblings, "tags": [], "private": False})
        elif self.path.startswith(f"/api/models/{REPOSITORY}/tree/"):
            self.answer(
                [
                    {"type": "file", "path": each, "size": len(self.files[each]), "oid": self.tag(each)}
                    for each in self.files
                ]
            )
        elif self.path.startswith(f"/{REPOSITORY}/resolve/") and name in self.files:
            self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{self.tag(name)}"')
            self.send_header("Content-Length", str(len(self.files[name])))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(self.files[name])
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def do_HEAD(self) -> None:
        self.do_GET()

    def answer(self, value: Any) -> None:
        content = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def tag(self, name: str) -> str:
        return hashlib.sha1(self.files[name]).hexdigest()

    @property
    def home(self) -> str:
        host, port = self.server.server_address[:2]
        return f"http://{host!s}:{port}"

    def log_message(self, *arguments: Any) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    """A Hub of this machine; all that huggingface_hub does goes there."""

    class Here(Hub):
        files: dict[str, bytes] = {}  # noqa: RUF012
        asked: list[str] = []  # noqa: RUF012

    with ThreadingHTTPServer(("127.0.0.1", 0), Here) as served:
        home = f"http://127.0.0.1:{served.server_address[1]}"
        monkeypatch.setattr(constants, "ENDPOINT", home)
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", home + "/{repo_id}/resolve/{revision}/{filename}")
        thread = Thread(target=served.serve_forever)
        thread.start()
        yield Here
        served.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def model() -> Any:
    return hub.TextClassifier(encoder="mean", text=Text(min_count=1)).fit(TEXTS, LABELS)


def test_a_model_goes_through_a_folder(model: Any, tmp_path: Path) -> None:
    model.save_pretrained(tmp_path / "model")
    model.save_pretrained(tmp_path / "model", model_card_kwargs={"license": "mit"})  # in place of it
    again = hub.TextClassifier.from_pretrained(tmp_path / "model")
    assert type(again) is hub.TextClassifier
    assert np.array_equal(again.predict_proba(NEW), model.predict_proba(NEW))
    assert ModelCard.load(tmp_path / "model" / "README.md").data.license == "mit"
    assert {each.name for each in (tmp_path / "model").iterdir()} == set(FILES)
    plain = mt2st.load(tmp_path / "model")
    assert np.array_equal(plain.predict_proba(NEW), model.predict_proba(NEW))


def test_a_model_goes_through_a_hub(model: Any, server: type[Hub], tmp_path: Path) -> None:
    known = {"license": "apache-2.0", "language": "en"}
    address = model.push_to_hub(REPOSITORY, token="hf_none", model_card_kwargs=known)
    assert address.endswith(COMMIT)
    assert sorted(server.files) == ["README.md", "config.json", "model.safetensors", "vocabulary.txt"]

    cache = {"cache_dir": tmp_path / "cache"}
    again = hub.TextClassifier.from_pretrained(REPOSITORY, **cache)
    assert np.array_equal(again.predict_proba(NEW), model.predict_proba(NEW))

    asked = len(server.asked)
    offline = hub.TextClassifier.from_pretrained(REPOSITORY, local_files_only=True, **cache)
    assert np.array_equal(offline.predict_proba(NEW), model.predict_proba(NEW))
    assert len(server.asked) == asked, "what is in the cache needs no network"

    folder = snapshot_download(REPOSITORY, **cache)
    assert np.array_equal(mt2st.load(folder).predict_proba(NEW), model.predict_proba(NEW))


def test_the_hub_reads_the_card(
    model: Any, server: type[Hub], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    model.evaluate(TEXTS, ["bad", *LABELS[1:-4], *["good"] * 4], name="test")  # three wrong labels
    assert model.metrics_["test"]["accuracy"] == 0.925
    model.push_to_hub(REPOSITORY, token="hf_none", model_card_kwargs={"license": "mit", "language": ["en", "de"]})
    card = ModelCard(server.files["README.md"].decode())
    data = card.data
    assert (data.library_name, data.pipeline_tag, data.license) == ("mt2st", "text-classification", "mit")
    assert (data.model_name, data.language) == ("films", ["en", "de"])
    measured = {(each.dataset_split, each.metric_name): each for each in data.eval_results}
    for part in ("validation", "test"):
        for name, title, kind in (("accuracy", "accuracy", "accuracy"), ("macro_f1", "macro F1", "f1")):
            assert measured[part, title].metric_value == pytest.approx(model.metrics_[part][name], abs=1e-4)
            assert measured[part, title].metric_type == kind

    snippet = card.text.partition("```python\n")[2].partition("```")[0]
    assert f'from_pretrained("{REPOSITORY}")' in snippet
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    exec(compile(snippet.replace("A text.", NEW[0]), "the card", "exec", dont_inherit=True), {})
    assert capsys.readouterr().out == "['good']\n"


def test_a_model_of_the_command_line_can_be_pushed(tmp_path: Path, server: type[Hub]) -> None:
    plain = mt2st.Tagger(text=Text(min_count=1), optimisation=Optimisation(epochs=1))
    plain.fit([["a", "film"], ["two", "films"]] * 10, [["D", "N"], ["D", "N"]] * 10)
    plain.save(tmp_path / "model", about=["20 sentences"], dataset="hf:critics/sentences:train")
    hub.Tagger.load(tmp_path / "model").push_to_hub(REPOSITORY, token="hf_none")
    card = ModelCard(server.files["README.md"].decode())
    assert card.data.pipeline_tag == "token-classification"
    assert card.data.datasets == ["critics/sentences"]
    assert {each.dataset_name for each in card.data.eval_results} == {"critics/sentences"}
    assert "- 20 sentences\n" in card.text


def test_without_a_network_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match="no folder critics/films, .*hf download critics/films --local-dir FOLDER"):
        hub.TextClassifier.from_pretrained(REPOSITORY, cache_dir=tmp_path)


def test_a_repository_that_does_not_exist_is_named(server: type[Hub], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no folder critics/plays"):
        hub.TextClassifier.from_pretrained("critics/plays", cache_dir=tmp_path)
    with pytest.raises(InputError, match="there is no folder ./no/such/folder"):
        hub.TextClassifier.from_pretrained("./no/such/folder", cache_dir=tmp_path)


def test_it_stays_a_scikit_learn_estimator() -> None:
    model = hub.TextClassifier(Switch(at=2), encoder="cnn", seed=3)
    assert clone(model).get_params() == mt2st.TextClassifier(Switch(at=2), encoder="cnn", seed=3).get_params()
    assert type(clone(model)) is hub.TextClassifier


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingExtraError, match=r"mt2st\[hf\]"):
        runpy.run_path(hub.__file__)
