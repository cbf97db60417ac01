"""Training that goes on from given vectors: the vocabulary grows, words are kept, frozen ones stay to the bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mt2st.embedding import SubwordSettings, SubwordVectors, WordVectors, train_word_vectors
from mt2st.errors import InputError
from mt2st.text import Corpus, Tokeniser

METHODS = ["skipgram", "cbow", "skipgram-fasttext", "cbow-fasttext"]
SIZE, NGRAMS = 16, SubwordSettings(min_n=3, max_n=4, bucket=400)
TOPICS = {"film": [f"film{i}" for i in range(10)], "food": [f"food{i}" for i in range(10)]}


def corpus_of(topics: dict[str, list[str]], documents: int = 400) -> Corpus:
    """Documents about one topic each."""
    rng = np.random.default_rng(1)
    names = list(topics)
    texts = [" ".join(rng.choice(topics[names[n % len(names)]], 30)) for n in range(documents)]
    return Corpus.build(texts, tokeniser=Tokeniser(), min_count=1)


def grown_topics() -> dict[str, list[str]]:
    """Both topics with a word each that no given vector has; film9 and food9 are not in the corpus."""
    return {"film": [*TOPICS["film"][:9], "actor"], "food": [*TOPICS["food"][:9], "onion"]}


def settings_of(method: str) -> dict[str, object]:
    settings: dict[str, object] = {"method": method, "sample": 0, "epochs": 4, "seed": 2, "alpha": 0.05}
    if method.endswith("fasttext"):
        settings |= {"min_n": NGRAMS.min_n, "max_n": NGRAMS.max_n, "bucket": NGRAMS.bucket}
    return settings


@pytest.fixture(scope="module")
def given() -> dict[str, WordVectors]:
    corpus = corpus_of(TOPICS)
    return {
        method: train_word_vectors(corpus, vector_size=SIZE, **settings_of(method))  # type: ignore[arg-type]
        for method in METHODS
    }


@pytest.mark.parametrize("method", METHODS)
def test_new_words_land_near_their_kin_and_absent_ones_are_kept(method: str, given: dict[str, WordVectors]) -> None:
    before = given[method]
    after = train_word_vectors(corpus_of(grown_topics()), init_vectors=before, **settings_of(method))  # type: ignore[arg-type]
    assert type(after) is type(before)
    assert after.vector_size == SIZE
    assert set(after.index_to_key) == set(before.index_to_key) | {"actor", "onion"}
    assert after.index_to_key[-2:] == [word for word in before.index_to_key if word in ("film9", "food9")]
    for new, kin, others in (("actor", "film", "food"), ("onion", "food", "film")):
        near = np.mean([after.similarity(new, word) for word in TOPICS[kin][:9]])
        far = np.mean([after.similarity(new, word) for word in TOPICS[others][:9]])
        assert near > far + 0.3
    if not isinstance(after, SubwordVectors):
        np.testing.assert_array_equal(after["film9"], before["film9"])
    assert (after["film0"] != before["film0"]).any()


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("method", METHODS)
def test_known_words_stay_to_the_bit_while_new_ones_learn(
    method: str, workers: int, given: dict[str, WordVectors]
) -> None:
    before = given[method]
    unchanged = before.vectors.copy()
    after = train_word_vectors(
        corpus_of(grown_topics()),
        init_vectors=before,
        frozen="known",
        workers=workers,
        **settings_of(method),  # type: ignore[arg-type]
    )
    assert after[before.index_to_key].tobytes() == before.vectors.tobytes() == unchanged.tobytes()
    if workers == 1:  # several, on so small a corpus, train all its epochs at once
        kin = np.mean([after.similarity("actor", word) for word in TOPICS["film"]])
        assert kin > np.mean([after.similarity("actor", word) for word in TOPICS["food"]]) + 0.3


@pytest.mark.parametrize("method", METHODS)
def test_only_the_words_named_are_frozen(method: str, given: dict[str, WordVectors]) -> None:
    before, frozen = given[method], {"film3", "food9"}
    after = train_word_vectors(
        corpus_of(grown_topics()),
        init_vectors=before,
        frozen=iter(frozen),
        workers=2,
        **settings_of(method),  # type: ignore[arg-type]
    )
    for word in frozen:
        assert after[word].tobytes() == before[word].tobytes()
    assert (after["film4"] != before["film4"]).any()


def test_a_subclass_with_ngrams_serves_methods_without(given: dict[str, WordVectors]) -> None:
    before = given["cbow-fasttext"]
    after = train_word_vectors(
        corpus_of(grown_topics()), init_vectors=before, frozen="known", vector_size=SIZE, method="cbow", epochs=1
    )
    assert not isinstance(after, SubwordVectors)
    assert after["film0"].tobytes() == before["film0"].tobytes()


@pytest.mark.parametrize(("method", "name"), [("skipgram", "v.vec"), ("cbow", "v.bin"), ("cbow-fasttext", "v")])
def test_vectors_from_disk_are_those_in_memory(
    method: str, name: str, given: dict[str, WordVectors], tmp_path: Path
) -> None:
    before, path = given[method], tmp_path / name
    if isinstance(before, SubwordVectors):
        before.save_folder(path)
    else:
        before.save(path)
    corpus = corpus_of(grown_topics(), 50)
    settings = {"method": method, "epochs": 1, "frozen": ["film1"], "sample": 0}
    from_disk, from_memory = (
        train_word_vectors(corpus, init_vectors=source, **settings)  # type: ignore[arg-type]
        for source in (path, before)
    )
    assert from_disk.vectors.tobytes() == from_memory.vectors.tobytes()
    from_disk.save(tmp_path / "again.vec")
    again = WordVectors.load(tmp_path / "again.vec")
    assert again.index_to_key == from_disk.index_to_key
    np.testing.assert_array_equal(again.vectors, from_disk.vectors)


def test_without_a_step_given_words_are_what_they_were_and_new_ones_are_random(given: dict[str, WordVectors]) -> None:
    tiny = 1e-30  # a rate that moves nothing
    after = train_word_vectors(
        corpus_of(grown_topics(), 4), init_vectors=given["skipgram"], alpha=tiny, min_alpha=0, epochs=1, sample=0
    )
    np.testing.assert_array_equal(after[given["skipgram"].index_to_key], given["skipgram"].vectors)
    assert 0 < np.abs(after["actor"]).max() <= 1 / SIZE


@pytest.mark.parametrize(
    ("method", "settings", "message"),
    [
        ("skipgram", {"vector_size": 20}, "the given vectors have 16 dimensions, but vector_size is 20"),
        ("skipgram", {"method": "cbow-fasttext"}, "goes on only from vectors with n-grams.*'skipgram', 'cbow'"),
        ("cbow-fasttext", {"bucket": 7}, "the given vectors have bucket 400, but bucket is 7"),
        ("cbow", {"frozen": "known", "init_vectors": None}, "frozen words need the vectors that they keep"),
        ("cbow", {"frozen": ["film0", "flim0"]}, "1 of the 2 frozen words .* 'flim0' first. Did you mean"),
        ("cbow", {"frozen": "film0"}, "frozen must be 'known' .* or a list of words; found 'film0'"),
        ("cbow", {"init_vectors": "nowhere.vec"}, "nowhere.vec"),
    ],
)
def test_what_does_not_go_together_is_refused(
    method: str, settings: dict[str, object], message: str, given: dict[str, WordVectors]
) -> None:
    with pytest.raises(InputError, match=message):
        train_word_vectors(corpus_of(TOPICS, 2), **{"method": method, "init_vectors": given[method]} | settings)  # type: ignore[arg-type]


def test_vectors_of_other_words_are_refused() -> None:
    given = WordVectors(["Film0", "<unk>"], np.eye(2, dtype=np.float32))
    with pytest.raises(InputError, match="none of the 2 words of the given vectors is among the 20 of the corpus"):
        train_word_vectors(corpus_of(TOPICS), init_vectors=given)


def test_words_called_like_specials_are_words_where_they_are_given() -> None:
    given = WordVectors(["film0", "<unk>"], np.eye(2, dtype=np.float32))
    after = train_word_vectors(corpus_of(TOPICS), init_vectors=given, frozen="known", epochs=1)
    assert after.index_to_key[-1] == "<unk>"
    np.testing.assert_array_equal(after[["film0", "<unk>"]], np.eye(2))


def test_gensim_freezes_the_same_rows() -> None:
    """What a user of ``build_vocab(update=True)`` and ``intersect_word2vec_format(lockf=0)`` has."""
    word2vec = pytest.importorskip("gensim.models.word2vec")
    texts = [line.split() for line in ("the cat sat on the mat", "the dog sat on the log") for _ in range(20)]
    theirs = word2vec.Word2Vec(vector_size=8, min_count=1, epochs=2)
    theirs.build_vocab(texts)
    given = WordVectors(["cat", "sat", "bird"], np.random.default_rng(0).normal(size=(3, 8)).astype(np.float32))
    theirs.wv.vectors_lockf = np.ones(len(theirs.wv), dtype=np.float32)
    for word in ("cat", "sat"):
        theirs.wv.vectors[theirs.wv.key_to_index[word]] = given[word]
        theirs.wv.vectors_lockf[theirs.wv.key_to_index[word]] = 0
    theirs.train(texts, total_examples=len(texts), epochs=2)
    corpus = Corpus.build([" ".join(text) for text in texts], tokeniser=Tokeniser(), min_count=1)
    ours = train_word_vectors(corpus, init_vectors=given, frozen="known", epochs=2)
    for word in ("cat", "sat"):
        np.testing.assert_array_equal(ours[word], theirs.wv[word])
    assert set(ours.index_to_key) == {*theirs.wv.index_to_key, "bird"}
