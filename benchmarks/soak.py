"""Train for an hour under random kills, resume each time, and compare with trainings that nobody disturbed.

Each round trains one model or one set of word vectors twice: undisturbed, and killed at random moments until it gets
through. Every tensor must be the same. The first difference, or a command that does not go on, ends the program with
exit code 1.

    python benchmarks/soak.py --minutes 60
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np

SIGNALS = [signal.SIGKILL] * 8 + [signal.SIGTERM, signal.SIGINT]
"""Most kills are of the kind that nobody can handle."""
COMMAND = [sys.executable, "-m", "mt2st"]
CHECKPOINT_MINUTES = "0.01"
KILLS = 12
"""Most kills of one training: a checkpoint is worth little to one that never lives for longer than it takes to load."""


def texts(rng: random.Random, rows: int) -> Iterator[tuple[str, str]]:
    """Yield texts whose label depends on a few of their words."""
    words = [f"word{number}" for number in range(2_000)]
    own = {"pos": words[:40], "neg": words[40:80]}
    for row in range(rows):
        label = "pos" if row % 2 else "neg"
        drawn = [*rng.choices(words, k=40), *rng.choices(own[label], k=4)]
        rng.shuffle(drawn)
        yield " ".join(drawn), label


def commands(folder: Path, seed: int) -> dict[str, list[str]]:
    """Return the trainings, each without its output."""
    rng = random.Random(seed)
    data, corpus = folder / "data.csv", folder / "corpus.txt"
    rows = list(texts(rng, 600))
    data.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    corpus.write_text("".join(f"{text}\n" for text, _ in [*rows, *texts(rng, 12_000)]), encoding="utf-8")
    train = ["train", str(data), "--no-parallel-context", "--checkpoint-minutes", CHECKPOINT_MINUTES]
    train += [
        "--epochs",
        "12",
        "--tolerance",
        "1e-30",
        "--patience",
        "30",
        "--min-count",
        "1",
        "--vector-size",
        "50",
        "--seed",
        str(seed),
    ]
    vectors = ["vectors", "train", str(corpus), "--checkpoint-minutes", CHECKPOINT_MINUTES, "--seed", str(seed)]
    return {
        "train, mean": [*train, "--encoder", "mean"],
        "vectors, skipgram": [*vectors, "--epochs", "8"],
        "train, bilstm": [*train, "--encoder", "bilstm", "--hidden-size", "16", "--epochs", "5"],
        "vectors, cbow-fasttext": [*vectors, "--method", "cbow-fasttext", "--bucket", "20000", "--epochs", "15"],
        "vectors, glove": [*vectors, "--method", "glove", "--epochs", "15"],
    }


def tensors(output: Path) -> dict[str, np.ndarray]:
    """Return all arrays of a model, or the vectors of a file."""
    from safetensors.numpy import load_file

    if output.is_dir():
        return load_file(output / "model" / "model.safetensors")
    return {"file": np.fromfile(output, dtype=np.uint8)}


def disturbed(command: list[str], output: Path, seconds: float, rng: random.Random) -> Counter[str]:
    """Run a training under kills until it is through; return how many there were, by place."""
    places: Counter[str] = Counter()
    state = (
        output.with_name(f"{output.name}.checkpoint") / "state"
        if command[0] == "vectors"
        else output / "checkpoint" / "training"
    )
    while True:
        more = ["--resume", *["--overwrite"] * output.is_file()] if state.is_dir() else ["--overwrite"]
        process = subprocess.Popen([*COMMAND, *command, "--output", str(output), *more], stderr=subprocess.PIPE)
        wait = rng.uniform(0.1, 0.7) * seconds if sum(places.values()) < KILLS else 10 * seconds + 60
        number = rng.choice(SIGNALS)
        try:
            _, said = process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            _, said = process.communicate(timeout=120)
        if process.returncode == 0:
            return places
        if process.returncode not in (-number, 128 + number):
            raise SystemExit(f"{more} ended with {process.returncode}: {said.decode()[-2000:]}")
        inside = any(
            any(folder.glob(".mt2st-*")) for folder in (output, state.parent, output.parent) if folder.is_dir()
        )
        where = "in a save" if inside else "between saves" if state.is_dir() else "before the first save"
        places[f"{where}, {signal.Signals(number).name}"] += 1


def main() -> int:
    """Run rounds until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng, end, number = random.Random(options.seed), time.monotonic() + 60 * options.minutes, 0
    kills: Counter[str] = Counter()
    rounds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="soak_") as name:
        folder = Path(name)
        while time.monotonic() < end:
            for place, (title, command) in enumerate(commands(folder, options.seed + number).items()):
                ending = ".bin" if command[0] == "vectors" else ""
                outputs = [folder / f"{number}-{place}-{kind}{ending}" for kind in ("whole", "killed")]
                begin = time.monotonic()
                subprocess.run([*COMMAND, *command, "--output", str(outputs[0])], check=True, capture_output=True)
                seconds = time.monotonic() - begin
                places = disturbed(command, outputs[1], seconds, rng)
                whole, killed = map(tensors, outputs)
                if whole.keys() != killed.keys() or any(not np.array_equal(whole[key], killed[key]) for key in whole):
                    raise SystemExit(f"{title}, seed {options.seed + number}: the tensors differ after {dict(places)}")
                if left := [
                    path.name for path in folder.rglob("*") if ".mt2st-" in path.name or "checkpoint" in path.name
                ]:
                    raise SystemExit(f"{title}: left behind: {left}")
                kills += places
                rounds[title] += 1
                print(f"{title}: {seconds:.1f} s undisturbed, {sum(places.values())} kills, equal", flush=True)
                if time.monotonic() > end:
                    break
            number += 1
    print(
        json.dumps({"equal": dict(rounds), "kills": dict(sorted(kills.items())), "sum": sum(kills.values())}, indent=1)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
