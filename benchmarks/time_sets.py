"""The claims about time on several sets: runs `mt2st reproduce time` on each, and makes one table of all.

    python benchmarks/time_sets.py run ../shared/data --out times [--seeds 1 2 3 4 5] [--sets cr mpqa]
    python benchmarks/time_sets.py table results/time-of

The first command goes on where it was stopped, and writes ``results/time-of-SET.csv``, the runs of each study. The
second one prints the table of all files that begin so. Train and test parts of a set are one file for the study, which
cuts it into 750 labels, 250 texts to choose by, and a test part.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from mt2st.study import Study
from mt2st.study.statistics import geometric_interval, points, ratio_text
from mt2st.study.summary import summarise

SETS = ("reviews", "subj", "tweet-emotion", "cr", "mpqa", "tweet-hate")
SINGLE_TASK, MULTI_TASK = "single-task", "multi-task"
RESULTS = Path(__file__).resolve().parents[1] / "results"


def rows_of(data: Path, name: str) -> Iterator[tuple[str, str]]:
    """Give the texts and labels of a set."""
    if name == "reviews":
        parts, columns = [data / "imdb5k" / "imdb5k.csv.gz"], ("review", "sentiment")
    else:
        parts = [data / "classification" / f"{name}-{part}.csv.gz" for part in ("train", "test")]
        columns = ("text", "label")
    for part in parts:
        with gzip.open(part, "rt", encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield row[columns[0]], row[columns[1]]


def run(data: Path, name: str, out: Path, seeds: list[int]) -> None:
    """Run the study of a set, and keep its runs."""
    table = out / f"{name}.csv"
    if not table.exists():
        out.mkdir(parents=True, exist_ok=True)
        with table.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["text", "label"])
            writer.writerows(rows_of(data, name))
    command = [sys.executable, "-m", "mt2st", "reproduce", "time", "--data", table, "--text", "text"]
    command += ["--label", "label", "--output", out / name, "--seeds", *map(str, seeds)]
    subprocess.run(command, check=True)
    shutil.copy(out / name / "runs.csv", RESULTS / f"time-of-{name}.csv")


def table(begin: Path) -> str:
    """Return the table of the files whose names begin so, in Markdown, and the means of the ratios over the sets."""
    lines = [
        "| set | strategy | reached | seconds / single-task | steps / single-task | flops / single-task | "
        "seconds / multi-task | accuracy | vs single-task |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    means: dict[str, list[list[float]]] = {}
    paths = {path.stem.removeprefix(f"{begin.stem}-"): path for path in begin.parent.glob(f"{begin.stem}-*.csv")}
    for name in sorted(paths, key=[*SETS, *sorted(paths)].index):
        for row in summarise(Study.load(paths[name])):
            target, ratios = row.target, row.target.ratios if row.target else {}
            asked = [(SINGLE_TASK, "seconds"), (SINGLE_TASK, "steps"), (SINGLE_TASK, "flops"), (MULTI_TASK, "seconds")]
            found = [ratios[other][quantity].interval if other in ratios else None for other, quantity in asked]
            if None not in found:
                means.setdefault(row.group.name, []).append([each.mean for each in found if each is not None])
            difference = "-" if row.difference is None else points(row.difference.interval) + "\\*" * row.significant
            cells = [
                name,
                row.group.name,
                f"{target.reached if target else 0} of {row.seeds}",
                *("" if each is None else ratio_text(each) for each in found),
                f"{100 * row.score.mean:.1f} %",
                difference,
            ]
            lines.append(f"| {' | '.join(cells)} |")
    lines += [
        f"| geometric mean of {len(rows)} sets | {strategy} |  | "
        f"{' | '.join(f'{geometric_interval(column).mean:.2f}' for column in zip(*rows, strict=True))} |  |  |"
        for strategy, rows in means.items()
    ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    running = commands.add_parser("run")
    running.add_argument("data", type=Path, help="folder with imdb5k/ and classification/")
    running.add_argument("--out", type=Path, required=True, help="folder of the studies")
    running.add_argument("--seeds", type=int, nargs="+", default=list(range(1, 11)))
    running.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    printing = commands.add_parser("table")
    printing.add_argument("begin", type=Path, help="what the paths of the files begin with, as results/time-of")
    options = parser.parse_args()
    if options.command == "table":
        print(table(options.begin))
        return
    for name in options.sets:
        run(options.data, name, options.out, options.seeds)


if __name__ == "__main__":
    main()
