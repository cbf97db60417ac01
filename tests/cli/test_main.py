from __future__ import annotations

import errno
import io
import subprocess
import sys

import pytest

import mt2st
from mt2st import __version__
from mt2st.cli.main import COMMANDS, main


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(command in printed for command in COMMANDS)


def test_no_command_is_wrong_input_and_prints_the_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage: mt2st" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"mt2st {__version__}\n"


def test_an_unknown_command_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["trian"]) == 2
    assert capsys.readouterr().err == "mt2st: unknown command 'trian'. Did you mean 'train'? See mt2st --help\n"


def test_a_fault_of_ours_is_no_wrong_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(arguments: list[str]) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr("mt2st.cli.train.run", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        main(["train"])


@pytest.mark.parametrize("words", [["--help"], ["train", "--help"], ["vectors", "train", "--help"]], ids=" ".join)
def test_help_loads_neither_torch_nor_numba(words: list[str]) -> None:
    code = (
        "import sys\nfrom mt2st.cli.main import main\n"
        f"try: main({words!r})\nexcept SystemExit as end: assert not end.code\n"
        "print(sorted({'torch', 'numba', 'sklearn'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_a_closed_pipe_ends_quietly() -> None:
    process = subprocess.run(
        f"{sys.executable} -c 'from mt2st.cli.main import main; import sys; sys.exit(main([\"--help\"]))' | true",
        shell=True, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert process.stderr == ""


def test_a_full_disk_is_one_line_and_no_traceback() -> None:
    process = subprocess.run(
        f"{sys.executable} -c 'from mt2st.cli.main import main; import sys; sys.exit(main([\"--help\"]))' > /dev/full",
        shell=True, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert process.returncode == 2
    assert process.stderr == "mt2st: cannot write: No space left on device\n"


def test_an_error_of_another_file_drops_no_output(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(arguments: list[str]) -> int:
        print("a row")
        raise OSError(errno.EIO, "Input/output error", "data.csv")

    monkeypatch.setattr("mt2st.cli.train.run", failing)
    monkeypatch.setattr(sys, "stdout", io.StringIO())  # which has no file number
    assert main(["train"]) == 2
    assert sys.stdout.getvalue() == "a row\n"
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BufferedWriter(raw)))  # type: ignore[type-var]
    assert main(["train"]) == 2
    assert raw.getvalue() == b"a row\n"


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "mt2st", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith(__version__)


def test_the_packages_names_are_the_public_ones() -> None:
    assert [name for name in dir(mt2st) if not name.startswith("__")] == mt2st.__all__
