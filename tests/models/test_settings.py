from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest

from mt2st.embedding import SubwordSettings
from mt2st.embedding.settings import LARGEST_BLOCK, LARGEST_NEGATIVE, SUBWORD_METHODS, WORD_METHODS
from mt2st.errors import InputError
from mt2st.models import ClassifierSettings, Tagger, TextClassifier
from mt2st.models import settings as names
from mt2st.network import encoder_class
from mt2st.network.encoders.pooling import POOLINGS
from mt2st.tasks.spearman import READINGS

COUNTS = [
    "hidden_size", "vector_size", "epochs", "batch_size", "max_length", "min_count", "context_window",
    "start_epochs", "evaluations_per_epoch", "patience", "max_vocabulary", "threads",
    "analogy_candidates", "feedback_every", "plateau_patience", "freeze_over", "earliest_end",
    "min_n", "max_n", "bucket", "word_ngram_buckets", "refit_texts",
]  # fmt: skip
RATES = [
    "learning_rate", "head_learning_rate", "embedding_learning_rate", "context_alpha", "context_passes", "tolerance",
    "clip_norm", "refit_head", "analogy_temperature", "spearman_softness", "context_x_max", "context_memory",
]  # fmt: skip
SHARES = ["dropout", "word_dropout", "average", "context_sample", "glove_sample", "held_out"]
FLAGS = [
    "standardise",
    "word_ngram_ratios",
    "lowercase",
    "remove_breaks",
    "beside",
    "raw_products",
    "analogy_logarithm",
    "task_layer",
]
NAMES = [
    "encoder",
    "pooling",
    "cut",
    "choose_by",
    "context_method",
    "spearman_reading",
    "freeze_relevance",
    "freeze_which",
    "convergence",
]
FILES = ["analogies", "similarity", "agree", "disagree"]
TEXTS = ["tagging_data", "tagging_column", "classification_data", "classification_text", "classification_label"]
NAN, INFINITE = float("nan"), float("inf")

BAD = [
    *((name, value, "a whole number of at least 1") for name in COUNTS for value in (0, -1, 1.5, "3", True)),
    *((name, value, "a finite number above 0") for name in RATES for value in (0, -0.1, NAN, INFINITE, "1", True)),
    *((name, value, "at least 0 and below 1") for name in SHARES for value in (-0.1, 1, 1.5, NAN, None)),
    *((name, value, "true or false") for name in FLAGS for value in ("yes", 1, None)),
    *(
        (name, value, "a finite number of at least 0")
        for name in ("weight_decay", "gamma", "minimum_gain", "context_min_alpha")
        for value in (-1, NAN, INFINITE)
    ),
    *(("context_negative", value, "a whole number from 1 to 100") for value in (0, 1.5, True, 101)),
    *(("context_block", value, "a whole number from 1 to 32") for value in (0, 1.5, True, 33)),
    *(("auxiliary_batch", value, "a whole number of at least 3") for value in (2, 3.5, True)),
    *(
        ("analogy_coefficients", value, "three finite numbers of at least 0, one of them above 0")
        for value in ((1, 1), (0, 0, 0), (1, -1, 1), (1, NAN, 1), 1.0)
    ),
    *((name, value, "a list of file names") for name in FILES for value in ("a.txt", (1,), None)),
    *(("seed", value, "a whole number from 0 to 2**32 - 1") for value in (-1, 0.5, None, 2**32)),
    *(("word_ngrams", value, "a whole number of at least 0") for value in (-1, 0.5, "2", None, True)),
    *(("warmup_steps", value, "a whole number of at least 0") for value in (-1, 0.5, "3", None, True)),
    *(("plateau_factor", value, "above 0 and at most 1") for value in (0, 1.1, NAN, "1", None)),
    *(("rate_at_transition", value, "'keep', 'rewarm', 'drop' or a finite factor") for value in ("x", -1, NAN, None)),
    *(("freeze_fraction", value, "above 0 and at most 1") for value in (0, 1.5, NAN, "1")),
    *(("freeze_threshold", value, "a finite number above 0") for value in (0, -1, INFINITE, "1")),
    *(("freeze_from", value, "a whole number of at least 2") for value in (1, 2.5, "3")),
    ("embedding", None, "a text"),
    *((name, value, "a text") for name in TEXTS for value in (3, True)),
]


