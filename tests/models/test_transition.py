"""What follows the transition, as settings of a model ask for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
import torch

from mt2st import MultiLabelClassifier, Tagger, TextClassifier
from mt2st.errors import InputError
from mt2st.models.assembly import new_convergence, new_network, new_optimizer, new_transition
from mt2st.models.problem_types import Classification
from mt2st.models.settings import ModelSettings
from mt2st.strategy import (
    PRIMARY_TASK,
    AdaptiveSwitch,
    Diminish,
    MultiTask,
    PretrainFinetune,
    SingleTask,
    Strategy,
    Switch,
)
from mt2st.training import Callback, Trainer

Films = tuple[list[str], list[str]]
SMALL: dict[str, Any] = {
    "encoder__name": "mean",
    "embedding__vector_size": 8,
    "optimisation__epochs": 4,
    "text__min_count": 1,
    "compute__parallel_context": False,
    "optimisation__convergence": "never",
    "context__passes": 1.0,
    "optimisation__evaluations_per_epoch": 1,
}
EVERYTHING: dict[str, Any] = {
    "optimisation__warmup_steps": {"embedding": 2, "others": 3},
    "optimisation__plateau_patience": 1,
    "optimisation__plateau_factor": {"encoder": 0.5},
    "transition__rate": {"embedding": "drop", "heads": "rewarm"},
    "transition__freeze_fraction": 0.5,
    "transition__freeze_over": 2,
    "transition__task_layer": True,
    "transition__probe_head": 0.1,
    "transition__probe_texts": 8,
}


class Stopping(Callback):
    """Keeps the trainer, and stops it after a step."""

    def __init__(self, after: int | None = None) -> None:
        self.after = after
        self.tables: list[torch.Tensor] = []

    def on_fit_start(self, trainer: Trainer) -> None:
        self.trainer = trainer

    def on_step_end(self, trainer: Trainer) -> None:
        self.tables.append(self.trainer.module.embedding.weight.detach().clone())  # type: ignore[union-attr]
        if trainer.progress.step == self.after:
            self.trainer.stop()


def parameters(model: TextClassifier | Tagger) -> dict[str, torch.Tensor]:
    assert model.network_ is not None
    return model.network_.state_dict()


def network_of(settings: ModelSettings) -> Any:
    torch.manual_seed(0)
    return new_network(
        settings, torch.nn.Embedding(5, settings.embedding.vector_size), {PRIMARY_TASK: (Classification(), 2)}
    )


def test_without_such_settings_the_trainer_has_no_actions() -> None:
    effects = new_transition(ModelSettings(), cast("Any", None))
    assert (effects.rates, effects.freezing, effects.activate, effects.probe) == (None, None, None, None)


def test_the_optimizer_has_a_group_each_for_embedding_encoder_and_heads() -> None:
    settings = ModelSettings().updated(
        embedding__vector_size=4,
        encoder__hidden_size=3,
        optimisation__learning_rate=0.1,
        optimisation__head_learning_rate=0.2,
    )
    network = network_of(settings)
    groups = {group["name"]: group for group in new_optimizer(settings, network).param_groups}
    assert list(groups) == ["embedding", "encoder", "heads"]
    assert [groups[name]["lr"] for name in groups] == [settings.learning_rates["embedding"], 0.1, 0.2]
    assert [groups[name]["weight_decay"] for name in groups] == [0.0, 0.01, 0.01]
    grouped = [each for group in groups.values() for each in group["params"]]
    assert [id(each) for each in grouped] == [id(each) for each in network.parameters()]


def test_three_groups_train_as_two_did() -> None:
    def trained(*, split: bool) -> list[torch.Tensor]:
        settings = ModelSettings().updated(embedding__vector_size=4, encoder__hidden_size=3)
        network = network_of(settings)
        optimizer: torch.optim.Optimizer = new_optimizer(settings, network)
        if not split:
            rates = settings.learning_rates
            rest = [*network.encoder.parameters(), *network.heads.parameters()]
            optimizer = torch.optim.AdamW(
                [
                    {"params": [network.embedding.weight], "lr": rates["embedding"], "weight_decay": 0.0},
                    {
                        "params": rest,
                        "lr": rates["encoder"],
                        "weight_decay": settings.optimisation.weight_decay,
                    },
                ],
                fused=True,
            )
        network.eval()
        for step in range(5):
            optimizer.zero_grad()
            network.logits(PRIMARY_TASK, torch.tensor([[1 + step % 4, 2, 3]])).square().sum().backward()
            optimizer.step()
        return list(network.parameters())

    for split, together in zip(trained(split=True), trained(split=False), strict=True):
        assert torch.equal(split, together)


def test_rates_follow_the_settings_of_each_group(films: Films) -> None:
    model = TextClassifier(strategy=Switch(3)).set_params(
        **SMALL,
        optimisation__learning_rate=0.01,
        optimisation__head_learning_rate=0.02,
        optimisation__embedding_learning_rate=0.04,
        transition__rate={"embedding": "drop", "heads": 0.5},
    )
    model.fit(*films)
    rates = [each.learning_rates for each in model.run_.evaluations]
    assert [each["embedding"] for each in rates] == pytest.approx([0.04, 0.04, 0.004, 0.004])
    assert [each["encoder"] for each in rates] == [0.01] * 4
    assert [each["heads"] for each in rates] == [0.02, 0.02, 0.01, 0.01]


def test_frozen_dimensions_stay_as_they_were_at_the_transition(films: Films) -> None:
    listener = Stopping()
    model = TextClassifier(strategy=Switch(3)).set_params(
        **SMALL, transition__freeze_fraction=0.5, transition__freeze_relevance="saliency", optimisation__average=0.0
    )
    model.fit(*films, callbacks=[listener])
    (freeze,) = model.run_.freezes
    assert (freeze.epoch, len(freeze.dimensions), len(freeze.relevance)) == (3, 4, 8)
    before = listener.tables[freeze.step - 2]
    for table in listener.tables[freeze.step - 1 :]:
        assert torch.equal(table[:, freeze.dimensions], before[:, freeze.dimensions])
        assert not torch.equal(table, before)


@pytest.mark.parametrize(
    ("settings", "epochs", "counts"),
    [
        (
            {"transition__freeze_fraction": 0.5, "transition__freeze_from": 2, "transition__freeze_over": 2},
            [2, 3],
            [2, 2],
        ),
        ({"transition__freeze_threshold": 1e9}, [3], [8]),
        ({"transition__freeze_threshold": 1e-9, "transition__freeze_which": "most"}, [3], [8]),
    ],
)
def test_what_is_frozen_when_follows_the_settings(
    films: Films, settings: dict[str, Any], epochs: list[int], counts: list[int]
) -> None:
    model = TextClassifier(strategy=Switch(3)).set_params(**SMALL, **settings).fit(*films)
    assert [freeze.epoch for freeze in model.run_.freezes] == epochs
    assert [len(freeze.dimensions) for freeze in model.run_.freezes] == counts


def test_the_task_layer_learns_from_the_switch_on_and_is_saved(films: Films, tmp_path: Path) -> None:
    model = TextClassifier(strategy=Switch(3)).set_params(
        **SMALL, transition__task_layer=True, optimisation__average=0.0, optimisation__learning_rate=0.05
    )
    model.fit(*films)
    assert bool(parameters(model)[f"heads.{PRIMARY_TASK}.0.active"]) == (
        model.run_.evaluations[model.run_.best].epoch >= 3
    )
    model.save(tmp_path / "model")
    loaded = TextClassifier.load(tmp_path / "model")
    for name, value in parameters(model).items():
        assert torch.equal(parameters(loaded)[name], value)
    assert (loaded.predict_proba(films[0]) == model.predict_proba(films[0])).all()


@pytest.mark.parametrize("strategy", [SingleTask(), MultiTask()])
def test_without_a_transition_the_task_layer_changes_nothing(films: Films, strategy: SingleTask | MultiTask) -> None:
    plain, layered = (
        TextClassifier(strategy=strategy).set_params(**SMALL, transition__task_layer=layer).fit(*films)
        for layer in (False, True)
    )
    assert not parameters(layered)[f"heads.{PRIMARY_TASK}.0.active"]
    assert torch.equal(parameters(plain)["embedding.weight"], parameters(layered)["embedding.weight"])
    assert torch.equal(
        parameters(plain)[f"heads.{PRIMARY_TASK}.weight"], parameters(layered)[f"heads.{PRIMARY_TASK}.1.weight"]
    )


@pytest.mark.parametrize("task_layer", [False, True])
@pytest.mark.parametrize("encoder", ["mean", "bilstm"])
def test_the_head_is_fitted_anew_at_the_transition(films: Films, encoder: str, task_layer: bool) -> None:
    settings = {
        **SMALL,
        "encoder__name": encoder,
        "encoder__hidden_size": 8,
        "optimisation__evaluations_per_epoch": 2,
        "transition__rate": 1e-3,
    }
    losses = []
    for strength in (None, 1.0):
        model = TextClassifier(strategy=Switch(3)).set_params(
            **settings, transition__probe_head=strength, transition__task_layer=task_layer, encoder__dropout=0.0
        )
        model.fit(*films)
        losses.append([each.losses[PRIMARY_TASK] for each in model.run_.evaluations])
    (as_it_was, anew) = losses
    assert anew[:4] == as_it_was[:4]
    assert max(anew[4:]) < 0.7 * min(as_it_was[4:])  # nearly at rest, both stay where they are


def test_a_tagger_has_no_head_to_fit_anew() -> None:
    model = Tagger(strategy=Switch(2)).set_params(**SMALL, transition__probe_head=0.1)
    with pytest.raises(
        InputError, match="probe_head is 0.1, but only heads for labels of whole texts can be fitted by a probe"
    ):
        model.fit([["the", "dog"]] * 10, [["DET", "NOUN"]] * 10)


@pytest.mark.parametrize(
    "options",
    [
        {"context__method": "skipgram-fasttext", "embedding__bucket": 50, "text__min_count": 2},
        {"encoder__standardise": False},
    ],
    ids=["words of n-grams", "features as they are"],
)
def test_the_head_is_fitted_anew_on_whatever_the_network_is(films: Films, options: dict[str, Any]) -> None:
    settings = {**SMALL, **options, "encoder__dropout": 0.0, "transition__rate": 1e-3, "optimisation__average": 0.0}
    plain, refit = (
        TextClassifier(strategy=Switch(3)).set_params(**settings, transition__probe_head=each).fit(*films)
        for each in (None, 1.0)
    )
    assert [each.step for each in refit.run_.probes] == [5]
    assert refit.run_.evaluations[2].losses[PRIMARY_TASK] < plain.run_.evaluations[2].losses[PRIMARY_TASK]


def test_the_head_is_fitted_anew_on_some_of_the_texts(films: Films) -> None:
    model = (
        TextClassifier(strategy=Switch(3))
        .set_params(**SMALL, transition__probe_head=1.0, transition__probe_texts=4)
        .fit(*films)
    )
    assert [each.texts for each in model.run_.probes] == [4]
    with pytest.raises(
        InputError, match="1 texts are too few to fit the head of 'primary': it needs one of each of its 2 c"
    ):
        TextClassifier(strategy=Switch(3)).set_params(
            **SMALL, transition__probe_head=1.0, transition__probe_texts=1
        ).fit(*films)
    with pytest.raises(InputError, match="probe_texts is 4, but no head is probed"):
        TextClassifier(strategy=Switch(3)).set_params(**SMALL, transition__probe_texts=4).fit(*films)


def test_pretraining_ends_with_a_head_that_fits(films: Films) -> None:
    strategy = PretrainFinetune(2)
    model = (
        TextClassifier(strategy=strategy)
        .set_params(**SMALL, transition__probe_head=1.0, encoder__dropout=0.0)
        .fit(*films)
    )
    assert len(model.run_.probes) == 1
    assert model.run_.evaluations[1].validation["accuracy"] > 0.5


def test_several_labels_are_fitted_anew_too(films: Films) -> None:
    texts, labels = films
    sets = [[label] if number % 3 else [label, "third"] for number, label in enumerate(labels)]
    plain, refit = (
        MultiLabelClassifier(strategy=Switch(3)).set_params(**SMALL, transition__probe_head=each).fit(texts, sets)
        for each in (None, 1.0)
    )
    assert refit.run_.evaluations[2].validation["loss"] < plain.run_.evaluations[2].validation["loss"]


def test_a_tagger_has_its_layer_on_the_tokens(tmp_path: Path) -> None:
    sentences = [["the", "dog", "barks"], ["a", "cat", "sleeps"]] * 10
    tags = [["DET", "NOUN", "VERB"]] * 20
    model = (
        Tagger(strategy=Switch(2))
        .set_params(**{**SMALL, "optimisation__epochs": 3}, transition__task_layer=True)
        .fit(sentences, tags)
    )
    model.save(tmp_path / "model")
    assert Tagger.load(tmp_path / "model").predict([["a", "dog"]]) == model.predict([["a", "dog"]])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Switch(3),
        lambda: Diminish(1.5, negligible=0.1),
        lambda: AdaptiveSwitch(signal="gain", off_below=0.0),
    ],
    ids=["switch", "diminish", "adaptive switch by gain"],
)
@pytest.mark.parametrize("after", [3, 6, 8])
def test_a_run_with_every_option_goes_on_exactly(
    films: Films, tmp_path: Path, make: Callable[[], Strategy], after: int
) -> None:
    options = {
        **SMALL,
        **EVERYTHING,
        "optimisation__epochs": 6,
        "optimisation__batch_size": 16,
        "optimisation__convergence": "validation-loss",
        "optimisation__patience": 3,
    }
    options["optimisation__feedback_every"] = 1
    whole = TextClassifier(strategy=make()).set_params(**options).fit(*films)
    part = TextClassifier(strategy=make()).set_params(**options)
    part.fit(*films, checkpoint=tmp_path / "at", callbacks=[Stopping(after)])
    assert part.run_.stopped == "interrupted"
    rest = TextClassifier(strategy=make()).set_params(**options).fit(*films, checkpoint=tmp_path / "at")
    for name, value in parameters(whole).items():
        assert torch.equal(parameters(rest)[name], value), name
    assert rest.run_.freezes == whole.run_.freezes
    assert rest.run_.cause == whole.run_.cause
    assert [each.gains for each in rest.run_.evaluations] == [each.gains for each in whole.run_.evaluations]
    assert [each.learning_rates for each in rest.run_.evaluations] == [
        each.learning_rates for each in whole.run_.evaluations
    ]


def test_a_run_ends_by_the_validation_loss_and_says_why(films: Films) -> None:
    model = TextClassifier(strategy=SingleTask()).set_params(
        **{**SMALL, "optimisation__convergence": "validation-loss", "optimisation__epochs": 40},
        optimisation__minimum_gain=10.0,
        optimisation__patience=2,
        optimisation__earliest_end=5,
    )
    model.fit(*films)
    assert (model.run_.stopped, model.run_.evaluations[-1].epoch) == ("converged", 5)
    assert model.run_.cause.startswith("the validation loss has not come past")


def test_a_run_ends_by_the_gradients_norm_and_says_why(films: Films) -> None:
    model = (
        TextClassifier(strategy=SingleTask())
        .set_params(
            **{**SMALL, "optimisation__convergence": "gradient-norm"},
            optimisation__tolerance=1e3,
            optimisation__patience=2,
        )
        .fit(*films)
    )
    assert (model.run_.stopped, len(model.run_.evaluations)) == ("converged", 2)
    assert model.run_.cause == "the primary's mean gradient norm stayed below 1000 for 2 evaluations"


def test_never_runs_to_the_last_epoch(films: Films) -> None:
    assert new_convergence(ModelSettings().updated(optimisation__convergence="never")) is None
    model = (
        TextClassifier(strategy=SingleTask())
        .set_params(**SMALL, optimisation__tolerance=1e3, optimisation__patience=1)
        .fit(*films)
    )
    assert (model.run_.stopped, model.run_.cause) == ("epochs", "")
