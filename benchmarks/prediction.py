"""How fast texts are classified, next to fastText on the same texts, one thread each.

    python benchmarks/prediction.py /data/classification                     # in process, and the whole command
    python benchmarks/prediction.py /data/classification --binary fasttext   # with fastText's own command, if built

The folder holds NAME-train.csv.gz and NAME-test.csv.gz. Both models learn from the same texts; their accuracies on the
test part are in the table. In each round both classify the same texts, in changing order; the figure is the ratio of
their times within a round: median and range. In process: a list of texts in, the probabilities of all classes out;
fastText gives the best label. The command: a file of 200,000 lines in, a file of labels and probabilities out,
everything included, in processor time and by the clock; fastText's Python package has no command, so a script reads,
predicts and writes.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"

import fasttext
import numpy as np

from mt2st import SingleTask, TextClassifier
from mt2st.models.ensemble import Ensemble, Pool
from mt2st.models.ngram_classifier import Kind, NgramFeatures
from mt2st.text import Tokeniser

SETS = ("subj", "banking77", "tweet-emotion")
FORMS: dict[str, tuple[Kind, ...]] = {
    "mean": (),
    "mean, n-grams of words": ("words",),
    "mean, n-grams of words and characters": ("words", "characters"),
}
"""The linear classifiers next to the network; the last is what `mt2st train` makes of short texts by default."""
TEXTS, LINES = 20_000, 200_000
FIELDS = ("set", "classes", "words", "model", "accuracy", "peer", "accuracy_of_peer", "measured", "ours", "peers")
SPREAD = ("ratio", "least", "most", "rounds")
Seconds = tuple[float, ...]
Measure = Callable[[], Seconds]
SCRIPT = """
import sys, fasttext
model = fasttext.load_model(sys.argv[1])
with open(sys.argv[2], encoding="utf-8") as file, open(sys.argv[3], "w", encoding="utf-8") as out:
    while lines := [line.rstrip("\\n") for _, line in zip(range(100_000), file)]:
        for labels, values in zip(*model.predict(lines)):
            out.write(f"{labels[0]} {values[0]:.6g}\\n")
"""


def rows_of(folder: Path, name: str, part: str) -> list[tuple[str, str]]:
    """Return the texts, on one line each, and their labels."""
    with gzip.open(folder / f"{name}-{part}.csv.gz", "rb") as raw:
        rows = csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8"))
        return [(" ".join(row["text"].split()), row["label"].replace(" ", "_")) for row in rows]


def network_of(rows: Sequence[tuple[str, str]]) -> TextClassifier:
    classifier = TextClassifier(SingleTask(), encoder="mean", auxiliaries=())
    classifier.set_params(encoder__linear=False, text__max_length=1000)
    return classifier.fit([text for text, _ in rows], [label for _, label in rows])


def ensemble_of(rows: Sequence[tuple[str, str]], kinds: Sequence[Kind], classes: Sequence[str]) -> Ensemble | None:
    """Return linear classifiers on n-grams of these kinds, which count half as much as the network."""
    if not kinds:
        return None
    targets = np.array([[label == name for name in classes] for _, label in rows])
    features = [NgramFeatures.of(kind, Tokeniser(), [text for text, _ in rows]) for kind in kinds]
    members = tuple(each.fit(targets, 1.0) for each in features)
    return Ensemble(members, (1.0,) * len(kinds), Pool(np.array([1.0] + [0.5] * len(kinds))))


def fasttext_of(rows: Sequence[tuple[str, str]], folder: Path, words: int) -> tuple[Any, Path]:
    """Return fastText's model with n-grams of so many words, and its file."""
    source, place = folder / "labelled.txt", folder / f"{words}.bin"
    source.write_text("".join(f"__label__{label} {text}\n" for text, label in rows), encoding="utf-8")
    model = fasttext.train_supervised(str(source), wordNgrams=words, lr=0.5, epoch=50, thread=1, verbose=0)
    model.save_model(str(place))
    return model, place


def compared(rounds: int, ours: Measure, theirs: Measure) -> tuple[list[Seconds], list[Seconds]]:
    """Return the seconds of both in each round."""
    ours(), theirs()
    times: tuple[list[Seconds], list[Seconds]] = ([], [])
    for number in range(rounds):
        for each in (0, 1) if number % 2 else (1, 0):
            times[each].append((ours, theirs)[each]())
    return times


