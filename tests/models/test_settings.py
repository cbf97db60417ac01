from __future__ import annotations

import inspect
import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest

from mt2st.embedding import SubwordSettings
from mt2st.errors import InputError
from mt2st.models import Context, Encoder, ModelSettings, Optimisation, Tagger, TextClassifier, groups
from mt2st.network import Encoder as NetworkEncoder
from mt2st.network import encoder_class
from mt2st.network.encoders.encoder import POOLINGS
from mt2st.tasks.spearman import VARIANTS

NAN, INFINITE = float("nan"), float("inf")
WHOLE, NUMBER, SHARE, FLAG, TEXT = "a whole number", "a number", "a share", "true or false", "a text"
SHARE_OR_NONE, FLAG_OR_NONE = "a share or None", "true, false or None"
WRONG: dict[str, tuple[Any, ...]] = {
    WHOLE: (-1, 1.5, "3", True),
    NUMBER: (-0.1, NAN, INFINITE, "1", True),
    SHARE: (-0.1, 1, 1.5, NAN, None, "0.5"),
    SHARE_OR_NONE: (-0.1, 1, 1.5, NAN, "0.5"),
    FLAG: ("yes", 1, None),
    FLAG_OR_NONE: ("yes", 1, 0.5),
    TEXT: (3, True),
}
"""Values that no setting of such a type may have."""
TYPES = {
    WHOLE: (
        "encoder.hidden_size text.max_length text.min_count "
        "text.max_vocabulary embedding.vector_size embedding.init_epochs embedding.min_n embedding.max_n "
        "embedding.bucket context.window context.negative context.block word_tasks.batch_size "
        "word_tasks.analogy_candidates optimisation.epochs optimisation.batch_size optimisation.warmup_steps "
        "optimisation.plateau_patience optimisation.evaluations_per_epoch optimisation.patience "
        "optimisation.earliest_end optimisation.feedback_every transition.probe_texts transition.freeze_from "
        "transition.freeze_over compute.threads seed"
    ),
    NUMBER: (
        "context.alpha context.min_alpha context.passes context.x_max context.memory word_tasks.gamma "
        "word_tasks.analogy_temperature word_tasks.spearman_softness optimisation.learning_rate "
        "optimisation.head_learning_rate optimisation.embedding_learning_rate optimisation.plateau_factor "
        "optimisation.weight_decay optimisation.clip_norm optimisation.tolerance optimisation.minimum_gain "
        "transition.rate transition.probe_head transition.freeze_fraction transition.freeze_threshold"
    ),
    SHARE: ("context.sample context.glove_sample auxiliary_data.held_out"),
    SHARE_OR_NONE: "encoder.dropout encoder.word_dropout optimisation.average",
    FLAG: (
        "encoder.standardise text.lowercase text.remove_breaks word_tasks.raw_products "
        "word_tasks.analogy_logarithm transition.task_layer compute.parallel_context"
    ),
    FLAG_OR_NONE: "encoder.spelling encoder.linear optimisation.linear_decay",
    TEXT: (
        "encoder.name encoder.pooling text.truncation text.tokens embedding.init context.method auxiliary_data.tagging "
        "auxiliary_data.tagging_column auxiliary_data.classification auxiliary_data.classification_text "
        "auxiliary_data.classification_label word_tasks.spearman_variant optimisation.monitor optimisation.convergence "
        "optimisation.on_divergence transition.freeze_relevance transition.freeze_which compute.device "
        "compute.precision"
    ),
}
FILES = ("analogies", "similarity", "agree", "disagree")
ALL = {path: kind for kind, paths in TYPES.items() for path in paths.split()}
EDGES = [
    *((path, 0) for path in ("optimisation.epochs", "text.min_count", "context.window", "context.alpha")),
    *(("context.negative", value) for value in (0, 101)),
    *(("context.block", value) for value in (0, 33)),
    ("word_tasks.batch_size", 2),
    ("transition.freeze_from", 1),
    ("transition.freeze_fraction", 1.5),
    ("optimisation.plateau_factor", 0),
    ("optimisation.plateau_factor", 1.1),
    ("seed", 2**32),
]


def with_value(path: str, value: Any) -> ModelSettings:
    return ModelSettings().updated(**{path.replace(".", "__"): value})


