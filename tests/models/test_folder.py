from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from mt2st import __version__
from mt2st.embedding import load_vectors
from mt2st.embedding.formats.model_files import hashes_of
from mt2st.errors import InputError
from mt2st.models import TextClassifier
from mt2st.models.folder import check_replaceable
from mt2st.models.inference import Predictor
from mt2st.strategy import Switch
from mt2st.text import Vocabulary

FILES = ["README.md", "config.json", "model.safetensors", "vocabulary.txt"]


@pytest.fixture(scope="module")
def classifier(films: tuple[list[str], list[str]]) -> TextClassifier:
    settings: dict[str, Any] = {
        "encoder__name": "mean",
        "embedding__vector_size": 6,
        "optimisation__epochs": 4,
        "text__min_count": 1,
        "compute__parallel_context": False,
    }
    trained = TextClassifier(strategy=Switch(at=2)).set_params(optimisation__learning_rate=0.05, **settings).fit(*films)
    trained.evaluate(["a good film", "a bad film"], ["good", "bad"])
    return trained


@pytest.fixture
def folder(classifier: TextClassifier, tmp_path: Path) -> Path:
    classifier.save(tmp_path / "run" / "model", about=["40 texts from films.csv", "no unlabelled text"])
    return tmp_path / "run" / "model"


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_it_holds_four_files_and_no_pickle(folder: Path) -> None:
    assert sorted(contents(folder)) == FILES
    header = (folder / "model.safetensors").read_bytes()
    assert json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")]).keys() >= {"embedding.weight"}
    assert not (folder / "model.safetensors").read_bytes().startswith((b"\x80", b"PK"))


