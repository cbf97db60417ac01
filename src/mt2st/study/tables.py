"""A study's tables, for terminals, Markdown, LaTeX and programs.

Nothing is set in bold but the score that is significantly better than that of every other row: what else stands in its
row, such as the seconds, may be worse. A difference that is significant (paired t test over three seeds or more,
adjusted by Holm's method for the methods of a setting) has a star. Every row says of how many seeds it is.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mt2st._files import own_files
from mt2st.evaluation.tables import METRICS, SECOND_METRIC, aligned
from mt2st.study.runs import FACTORS, MULTI_TASK, QUANTITIES, SINGLE_TASK
from mt2st.study.statistics import LEAST_SEEDS
from mt2st.study.study import Study
from mt2st.study.summary import Ratio, Row, summarise
from mt2st.study.wording import UNKNOWN, percent, points, ratio_text


@dataclass(frozen=True)
class Table:
    """A table of text, with the name of its files and notes on what the columns mean.

    The fields in ``strong``, each the numbers of its row and its column, are set in bold. The first ``labels`` columns
    say what a row is about.
    """

    name: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    strong: frozenset[tuple[int, int]] = frozenset()
    notes: str = ""
    labels: int = 1

    def text(self) -> str:
        """Return it for a terminal, without the notes."""
        return aligned([self.header, *self.rows], labels=self.labels)

    def markdown(self) -> str:
        """Return it in Markdown."""
        rows = self._marked(_markdown, "**{}**")
        rule = ["---", *["---:"] * (len(self.header) - 1)]
        lines = ["| " + " | ".join(row) + " |" for row in (list(map(_markdown, self.header)), rule, *rows)]
        return "\n".join([*lines, "", self.notes]).rstrip() + "\n"

    def latex(self) -> str:
        """Return it as a LaTeX table that needs the package booktabs."""
        rows = self._marked(_latex, r"\textbf{{{}}}")
        lines = [" & ".join(row) + r" \\" for row in (list(map(_latex, self.header)), *rows)]
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\begin{{tabular}}{{l{'r' * (len(self.header) - 1)}}}",
                r"\toprule",
                lines[0],
                r"\midrule",
                *lines[1:],
                r"\bottomrule",
                r"\end{tabular}",
                rf"\caption{{{_latex(self.notes)}}}",
                r"\end{table}",
                "",
            ]
        )

    def _marked(self, form: Callable[[str], str], bold: str) -> list[list[str]]:
        """Return the rows, each field in a form, those that are strong within what makes them bold."""
        return [
            [
                bold.format(form(field)) if (number, column) in self.strong else form(field)
                for column, field in enumerate(row)
            ]
            for number, row in enumerate(self.rows)
        ]


def result_table(study: Study, rows: Sequence[Row] | None = None) -> Table:
    """Return the table of a study: scores, differences to single-task, seconds and time to single-task's best.

    ``rows`` are those of `summarise`, if they are there already.

    Raises:
        InputError: when the results are of different metrics, or there is none.
    """
    rows = summarise(study) if rows is None else rows
    metric, varying = METRICS[study.metric], study.varying
    has_difference = any(row.difference for row in rows)
    has_target = any(row.target for row in rows)
    header = ["strategy", *varying, "seeds", metric]
    score = len(header) - 1
    header += ["vs single-task"] * has_difference + [METRICS[SECOND_METRIC[study.metric]], "training s"]
    header += ["time to single-task's best"] * has_target
    body = []
    for row in rows:
        fields = [*_head(row, varying), str(row.seeds), percent(row.score)]
        fields += [_difference(row)] * has_difference + [f"{100 * row.second.mean:.1f} %", f"{row.seconds.mean:.1f}"]
        body.append(fields + [_to_target(row)] * has_target)
    with_intervals = max(row.seeds for row in rows) >= LEAST_SEEDS
    notes = f"{metric} and {METRICS[SECOND_METRIC[study.metric]]} on the test part: mean over the seeds"
    notes += ", ± half of the 95 % t interval, with three seeds or more that differ." if with_intervals else "."
    if has_difference:
        notes += f" vs single-task: mean difference of the {metric} over the seeds, in points"
        notes += (
            f", ± likewise; * p < 0.05 (paired t test, Holm's correction for the methods of one setting; never with "
            f"fewer than {LEAST_SEEDS} seeds, nor where the difference is the same with every seed)."
            if with_intervals
            else "."
        )
    notes += " Seconds of training, evaluation apart."
    if has_target:
        notes += (
            f" Time to single-task's best: training seconds until its best validation {metric} of the same seed was "
            "first reached, as a ratio to its own (geometric mean "
            f"{'and 95 % interval ' * with_intervals}over the seeds that reached it; how many did)."
        )
    if search := study.about.get("search"):
        notes += (
            f" The settings of each row were chosen before, by {search['trials']} trials each on the validation part; "
            f"their {search['train_seconds']:.1f} s of training are not among the seconds."
        )
    if any(each.jobs > 1 for each in study.rows):
        notes += " Several runs shared the machine, so seconds are longer than a run alone would take, and less even."
    strong = frozenset((number, score) for number, row in enumerate(rows) if row.best)
    return Table("results", header, body, strong, notes, labels=1 + len(varying))


def target_table(study: Study, rows: Sequence[Row] | None = None) -> Table:
    """Return the table of what reaching single-task's best costs, as ratios to single-task and to multi-task.

    The arguments and errors are those of `result_table`.
    """
    rows = summarise(study) if rows is None else rows
    varying = study.varying
    against = [
        name for name in (SINGLE_TASK, MULTI_TASK) if any(row.target and name in row.target.ratios for row in rows)
    ]
    header = ["strategy", *varying, "reached"]
    header += [f"{quantity} / {name}" for name in against for quantity in QUANTITIES]
    body = []
    for row in rows:
        if row.target is None:
            continue
        fields = [*_head(row, varying), f"{row.target.reached} of {len(row.target.costs)} seeds"]
        for name in against:
            ratios = row.target.ratios.get(name, {})
            fields += [_ratio(ratios.get(quantity)) for quantity in QUANTITIES]
        body.append(fields)
    notes = (
        "What was spent until single-task's best validation value of the same seed was first reached, over what "
        "single-task and multi-task spent until then: geometric mean and 95 % interval over the seeds in which both "
        "reached it, n of them; never: in how many seeds only the other one did. Each interval is for itself, none is "
        "adjusted for their number."
    )
    return Table("time_to_target", header, body, notes=notes, labels=1 + len(varying))


def search_table(study: Study) -> Table | None:
    """Return the table of the search that chose each method's settings: what it cost and found; None without one."""
    search = study.about.get("search")
    if not search:
        return None
    lines = search["methods"]
    varying = [factor for factor in FACTORS if len({line[factor] for line in lines}) > 1]
    body = [
        [
            line["method"],
            *(line[factor] for factor in varying),
            f"{line['trials']}" + (f" ({line['failed']} failed)" if line["failed"] else ""),
            UNKNOWN if line["score"] is None else f"{100 * line['score']:.1f} %",
            f"{line['train_seconds']:.1f}",
            _chosen(line),
        ]
        for line in lines
    ]
    metric = METRICS.get(search["metric"], search["metric"])
    epochs = f"{search['epochs']} epoch{'' if search['epochs'] == 1 else 's'}"
    notes = (
        f"What was chosen for each row by the {metric} on the validation part; the search had no test part. As many "
        f"trials a row, of {epochs} each, by seed {search['seed']}, which the study does not report; the first with "
        f"settings as given. Training seconds of all trials together: {search['train_seconds']:.1f}."
    )
    header = ["strategy", *varying, "trials", f"validation {metric}", "training s", "chosen"]
    return Table("search", header, body, notes=notes, labels=1 + len(varying))


