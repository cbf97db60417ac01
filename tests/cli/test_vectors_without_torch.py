"""``mt2st vectors`` where torch is not installed: training, neighbours, conversion and evaluation."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from mt2st.text import Vocabulary

BLOCK = """
import sys

class NoTorch:  # tyro looks whether sys.modules has torch, so None must not be there
    def find_spec(self, name, path=None, target=None):
        if name == "torch" or name.startswith("torch."):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, NoTorch())
"""
BLOCKED = f"""{BLOCK}
from mt2st.cli.start import start
sys.argv = ["mt2st", *sys.argv[1:]]
sys.exit(start())
"""
METHODS = ["skipgram", "cbow-fasttext", "glove"]


def mt2st(*arguments: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("method", METHODS)
def test_vectors_are_trained_converted_and_queried(tmp_path: Path, method: str) -> None:
    corpus = tmp_path / "corpus.txt"
    corpus.write_text("a good film about a good man\na bad film about a bad man\n" * 30, encoding="utf-8")
    settings = ["--method", method, "--vector-size", "8", "--epochs", "1", "--min-count", "1"]
    trained = mt2st("vectors", "train", corpus, "--output", tmp_path / "vectors", *settings)
    assert "6 vectors of 8 dimensions" in trained
    assert "-> word2vec-binary" in mt2st("vectors", "convert", tmp_path / "vectors", tmp_path / "vectors.bin")
    assert mt2st("vectors", "neighbours", tmp_path / "vectors.bin", "film", "--topn", "2").startswith("film")
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("good\tbad\t9\nfilm\tman\t5\nfilm\tabout\t2\n", encoding="utf-8")
    assert "Spearman" in mt2st("vectors", "evaluate", tmp_path / "vectors", "--similarity", pairs)


def test_a_trained_model_s_folder_is_queried_and_converted(tmp_path: Path) -> None:
    Vocabulary.from_counts({"good": 9, "film": 8, "bad": 7}).save(tmp_path / "vocabulary.txt")
    table = np.eye(5, 4, dtype=np.float32)
    save_file({"embedding.weight": table}, tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text('{"format": 1, "settings": {"embedding": {}}}', encoding="utf-8")
    assert mt2st("vectors", "neighbours", tmp_path, "film", "--topn", "1").startswith("film")
    assert "model -> word2vec" in mt2st("vectors", "convert", tmp_path, tmp_path / "out.vec")


def test_the_packages_of_words_import_no_torch() -> None:
    names = ["mt2st", "mt2st.text", "mt2st.embedding", "mt2st.embedding.kernels", "mt2st.strategy", "mt2st.evaluation"]
    subprocess.run([sys.executable, "-c", f"{BLOCK}import {', '.join(names)}"], check=True)