@pytest.mark.parametrize(
    ("path", "value"), [*((path, value) for path, kind in ALL.items() for value in WRONG[kind]), *EDGES]
)
def test_a_value_of_another_type_or_out_of_range_is_named_with_its_path(path: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        with_value(path, value).checked()
    assert re.match(rf"{path}(\.\d)?: (should|is|must|unknown) ?.*found {re.escape(repr(value))}", str(caught.value))


@pytest.mark.parametrize("path", [path for path, kind in ALL.items() if kind == TEXT and "auxiliary_data" not in path])
def test_an_unknown_choice_is_refused_with_those_there_are(path: str) -> None:
    if path in ("optimisation.monitor", "embedding.init"):
        return  # the name of any metric, the path of any file
    with pytest.raises(InputError, match=rf"{path}: .*'xyz'"):
        with_value(path, "xyz").checked()


def test_every_setting_is_checked() -> None:
    checked = {*ALL, "auxiliaries", "word_tasks.analogy_coefficients", *(f"auxiliary_data.{each}" for each in FILES)}
    assert set(ModelSettings().flat()) == checked


def test_all_values_out_of_range_are_named_at_once() -> None:
    settings = ModelSettings(Encoder(dropout=2, pooling="maximum"), optimisation=Optimisation(epochs=0))  # type: ignore[arg-type]
    with pytest.raises(InputError) as caught:
        settings.checked()
    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == [
        "encoder.pooling", "encoder.dropout", "optimisation.epochs",
    ]  # fmt: skip


def test_a_misspelt_name_is_refused_with_the_nearest() -> None:
    for settings, near in (
        (ModelSettings(Encoder("bistlm")), "bilstm"),
        (ModelSettings(auxiliaries=("contxt",)), "context"),  # type: ignore[arg-type]
        (ModelSettings(context=Context(method="skip-gram")), "skipgram"),  # type: ignore[arg-type]
    ):
        with pytest.raises(InputError, match=rf"Did you mean '{near}'\?"):
            settings.checked()
    with pytest.raises(InputError, match=r"context has no setting 'windw'. Did you mean 'window'\?"):
        ModelSettings().updated(context__windw=3)
    with pytest.raises(InputError, match=r"context.windw: is no setting, found 3. Did you mean 'window'\?"):
        ModelSettings.from_dict({"context": {"windw": 3}})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("auxiliaries", ("contxt",)),
        ("auxiliary_data.agree", "a.txt"),
        ("auxiliary_data.agree", (1,)),
        ("word_tasks.analogy_coefficients", (1, 1)),
        ("word_tasks.analogy_coefficients", (0, 0, 0)),
        ("word_tasks.analogy_coefficients", (1, -1, 1)),
        ("optimisation.warmup_steps", {"encodr": 3}),
        ("optimisation.plateau_factor", {"heads": 2}),
        ("transition.rate", {"others": "stop"}),
        ("transition.rate", "x"),
    ],
)
def test_lists_and_values_by_group_are_checked_too(path: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"^{path}"):
        with_value(path, value).checked()


def test_numbers_of_numpy_and_paths_become_plain_values() -> None:
    given = ModelSettings().updated(
        optimisation__epochs=np.int64(3),
        encoder__dropout=np.float32(0.5),
        auxiliary_data__agree=[Path("pairs.txt")],
        auxiliaries=["context", "misalignment"],
    )
    settings = given.checked()
    assert settings.changes == {
        "encoder.dropout": 0.5,
        "auxiliaries": ["context", "misalignment"],
        "auxiliary_data.agree": ["pairs.txt"],
        "optimisation.epochs": 3,
    }
    assert type(settings.optimisation.epochs) is int


def test_the_representation_shows_what_differs_from_the_defaults() -> None:
    assert repr(ModelSettings().updated(context__window=5)) == "ModelSettings(context=Context(window=5))"


@pytest.mark.parametrize(
    ("name", "task"),
    [("analogies", "analogy"), ("similarity", "spearman"), ("agree", "misalignment"), ("disagree", "misalignment")],
)
def test_files_that_no_task_reads_are_refused(name: str, task: str) -> None:
    with pytest.raises(InputError, match=f"{name} names files, but no auxiliary task reads them: add {task}"):
        with_value(f"auxiliary_data.{name}", ("a.txt",)).checked()


