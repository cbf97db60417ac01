"""``mt2st export``: what it writes is loaded by the other libraries, with the model's own numbers."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st import TextClassifier
from mt2st.cli.main import main
from mt2st.embedding import WordVectors
from tests.cli.conftest import FAST, write_reviews


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    data = write_reviews(folder / "reviews.csv")
    columns = ["--text", "review", "--label", "sentiment"]
    assert main(["train", str(data), *columns, "--output", str(folder / "run"), *FAST]) == 0
    return folder / "run"


@pytest.fixture(scope="module")
def vectors(run: Path) -> WordVectors:
    return TextClassifier.load(run).word_vectors


def export(run: Path, out: Path, to: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["export", str(run), str(out), "--to", to]) == 0
    return capsys.readouterr().out


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # gensim's, when a file has no header
@pytest.mark.parametrize(
    ("to", "name", "header"),
    [
        ("word2vec", "w.vec", True),
        ("fasttext-vec", "w.vec.gz", True),
        ("glove", "w.txt", False),
        ("keyedvectors", "w.kv", True),
    ],
)
def test_gensim_loads_the_word_vectors(
    to: str,
    name: str,
    header: bool,
    run: Path,
    vectors: WordVectors,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    models = pytest.importorskip("gensim.models")
    out = tmp_path / name
    said = export(run, out, to, capsys)
    assert said == f"{out}: {len(vectors):,} word vectors of 8 dimensions ({to})\n"
    if to == "keyedvectors":
        theirs = models.KeyedVectors.load(str(out))
    else:
        theirs = models.KeyedVectors.load_word2vec_format(str(out), no_header=not header)
    assert theirs.index_to_key == vectors.index_to_key
    np.testing.assert_array_equal(theirs.vectors, vectors.vectors)


def test_fasttext_starts_from_the_word_vectors(
    run: Path, vectors: WordVectors, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fasttext = pytest.importorskip("fasttext")
    export(run, tmp_path / "w.vec", "fasttext-vec", capsys)
    (tmp_path / "text").write_text("a warm film\n" * 3, encoding="utf-8")
    model = fasttext.train_unsupervised(
        str(tmp_path / "text"), dim=8, pretrainedVectors=str(tmp_path / "w.vec"), minCount=1, maxn=0, epoch=0, verbose=0
    )
    matrix = model.get_input_matrix()
    for word in ("warm", "film"):
        np.testing.assert_allclose(matrix[model.get_words().index(word)], vectors[word], rtol=1e-5, atol=1e-6)


def test_spacy_makes_a_pipeline_of_the_word_vectors(
    run: Path, vectors: WordVectors, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        spacy = pytest.importorskip("spacy")
        from spacy.training.initialize import convert_vectors as init_vectors  # what `spacy init vectors` runs
    export(run, tmp_path / "w.vec", "word2vec", capsys)
    pipeline = spacy.blank("en")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        init_vectors(pipeline, tmp_path / "w.vec", truncate=-1, prune=-1)
    for word in vectors.index_to_key:
        np.testing.assert_array_equal(pipeline.vocab.get_vector(word), vectors[word])


def mean_of(vectors: WordVectors) -> Any:
    return vectors[["a", "warm", "film"]].mean(axis=0)


def test_model2vec_loads_the_static_embedding(
    run: Path, vectors: WordVectors, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model2vec = pytest.importorskip("model2vec")
    export(run, tmp_path / "static", "static-embedding", capsys)
    model = model2vec.StaticModel.from_pretrained(tmp_path / "static")
    np.testing.assert_allclose(model.encode(["A warm film"])[0], mean_of(vectors), atol=1e-6)


@pytest.mark.slow
def test_sentence_transformers_loads_the_static_embedding(
    run: Path, vectors: WordVectors, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        sentence_transformers = pytest.importorskip("sentence_transformers")
    export(run, tmp_path / "static", "static-embedding", capsys)
    model = sentence_transformers.SentenceTransformer(str(tmp_path / "static"), device="cpu")
    assert type(model[0]).__name__ == "StaticEmbedding"
    np.testing.assert_allclose(model.encode(["A warm film"])[0], mean_of(vectors), atol=1e-6)


@pytest.mark.parametrize("to", ["onnx", "numpy"])
def test_a_folder_to_predict_with_has_the_models_probabilities(
    to: str, run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if to == "onnx":
        pytest.importorskip("onnx")
        pytest.importorskip("onnxruntime")
    said = export(run, tmp_path / "out", to, capsys)
    assert re.search(rf"out: .*, .* \(\d+\.\d MB, {to}\)", said)
    if to == "onnx":
        from mt2st.integrations.onnx import load
    else:
        from mt2st.inference import load
    texts = ["a warm and witty film", "a dull film"]
    of_torch = TextClassifier.load(run).predict_proba(texts)
    np.testing.assert_allclose(load(tmp_path / "out").predict_proba(texts), of_torch, atol=1e-6)
    assert main(["export", str(run), str(tmp_path / "out"), "--to", to]) == 2
    assert "already: choose another place" in capsys.readouterr().err
    assert main(["export", str(run), str(tmp_path / "out"), "--to", to, "--overwrite"]) == 0


def test_the_columns_of_the_training_data_are_remembered(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    export(run, tmp_path / "out", "numpy", capsys)
    table = write_reviews(tmp_path / "new.csv", 4)
    assert main(["predict", str(tmp_path / "out"), "--file", str(table)]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 5
    assert main(["evaluate", str(tmp_path / "out"), str(table)]) == 2
    assert "was exported to predict" in capsys.readouterr().err


def test_what_is_no_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "w.vec").write_text("1 2\na 1 2\n", encoding="utf-8")
    assert main(["export", str(tmp_path / "w.vec"), str(tmp_path / "w.kv"), "--to", "keyedvectors"]) == 2
    assert "is no folder of a trained model" in capsys.readouterr().err
    assert main(["export", str(tmp_path), str(tmp_path / "out"), "--to", "numpy"]) == 2
    assert "is no model folder" in capsys.readouterr().err
