"""The runs of a study, one row each: what its tables and tests need, kept in ``runs.csv``.

A target is the best validation score that single-task reached with the same seed, in the same setting. A row has what
the run had spent when its own validation score first reached that target. With few evaluations an epoch these costs
come in coarse steps (``evaluations_per_epoch``).

Columns of ``runs.csv``: ``method``; ``encoder``, ``embedding``, ``auxiliary`` (tasks joined by ``+``); ``seed``;
``metric``; ``validation`` (best value of the metric, empty without a validation part); ``epochs``, ``steps``,
``seconds``, ``flops`` (floating-point operations) of the whole training; ``start_seconds`` (training of the first word
vectors); ``jobs`` (runs at a time: with several, seconds are those of a shared machine); ``seconds_to_best``,
``steps_to_best``, ``flops_to_best`` (until single-task's best, empty where it was never reached); and ``test_NAME`` for
each metric on the test part.
"""

from __future__ import annotations

import csv
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO, cast

from mt2st._files import complete_file
from mt2st.errors import InputError, listed
from mt2st.study.result import CellResult

RUNS = "runs.csv"
"""The file of a study's folder with its runs."""
FACTORS = ("encoder", "embedding", "auxiliary")
"""What grids vary besides method and seed, outermost first."""
QUANTITIES = ("seconds", "steps", "flops")
"""What training costs."""
SINGLE_TASK, MULTI_TASK = "single-task", "multi-task"
COLUMNS = ("method", *FACTORS, "seed", "metric", "validation", "epochs", "steps", "seconds", "flops", "start_seconds",
           "jobs", *(f"{quantity}_to_best" for quantity in QUANTITIES))  # fmt: skip
TEST = "test_"
"""Prefix of the columns with the metrics on the test part."""


@dataclass(frozen=True)
class Group:
    """What is compared with other groups over seeds: a method, by its name, in a setting, the values of `FACTORS`."""

    name: str
    factors: tuple[str, ...]

    @classmethod
    def of(cls, result: CellResult) -> Group:
        """Return the group of a result."""
        return cls(result.name, tuple(result.factors.get(factor, "") for factor in FACTORS))

    def factor(self, name: str) -> str:
        """Return the value of a factor."""
        return self.factors[FACTORS.index(name)]

    def setting(self, varying: Sequence[str]) -> str:
        """Return the factors that vary, with their values: ``"encoder cnn, auxiliary context"``."""
        return ", ".join(f"{factor} {self.factor(factor)}" for factor in varying)

    def title(self, varying: Sequence[str]) -> str:
        """Return the group's name in a sentence.

        Example:
            >>> Group("switch", ("cnn", "random", "context")).title(["encoder"])
            'switch (encoder cnn)'
        """
        return f"{self.name} ({self.setting(varying)})" if varying else self.name


@dataclass(frozen=True)
class Cost:
    """What a run had spent at some point, evaluation and the training of first word vectors apart.

    ``flops`` are floating-point operations (`mt2st.training.flops.FlopMeter`); 0 where nobody counted them.
    """

    seconds: float
    steps: int
    flops: float


@dataclass(frozen=True)
class RunRow:
    """One run of a study: a line of ``runs.csv``.

    Attributes:
        test: metrics on the test part, each in [0, 1] but the loss.
        validation: best value of the metric on the validation part; None without such a part.
        cost: of the whole training.
        to_best: cost until single-task's best was reached; None where it was not, or where there is no such target.
    """

    group: Group
    seed: int
    metric: str
    test: Mapping[str, float]
    validation: float | None
    epochs: int
    cost: Cost
    to_best: Cost | None = None
    start_seconds: float = 0.0
    jobs: int = 1

    @property
    def score(self) -> float:
        """The metric on the test part.

        Raises:
            InputError: it was not measured there.
        """
        if self.metric not in self.test:
            raise InputError(
                f"{self.group.name}, seed {self.seed}: there is no {self.metric} on the test part to compare: a study "
                "needs a test part, and all its results that metric"
            )
        return self.test[self.metric]


Groups = Mapping[Group, Mapping[int, RunRow]]
"""The rows by group, in the order of the study, and in each by seed."""


def grouped(rows: Iterable[RunRow]) -> dict[Group, dict[int, RunRow]]:
    """Return rows by group and seed."""
    groups: dict[Group, dict[int, RunRow]] = {}
    for row in rows:
        groups.setdefault(row.group, {})[row.seed] = row
    return groups