def seconds_of(function: Callable[..., object], texts: list[str]) -> Seconds:
    start = time.process_time()
    function(texts)
    return (time.process_time() - start,)


def seconds_of_command(command: Sequence[str | Path], out: Path | None = None) -> Seconds:
    """Return the seconds of a process, which may print to a file: of the processor and by the clock."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with out.open("wb") if out else open(os.devnull, "wb") as stream:  # noqa: PTH123
        subprocess.run(list(map(str, command)), stdout=stream, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return processor, time.perf_counter() - start


def measured(options: argparse.Namespace, name: str, folder: Path) -> list[dict[str, object]]:
    train, test = rows_of(options.folder, name, "train"), rows_of(options.folder, name, "test")
    texts = list(islice(cycle([text for text, _ in test + train]), TEXTS))
    lines = folder / "lines.txt"
    lines.write_text("".join(f"{text}\n" for text in islice(cycle(texts), LINES)), encoding="utf-8")
    peers = {f"fastText, wordNgrams {n}": fasttext_of(train, folder, n) for n in (1, 2)}
    model = network_of(train)
    about = {"set": name, "classes": len(model.classes_), "words": sum(map(len, map(str.split, texts))) // len(texts)}
    found: list[dict[str, object]] = []

    right = [label for _, label in test]

    def add(form: str, peer: str, what: str, count: int, times: tuple[list[Seconds], list[Seconds]]) -> None:
        guesses = [each[0].removeprefix("__label__") for each in peers[peer][0].predict([text for text, _ in test])[0]]
        accuracies = [np.mean(np.array(each) == right) for each in (model.predict([t for t, _ in test]), guesses)]
        for kind, ours, theirs in zip(
            ("", ", by the clock"), *(zip(*each, strict=True) for each in times), strict=False
        ):
            ratios = sorted(their / our for our, their in zip(ours, theirs, strict=True))
            speeds = [round(count / statistics.median(each)) for each in (ours, theirs)]
            spread = (*(round(each, 2) for each in (statistics.median(ratios), ratios[0], ratios[-1])), len(ratios))
            row = (form, round(accuracies[0], 3), peer, round(accuracies[1], 3), what + kind, *speeds)
            found.append(about | dict(zip(FIELDS[3:], row, strict=True)) | dict(zip(SPREAD, spread, strict=True)))
            print(*(f"{key} {value}" for key, value in found[-1].items()), sep="  ", flush=True)

    out = folder / "out"
    command = [sys.executable, "-m", "mt2st", "predict", folder / "model", "--file", lines, "--output", out]
    for form, kinds in FORMS.items():
        model.ensemble_ = ensemble_of(train, kinds, [str(each) for each in model.classes_])
        model.save(folder / "model", overwrite=True)
        for peer, (theirs, place) in peers.items():
            if "in process" in options.what:
                each = partial(seconds_of, model.predict_proba, texts), partial(seconds_of, theirs.predict, texts)
                add(form, peer, "in process", TEXTS, compared(options.rounds, *each))
            if "command" not in options.what:
                continue
            ours = partial(seconds_of_command, [*command, "--overwrite"])
            script = partial(seconds_of_command, [sys.executable, "-c", SCRIPT, place, lines, out])
            add(form, peer, "command, Python package", LINES, compared(options.rounds, ours, script))
            if options.binary:
                binary = partial(seconds_of_command, [options.binary, "predict-prob", place, lines], out)
                add(form, peer, "command", LINES, compared(options.rounds, ours, binary))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sets", nargs="+", default=SETS)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--what", nargs="+", default=["in process", "command"], choices=["in process", "command"])
    parser.add_argument("--binary", help="fastText's command")
    parser.add_argument("--output", type=Path, default=Path("results/prediction.csv"))
    options = parser.parse_args()
    found = []
    for name in options.sets:
        with tempfile.TemporaryDirectory() as folder:
            found += measured(options, name, Path(folder))
    with options.output.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, (*FIELDS, *SPREAD), lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


if __name__ == "__main__":
    main()
