"""Exported models give onnxruntime the probabilities that torch has, also to a reader that knows `model.json` alone."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st import MultiLabelClassifier, Switch, Tagger, TextClassifier
from mt2st.errors import InputError, MissingExtraError
from mt2st.inference import Predictor
from mt2st.network import Encoded, Encoder

pytest.importorskip("onnx", reason="the extra onnx is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")

from mt2st.integrations import onnx  # noqa: E402

SMALL: dict[str, Any] = {
    "embedding__vector_size": 8,
    "encoder__hidden_size": 6,
    "optimisation__epochs": 2,
    "text__min_count": 1,
    "text__max_length": 7,
    "compute__parallel_context": False,
}
NGRAMS = {"context__method": "skipgram-fasttext", "embedding__bucket": 200}
TEXTS = [
    "a good good film that was a good film",
    "",
    "an unheard word",
    "filmlike goodness",
    "bad",
    "x " * 30,
    "\u00c9T\u00c9 isn\u2019t 3.5 <br /> \u092b\u093c\u093f\u0932\u094d\u092e (well-made)",
]
SENTENCES = [
    ["The", "dog", "barks"],
    ["a", "well-made", "cat", "sleeps", "!"],
    ["Oslo", "is", "in", "Norway", "3.5", "and", "more", "than", "seven", "words"],
] * 6
TAGS = [
    ["O", "B-x", "O"],
    ["O", "B-x", "I-x", "O", "O"],
    ["B-x", "O", "O", "B-x", "O", "O", "O", "O", "O", "O"],
] * 6
Films = tuple[list[str], list[str]]
pytestmark = pytest.mark.filterwarnings("ignore:. of 7 texts ha", "ignore:. of 4 sentences has no word")


@pytest.fixture(scope="module")
def films() -> Films:
    rng = np.random.default_rng(0)
    words = ["fine", "good", "dull", "bad", "film", "plot", "cast", "it", "was", "very", "that", "\u00e9t\u00e9"]
    texts = [" ".join(rng.choice(words, size=rng.integers(1, 9))) for _ in range(60)]
    return texts, ["good" if "good" in text else "bad" for text in texts]


def exported(model: Any, folder: Path) -> Any:
    model.save(folder / "run" / "model")
    onnx.export(folder / "run", folder / "onnx")
    return onnx.load(folder / "onnx")


@pytest.mark.parametrize(
    ("encoder", "settings"),
    [
        ("mean", {}),
        ("mean", NGRAMS | {"encoder__linear": False}),
        ("mean", {"transition__task_layer": True, "encoder__standardise": False, "text__truncation": "end"}),
        ("bilstm", {"encoder__pooling": "max"}),
        ("bilstm", {"encoder__pooling": "mean", "transition__task_layer": True}),
        ("bilstm", {"encoder__pooling": "attention"} | NGRAMS),
        ("cnn", {"encoder__pooling": "max", "encoder__linear": False}),
        ("cnn", {"encoder__pooling": "mean"} | NGRAMS),
        ("cnn", {"encoder__pooling": "attention"}),
    ],
)
def test_the_probabilities_of_classes_are_torchs(
    encoder: str, settings: dict[str, Any], films: Films, tmp_path: Path
) -> None:
    model = TextClassifier(Switch(1)).set_params(**(SMALL | {"encoder__name": encoder} | settings)).fit(*films)
    found = exported(model, tmp_path)
    assert isinstance(found, Predictor)
    np.testing.assert_allclose(found.predict_proba(TEXTS), model.predict_proba(TEXTS), atol=1e-6)
    assert found.predict(TEXTS).tolist() == model.predict(TEXTS).tolist()
    assert found.predict_proba([]).shape == (0, 2)
    with pytest.raises(InputError, match="has no word vectors: take them from the model it was made of"):
        _ = found.word_vectors
    many = TEXTS * 300  # several batches
    np.testing.assert_array_equal(found.predict_known(many)[0][: len(TEXTS)], found.predict_known(TEXTS)[0])


def test_several_labels_have_torchs_probabilities(tmp_path: Path) -> None:
    texts, y = ["funny film", "long film", "funny long film", "film"] * 10, [["a"], ["b"], ["a", "b"], []] * 10
    model = MultiLabelClassifier(Switch(1)).set_params(**(SMALL | {"encoder__name": "bilstm"})).fit(texts, y)
    found = exported(model, tmp_path)
    np.testing.assert_allclose(found.predict_proba(texts), model.predict_proba(texts), atol=1e-6)
    assert found.predict(texts).tolist() == model.predict(texts).tolist()


@pytest.mark.parametrize(
    ("encoder", "settings"),
    [
        ("bilstm", {}),
        ("bilstm", NGRAMS),
        ("cnn", {"encoder__spelling": False}),
        ("mean", {"encoder__spelling": False} | NGRAMS),
    ],
)
def test_the_probabilities_of_tags_are_torchs(encoder: str, settings: dict[str, Any], tmp_path: Path) -> None:
    model = Tagger(Switch(1)).set_params(**(SMALL | {"encoder__name": encoder} | settings)).fit(SENTENCES, TAGS)
    found = exported(model, tmp_path)
    long = ["unheard", "well-made-thing", "\u200b", "catlike", "dog", "a", "b", "c", "The", "barks"]
    sentences = [["The", "dog", "Barks"], [], long, ["X"]]
    for mine, torchs in zip(found.predict_proba(sentences), model.predict_proba(sentences), strict=True):
        np.testing.assert_allclose(mine, torchs, atol=1e-6)
    assert found.predict(sentences) == model.predict(sentences)
    assert (found.predict([]), found.predict([[]])) == ([], [[]])
    assert found.cutter_("It's a dog!") == model.cutter_("It's a dog!")
    with pytest.raises(InputError, match="sentence 0: give a list of words"):
        found.predict(["a dog"])


def read_by_the_description(folder: Path, texts: list[str]) -> np.ndarray:
    """Predict with a model on words as any program can: by model.json, arrays.safetensors and onnxruntime."""
    regex = pytest.importorskip("regex")
    from safetensors.numpy import load_file

    model = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    reader, text_settings = model["reader"], model["settings"]["text"]
    arrays, session = load_file(folder / "arrays.safetensors"), onnxruntime.InferenceSession(folder / reader["network"])
    number_of = {token: number for number, token in enumerate(model["vocabulary"])}
    most, several = text_settings["max_length"], model["problem_type"] == "multilabel"
    assert (reader["inputs"], text_settings["truncation"]) == ({"ids": ["batch", "length"]}, "middle")
    found = []
    for text in texts:
        lowered = text.lower() if text_settings["lowercase"] else text
        plain = regex.sub(r"(?i)</?br\s*/?>", " ", lowered) if text_settings["remove_breaks"] else lowered
        if text_settings["tokens"] != "whitespace":
            plain = unicodedata.normalize("NFC", plain).replace("\u2019", "'")
        if reader["alone"]:
            plain = regex.sub(reader["alone"], r" \g<0> ", plain)
        tokens = regex.findall(reader["token"], plain)
        ids = [number_of.get(token, reader["unknown"]) for token in tokens]
        known = any(number != reader["unknown"] for number in ids)
        if len(ids) > most:
            ids = [*ids[: math.ceil(most / 2)], *ids[len(ids) - most // 2 :]]
        padded = np.array([[*(ids or [reader["unknown"]]), reader["padding"], reader["padding"]]])
        network = session.run(["probabilities"], {"ids": padded})[0][0] if known else np.array(model["class_prior"])
        least = reader["linear"]["least"]
        clipped = np.clip(network.astype(float), least, 1 - least if several else 1)
        scores = [np.log(clipped) - (np.log(1 - clipped) if several else 0)]
        for kind in model["ensemble"]["members"]:
            shortest, longest = reader["linear"]["lengths"][kind]
            if kind == "words":
                grams = [
                    " ".join(tokens[start : start + size])
                    for size in range(shortest, longest + 1)
                    for start in range(len(tokens) - size + 1)
                ]
            else:
                grams = [
                    f" {word} "[start : start + size]
                    for word in lowered.split()
                    for size in range(shortest, longest + 1)
                    for start in range(len(word) + 2 - size + 1)
                ]
            part = {name: arrays[f"linear.{kind}.{name}"] for name in ("terms", "idf", "weights", "biases")}
            row_of = {term: row for row, term in enumerate(bytes(part["terms"]).decode().split("\n"))}
            counts = Counter(row_of[gram] for gram in grams if gram in row_of)
            values = {row: (1 + math.log(count)) * part["idf"][row] for row, count in counts.items()}
            length = math.sqrt(sum(value**2 for value in values.values())) or 1
            margins = part["biases"] + sum(value / length * part["weights"][row] for row, value in values.items())
            scores.append(reader["linear"]["scale"] * margins)
            known = known or bool(counts)
        pooled = np.exp(sum(weight * part for weight, part in zip(model["ensemble"]["weights"], scores, strict=True)))
        together = pooled / (1 + pooled) if several else pooled / pooled.sum()
        found.append(together if known else model["class_prior"])
    return np.array(found)


@pytest.mark.parametrize("tokens", ["words", "characters", "whitespace"])
@pytest.mark.parametrize("several", [False, True])
def test_a_reader_that_knows_the_description_alone_finds_the_same(
    several: bool, tokens: str, films: Films, tmp_path: Path
) -> None:
    texts = [*films[0], "\u8fd9\u90e8 \u7535\u5f71\u597d\u770b!"]
    labels: Any = [*films[1], "good"]
    settings = SMALL | {"encoder__name": "bilstm", "text__tokens": tokens}
    estimator = MultiLabelClassifier if several else TextClassifier
    y = [[label] if number % 3 else [] for number, label in enumerate(labels)] if several else labels
    model = estimator(Switch(1)).set_params(**settings).fit(texts, y)
    assert model.ensemble_ is not None
    exported(model, tmp_path)
    found = read_by_the_description(tmp_path / "onnx", [*TEXTS, *texts])
    np.testing.assert_allclose(found, model.predict_known([*TEXTS, *texts])[0], atol=1e-5)


def test_an_export_is_written_and_read_without_torch(films: Films, tmp_path: Path) -> None:
    TextClassifier(Switch(1)).set_params(**(SMALL | {"encoder__name": "cnn"})).fit(*films).save(tmp_path / "model")
    code = """if True:
        import sys
        from mt2st.integrations import onnx
        onnx.export(sys.argv[1], sys.argv[2])
        print(onnx.load(sys.argv[2]).predict(["good film"])[0], "torch" in sys.modules)
    """
    command = [sys.executable, "-c", code, str(tmp_path / "model"), str(tmp_path / "onnx")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split()[1] == "False"


class First(Encoder):
    def __init__(self, vector_size: int) -> None:
        super().__init__()
        self.state_size = self.pooled_size = vector_size

    @classmethod
    def build(cls, vector_size: int, *_: Any) -> First:
        return cls(vector_size)

    def forward(self, vectors: Any, mask: Any) -> Encoded:
        return Encoded(vectors, vectors[:, 0])


def test_what_cannot_be_written_is_told(films: Films, tmp_path: Path) -> None:
    own = TextClassifier(Switch(1)).set_params(**(SMALL | {"encoder__name": "first"})).fit(*films)
    with pytest.raises(InputError, match="the encoder 'first' is your own, and only 'mean', 'bilstm', 'cnn' are"):
        exported(own, tmp_path)
    assert not (tmp_path / "onnx").exists()
    mean = TextClassifier(Switch(1)).set_params(**(SMALL | {"encoder__name": "mean"})).fit(*films)
    exported(mean, tmp_path / "mean")
    with pytest.raises(InputError, match="holds an export already"):
        onnx.export(tmp_path / "mean" / "run", tmp_path / "mean" / "onnx")
    onnx.export(tmp_path / "mean" / "run", tmp_path / "mean" / "onnx", overwrite=True)
    with pytest.raises(InputError, match="run holds model, which would be lost"):
        onnx.export(tmp_path / "mean" / "run", tmp_path / "mean" / "run", overwrite=True)
    with pytest.raises(InputError, match="model is the model that is read"):
        onnx.export(tmp_path / "mean" / "run", tmp_path / "mean" / "run" / "model", overwrite=True)


def test_what_cannot_be_read_is_told(films: Films, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mean = TextClassifier(Switch(1)).set_params(**(SMALL | {"encoder__name": "mean"})).fit(*films)
    exported(mean, tmp_path)
    with pytest.raises(InputError, match="nothing is no export for onnxruntime"):
        onnx.load(tmp_path / "nothing")
    network, described = tmp_path / "onnx" / "network.onnx", tmp_path / "onnx" / "model.json"
    whole, text = network.read_bytes(), described.read_text(encoding="utf-8")
    network.write_bytes(whole[:1000])
    with pytest.raises(InputError, match=r"network\.onnx cannot be read by onnxruntime"):
        onnx.load(tmp_path / "onnx")
    network.write_bytes(whole)
    for change in ({"format": 2}, {"ensemble": 3}, {"settings": {}}, {"vocabulary": None}, {"vocabulary": ["a"]}):
        described.write_text(json.dumps(json.loads(text) | change), encoding="utf-8")
        with pytest.raises(InputError, match=r"has format 2, this version reads 1|does not fit together|starts with"):
            onnx.load(tmp_path / "onnx")
    described.write_text(text, encoding="utf-8")
    arrays = tmp_path / "onnx" / "arrays.safetensors"
    whole = arrays.read_bytes()
    arrays.write_bytes(whole[:-8])
    with pytest.raises(InputError, match="onnx does not fit together: SafetensorError"):
        onnx.load(tmp_path / "onnx")
    arrays.write_bytes(whole)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mt2st\[onnx\]'"):
        onnx.load(tmp_path / "onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'mt2st\[onnx\]'"):
        onnx.export(tmp_path / "run", tmp_path / "again")