@pytest.mark.parametrize(("task", "name"), [("spearman", "similarity"), ("misalignment", "agree")])
def test_tasks_without_their_files_are_refused(task: Any, name: str) -> None:
    with pytest.raises(InputError, match=f"task '{task}' needs data: name at least one file by auxiliary_data.{name}"):
        ModelSettings(auxiliaries=("context", task)).checked()


def test_the_names_are_those_of_the_layers_below() -> None:
    hints = get_type_hints(Encoder) | get_type_hints(groups.WordTasks)
    assert all(encoder_class(Encoder(name).built).name == Encoder(name).built for name in groups.ENCODERS)
    assert set(get_args(hints["pooling"])) == set(POOLINGS)
    assert set(get_args(hints["spearman_variant"])) == set(VARIANTS)
    assert get_args(groups.ContextMethod) == groups.CONTEXT_METHODS
    assert (SubwordSettings().min_n, SubwordSettings().max_n) == (3, 6)


def test_settings_survive_json() -> None:
    settings = ModelSettings(Encoder("cnn"), auxiliaries=("analogy",), seed=7).updated(
        optimisation__clip_norm=1.0, auxiliary_data__analogies=("a.txt",), optimisation__warmup_steps={"others": 3}
    )
    assert ModelSettings.from_dict(json.loads(json.dumps(settings.as_dict()))) == settings


def test_reading_the_settings_loads_neither_torch_nor_numba() -> None:
    script = "import sys; import mt2st.models; print(sorted({'torch', 'numba', 'sklearn'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_an_auxiliary_task_on_labelled_data_and_its_file_come_together() -> None:
    with pytest.raises(InputError, match=r"the auxiliary task 'tagging' needs auxiliary_data.tagging"):
        ModelSettings(auxiliaries=("tagging",)).checked()
    with pytest.raises(InputError, match="classification is given, but auxiliaries does not name 'classification'"):
        with_value("auxiliary_data.classification", "reviews.csv").checked()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"transition__rate": "rewarm"}, "is 'rewarm' for embedding, but optimisation.warmup_steps is 0 there"),
        (
            {"transition__rate": {"heads": "rewarm"}, "optimisation__warmup_steps": {"encoder": 5}},
            "is 'rewarm' for heads, but optimisation.warmup_steps is 0 there",
        ),
        (
            {"transition__freeze_fraction": 0.5, "transition__freeze_threshold": 1},
            r"freeze_fraction \(0.5\) and transition.freeze_threshold \(1.0\) both",
        ),
        (
            {"transition__freeze_threshold": 1, "transition__freeze_over": 2},
            "freeze_over is 2, but freeze_threshold freezes at once",
        ),
        ({"transition__freeze_which": "most"}, "freeze_which is 'most', but nothing is to be frozen: give"),
        ({"transition__freeze_from": 3}, "freeze_from is 3, but nothing is to be frozen: give"),
        ({"transition__probe_texts": 3}, "probe_texts is 3, but no head is probed"),
        ({"context__min_alpha": 0.06}, r"context.min_alpha must be at most context.alpha, which is 0.05, found 0.06"),
        (
            {"context__method": "glove", "context__min_alpha": 0.01},
            r"context.min_alpha \(0.01\) cannot be given with context.method 'glove'",
        ),
        (
            {"context__method": "glove", "context__block": 4},
            r"context.block \(4\) cannot be given with context.method 'glove', which learns from one co-occurrence",
        ),
        ({"auxiliaries": ("context", "context")}, "auxiliaries names 'context' twice: name each task once"),
    ],
)
def test_settings_that_do_not_go_together_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ModelSettings().updated(**settings).checked()


def test_all_contradictions_are_named_at_once() -> None:
    settings = ModelSettings().updated(context__min_alpha=0.06, transition__probe_texts=3, auxiliaries=("spearman",))
    with pytest.raises(InputError) as caught:
        settings.checked()
    assert len(str(caught.value).splitlines()) == 3


def test_learning_rates_are_the_encoders_own_unless_given() -> None:
    network, embedding = encoder_class("bilstm").learning_rates
    assert ModelSettings().learning_rates == {"embedding": embedding, "encoder": network, "heads": network}
    given = ModelSettings(
        optimisation=Optimisation(learning_rate=0.1, head_learning_rate=0.2, embedding_learning_rate=0.3)
    )
    assert given.learning_rates == {"embedding": 0.3, "encoder": 0.1, "heads": 0.2}
    assert ModelSettings(optimisation=Optimisation(learning_rate=0.1)).learning_rates["heads"] == 0.1