def test_all_values_out_of_range_are_named_at_once() -> None:
    message = r"unknown encoder 'x'.* Known: .*; epochs must be .*, found 0; dropout must be .*, found 2$"
    with pytest.raises(InputError, match=message):
        TextClassifier(encoder="x", epochs=0, dropout=2)


@pytest.mark.parametrize(("name", "value", "rule"), BAD)
def test_a_value_out_of_range_is_named_with_its_rule(name: str, value: Any, rule: str) -> None:
    with pytest.raises(InputError) as caught:
        TextClassifier(**{name: value})
    assert str(caught.value).startswith(f"{name} must be {rule}")
    assert str(caught.value).endswith(f"found {value!r}")


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_name_is_rejected_with_what_is_known(name: str) -> None:
    with pytest.raises(InputError, match=f"unknown {name} 'xyz'. *Known: '"):
        TextClassifier(**{name: "xyz"})  # type: ignore[arg-type]


def test_a_misspelt_name_is_rejected_with_the_nearest() -> None:
    with pytest.raises(InputError, match=r"unknown encoder 'bistlm'. Did you mean 'bilstm'\?"):
        TextClassifier(encoder="bistlm")
    with pytest.raises(InputError, match=r"unknown auxiliary task 'contxt'. Did you mean 'context'\?"):
        TextClassifier(auxiliary=("contxt",))


def test_one_auxiliary_without_its_list_is_rejected() -> None:
    with pytest.raises(InputError, match="auxiliary must be a list of tasks, found the text 'context'"):
        TextClassifier(auxiliary="context")  # type: ignore[arg-type]


def test_every_setting_is_checked() -> None:
    checked = {name for name, _, _ in BAD} | set(NAMES) | {"auxiliary"}
    assert {field.name for field in dataclasses.fields(ClassifierSettings)} == checked


def test_a_value_changed_later_is_checked_by_fit() -> None:
    classifier = TextClassifier()
    classifier.epochs = 0
    with pytest.raises(InputError, match="epochs must be a whole number of at least 1, found 0"):
        classifier.fit(["a", "b"] * 3, ["x", "y"] * 3)


@pytest.mark.parametrize(
    ("name", "task"),
    [("analogies", "analogy"), ("similarity", "spearman"), ("agree", "misalignment"), ("disagree", "misalignment")],
)
def test_files_that_no_task_reads_are_rejected(name: str, task: str) -> None:
    with pytest.raises(InputError, match=f"{name} names files, but no auxiliary task reads them: add {task}"):
        TextClassifier(**{name: ("a.txt",)})  # type: ignore[arg-type]


@pytest.mark.parametrize(("task", "name"), [("spearman", "similarity"), ("misalignment", "agree")])
def test_tasks_without_their_files_are_rejected(task: str, name: str) -> None:
    with pytest.raises(InputError, match=f"the auxiliary task '{task}' needs data: name at least one file by {name}"):
        TextClassifier(auxiliary=("context", task))


def test_the_names_are_those_of_the_layers_below() -> None:
    assert all(encoder_class(name).name == name for name in names.ENCODERS)
    assert names.POOLINGS == POOLINGS
    assert names.READINGS == READINGS
    assert (names.WORD_METHODS, names.SUBWORD_METHODS) == (WORD_METHODS, SUBWORD_METHODS)
    assert (SubwordSettings().min_n, SubwordSettings().max_n) == (names.MIN_N, names.MAX_N)


def test_settings_survive_json() -> None:
    settings = ClassifierSettings(encoder="cnn", clip_norm=1.0, seed=7)
    again = json.loads(json.dumps(settings.settings()))
    again = {name: tuple(value) if isinstance(value, list) else value for name, value in again.items()}
    assert ClassifierSettings(**again) == settings