def reference(groups: Groups, group: Group, name: str) -> Mapping[int, RunRow]:
    """Return what a group is compared with: the rows of the method ``name`` in its setting, by seed.

    Single-task runs do nothing with auxiliary tasks and are run once for all sets of them: those with other auxiliary
    tasks count too. Without any, there is nothing.
    """
    same = Group(name, group.factors)
    if same in groups or name != SINGLE_TASK:
        return groups.get(same, {})
    near = (rows for each, rows in groups.items() if each.name == name and each.factors[:2] == group.factors[:2])
    return next(near, {})


def rows_of(results: Sequence[CellResult], *, validated: bool = True) -> list[RunRow]:
    """Return a row for each result; there are no targets unless a validation part was measured during the training."""
    rows = [_row(result, validated=validated) for result in results]
    groups = grouped(rows)
    found = []
    for row, result in zip(rows, results, strict=True):
        single = reference(groups, row.group, SINGLE_TASK).get(row.seed)
        target = single.validation if single else None
        # A single-task run that learnt nothing (an F1 of 0) sets no target.
        found.append(replace(row, to_best=cost_to(result, target)) if target and row.validation is not None else row)
    return found


def cost_to(result: CellResult, target: float) -> Cost | None:
    """Return what a run had spent when its validation metric first reached a target; None if it never did."""
    first = result.run.first_at(result.metric, target)
    return None if first is None else Cost(first.train_seconds, first.step, first.flops)


def write_runs(rows: Sequence[RunRow], path: Path) -> None:
    """Write rows as CSV, in place of a file that is there."""
    metrics = dict.fromkeys(f"{TEST}{name}" for row in rows for name in row.test)
    lines = ({name: _written(value) for name, value in _line(row).items()} for row in rows)
    with complete_file(path, overwrite=True) as file:
        file.write(csv_text((*COLUMNS, *metrics), lines).encode())


def csv_text(columns: Collection[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Return a header and rows as CSV; a field with a carriage return is quoted, as it is where rows end with one."""
    lines: list[str] = []
    writer = csv.DictWriter(cast("TextIO", SimpleNamespace(write=lines.append)), columns)
    writer.writeheader()
    writer.writerows(rows)
    return "".join(line.removesuffix("\r\n") + "\n" for line in lines)


def read_runs(path: Path) -> list[RunRow]:
    """Read what `write_runs` wrote."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            missing = set(COLUMNS) - set(reader.fieldnames or ())
            if not missing:
                return [_read(line) for line in reader]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}") from error
    except (TypeError, ValueError) as error:
        raise InputError(f"{path} is not a file of a study's runs ({error}): give one that mt2st wrote") from error
    raise InputError(f"{path} is not a file of a study's runs: it has no column {listed(sorted(missing)[:1])}")


def _row(result: CellResult, *, validated: bool) -> RunRow:
    run, metric = result.run, result.metric
    measured = validated and run.evaluations and all(metric in each.validation for each in run.evaluations)
    return RunRow(
        group=Group.of(result),
        seed=result.seed,
        metric=metric,
        test=result.test,
        validation=run.best_value(metric) if measured else None,
        epochs=len({each.epoch for each in run.evaluations}),
        cost=Cost(run.train_seconds, run.steps, run.flops),
        start_seconds=result.start_seconds,
        jobs=result.jobs,
    )


def _line(row: RunRow) -> dict[str, object]:
    to_best = asdict(row.to_best) if row.to_best else {}
    return {
        "method": row.group.name,
        **dict(zip(FACTORS, row.group.factors, strict=True)),
        **{name: getattr(row, name) for name in ("seed", "metric", "validation", "epochs", "start_seconds", "jobs")},
        **asdict(row.cost),
        **{f"{quantity}_to_best": to_best.get(quantity) for quantity in QUANTITIES},
        **{f"{TEST}{name}": value for name, value in row.test.items()},
    }


def _written(value: object) -> object:
    """Return a value so that it is read back unchanged; whole numbers have no point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _read(line: Mapping[str, Any]) -> RunRow:
    spent = [line[f"{quantity}_to_best"] for quantity in QUANTITIES]
    return RunRow(
        group=Group(line["method"], tuple(line[factor] for factor in FACTORS)),
        seed=int(line["seed"]),
        metric=line["metric"],
        test={name.removeprefix(TEST): float(text) for name, text in line.items() if name.startswith(TEST) and text},
        validation=float(line["validation"]) if line["validation"] else None,
        epochs=int(line["epochs"]),
        cost=_cost(line[quantity] for quantity in QUANTITIES),
        to_best=_cost(spent) if all(spent) else None,
        start_seconds=float(line["start_seconds"]),
        jobs=int(line["jobs"]),
    )


def _cost(texts: Iterable[str]) -> Cost:
    seconds, steps, flops = texts
    return Cost(float(seconds), int(steps), float(flops))
