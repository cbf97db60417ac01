"""From the results of a study's cells to the rows of its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from mt2st.study.compare import CellResult

METRIC = "accuracy"
"""The validation metric that the time to single-task's best is measured by."""


@dataclass(frozen=True)
class Row:
    """A strategy in the table: means over its seeds.

    Attributes:
        name: the strategy.
        seeds: number of seeds.
        accuracy: mean accuracy on the test part, in [0, 1].
        accuracy_deviation: its standard deviation over the seeds; None with one seed.
        macro_f1: mean macro F1 on the test part, in [0, 1].
        train_seconds: mean seconds of training, evaluation apart.
        seconds_to_target: mean training seconds until the validation accuracy first reached the best one of single-task
            with the same seed, over the seeds that reached it; None if none did or single-task was not run.
        reached: how many seeds reached it; None if single-task was not run.
    """

    name: str
    seeds: int
    accuracy: float
    accuracy_deviation: float | None
    macro_f1: float
    train_seconds: float
    seconds_to_target: float | None
    reached: int | None


def summarise(results: Sequence[CellResult], *, reference: str) -> list[Row]:
    """Return a row a strategy, in the order of the results.

    Args:
        results: of any strategies and seeds.
        reference: name of the strategy whose best validation accuracy is the target of the others: single-task.
    """
    targets = {each.seed: each.run.best_value(METRIC) for each in results if each.name == reference}
    rows = []
    for name in dict.fromkeys(each.name for each in results):
        cells = [each for each in results if each.name == name]
        accuracies = [each.test[METRIC] for each in cells]
        times = [each.run.seconds_to(METRIC, targets[each.seed]) for each in cells if each.seed in targets]
        reached = [seconds for seconds in times if seconds is not None]
        rows.append(
            Row(
                name=name,
                seeds=len(cells),
                accuracy=mean(accuracies),
                accuracy_deviation=stdev(accuracies) if len(cells) > 1 else None,
                macro_f1=mean(each.test["macro_f1"] for each in cells),
                train_seconds=mean(each.run.train_seconds for each in cells),
                seconds_to_target=mean(reached) if reached else None,
                reached=len(reached) if targets else None,
            )
        )
    return rows


def table(rows: Sequence[Row]) -> list[list[str]]:
    """Return header and cells of the table as text."""
    header = ["strategy", "seeds", "accuracy", "macro F1", "training s", "s to single-task's best"]
    return [header, *([*_figures(row)] for row in rows)]


def _figures(row: Row) -> list[str]:
    deviation = f" ± {100 * row.accuracy_deviation:.1f}" if row.accuracy_deviation is not None else ""
    if row.reached is None:
        to_target = "-"
    elif row.seconds_to_target is None:
        to_target = f"never (0/{row.seeds})"
    else:
        to_target = f"{row.seconds_to_target:.1f} ({row.reached}/{row.seeds})"
    return [
        row.name,
        str(row.seeds),
        f"{100 * row.accuracy:.1f} %{deviation}",
        f"{100 * row.macro_f1:.1f} %",
        f"{row.train_seconds:.1f}",
        to_target,
    ]