def test_the_feedback_loop_measures_the_mean_encoder_more_seldom_unless_told_otherwise() -> None:
    assert [ModelSettings(Encoder(encoder)).feedback_interval for encoder in groups.ENCODERS] == [10, 10, 20, 10]
    assert ModelSettings(Encoder("mean"), optimisation=Optimisation(feedback_every=3)).feedback_interval == 3


def test_the_default_window_is_wide_for_labels_of_texts_and_narrow_for_labels_of_words() -> None:
    assert (TextClassifier().checked_settings().window, Tagger().checked_settings().window) == (15, 2)
    given = Context(window=7)
    assert Tagger(context=given).checked_settings().window == 7


def test_every_field_has_a_description() -> None:
    source = Path(groups.__file__).read_text(encoding="utf-8")
    for group in fields(ModelSettings):
        if isinstance(group.default_factory, type):
            for each in fields(group.default_factory):
                assert re.search(rf"^    {each.name}: [^\n]*\n    \"\"\"[A-Z]", source, re.MULTILINE), each.name


def test_an_encoder_is_given_by_its_name_or_class_everywhere() -> None:
    class LastWord(NetworkEncoder):
        name = "last-word-in-a-test"
        learning_rates = (5e-3, 3e-4)

    by_class: Any = LastWord
    for settings in (
        ModelSettings(encoder=by_class),
        ModelSettings(encoder=Encoder(by_class)),
        ModelSettings().updated(encoder=by_class),
        ModelSettings().updated(encoder=LastWord.name),
        TextClassifier(encoder=LastWord).settings,
    ):
        assert settings.encoder == Encoder(LastWord.name)
        assert settings.learning_rates["encoder"] == 5e-3
    assert ModelSettings().updated(encoder="mean", encoder__dropout=0.1).encoder == Encoder("mean", dropout=0.1)
    built: Any = LastWord()
    with pytest.raises(InputError, match="found an object of LastWord, .*: give the class LastWord"):
        TextClassifier(encoder=built).checked_settings()


@pytest.mark.parametrize(
    ("path", "value", "most"),
    [
        ("optimisation__epochs", 10**30, 1_000_000),
        ("optimisation__batch_size", 2**40, 2**31),
        ("embedding__vector_size", 2**40, 2**20),
        ("embedding__max_n", 10**9, 1024),
        ("encoder__hidden_size", 10**9, 65_536),
        ("compute__threads", 10**9, 1024),
        ("context__window", 2**40, 2**31),
    ],
)
def test_numbers_have_upper_bounds(path: str, value: int, most: int) -> None:
    message = f"{path.replace('__', '.')}: should be less than( or equal to)? {most}, found {value}"
    with pytest.raises(InputError, match=message):
        ModelSettings().updated(**{path: value}).checked()


def test_one_auxiliary_task_needs_no_list_and_its_name_is_checked() -> None:
    assert ModelSettings(auxiliaries="context").checked().auxiliaries == ("context",)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"^auxiliaries: should be .* found 'contxt'. Did you mean 'context'\?$"):
        ModelSettings(auxiliaries="contxt").checked()  # type: ignore[arg-type]


def test_a_whole_number_may_be_a_float() -> None:
    checked = ModelSettings(optimisation=Optimisation(epochs=3.0, tolerance=1)).checked().optimisation  # type: ignore[arg-type]
    assert (checked.epochs, checked.tolerance) == (3, 1.0)
    assert isinstance(checked.epochs, int)
    with pytest.raises(InputError, match=r"^optimisation.epochs: should be a valid integer, found 3.5$"):
        ModelSettings(optimisation=Optimisation(epochs=3.5)).checked()  # type: ignore[arg-type]


@pytest.mark.parametrize("group", [Context, Encoder, Optimisation])
def test_the_docstring_of_a_group_tells_of_each_setting(group: type) -> None:
    told = inspect.getdoc(group) or ""
    assert told.count("Args:") == 1
    assert all(f"\n    {each.name}: " in told for each in fields(group))
