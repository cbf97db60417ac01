"""What other projects wrote is read with the same words and numbers."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tests.embedding.formats.conftest import gensim_data

from mt2st.embedding import WordVectors
from mt2st.errors import InputError


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_word2vec_binary_with_and_without_line_breaks(vectors: WordVectors, tmp_path: Path, end: bytes) -> None:
    body = b"".join(
        word.encode() + b" " + row.tobytes() + end
        for word, row in zip(vectors.index_to_key, vectors.vectors, strict=True)
    )
    (tmp_path / "v.bin").write_bytes(f"{len(vectors)} {vectors.vector_size}\n".encode() + body)
    loaded = WordVectors.load(tmp_path / "v.bin")
    assert loaded.index_to_key == vectors.index_to_key
    assert loaded.vectors.tobytes() == vectors.vectors.tobytes()


@pytest.mark.parametrize("name", ["v.bin", "v.bin.gz"])
def test_gensims_binary(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    models = pytest.importorskip("gensim.models")
    theirs = models.KeyedVectors(vectors.vector_size)
    theirs.add_vectors(vectors.index_to_key, vectors.vectors)
    theirs.save_word2vec_format(str(tmp_path / name), binary=True)
    loaded = WordVectors.load(tmp_path / name)
    assert loaded.index_to_key == vectors.index_to_key
    np.testing.assert_array_equal(loaded.vectors, vectors.vectors)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("euclidean_vectors.bin", {"binary": True}),
        ("lee_fasttext.vec", {}),
        ("high_precision.kv.txt", {}),
    ],
)
def test_real_word2vec_files_are_read_as_gensim_reads_them(name: str, options: dict[str, bool]) -> None:
    models = pytest.importorskip("gensim.models")
    path = gensim_data(name)
    theirs = models.KeyedVectors.load_word2vec_format(str(path), **options)
    ours = WordVectors.load(path)
    assert ours.index_to_key == theirs.index_to_key
    np.testing.assert_allclose(ours.vectors, theirs.vectors, rtol=1e-6)


def test_a_real_glove_file() -> None:
    ours = WordVectors.load(gensim_data("test_glove.txt"))
    assert (len(ours), ours.vector_size) == (76, 50)
    assert ours.index_to_key[0] == "the"


def test_glove_words_with_spaces_and_numbers_are_cut_from_the_right(tmp_path: Path) -> None:
    lines = [
        ". . . 1 2 3",
        "at name@domain.com 4 5 6",
        "2 1 2 3",
        "the 5 0 0 0",
        "nan 1 1 1",
        "0.5 2 2 2",
        "\u0085 1 2 3",
    ]
    (tmp_path / "glove.txt").write_text("\n".join(lines) + "\n\n", encoding="utf-8")
    loaded = WordVectors.load(tmp_path / "glove.txt")
    assert loaded.index_to_key == [". . .", "at name@domain.com", "2", "the 5", "nan", "0.5", "\u0085"]
    np.testing.assert_array_equal(loaded["at name@domain.com"], [4, 5, 6])


@pytest.mark.parametrize("name", ["crime-and-punishment.bin", "lee_fasttext_new.bin"])
def test_fasttext_models_give_the_vectors_that_gensim_and_fasttext_give(name: str) -> None:
    models = pytest.importorskip("gensim.models.fasttext")
    path = gensim_data(name)
    theirs = models.load_facebook_vectors(str(path))
    ours = WordVectors.load(path)
    assert ours.index_to_key == theirs.index_to_key
    words = [word for word in ours.index_to_key if word != "</s>"]  # of which gensim makes n-grams, and fastText none
    np.testing.assert_allclose(ours[words], theirs[words], rtol=1e-4, atol=1e-6)
    fasttext = pytest.importorskip("fasttext")
    original = fasttext.load_model(str(path))
    for word in ("</s>", *words[:100]):
        expected = original.get_word_vector(word)  # some builds make it a unit vector
        found = ours[word] * (np.linalg.norm(expected) / np.linalg.norm(ours[word]))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_fasttext_classifiers_give_their_words_and_spell_out_broken_ones() -> None:
    fasttext = pytest.importorskip("fasttext")
    path = gensim_data("pang_lee_polarity_fasttext.bin")
    ours = WordVectors.load(path)
    assert "\\x97" in ours
    original = fasttext.load_model(str(path))
    for word in ours.index_to_key[:100]:
        expected = original.get_word_vector(word)
        found = ours[word] * (np.linalg.norm(expected) / np.linalg.norm(ours[word]))
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("gensims", ["Word2Vec", "KeyedVectors"])
def test_gensims_models_of_today(tmp_path: Path, gensims: str) -> None:
    models = pytest.importorskip("gensim.models")
    model = models.Word2Vec([["a", "b", "c"]] * 5, vector_size=6, min_count=1, epochs=1)
    (model if gensims == "Word2Vec" else model.wv).save(str(tmp_path / "m"))
    ours = WordVectors.load(tmp_path / "m")
    assert ours.index_to_key == model.wv.index_to_key
    np.testing.assert_array_equal(ours.vectors, model.wv.vectors)


@pytest.mark.parametrize(
    ("name", "n_words", "size"),
    [
        ("old_keyedvectors_320.dat", 12, 100),
        ("model-from-gensim-3.8.0.w2v", 3, 300),
        ("word2vec_3.3", 4, 100),
        ("word2vec_pre_kv_py3", 9, 2),
        ("word2vec_pre_kv_sep_py2", 9, 2),
        ("word2vec_pre_kv_sep_py3_4", 9, 2),
    ],
)
def test_gensims_models_of_years_ago(name: str, n_words: int, size: int) -> None:
    loaded = WordVectors.load(gensim_data(name))
    assert (len(loaded), loaded.vector_size) == (n_words, size)


def test_gensims_vectors_of_word_parts_are_refused_with_a_way_out(tmp_path: Path) -> None:
    models = pytest.importorskip("gensim.models")
    model = models.FastText([["a", "b", "c"]] * 5, vector_size=6, min_count=1, epochs=1, bucket=50)
    model.wv.save(str(tmp_path / "m"))
    with pytest.raises(InputError, match=r"m: holds vectors of parts of words.*save_word2vec_format"):
        WordVectors.load(tmp_path / "m")


def test_model2vec_folders_with_reduced_vocabulary_are_read(tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec")
    tokenizers = pytest.importorskip("tokenizers")
    words = {"[PAD]": 0, "[UNK]": 1, "good": 2, "film": 3, "bad": 4}
    tokenizer = tokenizers.Tokenizer(tokenizers.models.WordLevel(words, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    rows = np.array([[0, 0], [1, 2], [3, 4]], dtype=np.float16)
    factors = np.array([1, 1, 0.5, 2, 1])
    mapping = np.array([0, 0, 1, 2, 1])
    model = model2vec.StaticModel(rows, tokenizer, weights=factors, token_mapping=mapping)
    model.save_pretrained(tmp_path / "m")
    loaded = WordVectors.load(tmp_path / "m")
    assert loaded.index_to_key == ["[PAD]", "good", "film", "bad"]  # the unknown token's vector is zero
    for word in ("good", "film", "bad"):
        np.testing.assert_allclose(loaded[word], model.encode([word])[0], atol=1e-6)


@pytest.mark.parametrize("nested", [False, True])
def test_sentence_transformers_folders_are_read(tmp_path: Path, nested: bool) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    home = tmp_path / "m" / "0_StaticEmbedding" if nested else tmp_path / "m"
    home.mkdir(parents=True)
    table = np.random.default_rng(0).normal(size=(3, 4)).astype(np.float32)
    safetensors.save_file({"embedding.weight": table}, home / "model.safetensors")
    unigram = {"type": "Unigram", "unk_id": 0, "vocab": [["<unk>", 0.0], ["▁a", -1.0], ["b", -2.0]]}
    (home / "tokenizer.json").write_text(json.dumps({"model": unigram, "added_tokens": None}))
    loaded = WordVectors.load(tmp_path / "m")
    assert loaded.index_to_key == ["<unk>", "▁a", "b"]
    np.testing.assert_array_equal(loaded.vectors, table)


@pytest.mark.parametrize("kind", ["float16", "float64", "bfloat16"])
def test_safetensors_of_other_widths_are_read(tmp_path: Path, kind: str) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    table = torch.tensor([[1.5, -2.0], [0.25, 3.0]], dtype=getattr(torch, kind))
    save_file({"vectors": table, "other": torch.zeros(3)}, tmp_path / "vectors.safetensors")
    (tmp_path / "vocabulary.txt").write_text("a\nb\n")
    assert WordVectors.load(tmp_path).vectors.tolist() == [[1.5, -2.0], [0.25, 3.0]]
