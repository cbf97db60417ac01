"""What we write is read by the project each format comes from, with the same words and numbers."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest

from mt2st.embedding import WordVectors, convert_vectors
from mt2st.text import Tokeniser


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")  # gensim's, when a file has no header
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("v.vec", {}),
        ("v.vec.gz", {}),
        ("v.bin", {"binary": True}),
        ("v.bin.gz", {"binary": True}),
        ("v.glove", {"no_header": True}),
    ],
)
def test_gensim_reads_text_and_binary(
    vectors: WordVectors, tmp_path: Path, name: str, options: dict[str, bool]
) -> None:
    models = pytest.importorskip("gensim.models")
    vectors.save(tmp_path / name)
    theirs = models.KeyedVectors.load_word2vec_format(str(tmp_path / name), **options)
    assert theirs.index_to_key == vectors.index_to_key
    np.testing.assert_array_equal(theirs.vectors, vectors.vectors)


@pytest.mark.parametrize("n_words", [50, 10_500])  # the second makes gensim put the vectors into a file of their own
def test_gensim_loads_its_own_format(tmp_path: Path, n_words: int) -> None:
    models = pytest.importorskip("gensim.models")
    rng, size = np.random.default_rng(0), 1_000
    words = [f"w{number}" for number in range(n_words)]
    ours = WordVectors(words, rng.random((n_words, size), dtype=np.float32))
    ours.save(tmp_path / "v.kv")
    theirs = models.KeyedVectors.load(str(tmp_path / "v.kv"))
    assert theirs.index_to_key == words
    np.testing.assert_array_equal(theirs.vectors, ours.vectors)
    assert theirs.most_similar("w3", topn=1)[0][0] == ours.most_similar("w3", topn=1)[0][0]
    theirs.add_vectors(["new"], np.ones((1, size), dtype=np.float32))
    assert (tmp_path / "v.kv.vectors.npy").exists() == (n_words > 50)
    loaded = WordVectors.load(tmp_path / "v.kv")
    np.testing.assert_array_equal(loaded.vectors, ours.vectors)
    WordVectors(["one"], np.ones((1, 2), np.float32)).save(tmp_path / "v.kv", overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["v.kv"]


def test_fasttext_reads_its_vec_as_the_start_of_a_training(vectors: WordVectors, tmp_path: Path) -> None:
    fasttext = pytest.importorskip("fasttext")
    vectors.vectors[0] = 0.25  # fastText reads no denormal numbers
    vectors.save(tmp_path / "v.vec")
    (tmp_path / "text").write_text("the a new_york the a\n" * 3, encoding="utf-8")
    model = fasttext.train_unsupervised(
        str(tmp_path / "text"), dim=5, pretrainedVectors=str(tmp_path / "v.vec"), minCount=1, maxn=0, epoch=0, verbose=0
    )
    # All pretrained words become words of the model, and their rows come first in its matrix.
    words = model.get_words()
    matrix = model.get_input_matrix()
    for word in ("the", "a", "new_york"):
        np.testing.assert_allclose(matrix[words.index(word)], vectors[word], rtol=1e-5, atol=1e-6)


@pytest.fixture
def english() -> WordVectors:
    words = ["the", "film", "don't", "3.5", ".", "naïve", "well", "-", "1,000", "日本"]
    return WordVectors(words, np.random.default_rng(1).normal(size=(len(words), 6)).astype(np.float32))


TEXT = "The Film: don't; 3.5 stars. Naïve, well-made, 1,000 日本"


def expected_mean(vectors: WordVectors) -> np.ndarray:
    return vectors[[token for token in Tokeniser()(TEXT) if token in vectors]].mean(axis=0)


def test_model2vec_loads_a_static_embedding(english: WordVectors, tmp_path: Path) -> None:
    model2vec = pytest.importorskip("model2vec")
    english.save(tmp_path / "folder", format="static-embedding")
    model = model2vec.StaticModel.from_pretrained(tmp_path / "folder")
    assert model.dim == 6
    for word in english.index_to_key:
        np.testing.assert_allclose(model.encode([word])[0], english[word], atol=1e-6)
    np.testing.assert_allclose(model.encode([TEXT])[0], expected_mean(english), atol=1e-6)
    assert not model.encode(["unheard"]).any()


@pytest.mark.slow
def test_sentence_transformers_loads_a_static_embedding(english: WordVectors, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        sentence_transformers = pytest.importorskip("sentence_transformers")
    english.save(tmp_path / "folder", format="static-embedding")
    model = sentence_transformers.SentenceTransformer(str(tmp_path / "folder"), device="cpu")
    found = model.encode([TEXT, "film", "film unheard"])
    mean = expected_mean(english)
    np.testing.assert_allclose(found[0] / np.linalg.norm(found[0]), mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(found[1], english["film"], atol=1e-6)
    np.testing.assert_allclose(found[2], english["film"] / 2, atol=1e-6)  # unknown words count, as zero


def test_a_static_embedding_with_capital_letters_keeps_them_apart(tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    WordVectors(["May", "may", "[UNK]"], np.eye(3)).save(tmp_path / "folder", format="static-embedding")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "folder" / "tokenizer.json"))
    assert tokenizer.encode("May may mAy").tokens == ["May", "may", "[UNK]*"]
    assert WordVectors.load(tmp_path / "folder").index_to_key == ["May", "may", "[UNK]"]


def test_what_their_tokenizer_cuts_is_what_ours_cuts(tmp_path: Path, shared_data: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    with gzip.open(shared_data / "imdb5k" / "imdb5k.csv.gz", "rt", encoding="utf-8") as file:
        sample = file.read(200_000).replace("<br />", " ")
    words = sorted(set(Tokeniser()(sample)))
    WordVectors(words, np.ones((len(words), 2))).save(tmp_path / "folder", format="static-embedding")
    tokenizer = tokenizers.Tokenizer.from_file(str(tmp_path / "folder" / "tokenizer.json"))
    assert tokenizer.encode(sample).tokens == Tokeniser()(sample)


def test_the_safetensors_library_reads_our_folders(vectors: WordVectors, tmp_path: Path) -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    vectors.save(tmp_path / "folder", format="safetensors")
    tensors = safetensors.load_file(tmp_path / "folder" / "vectors.safetensors")
    np.testing.assert_array_equal(tensors["vectors"], vectors.vectors)
    words = (tmp_path / "folder" / "vocabulary.txt").read_text(encoding="utf-8").split("\n")
    assert words == [*vectors.index_to_key, ""]


@pytest.mark.parametrize("name", ["v.vec", "v.vec.gz", "w.vec.gz"])
def test_spacy_makes_a_pipeline_of_our_text(vectors: WordVectors, tmp_path: Path, name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its own imports
        spacy = pytest.importorskip("spacy")
        from spacy.training.initialize import convert_vectors as init_vectors  # what `spacy init vectors` runs
    if name == "w.vec.gz":  # two gzip members: the header's and the body's
        vectors.save(tmp_path / "v.glove")
        convert_vectors(tmp_path / "v.glove", tmp_path / name)
    else:
        vectors.save(tmp_path / name)
    pipeline = spacy.blank("en")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        init_vectors(pipeline, tmp_path / name, truncate=-1, prune=-1)
    assert len(pipeline.vocab.vectors) == len(vectors)
    for word in vectors.index_to_key:
        np.testing.assert_array_equal(pipeline.vocab.get_vector(word), vectors[word])
