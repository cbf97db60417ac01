"""TorchJD's aggregators in our trainer, and our strategies in TorchJD's autojac: against TorchJD's own numbers."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import pytest
import torch
from torch import Tensor, nn

pytest.importorskip("torchjd", reason="needs the extra 'baselines'")

from torchjd import aggregation
from torchjd.autojac import jac_to_grad, mtl_backward

from mt2st.errors import InputError
from mt2st.integrations.torchjd import TorchJD
from mt2st.strategy import Diminish, as_strategy, load_strategy
from mt2st.training import Trainer

STEPS, RATE = 4, 0.1
AGGREGATORS = [
    pytest.param("UPGrad", {}, marks=pytest.mark.skipif(not find_spec("quadprog"), reason="needs quadprog")),
    ("AlignedMTL", {}),
    ("IMTLG", {}),
    ("MGDA", {"epsilon": 1e-4}),
    ("ConFIG", {}),
    ("Constant", {"weights": [0.7, 0.3, 0.1]}),
    ("Mean", {}),
]


class Heads(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.shared = nn.Linear(4, 6)
        self.heads = nn.ModuleDict({name: nn.Linear(6, 1) for name in ("primary", "far", "near")})

    def losses(self, batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        features = self.shared(batch).tanh()
        goals = {"primary": 1.0, "far": -4.0, "near": 2.0}
        return features, {name: (head(features) - goals[name]).square().mean() for name, head in self.heads.items()}


@dataclass
class Distance:
    name: str
    n_batches: int = STEPS

    def batches(self, *, epoch: int, seed: int) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(epoch)
        for _ in range(self.n_batches):
            yield torch.randn(5, 4, generator=generator)

    def loss(self, module: nn.Module, batch: Tensor) -> Tensor:
        assert isinstance(module, Heads)
        return module.losses(batch)[1][self.name]

    def evaluate(self, module: nn.Module) -> Mapping[str, float]:
        return {}


def made(name: str, arguments: dict[str, Any]) -> Any:
    tensors = {key: torch.tensor(value) if isinstance(value, list) else value for key, value in arguments.items()}
    return getattr(aggregation, name)(**tensors)


@pytest.mark.parametrize(("name", "arguments"), AGGREGATORS)
def test_the_trainer_takes_the_steps_of_torchjds_own_loop(name: str, arguments: dict[str, Any]) -> None:
    weight = {"far": 0.5, "near": 1.0}
    ours = Heads()
    theirs = copy.deepcopy(ours)
    Trainer(
        ours,
        primary=Distance("primary"),
        auxiliaries=[Distance("far"), Distance("near")],
        strategy=TorchJD(name, arguments, weight),
        optimizer=torch.optim.SGD(ours.parameters(), lr=RATE),
        epochs=1,
    ).fit()

    optimizer, aggregator = torch.optim.SGD(theirs.parameters(), lr=RATE), made(name, arguments)
    for batch in Distance("primary").batches(epoch=1, seed=1):
        features, losses = theirs.losses(batch)
        optimizer.zero_grad()
        mtl_backward([weight.get(task, 1.0) * loss for task, loss in losses.items()], features)
        jac_to_grad(theirs.shared.parameters(), aggregator)
        optimizer.step()
    for (parameter, one), other in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5, msg=parameter)
    assert not torch.equal(ours.shared.weight, Heads().shared.weight)


def test_our_weights_in_autojac_with_a_sum_are_equation_3() -> None:
    strategy = Diminish(decay=1.2, auxiliaries=["far", "near"])
    module, batch = Heads(), torch.randn(5, 4)
    for epoch in (1, 2, 3):
        weights = {"primary": 1.0} | {task: weight for task, weight in strategy.weights(epoch).items() if weight}
        features, losses = module.losses(batch)
        expected = torch.autograd.grad(
            sum(weight * losses[task] for task, weight in weights.items()), list(module.shared.parameters())
        )
        module.zero_grad()
        features, losses = module.losses(batch)
        mtl_backward([weight * losses[task] for task, weight in weights.items()], features)
        jac_to_grad(module.shared.parameters(), aggregation.Sum())
        for parameter, gradient in zip(module.shared.parameters(), expected, strict=True):
            torch.testing.assert_close(parameter.grad, gradient)
        assert (module.heads["far"].weight.grad is None) == (epoch == 3), "off, it is not computed"


def test_it_is_saved_and_loaded_as_any_strategy() -> None:
    strategy = TorchJD("MGDA", {"epsilon": 1e-4}, 0.5, auxiliaries=["far"])
    again = load_strategy(json.loads(json.dumps(strategy.state_dict())))
    assert again == strategy
    assert repr(again) == "TorchJD(aggregator='MGDA', arguments={'epsilon': 0.0001}, weight=0.5)"
    rows = [torch.tensor([1.0, 0.0]), torch.tensor([-1.0, 1.0])]
    assert torch.equal(sum(again.combine(rows, ["primary", "far"])), sum(strategy.combine(rows, ["primary", "far"])))


def test_what_torchjd_does_not_have_is_refused() -> None:
    with pytest.raises(InputError, match="TorchJD has no aggregator 'UPgrad'. Did you mean 'UPGrad'"):
        TorchJD("UPgrad")
    with pytest.raises(InputError, match="TorchJD has no aggregator 'Aggregator'"):
        TorchJD("Aggregator")
    with pytest.raises(InputError, match="TorchJD's MGDA does not take {'radius': 1}"):
        TorchJD("MGDA", {"radius": 1})
    with pytest.raises(InputError, match="TorchJD's GradVac keeps a state"):
        TorchJD("GradVac")
    with pytest.raises(InputError, match="the strategy 'torchjd' needs settings .*aggregator.*: give an object"):
        as_strategy("torchjd")


def test_what_an_aggregator_needs_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torchjd._mixins.find_spec", lambda _: None)
    with pytest.raises(InputError, match="requires .* to be installed.*pip install"):
        TorchJD("CAGrad", {"c": 0.5})
