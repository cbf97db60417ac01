"""Texts as people have them: tokenised already, or in scripts that set no spaces between words."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from mt2st import Tagger, TextClassifier
from mt2st.cli.main import main
from mt2st.embedding import load_vectors
from mt2st.errors import DataWarning
from mt2st.models import Compute, Embedding, Optimisation, Text, load
from mt2st.text import Corpus, Tokeniser

WALKS = "n_12 New_York film|NOUN c++ n_7\nnew_york n_12 los_angeles c++ film|NOUN\n"
CHINESE = ["\u8fd9\u90e8\u7535\u5f71\u597d\u770b\u3002", "\u6d6a\u8d39\u65f6\u95f4\uff0c\u592a\u5dee\u4e86"] * 6


@pytest.mark.filterwarnings("default")
def test_whitespace_keeps_the_words_of_tokenised_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus, output = tmp_path / "walks.txt", tmp_path / "walks.vec"
    corpus.write_text(WALKS, encoding="utf-8")
    options = [
        "--output",
        str(output),
        "--min-count",
        "1",
        "--vector-size",
        "4",
        "--epochs",
        "1",
        "--overwrite",
        "--sample",
        "0",
    ]
    assert main(["vectors", "train", str(corpus), *options, "--tokens", "whitespace"]) == 0
    words = {"n_12", "new_york", "film|noun", "c++", "n_7", "los_angeles"}
    assert set(load_vectors(output).index_to_key) == words
    assert "are cut at their signs" not in capsys.readouterr().err
    assert main(["vectors", "train", str(corpus), *options]) == 0
    assert (
        "words such as 'n_12' are cut at their signs: .* --tokens whitespace".partition(":")[0]
        in capsys.readouterr().err
    )


def test_a_model_keeps_how_its_texts_are_cut(tmp_path: Path) -> None:
    texts, labels = ["so_good c++", "so_bad c++"] * 6, ["+", "-"] * 6
    model = TextClassifier(
        encoder="mean",
        text=Text(min_count=1, tokens="whitespace"),
        embedding=Embedding(vector_size=4),
        optimisation=Optimisation(epochs=2),
        compute=Compute(parallel_context=False),
    ).fit(texts, labels)
    assert {"so_good", "so_bad", "c++"} <= set(model.vocabulary_.tokens)
    model.save(tmp_path / "model")
    loaded = load(tmp_path / "model")
    assert loaded.predict(texts).tolist() == model.predict(texts).tolist()
    assert loaded.predict_proba(texts).tolist() == model.predict_proba(texts).tolist()


def test_a_tagger_of_tokenised_text_cuts_raw_text_at_spaces(tmp_path: Path) -> None:
    tagger = Tagger(encoder="mean", text=Text(min_count=1, tokens="whitespace"), optimisation=Optimisation(epochs=1))
    tagger.fit([["well-made", "c++"], ["it", "."]] * 6, [["A", "N"], ["P", "."]] * 6)
    tagger.save(tmp_path / "tagger")
    for each in (tagger, Tagger.load(tmp_path / "tagger")):
        assert each.cutter_("A well-made, c++ .") == ["A", "well-made,", "c++", "."]


@pytest.mark.parametrize("tokens", ["whitespace", "characters"])
@pytest.mark.parametrize(
    "text", ["a\u00a0b  c\td <unk> \u597d\u770b\u3002 e\u0301", "\0x\0", "", "\u0e2b\u0e19\u0e31\u0e07 x", "z" * 2500]
)
def test_tokens_that_are_cut_again_are_the_same(tokens: str, text: str) -> None:
    tokenise = Tokeniser(tokens=tokens)  # type: ignore[arg-type]
    found = tokenise(text)
    assert tokenise(" ".join(found)) == found
    assert all(found)
    assert Tokeniser.from_dict(tokenise.to_dict()) == tokenise


def test_the_names_of_the_specials_may_stand_in_tokenised_text() -> None:
    corpus = Corpus.build(["a <unk> b", "<pad> a"], tokeniser=Tokeniser(tokens="whitespace"), min_count=1)
    assert corpus.vocabulary.tokens == ("<pad>", "<unk>", "a", "b")
    assert [each.tolist() for each in corpus] == [[2, 1, 3], [1, 2]]


def test_text_that_is_not_cut_into_words_is_told_with_the_remedy() -> None:
    with pytest.warns(DataWarning, match=r"no spaces between words \(Chinese or Japanese\).*--tokens characters"):
        Corpus.build(CHINESE, tokeniser=Tokeniser(), min_count=1)
    with pytest.warns(DataWarning, match="Thai"):
        Corpus.build(
            ["\u0e2b\u0e19\u0e31\u0e07\u0e40\u0e23\u0e37\u0e48\u0e2d\u0e07\u0e19\u0e35\u0e49"],
            tokeniser=Tokeniser(),
            min_count=1,
        )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        by_character = Corpus.build(CHINESE, tokeniser=Tokeniser(tokens="characters"), min_count=1)
        Corpus.build([" ".join(each) for each in CHINESE], tokeniser=Tokeniser(), min_count=1)
        Corpus.build(["a \u597d film", "b"], tokeniser=Tokeniser(), min_count=1)
    assert "\u597d" in by_character.vocabulary
