"""Tables I to III and the claims about time: the paper's figures, what was measured here, and the difference.

Not every row has a row in print, nor every row a run: what is left over on either side is named below the tables.

The paper claims 67 % less time than single-task and 13 % less than multi-task training, and does not say at what point
times are compared. Here it is where a method is first as good on the validation part as single-task ever was with the
same seed (`mt2st.study.summary`), and, as a second reading, the training seconds of as many epochs.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files

from mt2st.study.paper.protocol import EMBEDDINGS, UPDATES
from mt2st.study.runs import SINGLE_TASK, Group, RunRow
from mt2st.study.statistics import (
    LEAST_SEEDS,
    UNKNOWN,
    Interval,
    counted,
    geometric_interval,
    percent,
    ratio_text,
    signed,
    t_interval,
)
from mt2st.study.study import Study
from mt2st.study.summary import Ratio, time_to_target
from mt2st.study.tables import Table, target_table

SHORT = {
    "accuracy": "accuracy",
    "macro_precision": "macro P",
    "macro_recall": "macro R",
    "macro_f1": "macro F1",
    "weighted_precision": "weighted P",
    "weighted_recall": "weighted R",
    "weighted_f1": "weighted F1",
}
MEASURES = tuple(SHORT)
"""The columns of the paper's tables, in their order."""
ORIGINAL = "original"
"""What the tables call the run without an auxiliary task."""
UNNUMBERED = "update"
"""What Tables II and III call a row of Skip-gram, without a number."""
TABLES = {"I": "multi-task", "II": "diminish", "III": "switch"}
"""What each table is about."""


@dataclass(frozen=True)
class PrintedCell:
    """A row of a table of the paper.

    Attributes:
        table: I, II or III.
        mode: multi-task, diminish or switch.
        embedding: CBOW, SkipGram, CBOWFastText, SkipGramFastText or GloveTwitter.
        update: original, or update0 to update3. Tables II and III have a row 'update' of Skip-gram before update0,
            without a number: in Table II next to all four, in Table III in place of update3. What was run for it is not
            told, so nothing repeats it: by its place it may be an update0 whose followers are numbered one too low.
        epochs: the number of epochs.
        values: the measures (`MEASURES`), in [0, 1]; printed as whole percents.
    """

    table: str
    mode: str
    embedding: str
    update: str
    epochs: int
    values: Mapping[str, float]


@cache
def printed_cells() -> tuple[PrintedCell, ...]:
    """Return all rows, in the paper's order.

    Example:
        >>> best = max(printed_cells(), key=lambda cell: cell.values["accuracy"])
        >>> best.table, best.embedding, best.update, best.values["accuracy"]
        ('II', 'SkipGram', 'update3', 0.77)
    """
    lines = files("mt2st.study.paper").joinpath("printed.csv").read_text(encoding="utf-8").splitlines()
    return tuple(
        PrintedCell(
            row["table"], row["mode"], row["embedding"], row["update"], int(row["epochs"]),
            {name: int(row[name]) / 100 for name in MEASURES},
        )
        for row in csv.DictReader(lines)
    )  # fmt: skip


@dataclass(frozen=True)
class Pair:
    """A row of the paper and the runs that repeat it, by seed."""

    printed: PrintedCell
    runs: Mapping[int, RunRow]

    def measured(self, measure: str) -> Interval:
        """Return the mean of a measure on the test part over the seeds, with its interval."""
        return t_interval([each.test[measure] for each in self.runs.values()])

    @property
    def gap(self) -> float:
        """How far the mean accuracy is below the printed one."""
        return self.printed.values["accuracy"] - self.measured("accuracy").mean

    @property
    def reached(self) -> bool:
        """Whether the mean accuracy is at least the printed one."""
        return self.measured("accuracy").mean >= self.printed.values["accuracy"]


def pairs(study: Study) -> list[Pair]:
    """Return the rows of the paper that the study has runs of, in the paper's order."""
    found = []
    for printed in printed_cells():
        runs = {each.seed: each for each in study.rows if _repeats(each.group, printed)}
        if runs:
            found.append(Pair(printed, dict(sorted(runs.items()))))
    return found


def unprinted(study: Study) -> list[Group]:
    """Return the groups of runs that no row of the paper is about, such as Switch with update3 on Skip-gram."""
    repeated = {run.group for row in pairs(study) for run in row.runs.values()}
    return [group for group in study.groups if group not in repeated]


