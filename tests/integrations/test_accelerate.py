"""The loop with Accelerate that the documentation shows, in one process and in two."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

pytest.importorskip("accelerate", reason="needs the extra 'distributed'")

from tests.integrations.processes import run_processes
from tests.integrations.strategies import UncertaintySwitch

EXAMPLE = Path(__file__).parents[2] / "examples" / "accelerate_loop.py"


def trained(folder: str, rank: int, settings: dict[str, Any]) -> dict[str, Tensor]:
    train = runpy.run_path(str(EXAMPLE))["train"]
    return train(UncertaintySwitch(at=10, rate=0.3), **settings).state_dict()


def test_two_processes_learn_as_one_with_the_same_global_batch(tmp_path: Path) -> None:
    whole = trained(str(tmp_path), 0, {"batch_size": 8})
    one, other = run_processes(trained, str(tmp_path), {"batch_size": 4}, processes=2)
    for name, value in whole.items():
        assert torch.equal(one[name], other[name])
        torch.testing.assert_close(one[name], value, atol=1e-6, rtol=0)