def _chosen(line: Mapping[str, Any]) -> str:
    values = ", ".join(f"{name.rpartition('__')[2]} {_value(value)}" for name, value in line["chosen"].items())
    return f"{values} (as given)" if line["best"] in (None, 1) else values


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{task}={_value(each)}" for task, each in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value).lower()


CSV_COLUMNS: dict[str, Callable[[Row], object]] = {
    "method": lambda row: row.group.name,
    **{factor: lambda row, number=number: row.group.factors[number] for number, factor in enumerate(FACTORS)},  # type: ignore[misc]
    "seeds": lambda row: row.seeds,
    "score": lambda row: row.score.mean,
    "score_low": lambda row: row.score.low,
    "score_high": lambda row: row.score.high,
    "second": lambda row: row.second.mean,
    "train_seconds": lambda row: row.seconds.mean,
    "difference": lambda row: row.difference and row.difference.interval.mean,
    "difference_low": lambda row: row.difference and row.difference.interval.low,
    "difference_high": lambda row: row.difference and row.difference.interval.high,
    "p": lambda row: row.difference and row.difference.p,
    "p_holm": lambda row: row.p,
    "seeds_compared": lambda row: row.difference and row.difference.n,
    "target_reached": lambda row: row.target and row.target.reached,
    "target_seeds": lambda row: row.target and len(row.target.costs),
}
"""The columns of the table for programs that are there in any study; what there is nothing to tell of is empty."""


