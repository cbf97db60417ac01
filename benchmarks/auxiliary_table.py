"""What each auxiliary task does for a classifier or tagger, under each strategy, over several seeds.

    python benchmarks/imdb_protocol.py ../shared/data/imdb5k/imdb5k.csv.gz PARTS --sample 24
    python benchmarks/auxiliary_table.py bilstm mean pos ner --out OUT --parts PARTS --seeds 5 --jobs 2

Every run leaves a file in OUT and is not repeated, so an interrupted table goes on. ``OUT/runs.csv`` has a row for each
run; ``--jobs 0`` only writes it and prints the tables. The test part is measured once a run, with the parameters that
were best on validation. The tables show the mean over the seeds with its 95 % interval (Student's t), and the same of
the difference to single-task with the same seed; a difference whose interval holds 0 shows nothing.

mean, bilstm: 750 labelled reviews, all 5,000 as unlabelled text. The mean encoder has every line; the paper's BiLSTM,
whose step costs ten times as much, has the context task and all tasks together.
pos: LinES, UPOS; ner: WNUT17, entity F1; BiLSTM of 128 on words alone (without their spelling), with the reviews' text
as unlabelled text for the context task.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from scipy.stats import t as student

from mt2st.evaluation.tables import METRICS as SHOWN
from mt2st.models import Tagger, TextClassifier
from mt2st.strategy import AdaptiveDiminish, AdaptiveSwitch, Diminish, MultiTask, SingleTask, Strategy, Switch
from mt2st.study.statistics import signed
from mt2st.text import read_labelled, read_tagged

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
REVIEWS = ("mean", "bilstm")
WORD_TASKS = ("semantic-syntactic", "misalignment", "analogy", "spearman")
WORD_TASK_WEIGHT = 0.1
"""Weight of each task on words; the context task has 1. At weight 1 two of them did harm
(docs/explanation/auxiliary-tasks.md#weight-1)."""
METRICS = {"mean": "accuracy", "bilstm": "accuracy", "pos": "accuracy", "ner": "entity_f1"}
"""The metric of each suite."""
RUNS = "runs.csv"
"""The file with a row a run: suite, auxiliary tasks, strategy, seed, metric, its value on the test part and on
validation, seconds, the epoch from which each auxiliary task was off, the other metrics of the test part, and each
metric of the auxiliary tasks on held-out words before and after the training."""
TITLES = {
    "mean": "sentiment, mean encoder",
    "bilstm": "sentiment, BiLSTM",
    "pos": "parts of speech, BiLSTM",
    "ner": "entities, BiLSTM",
}
FILES = {
    "misalignment": {
        "auxiliary_data__agree": ("lexicon/ppdb_synonyms.txt",),
        "auxiliary_data__disagree": ("lexicon/ppdb_antonyms.txt", "lexicon/wordnet_antonyms.txt"),
    },
    "spearman": {"similarity": ("similarity/EN-MEN-TR-3k.txt", "similarity/EN-SIMLEX-999.txt")},
}
"""What the tasks read; the analogy questions are those that come with mt2st."""


@dataclass(frozen=True)
class Line:
    """A line of the table.

    Attributes:
        auxiliary: the auxiliary tasks.
        strategy: the strategy's name.
    """

    auxiliary: tuple[str, ...]
    strategy: str

    @property
    def tasks(self) -> str:
        """What the table calls the auxiliary tasks."""
        return "all five" if len(self.auxiliary) > 1 else (self.auxiliary or ("-",))[0]

    @property
    def file_name(self) -> str:
        """What the files of its runs are called, less suite and seed."""
        return f"{self.tasks.replace(' ', '-')}.{self.strategy}"


def strategy_of(line: Line, epochs: int) -> Strategy:
    """Return a strategy as the command line has it by default, its times scaled to the number of epochs."""
    weights = {task: WORD_TASK_WEIGHT if task in WORD_TASKS else 1.0 for task in line.auxiliary}
    return {
        "single-task": SingleTask(),
        "multi-task": MultiTask(weights or 1.0),
        "diminish": Diminish(0.5, initial=weights or 1.0),
        "switch": Switch(epochs // 2, weight=weights or 1.0),
        "adaptive-diminish": AdaptiveDiminish(0.5, initial=weights or 1.0),
        "adaptive-switch": AdaptiveSwitch(weight=weights or 1.0),
    }[line.strategy]


def lines_of(suite: str) -> list[Line]:
    """Return the lines, those first that say most."""
    paper = ("multi-task", "diminish", "switch")
    adaptive = ("adaptive-diminish", "adaptive-switch") if suite == "mean" else ()
    lines = [Line((), "single-task"), *(Line(("context",), strategy) for strategy in (*paper, *adaptive))]
    if suite in REVIEWS:
        lines += [Line(("context", *WORD_TASKS), strategy) for strategy in (*paper, *adaptive)]
    if suite == "mean":
        lines += [Line((task,), strategy) for task in WORD_TASKS for strategy in (*paper, *adaptive)]
    return lines


def settings_of(suite: str, line: Line, seed: int) -> dict[str, Any]:
    epochs = 8 if suite in REVIEWS else 6
    settings: dict[str, Any] = {"optimisation__epochs": epochs, "seed": seed, "auxiliaries": line.auxiliary}
    settings["strategy"] = strategy_of(line, epochs)
    if line.auxiliary[:1] == ("context",):
        settings |= {"context__alpha": 0.025}
    if suite in REVIEWS:
        settings |= {"context__passes": 2, "context__window": 15, "context__sample": 1e-4, "text__min_count": 5}
    if suite == "mean":
        settings |= {"encoder__name": "mean", "text__max_length": 1000}
    elif suite == "bilstm":
        settings |= {"encoder__dropout": 0.5, "text__max_length": 256}
    if suite not in REVIEWS:
        settings |= {
            "encoder__hidden_size": 128,
            "encoder__dropout": 0.3,
            "encoder__word_dropout": 0.0,
            "encoder__spelling": False,
            "context__window": 5,
            "optimisation__average": 0.97,
            "optimisation__linear_decay": False,
            "text__max_length": 64,
            "optimisation__batch_size": 32,
            "context__passes": 1,
        }
    for task in line.auxiliary:
        settings |= {name: tuple(str(DATA / file) for file in files) for name, files in FILES.get(task, {}).items()}
    return settings


def run(suite: str, line: Line, seed: int, parts: Path, out: Path) -> None:
    """Train and measure one cell unless its file is there."""
    place = out / f"{suite}.{line.file_name}.{seed}.json"
    if place.is_file():
        return
    settings = settings_of(suite, line, seed)
    unlabelled: Iterable[str] = read_labelled(parts / "all.csv", text="review", label="sentiment").texts
    model: TextClassifier | Tagger
    if suite in REVIEWS:
        train, validation, test = (
            read_labelled(parts / f"{part}.csv", text="review", label="sentiment")
            for part in ("train", "validation", "test")
        )
        model = TextClassifier().set_params(**settings).fit_rows(train, validation=validation, unlabelled=unlabelled)
        measured = model.evaluate_rows(test)
    else:
        stem = "pos/en_lines-ud-{}.conllu.gz" if suite == "pos" else "ner/wnut17-{}.conll"
        tagged = [read_tagged(DATA / stem.format(part)) for part in ("train", "dev", "test")]
        model = Tagger().set_params(**settings).fit_rows(tagged[0], validation=tagged[1], unlabelled=unlabelled)
        measured = model.evaluate_rows(tagged[2])
    metric = METRICS[suite]
    record = {
        "suite": suite,
        "auxiliary": line.tasks,
        "strategy": line.strategy,
        "seed": seed,
        "metric": metric,
        "value": measured[metric],
        "validation": model.metrics_["validation"][metric],
        "seconds": model.run_.train_seconds,
        "off_from_epoch": " ".join(f"{each.task}={each.epoch}" for each in model.run_.transitions),
        **{f"test_{name}": value for name, value in measured.items() if name != metric},
        **{
            f"{name} {of} {when}": value
            for name, report in model.auxiliaries_.items()
            for when in ("before", "after")
            for of, value in getattr(report, when).items()
        },
    }
    place.with_suffix(".new").write_text(json.dumps(record, indent=1))
    place.with_suffix(".new").rename(place)


def interval(values: Sequence[float]) -> str:
    """Return mean and half width of the 95 % interval, in percent."""
    mean = 100 * statistics.mean(values)
    if len(values) < 2:
        return f"{mean:.1f}"
    half = student.ppf(0.975, len(values) - 1) * 100 * statistics.stdev(values) / math.sqrt(len(values))
    return f"{mean:.1f} ± {half:.1f}"


def collect(out: Path) -> None:
    """Write the file with a row a run."""
    records = [json.loads(place.read_text()) for place in sorted(out.glob("*.json"))]
    columns = list(dict.fromkeys(name for record in records for name in record))
    with (out / RUNS).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def values_of(suite: str, line: Line, runs: Iterable[Mapping[str, str]]) -> dict[int, float]:
    """Return the metric on the test part, by seed."""
    return {
        int(run["seed"]): float(run["value"])
        for run in runs
        if (run["suite"], run["auxiliary"], run["strategy"]) == (suite, line.tasks, line.strategy)
    }


def print_table(suite: str, out: Path) -> None:
    runs = read(out / RUNS)
    single = values_of(suite, Line((), "single-task"), runs)
    print(f"| auxiliary tasks | strategy | seeds | {SHOWN[METRICS[suite]]}, % | less single-task's |")
    print("| --- | --- | --- | --- | --- |")
    for line in lines_of(suite):
        found = values_of(suite, line, runs)
        both = [seed for seed in found if seed in single]
        difference = interval([found[seed] - single[seed] for seed in both]) if both and line.auxiliary else ""
        if found:
            print(
                f"| {line.tasks} | {line.strategy} | {len(found)} | {interval(list(found.values()))} | {difference} |"
            )


def differences(path: Path) -> str:
    """Return a table of all suites: single-task's metric, and by how many points the others differ from it.

    A star marks a difference whose 95 % interval does not hold 0.
    """
    runs = read(path)
    strategies = ("multi-task", "diminish", "switch", "adaptive-diminish", "adaptive-switch")
    table = [
        f"| primary task | auxiliary tasks | seeds | single-task | {' | '.join(strategies)} |",
        f"| --- | --- | ---: |{' ---: |' * (1 + len(strategies))}",
    ]
    for suite, metric in METRICS.items():
        single = values_of(suite, Line((), "single-task"), runs)
        courses: dict[str, dict[str, dict[int, float]]] = {}
        for line in lines_of(suite):
            found = values_of(suite, line, runs)
            if line.auxiliary and found.keys() & single.keys():
                shared = sorted(found.keys() & single.keys())
                gains = {seed: found[seed] - single[seed] for seed in shared}
                courses.setdefault(line.tasks, {})[line.strategy] = gains
        for tasks, by_strategy in courses.items():
            numbers = {len(gains) for gains in by_strategy.values()}
            fields = [
                f"{TITLES[suite]}, {SHOWN[metric]}",
                tasks,
                f"{min(numbers)}" + (f" to {max(numbers)}" if len(numbers) > 1 else ""),
                f"{interval(list(single.values()))} %",
                *(marked(by_strategy.get(strategy, {})) for strategy in strategies),
            ]
            table.append(f"| {' | '.join(fields)} |")
    return "\n".join(table)


def marked(gains: Mapping[int, float]) -> str:
    """Return a difference in points with its sign, and a star where its interval does not hold 0."""
    if not gains:
        return "-"
    text = interval(list(gains.values()))
    if "±" not in text:
        return signed(float(text) / 100)
    mean, half = (float(part) for part in text.split(" ± "))
    return f"{signed(mean / 100)} ± {half:.1f}" + ("\\*" if abs(mean) > half else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("suites", nargs="+", choices=list(METRICS))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--parts", type=Path, required=True, help="folder that imdb_protocol.py made")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=2, help="runs at once; 0: print the table of what there is")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for suite in options.suites:
        if options.jobs:
            Parallel(n_jobs=options.jobs, verbose=5)(
                delayed(run)(suite, line, seed, options.parts, options.out)
                for seed in range(1, options.seeds + 1)
                for line in lines_of(suite)
            )
        collect(options.out)
        print(f"\n{suite}")
        print_table(suite, options.out)


if __name__ == "__main__":
    main()