def unrepeated(study: Study) -> list[PrintedCell]:
    """Return the rows of the paper that the study has no run of, in the paper's order."""
    repeated = [row.printed for row in pairs(study)]
    return [printed for printed in printed_cells() if printed not in repeated]


def paper_tables(study: Study) -> list[Table]:
    """Return the tables, of those rows that the study has runs of; what is in print or was run alone, in the notes."""
    rows = {name: [row for row in pairs(study) if row.printed.table == name] for name in TABLES}
    return [_table(name, own, study) for name, own in rows.items() if own]


def summary(study: Study) -> str:
    """Return in a sentence how many rows with an update are as accurate as the paper's, or more, and what is left over.

    Left over are runs without a row in print, and rows in print without a run.
    """
    rows = [row for row in pairs(study) if row.printed.update != ORIGINAL]
    reached = sum(row.reached for row in rows)
    cells = [(row, measure) for row in rows for measure in MEASURES]
    as_good = sum(row.measured(measure).mean >= row.printed.values[measure] for row, measure in cells)
    text = (
        f"{reached} of {len(rows)} rows with an auxiliary task are at least as accurate as the paper's, {as_good} of "
        f"their {len(cells)} measures are at least the paper's"
    )
    if reached < len(rows):
        gap, printed = max(((row.gap, row.printed) for row in rows), key=lambda each: each[0])
        text += (
            f"; furthest below it is Table {printed.table}, {printed.embedding}, {printed.update}, by {100 * gap:.1f} "
            "points"
        )
    if alone := unprinted(study):
        text += f"; without a row in print: {'; '.join(map(_run_title, alone))}"
    if left := unrepeated(study):
        text += f"; {len(left)} of {len(printed_cells())} rows in print were not repeated"
    return text


def _repeats(group: Group, printed: PrintedCell) -> bool:
    if _embedding(group) != printed.embedding:
        return False
    if printed.update == ORIGINAL:
        return group.name == SINGLE_TASK
    return group.name == printed.mode and group.factor("auxiliary") == UPDATES.get(printed.update)


def _embedding(group: Group) -> str:
    start = group.factor("embedding")
    return next((name for name, ours in EMBEDDINGS.items() if ours == start), "GloveTwitter")


def _run_title(group: Group) -> str:
    auxiliary = group.factor("auxiliary")
    update = next((name for name, task in UPDATES.items() if task == auxiliary), auxiliary)
    return f"{group.name}, {_embedding(group)}, {update}"


def _by_embedding(left: Iterable[PrintedCell], table: str) -> str:
    """Return rows of a table by embedding, each embedding once: one of which all rows are left by its name alone."""
    printed, updates = _updates(cell for cell in printed_cells() if cell.table == table), _updates(left)
    return "; ".join(
        f"{embedding} (all)" if names == printed[embedding] else f"{embedding} {', '.join(names)}"
        for embedding, names in updates.items()
    )


def _updates(cells: Iterable[PrintedCell]) -> dict[str, list[str]]:
    updates: dict[str, list[str]] = {}
    for cell in cells:
        updates.setdefault(cell.embedding, []).append(cell.update)
    return updates


def _table(name: str, rows: list[Pair], study: Study) -> Table:
    body = []
    for row in rows:
        epochs = max(each.epochs for each in row.runs.values())
        fields = [row.printed.embedding, row.printed.update, f"{epochs} ({row.printed.epochs})", str(len(row.runs))]
        body.append([*fields, *(_field(row, measure) for measure in MEASURES)])
    starts = {_embedding(each.group): each.group.factor("embedding") for row in rows for each in row.runs.values()}
    glove = starts.get("GloveTwitter")
    notes = (
        f"Table {name} of the paper ({TABLES[name]}), in percent on the test part: mean over the seeds ± half "
        "of the 95 % t interval, in brackets the paper's figure, then the difference in points. Epochs: here (paper). "
        "Rows 'original' have no auxiliary task."
    )
    if glove == "glove":
        notes += " GloVe vectors were trained here, on the same text as the others; the paper's were trained on tweets."
    elif glove:
        notes += f" GloVe vectors: {glove}."
    if left := [cell for cell in unrepeated(study) if cell.table == name]:
        notes += f" Rows in print that nothing here repeats: {_by_embedding(left, name)}."
        if any(cell.update == UNNUMBERED for cell in left):
            notes += f" The paper does not say what its row '{UNNUMBERED}' is."
    alone = []
    for group in unprinted(study):
        if group.name == TABLES[name]:
            accuracy = t_interval([each.test["accuracy"] for each in study.groups[group].values()])
            alone.append(f"{_run_title(group)} ({percent(accuracy)} accuracy, n {accuracy.n})")
    if alone:
        notes += f" Without a row in print: {'; '.join(alone)}."
    return Table(
        f"table_{name}", ["embedding", "update", "epochs", "seeds", *SHORT.values()], body, notes=notes, labels=2
    )


