"""A study's tables, for terminals, Markdown, LaTeX and programs.

Nothing is set in bold but the score that is significantly better than that of every other row: what else stands in its
row, such as the seconds, may be worse. A difference that is significant (paired t test over three seeds or more,
adjusted by Holm's method for the methods of a setting) has a star. Every row says of how many seeds it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from mt2st._files import own_files
from mt2st.evaluation.tables import METRICS, SECOND_METRIC, aligned
from mt2st.study.runs import FACTORS, MULTI_TASK, QUANTITIES, SINGLE_TASK, csv_text
from mt2st.study.statistics import LEAST_SEEDS, UNKNOWN, Interval, percent, points, ratio_text
from mt2st.study.study import Study
from mt2st.study.summary import Ratio, Row, summarise


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
    """
    rows = summarise(study) if rows is None else rows
    metric, second, varying = METRICS[study.metric], METRICS[SECOND_METRIC[study.metric]], study.varying
    has_difference = any(row.difference for row in rows)
    has_target = any(row.target for row in rows)
    header = ["strategy", *varying, "seeds", metric]
    score = len(header) - 1
    header += ["vs single-task"] * has_difference + [second, "training s"]
    header += ["time to single-task's best"] * has_target
    body = []
    for row in rows:
        fields = [*_head(row, varying), str(row.seeds), percent(row.score)]
        fields += [_difference(row)] * has_difference + [f"{100 * row.second.mean:.1f} %", f"{row.seconds.mean:.1f}"]
        body.append(fields + [_to_target(row)] * has_target)
    notes = (
        f"{metric} and {second} on the test part: mean over the seeds, ± half of the 95 % t interval, with three seeds "
        "or more that differ."
    )
    if has_difference:
        notes += (
            f" vs single-task: mean difference of the {metric} over the seeds, in points, ± likewise; * p < 0.05 "
            f"(paired t test, Holm's correction for the methods of one setting; never with fewer than {LEAST_SEEDS} "
            "seeds, nor where the difference is the same with every seed)."
        )
    notes += " Seconds of training, evaluation apart."
    if has_target:
        notes += (
            f" Time to single-task's best: training seconds until its best validation {metric} of the same seed was "
            "first reached, as a ratio to its own (geometric mean and 95 % interval over the seeds that reached it; "
            "how many did)."
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


def csv_table(rows: Sequence[Row]) -> str:
    """Return the rows for programs, as CSV: all figures, unrounded, measures in [0, 1]; empty where there is none."""
    lines = [_figures(row) for row in rows]
    return csv_text(dict.fromkeys(name for line in lines for name in line), lines)


def write_tables(study: Study, folder: Path) -> None:
    """Write a study's tables as text, Markdown, LaTeX and CSV into a folder, in place of those that are there."""
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


def _figures(row: Row) -> dict[str, object]:
    found = {"method": row.group.name, **dict(zip(FACTORS, row.group.factors, strict=True)), "seeds": row.seeds}
    found |= {**_bounds("score", row.score), "second": row.second.mean, "train_seconds": row.seconds.mean}
    if each := row.difference:
        found |= {**_bounds("difference", each.interval), "p": each.p, "p_holm": row.p, "seeds_compared": each.n}
    if row.target:
        found |= {"target_reached": row.target.reached, "target_seeds": len(row.target.costs)}
        for name, quantity in product(row.target.ratios, QUANTITIES):
            ratio, start = row.target.ratios[name][quantity], f"{quantity}_to_{name.replace('-', '_')}"
            found |= {f"{start}_n": ratio.reached, f"{start}_never": ratio.never}
            found |= _bounds(f"{start}_ratio", ratio.interval) if ratio.interval else {}
    return found


def _bounds(name: str, interval: Interval) -> dict[str, float | None]:
    return {name: interval.mean, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("*", "\\*")


_LATEX = {"\\": r"\textbackslash{}", "±": r"$\pm$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
          "<": r"$<$", ">": r"$>$"} | {each: rf"\{each}" for each in "&%$#_{}"}  # fmt: skip


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
