"""Taggers, classifiers for several labels, and auxiliary tasks on other labelled data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mt2st.errors import DataWarning, InputError
from mt2st.models import MultiLabelClassifier, Optimisation, Tagger, TextClassifier, load_model
from mt2st.strategy import AdaptiveDiminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.study.predictions import predictions_of
from mt2st.text import LabelledText, TaggedText, read_tagged
from mt2st.training import Callback, Trainer

pytestmark = pytest.mark.filterwarnings("ignore:.* no word that the model knows")

Sentences = tuple[list[list[str]], list[list[str]]]
SMALL = {
    "encoder__name": "mean",
    "encoder__hidden_size": 8,
    "embedding__vector_size": 8,
    "optimisation__epochs": 8,
    "optimisation__batch_size": 8,
    "text__min_count": 1,
    "encoder__dropout": 0.1,
    "optimisation__learning_rate": 0.05,
    "optimisation__embedding_learning_rate": 0.05,
    "compute__parallel_context": False,
    "context__window": 3,
    "optimisation__average": 0.0,
}
WORDS = {"DET": ["the", "a", "this"], "NOUN": ["dog", "cat-fish", "U.S.A."], "VERB": ["barks", "isn't", "ran"]}


def sentences(n: int = 60, *, spans: bool = False) -> Sentences:
    rng = np.random.default_rng(n)
    names = {"DET": "O", "NOUN": "B-animal", "VERB": "O"}
    tags = [[list(WORDS)[kind] for kind in rng.integers(0, 3, rng.integers(1, 7))] for _ in range(n)]
    words = [[WORDS[tag][rng.integers(3)] for tag in sentence] for sentence in tags]
    return words, [[names[tag] if spans else tag for tag in sentence] for sentence in tags]


def make(strategy: Strategy | None = None, **settings: Any) -> Tagger:
    return Tagger(strategy=strategy or Switch(at=3)).set_params(**(SMALL | settings))


@pytest.fixture(scope="module")
def fitted() -> Tagger:
    return make().fit(*sentences())


@pytest.mark.parametrize("encoder", ["bilstm", "cnn", "mean"])
def test_it_learns_what_can_be_learnt(encoder: str) -> None:
    tagger = make(encoder__name=encoder).fit(*sentences())
    assert tagger.classes_.tolist() == ["DET", "NOUN", "VERB"]
    assert tagger.evaluate(*sentences(20))["accuracy"] > 0.98


def test_every_word_of_every_sentence_gets_a_tag(fitted: Tagger) -> None:
    words = [["the", "cat-fish", "isn't"], [], ["\u200b"], ["this"] * 1000, ["ran"]]
    found = fitted.predict(iter(words))
    assert [len(tags) for tags in found] == [len(sentence) for sentence in words]
    assert found[0] == ["DET", "NOUN", "VERB"]
    assert found[3] == ["DET"] * 1000, "longer than max_length"
    assert fitted.predict([]) == fitted.predict_proba([]) == []
    assert [rows.shape for rows in fitted.predict_proba([[], ["a"]])] == [(0, 3), (1, 3)]
    for rows in fitted.predict_proba(words):
        assert rows.sum(axis=1) == pytest.approx(np.ones(len(rows)), abs=1e-5)


def test_long_sentences_are_learnt_and_measured_to_their_end() -> None:
    words, tags = sentences()
    joined = [[word for sentence in words for word in sentence]], [[tag for sentence in tags for tag in sentence]]
    tagger = make(text__max_length=5).fit(words, tags, validation=joined)
    assert tagger.metrics_["validation"]["accuracy"] > 0.98
    parts = tagger.predict(joined[0])[0]
    assert len(parts) == len(joined[0][0])


def test_tags_that_mark_spans_choose_the_best_epoch_by_entities() -> None:
    heard: list[Trainer] = []

    class Hearing(Callback):
        def on_fit_start(self, trainer: Trainer) -> None:
            heard.append(trainer)

    tagger = make().fit(*sentences(spans=True), callbacks=[Hearing()])
    assert heard[0].monitor == "entity_f1"
    assert tagger.metrics_["validation"]["entity_f1"] > 0.95


def test_tags_that_mark_spans_are_predicted_as_the_scheme_has_them(tmp_path: Path) -> None:
    words, tags = sentences(spans=True)
    inside = [["I" + tag[1:] if tag != "O" and at and row[at - 1] != "O" else tag for at, tag in enumerate(row)]
              for row in tags]  # fmt: skip
    tagger = make(optimisation__epochs=2).fit(words, inside)
    assert tagger.scheme_ == "iob2"
    with torch.no_grad():
        tagger.network_.heads["primary"].weight.zero_()
        tagger.network_.heads["primary"].bias.copy_(torch.tensor([0.0, 9.0, 0.0]))  # I-animal everywhere
    unseen = sentences(20)[0]
    assert all(rows.argmax(axis=1).tolist() == [1] * len(rows) for rows in tagger.predict_proba(unseen))
    tagger.save(tmp_path / "model")
    for model in (tagger, Tagger.load(tmp_path / "model")):
        for found in model.predict(unseen):
            assert found in (["B-animal"] + ["I-animal"] * (len(found) - 1), ["O"] * len(found))
    rows = TaggedText(words, inside)
    predicted = [tag for found in tagger.predict(words) for tag in found]
    true = [tag for found in inside for tag in found]
    share = sum(one == two for one, two in zip(predicted, true, strict=True)) / len(true)
    assert tagger.evaluate_rows(rows)["accuracy"] == pytest.approx(share)
    report = predictions_of(tagger.classes_.tolist(), rows, tagger.predict_rows(rows), scheme=tagger.scheme_)
    assert report.wrong == sum(one != two for one, two in zip(predicted, true, strict=True))
    assert make(optimisation__epochs=1).fit(*sentences()).scheme_ is None


def test_a_loaded_tagger_is_as_it_was_saved(fitted: Tagger, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model", about=["made up"])
    for again in (Tagger.load(tmp_path / "model"), load_model(tmp_path / "model")):
        assert isinstance(again, Tagger)
        assert again.settings_ == fitted.settings_
        for one, two in zip(again.predict_proba(sentences(9)[0]), fitted.predict_proba(sentences(9)[0]), strict=True):
            assert np.array_equal(one, two)
    assert (tmp_path / "model" / "README.md").read_text(encoding="utf-8").count("\n# Tagger\n") == 1
    with pytest.raises(InputError, match="holds a model for tagging, TextClassifier loads one for classification"):
        TextClassifier.load(tmp_path / "model")


def test_an_interrupted_fit_goes_on_from_its_checkpoint_to_the_same_bits(tmp_path: Path) -> None:
    reviews = {"mood": LabelledText(["dull", "fine film"] * 20, ["-", "+"] * 20)}
    settings: dict[str, Any] = {"optimisation__epochs": 3, "encoder__word_dropout": 0.1}

    class StopAt(Callback):
        def on_step_end(self, trainer: Trainer) -> None:
            if trainer.progress.step == 8:
                broken.stop()

    whole = make(**settings).fit(*sentences(), auxiliary_rows=reviews)
    broken = make(**settings)
    broken.fit(*sentences(), auxiliary_rows=reviews, checkpoint=tmp_path / "at", callbacks=[StopAt()])
    assert broken.run_.stopped == "interrupted"
    others = {"mood": LabelledText(reviews["mood"].texts, ["+", "-"] * 20)}
    with pytest.raises(InputError, match="is of another run"):
        make(**settings).fit(*sentences(), auxiliary_rows=others, checkpoint=tmp_path / "at")
    resumed = make(**settings).fit(*sentences(), auxiliary_rows=reviews, checkpoint=tmp_path / "at")
    assert np.array_equal(resumed.predict_proba([["a", "dog"]]), whole.predict_proba([["a", "dog"]]))


@pytest.mark.parametrize(
    ("words", "tags", "message"),
    [
        ([], [], "no tagged word"),
        ([["a"], ["b"]], [["X"], ["X"]], "all words have the one tag 'X'"),
        ([["a"]], [["X", "Y"]], "sentence 0 must have a tag for each word"),
        (["a b"], [["X", "Y"]], "give a list of words, found the one text 'a b'"),
        ([["a", "b"]], [["X", "Y"]], "leaves nothing on one side"),
    ],
)
def test_sentences_that_cannot_be_used_are_refused(words: Any, tags: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make().fit(words, tags)


def test_text_in_place_of_sentences_is_refused(fitted: Tagger) -> None:
    with pytest.raises(InputError, match="list of sentences of words, found the one text"):
        fitted.predict("the dog")
    with pytest.raises(InputError, match="sentence 0: give a list of words"):
        fitted.predict(["the dog"])
    with pytest.raises(InputError, match="nothing to measure on"):
        fitted.evaluate([], [])


@pytest.mark.parametrize("model", [Tagger, MultiLabelClassifier])
def test_an_adaptive_strategy_looks_ahead_on_validation_data_of_its_kind(model: Any) -> None:
    data = sentences() if model is Tagger else several()
    made = model(
        strategy=AdaptiveDiminish(signal="gain"),
    ).set_params(**(SMALL | {"optimisation__epochs": 2, "optimisation__feedback_every": 2}))
    run = made.fit(*data, auxiliary_rows={"mood": LabelledText(["dull", "fine film"] * 20, ["-", "+"] * 20)}).run_
    assert "mood" in run.evaluations[0].losses


# Spelling

ENDINGS = {"-ing": "VERB", "-ly": "ADV", "-ness": "NOUN"}


def made_up(numbers: range) -> Sentences:
    """Sentences of made-up words, none of them twice, whose tags are told by their endings alone."""
    rng = np.random.default_rng(len(numbers))
    words, tags = [], []
    for number in numbers:
        kinds = [list(ENDINGS)[kind] for kind in rng.integers(0, 3, 4)]
        stems = [f"{''.join('bcdfghjklm'[int(digit)] for digit in str(number))}{at}a" for at in "wxyz"]
        words.append([stem + kind[1:] for stem, kind in zip(stems, kinds, strict=True)])
        tags.append([ENDINGS[kind] for kind in kinds])
    return words, tags


def test_by_its_spelling_a_word_is_tagged_that_no_text_has() -> None:
    train, test = made_up(range(100, 160)), made_up(range(200, 230))
    settings: dict[str, Any] = {"auxiliaries": (), "optimisation__epochs": 15}
    tagger = make(**settings).fit(*train)
    assert tagger.score(*test) > 0.95
    with pytest.raises(InputError, match="nothing to measure on"):
        tagger.score([], [])
    alone = make(**settings, encoder__spelling=False).fit(*train)
    assert alone.network_.spelling is None
    assert alone.score(*test) < 0.6


def test_capitals_tell_names_though_words_are_in_lower_case() -> None:
    rng = np.random.default_rng(1)
    words = [[f"{'N' if name else 'n'}{'aeiou'[at % 5]}r{at}" for at, name in enumerate(row)]
             for row in rng.random((60, 5)) < 0.5]  # fmt: skip
    tags = [["PROPN" if word[0] == "N" else "NOUN" for word in sentence] for sentence in words]
    tagger = make(auxiliaries=()).fit(words, tags)
    assert tagger.predict([["Nor9", "nor9", "Nir8"]]) == [["PROPN", "NOUN", "PROPN"]]


def test_raw_text_is_cut_as_the_training_data_is(tmp_path: Path) -> None:
    words, tags = sentences()
    tagger = make(optimisation__epochs=1).fit([[*row, "n't"] for row in words], [[*row, "VERB"] for row in tags])
    tagger.save(tmp_path / "model")
    for model in (tagger, Tagger.load(tmp_path / "model")):
        assert model.cutter_("The cat-fish hasn't U.S.A.!") == ["The", "cat-fish", "has", "n't", "U.S.A.", "!"]


def test_a_word_of_several_tokens_is_read_as_one() -> None:
    tagger = make(encoder__name="bilstm", optimisation__epochs=2).fit(*sentences())
    several, one = tagger.predict_proba([["the", "cat-fish", "ran"], ["the", "cat", "ran"]])
    assert len(several) == len(one) == 3


@pytest.mark.parametrize("method", ["skipgram", "skipgram-fasttext"])
def test_a_loaded_tagger_spells_as_the_saved_one(method: str, tmp_path: Path) -> None:
    fitted = make(context__method=method, embedding__bucket=500 if "fast" in method else None).fit(
        *sentences(), auxiliary_rows={"mood": LabelledText(["Dull", "fine film"] * 20, ["-", "+"] * 20)}
    )
    fitted.save(tmp_path / "model")
    again = Tagger.load(tmp_path / "model")
    unseen = [["THE", "Zebra-fish", "barks"], ["unbarks"]]
    for one, two in zip(again.predict_proba(unseen), fitted.predict_proba(unseen), strict=True):
        assert np.array_equal(one, two)
    together, alone = fitted.predict_proba(unseen)[1], fitted.predict_proba(unseen[1:])[0]
    assert np.allclose(together, alone, atol=1e-6)
    assert again.word_vectors.index_to_key == fitted.word_vectors.index_to_key
    assert again.word_vectors.vector_size == 8


def test_the_learning_rates_of_a_tagger_fall_to_0_over_the_epochs() -> None:
    falling = make(optimisation__epochs=4).fit(*sentences())
    rates = [each.learning_rates["encoder"] for each in falling.run_.evaluations]
    assert rates == pytest.approx([0.05 * share for share in (0.75, 0.5, 0.25, 0.0)])
    constant = make(optimisation__epochs=2, optimisation__linear_decay=False).fit(*sentences())
    assert {each.learning_rates["encoder"] for each in constant.run_.evaluations} == {0.05}


def test_what_else_changes_the_learning_rates_takes_the_place_of_their_decay() -> None:
    assert make(optimisation__warmup_steps=5).checked_settings().optimisation.linear_decay is False
    assert make(transition__rate="drop").checked_settings().optimisation.linear_decay is False
    with pytest.raises(InputError, match=r"linear_decay is True, but warmup_steps"):
        make(optimisation__warmup_steps=5, optimisation__linear_decay=True).checked_settings()


def test_default_learning_rates_that_fall_are_twice_as_high_at_first() -> None:
    falling, constant = (Tagger(optimisation=Optimisation(linear_decay=each)) for each in (None, False))
    for name, rate in constant.checked_settings().learning_rates.items():
        assert falling.checked_settings().learning_rates[name] == 2 * rate
    given = Tagger(optimisation=Optimisation(learning_rate=0.25)).checked_settings().learning_rates
    assert (given["encoder"], given["heads"]) == (0.25, 0.25)


def test_only_a_tagger_reads_spelling() -> None:
    with pytest.raises(InputError, match=r"encoder\.spelling is True, but only a tagger"):
        TextClassifier().set_params(encoder__spelling=True).fit(["a", "b"], ["x", "y"])
    assert make().checked_settings().encoder.spelling is True
    assert TextClassifier().checked_settings().encoder.spelling is False


def test_a_callback_gets_the_fitted_tagger_complete(tmp_path: Path) -> None:
    class Saves(Callback):
        def on_model(self, model: Any) -> None:
            self.tags = model.predict([["the", "cat-fish"]])
            model.save(tmp_path / "model")

    saves = Saves()
    tagger = make(optimisation__epochs=2).fit(*sentences(spans=True), callbacks=[saves])
    assert saves.tags == tagger.predict([["the", "cat-fish"]])
    assert Tagger.load(tmp_path / "model").scheme_ == tagger.scheme_ == "iob2"


# Several labels a text


def several() -> tuple[list[str], list[list[str]]]:
    parts = {"comedy": "funny", "slow": "long", "war": "guns"}
    rng = np.random.default_rng(1)
    labels = [[name for name in parts if rng.random() < 0.5] for _ in range(60)]
    return [" ".join(["a", "film", *(parts[name] for name in each)]) for each in labels], labels


def test_several_labels_a_text_are_learnt_saved_and_loaded(tmp_path: Path) -> None:
    model = (
        MultiLabelClassifier(strategy=Switch(at=3)).set_params(**(SMALL | {"optimisation__epochs": 15})).fit(*several())
    )
    assert model.classes_.tolist() == ["comedy", "slow", "war"]
    assert model.predict(["funny guns", "a film"]).tolist() == [("comedy", "war"), ()]
    assert model.evaluate(*several())["subset_accuracy"] > 0.95
    with pytest.warns(DataWarning, match="test: 'odd' is unknown to the model, and cannot be found"):
        assert model.evaluate(["a film"], [["odd"]])["micro_recall"] == 0.0
    assert model.predict([]).tolist() == []
    model.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert isinstance(again, MultiLabelClassifier)
    assert np.array_equal(again.predict_proba(["long"]), model.predict_proba(["long"]))
    with pytest.raises(InputError, match="no text has a label"):
        model.fit(["a", "b"], [[], []])
    with pytest.raises(InputError, match="text 0: give a list of labels, found 'ab'"):
        model.fit(["a", "b"], ["ab", "a"])


def test_a_fit_that_fails_leaves_the_model_and_the_form_of_its_predictions() -> None:
    texts, labels = several()
    matrix = np.array([[name in each for name in ("comedy", "slow", "war")] for each in labels], dtype=int)
    model = MultiLabelClassifier(strategy=Switch(at=3)).set_params(**(SMALL | {"optimisation__epochs": 2}))
    before = model.fit(texts, matrix).predict(texts)
    with pytest.raises(InputError, match="split fraction"):
        model.fit(texts, labels, validation=2.0)
    assert np.array_equal(model.predict(texts), before)
    assert model.fit(texts, labels).predict(texts).dtype == object


# Other labelled data


def classifier(strategy: Strategy, **settings: Any) -> TextClassifier:
    return TextClassifier(strategy=strategy).set_params(
        **(SMALL | {"encoder__name": "bilstm", "optimisation__epochs": 2} | settings)
    )


def test_other_labelled_data_shares_the_encoder_and_leaves_no_head_behind(films: Any, tmp_path: Path) -> None:
    tags = TaggedText(*sentences())
    model = classifier(MultiTask(), auxiliaries=()).fit(*films, auxiliary_rows={"pos": tags})
    assert "pos" in model.run_.evaluations[0].losses
    assert model.network_ is not None
    assert list(model.network_.heads) == ["primary"]
    assert model.vocabulary_ is not None
    assert "barks" in model.vocabulary_
    model.save(tmp_path / "model")
    assert np.array_equal(
        TextClassifier.load(tmp_path / "model").predict_proba(films[0]), model.predict_proba(films[0])
    )
    alone = classifier(SingleTask(), auxiliaries=()).fit(*films, auxiliary_rows={"pos": tags})
    assert not np.array_equal(alone.predict_proba(films[0]), model.predict_proba(films[0]))


def test_an_auxiliary_task_learns_its_own_data(films: Any) -> None:
    tags = TaggedText(*sentences())
    run = (
        classifier(MultiTask(), auxiliaries=("context",), optimisation__epochs=12)
        .fit(*films, auxiliary_rows={"pos": tags})
        .run_
    )
    losses = [each.losses["pos"] for each in run.evaluations]
    assert losses[-1] < 0.3 * losses[0]
    assert "context" in run.evaluations[0].losses


def test_files_of_other_labelled_data_are_named_in_the_settings(films: Any, tmp_path: Path) -> None:
    tags, reviews = tmp_path / "tags.conll", tmp_path / "reviews.csv"
    tags.write_text("the\tDT\tO\ndog\tNN\tB-x\n\n" * 5, encoding="utf-8")
    reviews.write_text("review,mood\nfine,1\ndull,0\n" * 5, encoding="utf-8")
    settings: dict[str, Any] = {"auxiliaries": ("tagging", "classification"), "auxiliary_data__tagging": str(tags)}
    settings |= {"auxiliary_data__tagging_column": "2", "auxiliary_data__classification": str(reviews)}
    settings |= {"auxiliary_data__classification_text": "review", "auxiliary_data__classification_label": "mood"}
    model = classifier(MultiTask(), **settings).fit(*films)
    assert set(model.run_.evaluations[0].losses) == {"primary", "tagging", "classification"}
    tagger = make(MultiTask(), **settings, optimisation__epochs=1).fit(*sentences())
    assert set(tagger.run_.evaluations[0].losses) == {"primary", "tagging", "classification"}
    tags.unlink()
    with pytest.raises(InputError, match=r"tags.conll: no such file"):
        classifier(MultiTask(), **settings).fit(*films)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"primary": TaggedText(*sentences())}, "cannot be called 'primary'"),
        ({"a.b": TaggedText(*sentences())}, r"cannot be called 'a\.b'"),
        ({"keys": TaggedText(*sentences())}, "cannot be called 'keys'"),
        ({"tagging": TaggedText(*sentences())}, "'tagging' belongs to a setting"),
        ({"pos": [["a"]]}, "'pos' must be a LabelledText, MultiLabelledText or TaggedText"),
        ({"pos": TaggedText([["a"]], [["O"]], "t.conll")}, "t.conll: all words have the one tag 'O'"),
    ],
)
def test_auxiliary_data_that_cannot_be_used_is_refused(films: Any, data: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        classifier(MultiTask()).fit(*films, auxiliary_rows=data)


# Real data


def test_parts_of_speech_of_real_sentences(shared_data: Path) -> None:
    lines = read_tagged(shared_data / "pos" / "en_lines-ud-train.conllu.gz").select(range(400))
    test = read_tagged(shared_data / "pos" / "en_lines-ud-dev.conllu.gz").select(range(200))
    tagger = make(optimisation__epochs=3, text__min_count=2, context__passes=1.0).fit_rows(lines)
    most_frequent = max(
        sum(tag == name for tags in test.tags for tag in tags) / test.n_words for name in test.tag_names()
    )
    with pytest.warns(DataWarning, match="'INTJ' is unknown to the model"):
        assert tagger.evaluate_rows(test)["accuracy"] > 2 * most_frequent


def test_entities_of_real_messages(shared_data: Path) -> None:
    train = read_tagged(shared_data / "ner" / "wnut17-train.conll").select(range(300))
    tagger = make(optimisation__epochs=4, auxiliaries=()).fit_rows(train)
    measures = tagger.evaluate_rows(train, name="train")
    assert measures["entity_f1"] > 0.3
    assert measures["accuracy"] > 0.9


def test_a_stray_tag_among_entities_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Ana PER-B\nlives O\n\nhe X\nsaw O\nAna PER-B\nK PER-I\n\n" * 8, encoding="utf-8")
    model = make()
    with pytest.warns(DataWarning, match="line 4: 'X' marks no entity, as the other tags do: counted as O"):
        model.fit_rows(read_tagged(path))
    assert "entity_f1" in model.metrics_["validation"]


def test_a_stray_tag_of_the_validation_part_alone_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Ana B-PER\nK I-PER\nlives O\n\n" * 8 + "he X\nsaw O\n", encoding="utf-8")
    rows, model = read_tagged(path), make()
    with pytest.warns(DataWarning, match="line 33: 'X' marks no entity"):
        model.fit_rows(rows.select(range(8)), validation=rows.select([7, 8]))


def test_tags_of_two_kinds_are_judged_by_word_and_told() -> None:
    rows = TaggedText([["Ana", "K", "saw", "it", "now"]] * 8, [["B-PER", "I-PER", "VERB", "PRON", "ADV"]] * 8)
    model = make()
    with pytest.warns(DataWarning, match="'ADV' marks no entity, as 'B-PER' does: .* all are judged word by word"):
        model.fit_rows(rows)
    assert "entity_f1" not in model.metrics_["validation"]