def test_reading_the_settings_loads_neither_torch_nor_numba() -> None:
    script = "import sys; import mt2st.models; print(sorted({'torch', 'numba', 'sklearn'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_an_auxiliary_task_on_labelled_data_and_its_file_come_together() -> None:
    with pytest.raises(InputError, match="the auxiliary task 'tagging' needs tagging_data"):
        TextClassifier(auxiliary=("tagging",))
    with pytest.raises(InputError, match="classification_data is given, but 'classification' is none of the auxiliary"):
        TextClassifier(classification_data="reviews.csv")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"warmup_steps": {"encodr": 3}}, "warmup_steps names the unknown group 'encodr'. Did you mean 'encoder'?"),
        ({"plateau_factor": {"heads": 2}}, "plateau_factor of heads must be above 0 and at most 1, found 2"),
        ({"rate_at_transition": {"others": "stop"}}, "rate_at_transition of others must be 'keep', .* found 'stop'"),
        ({"rate_at_transition": "rewarm"}, "is 'rewarm' for embedding, but warmup_steps is 0 there: say by warmup"),
        (
            {"rate_at_transition": {"heads": "rewarm"}, "warmup_steps": {"encoder": 5}},
            "is 'rewarm' for heads, but warmup_steps is 0 there",
        ),
        ({"freeze_fraction": 0.5, "freeze_threshold": 1}, r"freeze_fraction \(0.5\) and freeze_threshold \(1\) both"),
        ({"freeze_threshold": 1, "freeze_over": 2}, "freeze_over is 2, but a freeze_threshold freezes at once"),
        ({"freeze_which": "most"}, "freeze_which is 'most', but nothing is to be frozen: say how much"),
        ({"freeze_from": 3}, "freeze_from is 3, but nothing is to be frozen: say how much"),
    ],
)
def test_settings_of_the_transition_that_do_not_go_together_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        TextClassifier(**settings)


def test_learning_rates_are_the_encoders_own_unless_given() -> None:
    network, embedding = names.LEARNING_RATES["bilstm"]
    assert ClassifierSettings().learning_rates == {"embedding": embedding, "encoder": network, "heads": network}
    given = ClassifierSettings(learning_rate=0.1, head_learning_rate=0.2, embedding_learning_rate=0.3)
    assert given.learning_rates == {"embedding": 0.3, "encoder": 0.1, "heads": 0.2}
    assert ClassifierSettings(learning_rate=0.1).learning_rates["heads"] == 0.1


def test_the_feedback_loop_measures_the_mean_encoder_more_seldom_unless_told_otherwise() -> None:
    assert [TextClassifier(encoder=encoder).feedback_interval for encoder in names.ENCODERS] == [10, 20, 10]
    assert TextClassifier(encoder="mean", feedback_every=3).feedback_interval == 3
    assert {name: encoder_class(name).feedback_every for name in names.ENCODERS} == names.FEEDBACK_EVERY
    assert {name: encoder_class(name).learning_rates for name in names.ENCODERS} == names.LEARNING_RATES


def test_the_context_task_has_a_wide_window_beside_labels_of_texts_and_a_narrow_one_beside_labels_of_words() -> None:
    assert (TextClassifier().window, Tagger().window) == (15, 5)
    assert (TextClassifier(context_window=7).window, Tagger(context_window=7).window) == (7, 7)


def test_the_largest_weight_of_noise_is_the_kernels() -> None:
    assert (names.MOST_NEGATIVE, names.LARGEST_BLOCK) == (LARGEST_NEGATIVE, LARGEST_BLOCK)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"context_min_alpha": 0.06}, "context_min_alpha must be at most context_alpha, which is 0.05, found 0.06"),
        (
            {"context_method": "glove", "context_min_alpha": 0.01},
            r"context_min_alpha \(0.01\) cannot be given with context_method 'glove'",
        ),
        (
            {"context_method": "glove", "context_block": 4},
            r"context_block \(4\) cannot be given with context_method 'glove': it learns from one co-occurrence at a",
        ),
    ],
)
def test_what_the_method_of_the_context_task_has_not_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ClassifierSettings(**settings).check()


def test_a_task_that_is_named_twice_is_refused_before_anything_is_read() -> None:
    with pytest.raises(InputError, match="auxiliary names 'context' twice: name each task once"):
        ClassifierSettings(auxiliary=("context", "context")).check()