def _field(row: Pair, measure: str) -> str:
    interval, printed = row.measured(measure), row.printed.values[measure]
    return f"{percent(interval)[:-2]} ({100 * printed:.0f}) {signed(interval.mean - printed)}"


CLAIMED = {"single-task": 0.33, "multi-task": 0.87}
"""The share of each one's training time that MT2ST takes by the paper's abstract."""
OURS = ("diminish", "switch")
"""The strategies of the paper."""


def time_table(study: Study) -> Table:
    """Return what reaching single-task's best costs, and how that compares with the paper's claims."""
    table, groups = target_table(study), study.groups
    others = [next((rows for group, rows in groups.items() if group.name == name), {}) for name in CLAIMED]
    claims = " and ".join(f"{100 - 100 * share:.0f} % less time than {other}" for other, share in CLAIMED.items())
    return replace(
        table,
        name="time",
        header=[*table.header, *(f"seconds of all epochs / {name}" for name in CLAIMED)],
        rows=[
            [*row, *(_of_all_epochs(groups[group], other) for other in others)]
            for row, group in zip(table.rows, time_to_target(groups), strict=True)
        ],
        notes=f"{table.notes} The paper claims {claims}: ratios of {' and '.join(map(str, CLAIMED.values()))}. "
        "Measuring on validation is no part of the seconds.",
    )


def time_verdict(study: Study) -> str:
    """Return in a sentence a strategy of the paper what it takes, and whether that meets what the paper claims.

    A claim is about seconds. It is met where the whole 95 % interval is at most the claimed ratio, and not met where
    the whole interval is above it; else, or with fewer than three seeds, the runs do not tell. Steps are given with the
    seconds, which depend on what else the machine does.
    """
    sentences = []
    for group, target in time_to_target(study.groups).items():
        ratios = {other: target.ratios[other] for other in CLAIMED if other in target.ratios}
        parts = [part for other, found in ratios.items() if (part := _against(other, found["seconds"], found["steps"]))]
        if group.name in OURS and parts:
            sentences.append(f"{group.name} {'; '.join(parts)}")
    return ". ".join(sentences) or "neither Diminish nor Switch was run"


def _against(other: str, seconds: Ratio, steps: Ratio) -> str:
    """Return what a strategy took to single-task's best over what another one took; empty where that never did."""
    told = []
    if seconds.interval and steps.interval:
        told.append(f"{ratio_text(seconds.interval)} of the time and {steps.interval.mean:.2f} of the steps")
    if seconds.never:
        told.append(
            f"single-task's best never reached in {seconds.never} of {counted(seconds.reached + seconds.never)}"
        )
    claimed = CLAIMED[other]
    return f"against {other}: {', '.join(told)}, claimed {claimed}: {_judged(seconds, claimed)}" if told else ""


def _judged(found: Ratio, claimed: float) -> str:
    """Return whether ratios are at most the claimed one."""
    interval = found.interval
    if interval is None and found.never >= LEAST_SEEDS:
        return "not met"
    if interval is None or interval.low is None or interval.high is None:
        return f"not told by {counted(found.reached or found.never)}"
    if interval.low > claimed:
        return "not met"
    if found.never:
        return "not told, as it was not always reached"
    return "met" if interval.high <= claimed else "not told apart from it"


def _of_all_epochs(rows: Mapping[int, RunRow], others: Mapping[int, RunRow]) -> str:
    seeds = sorted(rows.keys() & others.keys())
    ratios = [rows[seed].cost.seconds / others[seed].cost.seconds for seed in seeds]
    return ratio_text(geometric_interval(ratios)) if ratios else UNKNOWN
