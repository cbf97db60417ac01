from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from typing import Any

import pytest

from mt2st.errors import InputError
from mt2st.models import ClassifierSettings, TextClassifier
from mt2st.models import settings as names
from mt2st.network import ENCODERS
from mt2st.network.pooling import POOLINGS
from mt2st.tasks.spearman import READINGS

COUNTS = [
    "hidden_size", "vector_size", "epochs", "batch_size", "max_length", "min_count", "context_window",
    "context_negative", "start_epochs", "evaluations_per_epoch", "patience", "max_vocabulary", "threads",
    "analogy_candidates", "feedback_every",
]  # fmt: skip
RATES = [
    "learning_rate", "embedding_learning_rate", "context_alpha", "context_passes", "tolerance", "clip_norm",
    "analogy_temperature", "spearman_softness", "context_x_max", "context_memory",
]  # fmt: skip
SHARES = ["dropout", "word_dropout", "average", "context_sample", "held_out"]
FLAGS = ["lowercase", "remove_breaks", "beside", "raw_products", "analogy_logarithm"]
NAMES = ["encoder", "pooling", "context_method", "spearman_reading"]
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
        for name in ("weight_decay", "gamma")
        for value in (-1, NAN, INFINITE)
    ),
    *(("auxiliary_batch", value, "a whole number of at least 3") for value in (2, 3.5, True)),
    *(
        ("analogy_coefficients", value, "three finite numbers of at least 0, one of them above 0")
        for value in ((1, 1), (0, 0, 0), (1, -1, 1), (1, NAN, 1), 1.0)
    ),
    *((name, value, "a list of file names") for name in FILES for value in ("a.txt", (1,), None)),
    *(("seed", value, "a whole number from 0 to 2**32 - 1") for value in (-1, 0.5, None, 2**32)),
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
    assert names.ENCODERS == ENCODERS
    assert names.POOLINGS == POOLINGS
    assert names.READINGS == READINGS


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
