"""Fixtures that all tests share."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import settings

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"

settings.register_profile("any machine", deadline=None)  # a busy machine is no error
settings.load_profile("any machine")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the repository; its tests are skipped in a clone that has none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the real data is not at {SHARED_DATA}")
    return SHARED_DATA


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> None:
    """Let torch compute on one thread, which is fastest for small networks; where no test needs torch, leave it out."""
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