def test_its_configuration_is_json_of_every_standard_reader(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert config["format"] == 1
    assert config["classes"] == ["bad", "good"]
    assert config["settings"]["embedding"]["vector_size"] == 6
    assert config["strategy"] == {
        "strategy": "switch",
        "settings": {"at": 2, "weight": 1.0, "unit": "epoch"},
        "auxiliaries": None,
        "state": {},
    }


def test_its_card_names_data_settings_and_metrics(folder: Path, classifier: TextClassifier) -> None:
    assert classifier.metrics_.keys() == {"validation", "test"}
    card = (folder / "README.md").read_text(encoding="utf-8")
    for text in (
        f"mt2st {__version__}", "`bad`, `good`", "- 40 texts from films.csv", "- no unlabelled text",
        "Strategy switch: ", "at = 2", "| encoder.name | `mean` |",
        "| embedding.vector_size | `6` |", "ended by: epochs",
        "The auxiliary task `context` was off from step",
        *(f"| {part} | {each['loss']:.4f} | {each['accuracy']:.4f} |" for part, each in classifier.metrics_.items()),
    ):  # fmt: skip
        assert text in card, text
    assert "context.window" not in card  # a default, though that of the problem type


def test_a_model_that_is_there_is_not_replaced_unless_asked(folder: Path, classifier: TextClassifier) -> None:
    before = contents(folder)
    with pytest.raises(
        InputError, match=r"model holds a model already: choose another place, or replace it with overwrite=True"
    ):
        classifier.save(folder)
    assert contents(folder) == before
    classifier.save(folder, overwrite=True, about=["new"])
    assert "- new" in (folder / "README.md").read_text()


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_folder_of_other_things_is_never_replaced(
    overwrite: bool, tmp_path: Path, classifier: TextClassifier
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(InputError, match="is not empty and no model folder: choose another place"):
        classifier.save(tmp_path, overwrite=overwrite)
    assert contents(tmp_path) == {"thesis.txt": b"years of work"}


def test_a_file_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("")
    with pytest.raises(InputError, match="is a file: give the name of a folder"):
        check_replaceable(tmp_path / "model", overwrite=True)


def test_an_empty_or_missing_folder_is_free(tmp_path: Path) -> None:
    check_replaceable(tmp_path, overwrite=False)
    check_replaceable(tmp_path / "new" / "model", overwrite=False)


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_failure_half_way_leaves_the_old_model(
    error: BaseException, folder: Path, classifier: TextClassifier, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(folder)

    def fail(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(Vocabulary, "save", fail)
    with pytest.raises((InputError, KeyboardInterrupt)):
        classifier.save(folder, overwrite=True, about=["new"])
    assert contents(folder) == before
    assert [path.name for path in folder.parent.iterdir()] == ["model"], "nothing is left lying about"


def test_a_place_without_a_model_is_named(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(InputError, match=f"there is no model folder at {tmp_path / 'nowhere'}"):
        TextClassifier.load(tmp_path / "nowhere")
    assert TextClassifier.load(folder.parent).classes_.tolist() == TextClassifier.load(folder).classes_.tolist()


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocabulary.txt"])
def test_a_missing_file_is_named(name: str, folder: Path) -> None:
    (folder / name).unlink()
    with pytest.raises(InputError, match=f"is no model folder: it has no {name}"):
        TextClassifier.load(folder)


def test_a_missing_card_is_no_error(folder: Path) -> None:
    (folder / "README.md").unlink()
    TextClassifier.load(folder)


@pytest.mark.parametrize("size", [0, 5, 100, -1])
def test_truncated_parameters_are_named(size: int, folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(InputError, match="model.safetensors cannot be read"):
        TextClassifier.load(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"3", b"{}", b"\xff\xfe", b'"text"', b"null"])
def test_a_broken_configuration_is_named(content: bytes, folder: Path) -> None:
    (folder / "config.json").write_bytes(content)
    with pytest.raises(InputError, match="config.json is not the configuration of a model"):
        TextClassifier.load(folder)


def edit(folder: Path, **changes: Any) -> None:
    """Change the configuration as somebody who writes one."""
    path = folder / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps(config | {"hashes": hashes_of(folder, config)}))


def test_a_model_of_another_format_is_named(folder: Path) -> None:
    edit(folder, format=99)
    with pytest.raises(InputError, match="config.json has format 99, this version reads 1"):
        TextClassifier.load(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"settings": {}},
        {"settings": {"auxiliaries": [], "encoder": {"name": "transformer"}}},
        {"settings": {"auxiliaries": [], "colour": "red"}},
        {"classes": ["bad", "good", "ugly"]},
        {"classes": None},
        {"settings": None},
        {"run": {}},
        {"run": []},
    ],
)
def test_a_configuration_that_does_not_fit_is_named_with_the_folder(changes: dict[str, Any], folder: Path) -> None:
    edit(folder, **changes)
    with pytest.raises(InputError, match=f"{folder} does not fit together: ") as caught:
        TextClassifier.load(folder)
    assert "\n" not in str(caught.value)


def test_a_vocabulary_of_another_model_is_refused(folder: Path) -> None:
    Vocabulary(("<pad>", "<unk>", "film"), np.array([0, 0, 3])).save(folder / "vocabulary.txt")
    edit(folder)
    with pytest.raises(InputError, match="does not fit together: .*size mismatch for embedding.weight"):
        TextClassifier.load(folder)


def test_a_broken_vocabulary_is_named_with_its_line(folder: Path) -> None:
    (folder / "vocabulary.txt").write_text("<pad>\t0\nfilm\n")
    with pytest.raises(InputError, match=r"vocabulary.txt, line 2: expected"):
        TextClassifier.load(folder)


def test_a_changed_file_is_refused_and_a_changed_card_is_not(folder: Path) -> None:
    TextClassifier.load(folder)
    (folder / "README.md").write_text("A card of my own.")
    for name in ("config.json", "model.safetensors", "vocabulary.txt"):
        before = (folder / name).read_bytes()
        changed = bytearray(before)
        if name == "model.safetensors":
            changed[-3] ^= 1  # in the last number
        else:
            old, new = {"config.json": (b'"seed": 1', b'"seed": 7'), "vocabulary.txt": (b"film\t", b"filn\t")}[name]
            assert old in before
            changed = bytearray(before.replace(old, new))
        (folder / name).write_bytes(changed)
        for load in (TextClassifier.load, Predictor.load, lambda path: load_vectors(path)):
            with pytest.raises(InputError, match=f"{name} is not as it was written") as caught:
                load(folder)
            assert "\n" not in str(caught.value)
        (folder / name).write_bytes(before)
    TextClassifier.load(folder)


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_numbers_that_are_not_finite_are_refused(folder: Path, value: float) -> None:
    parameters = load_file(folder / "model.safetensors")
    parameters["heads.primary.weight"][0, 0] = value
    save_file(parameters, folder / "model.safetensors")
    edit(folder)
    for load in (TextClassifier.load, Predictor.load):
        with pytest.raises(InputError, match="'heads.primary.weight' holds NaN or infinite numbers"):
            load(folder)


def test_settings_that_ask_for_other_sizes_are_refused_before_they_take_memory(
    folder: Path, films: tuple[list[str], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "bilstm"
    small = {"encoder__name": "bilstm", "encoder__hidden_size": 4, "optimisation__epochs": 1, "text__min_count": 1}
    TextClassifier("switch").set_params(**small).fit(*films).save(place)
    settings = json.loads((place / "config.json").read_text())["settings"]
    settings["encoder"]["hidden_size"] = 20_000
    edit(place, settings=settings)
    monkeypatch.setattr("mt2st.models.trained_model.new_network", pytest.fail)
    with pytest.raises(
        InputError, match=r"does not fit together: size mismatch for encoder.forwards.weight_ih_l0: \[16, "
    ):
        TextClassifier.load(place)


def test_a_training_that_needs_more_memory_than_there_is_is_refused_with_figures(
    films: tuple[list[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mt2st.embedding.memory.available_memory", lambda: 1 << 20)
    model = TextClassifier("switch").set_params(embedding__vector_size=5_000, encoder__name="mean")
    with pytest.raises(
        InputError, match=r"training a model of .* takes .* MB .* 1 MB are available: tables .* optimizer "
    ):
        model.fit(*films)