def csv_table(rows: Sequence[Row]) -> str:
    """Return the rows for programs, as CSV: all figures, unrounded, measures in [0, 1]."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    ratios = [(name, quantity) for name in (SINGLE_TASK, MULTI_TASK) for quantity in QUANTITIES]
    parts = ("ratio", "low", "high", "median", "n", "never")
    names = [f"{quantity}_to_{name.replace('-', '_')}_{part}" for name, quantity in ratios for part in parts]
    writer.writerow([*CSV_COLUMNS, *names])
    for row in rows:
        figures = [figure for name, quantity in ratios for figure in _figures(row, name, quantity)]
        writer.writerow([*(value(row) for value in CSV_COLUMNS.values()), *figures])
    return out.getvalue()


def write_tables(study: Study, folder: Path) -> None:
    """Write a study's tables as text, Markdown, LaTeX and CSV into a folder, in place of those that are there.

    Raises:
        InputError: when the results cannot be compared, or the folder cannot be written.
    """
    rows = summarise(study)
    tables = [result_table(study, rows)] + [target_table(study, rows)] * any(row.target for row in rows)
    tables += [table for table in (search_table(study),) if table]
    with own_files(folder) as partial:
        write_each(tables, partial)
        (partial / "results.csv").write_text(csv_table(rows), encoding="utf-8")


def write_each(tables: Iterable[Table], folder: Path) -> None:
    """Write tables as text, Markdown and LaTeX, each under its name, into a folder that is there."""
    for table in tables:
        (folder / f"{table.name}.txt").write_text(f"{table.text()}\n\n{table.notes}\n", encoding="utf-8")
        (folder / f"{table.name}.md").write_text(table.markdown(), encoding="utf-8")
        (folder / f"{table.name}.tex").write_text(table.latex(), encoding="utf-8")


def _head(row: Row, varying: Sequence[str]) -> list[str]:
    return [row.group.name, *(row.group.factor(factor) for factor in varying)]


def _difference(row: Row) -> str:
    if row.difference is None:
        return UNKNOWN
    return f"{points(row.difference.interval)}{'*' if row.significant else ''}"


def _to_target(row: Row) -> str:
    if row.target is None:
        return UNKNOWN
    count = f"{row.target.reached}/{len(row.target.costs)}"
    found = row.target.ratios.get(SINGLE_TASK, {}).get("seconds")
    if found is None or found.interval is None:
        return f"never ({count})"
    return f"{ratio_text(found.interval)} ({count})"


def _ratio(found: Ratio | None) -> str:
    if found is None or (found.interval is None and not found.never):
        return UNKNOWN
    if found.interval is None:
        return f"never (0/{found.never})"
    return f"{ratio_text(found.interval)}, n {found.reached}{f', never {found.never}' if found.never else ''}"


def _figures(row: Row, name: str, quantity: str) -> list[object]:
    found = row.target and row.target.ratios.get(name, {}).get(quantity)
    if not found:
        return [None] * 6
    interval = found.interval
    bounds = (interval.mean, interval.low, interval.high) if interval else (None, None, None)
    return [*bounds, found.median, found.reached, found.never]


def _markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*")


_LATEX = {"\\": r"\textbackslash{}", "±": r"$\pm$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
          "<": r"$<$", ">": r"$>$"} | {each: rf"\{each}" for each in "&%$#_{}"}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
