"""From the results of a study's cells to the rows of its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from mt2st.errors import InputError
from mt2st.measures import MEASURES, SECOND
from mt2st.study.compare import CellResult


@dataclass(frozen=True)
class Row:
    """A strategy in the table: means over its seeds.

    Attributes:
        name: the strategy.
        seeds: number of seeds.
        score: mean of the metric on the test part, in [0, 1].
        deviation: its standard deviation over the seeds; None with one seed.
        second: mean of the measure that stands beside it (`mt2st.measures.SECOND`), in [0, 1].
        train_seconds: mean seconds of training, evaluation apart.
        seconds_to_target: mean training seconds until the validation metric first reached the best one of single-task
            with the same seed, over the seeds that reached it; None if none did or single-task was not run.
        reached: how many seeds reached it; None if single-task was not run.
    """

    name: str
    seeds: int
    score: float
    deviation: float | None
    second: float
    train_seconds: float
    seconds_to_target: float | None
    reached: int | None


def summarise(results: Sequence[CellResult], *, reference: str) -> list[Row]:
    """Return a row a strategy, in the order of the results.

    Args:
        results: of any strategies and seeds.
        reference: name of the strategy whose best validation value is the target of the others: single-task.

    Raises:
        InputError: when the results are of different metrics.
    """
    metric = metric_of(results)
    targets = {each.seed: each.run.best_value(metric) for each in results if each.name == reference}
    rows = []
    for name in dict.fromkeys(each.name for each in results):
        cells = [each for each in results if each.name == name]
        scores = [each.test[metric] for each in cells]
        times = [each.run.seconds_to(metric, targets[each.seed]) for each in cells if each.seed in targets]
        reached = [seconds for seconds in times if seconds is not None]
        rows.append(
            Row(
                name=name,
                seeds=len(cells),
                score=mean(scores),
                deviation=stdev(scores) if len(cells) > 1 else None,
                second=mean(each.test[SECOND[metric]] for each in cells),
                train_seconds=mean(each.run.train_seconds for each in cells),
                seconds_to_target=mean(reached) if reached else None,
                reached=len(reached) if targets else None,
            )
        )
    return rows


def metric_of(results: Sequence[CellResult]) -> str:
    """Return the metric that all results are about.

    Raises:
        InputError: when there is none, or more than one.
    """
    metrics = sorted({each.metric for each in results})
    if len(metrics) != 1:
        raise InputError(f"results of one metric can be compared, found {metrics}")
    return metrics[0]


def table(rows: Sequence[Row], metric: str) -> list[list[str]]:
    """Return header and cells of the table as text."""
    header = [
        "strategy", "seeds", MEASURES[metric], MEASURES[SECOND[metric]], "training s", "s to single-task's best",
    ]  # fmt: skip
    return [header, *([*_figures(row)] for row in rows)]


def _figures(row: Row) -> list[str]:
    deviation = f" ± {100 * row.deviation:.1f}" if row.deviation is not None else ""
    if row.reached is None:
        to_target = "-"
    elif row.seconds_to_target is None:
        to_target = f"never (0/{row.seeds})"
    else:
        to_target = f"{row.seconds_to_target:.1f} ({row.reached}/{row.seeds})"
    return [
        row.name,
        str(row.seeds),
        f"{100 * row.score:.1f} %{deviation}",
        f"{100 * row.second:.1f} %",
        f"{row.train_seconds:.1f}",
        to_target,
    ]
