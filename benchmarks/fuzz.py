"""Coverage-guided fuzzing of the readers: any bytes must be read, or refused by an `InputError`.

    pip install atheris
    nice python benchmarks/fuzz.py --executions 1000000 --corpus fuzz [--readers csv vectors-text]

Each reader runs in a process of its own, with a folder of inputs that reached new code, from which the next run goes
on. An input that breaks the promise is kept as ``crash-...`` next to them; the exit code is then 1. Warnings are not
errors here. Inputs are at most 4,096 bytes.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

LONGEST = 4096
SEEDS: dict[str, tuple[str, list[bytes]]] = {
    "csv": (
        ".csv",
        [b'text,label\na b,x\n"c, d",y\n', b"sep=;\r\ntext;label\r\na;x\r\n", "text,label\né,x\n".encode("utf-16")],
    ),
    "tsv": (".tsv", [b'text\tlabel\n"a\tx\nb\ty\n']),
    "jsonl": (".jsonl", [b'{"text": "a", "label": "x"}\n{"text": "b", "label": 1}\n']),
    "several-labels": (".jsonl", [b'{"text": "a", "label": ["x", "y"]}\n{"text": "b", "label": []}\n']),
    "fasttext-supervised": (".txt", [b"__label__x a b\n__label__y __label__z c\n"]),
    "parquet": (".parquet", []),
    "conll": (".conll", [b"-DOCSTART- O\n\na B-PER\nb I-PER\n\n# c\nd O\n"]),
    "conllu": (".conllu", [b"# text = a b\n1\ta\ta\tX\t_\t_\t0\troot\t_\t_\n1.1\tb\tb\tX\t_\t_\t_\t_\t_\t_\n\n"]),
    "vectors-text": (".vec", [b"2 2\na 1 2\nb 3 4\n", b"a 1 2\nb 3 4\n"]),
    "vectors-binary": (".bin", [b"1 2\na \x00\x00\x80\x3f\x00\x00\x00\x40\n"]),
    "vectors-gensim": (".kv", [b"\x80\x04}\x94."]),
    "vectors-safetensors": (".safetensors", [b"\x02\x00\x00\x00\x00\x00\x00\x00{}"]),
    "config": (".toml", [b"epochs = 3\n[context]\nwindow = 5\n"]),
}
"""For each reader the end of its file's name and inputs to begin with."""


def readers() -> dict[str, Callable[[Path], object]]:
    """Return what reads a file, by the reader's name."""
    from mt2st.cli.options import parse
    from mt2st.cli.train import TrainOptions
    from mt2st.embedding import load_vectors
    from mt2st.text import read_labelled, read_multi_labelled, read_tagged

    labelled = dict.fromkeys(("csv", "tsv", "jsonl", "fasttext-supervised", "parquet"), read_labelled)
    vectors = {name: load_vectors for name in SEEDS if name.startswith("vectors")}

    def config(path: Path) -> object:
        return parse(TrainOptions, ["data.csv", "--config", str(path)], program="mt2st train", description="")

    return {
        **labelled,
        **vectors,
        "several-labels": read_multi_labelled,
        "conll": read_tagged,
        "conllu": read_tagged,
        "config": config,
    }


def fuzz(name: str, executions: int, corpus: Path) -> None:
    """Run one reader in this process; atheris ends it."""
    import atheris

    with atheris.instrument_imports(include=["mt2st"]):
        read = readers()[name]
    from mt2st.errors import InputError

    warnings.simplefilter("ignore")
    in_memory = Path("/dev/shm")
    place = Path(tempfile.mkdtemp(dir=in_memory if in_memory.is_dir() else None)) / f"input{SEEDS[name][0]}"

    def once(data: bytes) -> None:
        place.write_bytes(data)
        try:
            read(place)
        except InputError:
            pass
        except SystemExit as error:  # of the command line
            if error.code not in (0, 2):
                raise

    known = corpus / name
    known.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name][1]):
        (known / f"seed-{number}").write_bytes(seed)
    arguments = [
        f"-runs={executions}",
        f"-max_len={LONGEST}",
        f"-artifact_prefix={known.parent}/{name}-",
        "-print_final_stats=1",
    ]
    atheris.Setup([sys.argv[0], *arguments, str(known)], once)
    atheris.Fuzz()


def main() -> int:
    """Run the readers one after the other. Return 1 if one broke the promise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--executions", type=int, default=1_000_000)
    parser.add_argument("--corpus", type=Path, default=Path("fuzz"))
    parser.add_argument("--readers", nargs="*", choices=SEEDS, default=list(SEEDS))
    parser.add_argument("--one", choices=SEEDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        fuzz(options.one, options.executions, options.corpus)
    failed = []
    for name in options.readers:
        again = [sys.executable, __file__, "--one", name, "--executions", str(options.executions)]
        run = subprocess.run([*again, "--corpus", str(options.corpus)], capture_output=True, text=True, check=False)
        count = next((line.split()[-1] for line in run.stderr.splitlines() if "number_of_executed_units" in line), "?")
        print(
            f"{name}: {count} executions, {'kept the promise' if run.returncode == 0 else 'BROKE THE PROMISE'}",
            flush=True,
        )
        if run.returncode:
            failed.append(name)
            print("\n".join(run.stderr.splitlines()[-40:]), file=sys.stderr)
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
