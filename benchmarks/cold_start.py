"""Seconds until the first label: importing, loading and predicting one text, each time in a new process.

    python benchmarks/cold_start.py run/model --runs 10

Without a model, one of 50 MB is made: 100,000 words of 100 dimensions with linear classifiers on n-grams of words and
of characters, 100,000 each. Shown are medians with the least and the most: seconds of the clock, then of the processor,
which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from mt2st.models.folder import ModelFolder
from mt2st.models.settings import ModelSettings
from mt2st.text import SPECIALS, Vocabulary

TEXT = "a warm and witty film"


def synthetic(folder: Path, n_words: int = 100_000, size: int = 100) -> Path:
    """Write a model of two classes with random weights."""
    rng = np.random.default_rng(0)
    words = [*TEXT.split(), *(f"word{number}" for number in range(n_words - len(TEXT.split())))]
    vocabulary = Vocabulary((*SPECIALS, *words), np.concatenate([[0, 0], np.arange(n_words, 0, -1)]))
    table = rng.normal(size=(len(vocabulary), size)).astype(np.float32)
    parameters = {"embedding.weight": table, "heads.primary.weight": table[:2], "heads.primary.bias": table[0, :2]}
    for kind, terms in (("words", words), ("characters", [f"{number:05x}" for number in range(100_000)])):
        weights = rng.normal(size=(len(terms), 2)).astype(np.float32)
        arrays = {"idf": weights[:, 0], "weights": weights, "biases": weights[0]}
        arrays["terms"] = np.frombuffer("\n".join(terms).encode(), dtype=np.uint8)
        parameters |= {f"linear.{kind}.{name}": value for name, value in arrays.items()}
    config = {
        "problem_type": "classification",
        "classes": ["bad", "good"],
        "settings": ModelSettings(encoder="mean").as_dict(),  # type: ignore[arg-type]  # a name will do
        "class_prior": [0.5, 0.5],
        "ensemble": {"members": ["words", "characters"], "strengths": [1, 1], "weights": [1, 1, 1]},
    }
    ModelFolder(parameters, vocabulary, config, "").save(folder)
    return folder


def measured(command: list[str], runs: int) -> tuple[list[float], list[float], list[str]]:
    """Return seconds of the clock and of the processor of new processes, and what they print; the first is left out."""
    clock, processor, printed = [], [], []
    compiled = {
        name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
    }  # as pip leaves it
    for _ in range(runs + 1):
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=compiled)
        clock.append(time.perf_counter() - start)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        processor.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        printed.append(done.stdout)
    return clock[1:], processor[1:], printed[1:]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", nargs="?", type=Path)
    parser.add_argument("--runs", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        model = options.model or synthetic(Path(scratch) / "model")
        size = sum(each.stat().st_size for each in model.iterdir()) / 1e6
        print(f"{model}: {size:.1f} MB; load average {os.getloadavg()[0]:.1f}\n")
        timed = (
            "import sys, time; from mt2st.inference import load; start = time.perf_counter(), time.process_time(); "
            "load(sys.argv[1]); print(time.perf_counter() - start[0], time.process_time() - start[1])"
        )
        first = "import sys; from mt2st.inference import load; print(load(sys.argv[1]).predict([sys.argv[2]]))"
        full = "import sys, mt2st; print(mt2st.load(sys.argv[1]).predict([sys.argv[2]]))"
        programs = {
            "python that does nothing": ["-c", "pass"],
            "import numpy": ["-c", "import numpy"],
            "import mt2st.inference": ["-c", "import mt2st.inference"],
            "mt2st.inference: first prediction": ["-c", first, str(model), TEXT],
            "mt2st predict": ["-m", "mt2st", "predict", str(model), TEXT],
            **({"mt2st.load (torch): first prediction": ["-c", full, str(model), TEXT]} if options.model else {}),
        }
        for name, arguments in programs.items():
            clock, processor, _ = measured([sys.executable, *arguments], options.runs)
            show(name, clock, processor)
        printed = measured([sys.executable, "-c", timed, str(model)], options.runs)[2]
        clock, processor = zip(*(map(float, line.split()) for line in printed), strict=True)
        show("mt2st.inference.load, after the import", list(clock), list(processor))


def show(name: str, clock: list[float], processor: list[float]) -> None:
    """Print a line of medians and ranges."""
    seconds = "   ".join(f"{statistics.median(s):.3f} s [{min(s):.3f}, {max(s):.3f}]" for s in (clock, processor))
    print(f"{name:40} {seconds}")


if __name__ == "__main__":
    main()
