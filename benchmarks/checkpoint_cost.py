"""Time and size of checkpoints against the training that they guard, at the default interval.

    python benchmarks/checkpoint_cost.py [--rows 3000] [--words 50000]

For each training: its seconds, the checkpoints that it wrote, their share of its time, the size of the last one, and
the share of the time that one takes every five minutes. Exit code 1 if that is above 2 %. A short training pays more
for the one at the end of its first epoch, whose cost is not known before.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from mt2st._checkpoint import CHECKPOINT_SECONDS, CHECKPOINT_SHARE, CheckpointFolder, Pace
from mt2st.cli.main import main as mt2st

saving, written = Pace.saving, CheckpointFolder.written
seconds: list[float] = []
sizes: list[int] = []


@contextmanager
def timed(pace: Pace) -> Iterator[None]:
    """Save as `Pace.saving`, and note how long it takes."""
    begin = time.perf_counter()
    with saving(pace):
        yield
    seconds.append(time.perf_counter() - begin)


@contextmanager
def weighed(folder: CheckpointFolder, *arguments: object) -> Iterator[Path]:
    """Write as `CheckpointFolder.written`, and note the bytes."""
    with written(folder, *arguments) as place:  # type: ignore[arg-type]
        yield place
        sizes.append(sum(path.stat().st_size for path in place.iterdir()))


def main() -> int:
    """Train, and print a line for each training."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=3_000)
    parser.add_argument("--words", type=int, default=50_000)
    options = parser.parse_args()
    Pace.saving, CheckpointFolder.written = timed, weighed  # type: ignore[method-assign, assignment]
    rng, most = np.random.default_rng(1), 0.0
    # Each word is as frequent as the others: the vocabulary is what a checkpoint holds.
    words = rng.integers(0, options.words, (options.rows, 60))
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        texts = [" ".join(f"w{word}" for word in row) for row in words]
        Path("corpus.txt").write_text("\n".join(texts), encoding="utf-8")
        rows = (f"{text},{'ab'[row[0] % 2]}\n" for text, row in zip(texts, words, strict=True))
        Path("data.csv").write_text("text,label\n" + "".join(rows), encoding="utf-8")
        train = ["train", "data.csv", "--min-count", "1", "--no-final-fit", "--epochs", "2", "--output"]
        vectors = ["vectors", "train", "corpus.txt", "--min-count", "1", "--epochs", "5", "--output"]
        trainings = {encoder: [*train, encoder, "--encoder", encoder] for encoder in ("mean", "bilstm")}
        for title, command in {**trainings, "skip-gram": [*vectors, "vectors.bin"]}.items():
            seconds.clear()
            begin = time.perf_counter()
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as said:
                code = mt2st(command)
            if code:
                raise SystemExit(said.getvalue())
            assert seconds, "no epoch has ended"
            took, most_seconds = time.perf_counter() - begin, max(seconds)
            shares = sum(seconds) / took, most_seconds / CHECKPOINT_SECONDS
            most = max(most, shares[1])
            print(
                f"{title}: {took:.0f} s, {len(seconds)} checkpoints of at most {most_seconds:.2f} s: {shares[0]:.2%}; "
                f"{sizes[-1] / 1e6:.0f} MB; every {CHECKPOINT_SECONDS / 60:.0f} minutes: {shares[1]:.2%}",
                flush=True,
            )
    return int(most > CHECKPOINT_SHARE)


if __name__ == "__main__":
    raise SystemExit(main())
