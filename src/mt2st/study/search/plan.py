"""How much is searched, the same for every method."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mt2st.errors import InputError

SEARCH_SEED = 1001
"""Far from the seeds that studies report, which begin at 1."""


@dataclass(frozen=True)
class Search:
    """How much is searched, the same for every method.

    Attributes:
        trials: of each method in each setting, failed ones included, at least 1; the first has the given values.
        seeds: of the trials, none of them among those that the study reports; a trial's measure is the mean over them.
        epochs: of a trial; None: as many as the settings say.
    """

    trials: int
    seeds: tuple[int, ...] = (SEARCH_SEED,)
    epochs: int | None = None

    def __post_init__(self) -> None:
        if self.trials < 1:
            raise InputError(f"a search needs at least 1 trial, found {self.trials}")
        if self.epochs is not None and self.epochs < 1:
            raise InputError(f"a trial needs at least 1 epoch, found {self.epochs}")
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise InputError(f"the search needs different seeds, at least one, found {list(self.seeds)}")

    def check_seeds(self, reported: Iterable[int]) -> None:
        """Raise if the study reports a seed of the search: its results would be of what was chosen for that seed.

        Raises:
            InputError: naming the seed.
        """
        both = sorted(set(self.seeds) & set(reported))
        if both:
            raise InputError(f"seed {both[0]} is one of the study's and of the search: give the search others")
