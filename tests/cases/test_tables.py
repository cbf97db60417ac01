"""Tables and texts as people have them: without quotes or header, from Excel, from fastText, from a pipe."""

from __future__ import annotations

import errno
import gzip
import io
import os
import re
import shutil
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import FAST

from mt2st.cli.main import main
from mt2st.errors import DataWarning, InputError
from mt2st.text import Dialect, iterate_texts, read_labelled, read_multi_labelled, read_records

PLAIN = [("a", "x"), ("b", "y"), ("c", "x")]
QUOTES = 'text\tlabel\n"Great film\tx\nbad one\ty\n"so" they say\tx\nan end"\ty\n'
QUOTED = 'text\tlabel\n"a ""fine"" film"\tx\n"two\tcolumns"\ty\n"last"\tx\n'
ROWS = [('"Great film', "x"), ("bad one", "y"), ('"so" they say', "x"), ('an end"', "y")]

# name, content, dialect, rows
READ: dict[str, tuple[str, bytes, dict[str, Any], list[tuple[str, str]]]] = {
    "semicolons, named": ("a.csv", b"text;label\na;x\nb;y\nc;x\n", {"delimiter": ";"}, PLAIN),
    "semicolons, as Excel writes them": ("a.csv", b"sep=;\r\ntext;label\r\na;x\r\nb;y\r\nc;x\r\n", {}, PLAIN),
    "tabs in a .csv": ("a.csv", b"text\tlabel\na\tx\nb\ty\nc\tx\n", {"delimiter": "tab"}, PLAIN),
    "bars in a .tsv": ("a.tsv", b"text|label\na|x\nb|y\nc|x\n", {"delimiter": "|"}, PLAIN),
    "Windows' encoding": (
        "a.csv",
        "text,label\ncaf\u00e9,x\n".encode("cp1252"),
        {"encoding": "cp1252"},
        [("caf\u00e9", "x")],
    ),
    "UTF-16": ("a.tsv", "text\tlabel\ncaf\u00e9\tx\n".encode("utf-16"), {"encoding": "utf-16"}, [("caf\u00e9", "x")]),
    "JSON Lines in another encoding": (
        "a.jsonl",
        '{"text": "caf\u00e9", "label": "x"}\n'.encode("latin-1"),
        {"encoding": "latin-1"},
        [("caf\u00e9", "x")],
    ),
    "no quoting, named": ("a.tsv", QUOTES.encode(), {"quoting": "none"}, ROWS),
    "quotes in a TSV file": (
        "a.tsv",
        QUOTED.encode(),
        {},
        [('a "fine" film', "x"), ("two\tcolumns", "y"), ("last", "x")],
    ),
    "fastText": ("a.txt", b"__label__x a good film\n__label__y bad\n", {}, [("a good film", "x"), ("bad", "y")]),
    "fastText, with Windows' line ends": ("a.txt", b"__label__x a\r\n__label__y b\r\n", {}, [("a", "x"), ("b", "y")]),
}
REFUSED: dict[str, tuple[str, bytes, str]] = {
    "no header": (
        "a.csv",
        b"3,Stocks fall again,Sellers see green\n4,Cup won,The team is back\n",
        "is the header missing",
    ),
    "no header, texts": (
        "a.tsv",
        b"a very good film indeed\tpos\nbad\tneg\n",
        "is the header missing.*such as label and text",
    ),
    "another delimiter": ("a.csv", b"text;label\na;x\n", "separated by semicolons.*--delimiter"),
    "another delimiter than the named one": (
        "a.csv",
        b"sep=^\ntext;label\na;x\n",
        "semicolons, where '.' are expected",
    ),
    "another encoding": ("a.csv", b"text,label\ncaf\xe9,x\n", "line 2, byte 4: found 0xe9.*--encoding cp1252"),
    "UTF-16": ("a.csv", "text,label\na,x\n".encode("utf-16-le"), "NUL byte.*--encoding utf-16"),
    "plain text": ("a.txt", b"a film\n", "unless its lines begin with __label__"),
    "every row is too long": (
        "a.csv",
        b"text,label\na,b,c\nd,e,f\n",
        "2 of 2 rows.*The first: .*line 2: expected 2 fields",
    ),
    "no row is JSON": ("a.jsonl", b"{a\n{b\n", "2 of 2 rows.*The first: .*line 1, column 2: not JSON"),
    "several labels": ("a.txt", b"__label__x __label__y a\n__label__x b\n", "list of labels.*--task multilabel"),
}


@pytest.mark.parametrize("case", READ)
def test_dialects_are_read(tmp_path: Path, case: str) -> None:
    name, content, dialect, rows = READ[case]
    (tmp_path / name).write_bytes(content)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_labelled(tmp_path / name, dialect=Dialect(**dialect))
    assert list(zip(found.texts, found.labels, strict=True)) == rows


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("skip", [False, True])
def test_what_cannot_be_read_is_told_with_the_remedy(tmp_path: Path, case: str, skip: bool) -> None:
    name, content, message = REFUSED[case]
    (tmp_path / name).write_bytes(content)
    if skip and case == "several labels":
        return
    with pytest.raises(InputError, match=message):
        read_labelled(tmp_path / name, skip_bad_rows=skip)


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_quotes_of_a_tsv_that_are_none_swallow_no_row(tmp_path: Path, ends: str) -> None:
    path = tmp_path / "a.tsv"
    path.write_bytes(QUOTES.replace("\n", ends).encode())
    with pytest.warns(DataWarning, match=r"quotes that are no quotes around fields.*: 1 \(first line 2\)"):
        found = read_labelled(path)
    assert list(zip(found.texts, found.labels, strict=True)) == ROWS
    path.write_text('text\tlabel\n"never\tx\n' + "more\ty\n" * 500, encoding="utf-8")
    with pytest.warns(DataWarning, match="first line 2"):
        assert len(read_labelled(path)) == 501


def test_a_field_that_spans_lines_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text('text\tlabel\n"two\nlines"\tx\n', encoding="utf-8")
    with pytest.warns(DataWarning, match=r"fields that span lines.*--quoting none.*: 1 \(first line 2\)"):
        assert read_labelled(path).texts == ["two\nlines"]
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"Hello,x\nso,y\nbye",x\n', encoding="utf-8")
    with pytest.warns(DataWarning, match="fields that span lines"):
        assert read_labelled(path).texts == ["Hello,x\nso,y\nbye"]
    path.write_text('text,label\n"Hello,\nso, or\n\nbye",x\n', encoding="utf-8")  # as usual
    assert len(read_labelled(path)) == 1


def test_several_labels_of_fasttext(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("__label__y __label__x a film\n__label__x b\nc __label__\n", encoding="utf-8")
    found = read_multi_labelled(path)
    assert (found.texts, found.labels) == (["a film", "b", "c"], [("x", "y"), ("x",), ()])
    assert list(iterate_texts(path)) == ["a film", "b", "c"]


def test_where_all_rows_are_bad_the_first_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('text,label\n"a"b,c\n"d"e,f\n', encoding="utf-8")
    with pytest.raises(InputError, match="no row can be used. The first: .*line 2: the quoted field"):
        list(read_records(path, text="text", skip_bad_rows=True))


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n"])
def test_a_delimiter_is_one_character(delimiter: str) -> None:
    with pytest.raises(InputError, match="a delimiter is one character"):
        Dialect(delimiter=delimiter)


def test_an_unknown_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\na,b\n", encoding="utf-8")
    with pytest.raises(InputError, match="unknown encoding 'utf-42'"):
        read_labelled(tmp_path / "a.csv", dialect=Dialect(encoding="utf-42"))
    with pytest.raises(InputError, match="is not utf-16"):
        read_labelled(tmp_path / "a.csv", dialect=Dialect(encoding="utf-16"))


@pytest.mark.parametrize("encoding", ["undefined", "idna", "utf-42"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.txt"])
def test_an_encoding_that_no_text_has_is_told(tmp_path: Path, name: str, encoding: str) -> None:
    (tmp_path / name).write_bytes(b"caf\xe9 " * 30)
    with pytest.raises(InputError, match=f"unknown encoding 'utf-42'|line 1 or soon behind it: is not {encoding}"):
        list(iterate_texts(tmp_path / name, dialect=Dialect(encoding=encoding)))


@pytest.mark.parametrize("name", ["a.csv", "a.txt", "a.jsonl", "a.conll"])
def test_a_pipe_never_hangs(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(InputError, match="is a pipe or a device.*- for standard input"):
        list(iterate_texts(tmp_path / name)) if name != "a.conll" else _tagged(tmp_path / name)


def _tagged(path: Path) -> None:
    from mt2st.text import read_tagged

    read_tagged(path)


def given(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    """Put bytes on standard input."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content), encoding="utf-8"))


def reviews(delimiter: str = ",") -> bytes:
    rows = (f"a {'fine' if n % 2 else 'dull'} film{delimiter}{'pos' if n % 2 else 'neg'}\n" for n in range(60))
    return f"text{delimiter}label\n{''.join(rows)}".encode()


def lines(delimiter: str = "\t") -> bytes:
    return f"the{delimiter}DET\nfilm{delimiter}NOUN\n\n".encode() * 30


FASTTEXT = b"__label__pos a fine film\n__label__neg a dull film\n" * 30
PIPED = {
    "train, commas": (["train", "-"], reviews()),
    "train, tabs": (["train", "-"], reviews("\t")),
    "train, packed": (["train", "-"], gzip.compress(reviews())),
    "train, semicolons": (["train", "-", "--delimiter", ";"], reviews(";")),
    "train, fastText": (["train", "-"], FASTTEXT),
    "train, JSON Lines": (
        ["train", "-"],
        b'{"text": "a fine film", "label": 1}\n{"text": "a dull film", "label": 0}\n' * 30,
    ),
    "train, tags": (["train", "-", "--task", "tagging"], lines()),
}


@pytest.mark.parametrize("case", PIPED)
def test_standard_input_is_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    arguments, content = PIPED[case]
    given(monkeypatch, content)
    assert main([*arguments, "--output", str(tmp_path / "run"), *FAST]) == 0


def test_a_full_folder_for_temporary_files_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(source: object, file: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    given(monkeypatch, reviews())
    monkeypatch.setattr(shutil, "copyfileobj", full)
    assert main(["train", "-", *FAST]) == 2
    assert re.search(r"standard input cannot be copied to .*: No space left on .* TMPDIR", capsys.readouterr().err)


def test_standard_input_of_the_other_commands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.csv").write_bytes(reviews())
    run, vectors = str(tmp_path / "run"), tmp_path / "v.vec"
    assert main(["train", str(tmp_path / "a.csv"), "--output", run, *FAST]) == 0
    for arguments, content, told in (
        (["evaluate", run, "-"], reviews(), "accuracy"),
        (["predict", run, "-"], b"a fine film\n", "label,p_neg,p_pos"),
        (["predict", run, "--file", "-"], b"a fine film\n", "label,p_neg,p_pos"),
        (["predict", run, "-", "--text", "text", "--keep", "label"], reviews("\t"), "label,predicted_label"),
        (["predict", run, "--file=-", "--text", "text", "--keep", "label"], reviews("\t"), "label,predicted_label"),
        (["predict", run, "-", "--text=text", "--keep", "label"], reviews("\t"), "label,predicted_label"),
        (["vectors", "train", "-", "--output", str(vectors), "--min-count", "1"], b"a fine film\n" * 50, "3 vectors"),
        (["vectors", "neighbours", "-", "b"], b"2 2\na 0.5 1\nb 1 0.5\n", "cosine"),
        (["vectors", "convert", "-", str(tmp_path / "w.bin")], b"2 2\na 0.5 1\nb 1 0.5\n", "2 vectors"),
    ):
        given(monkeypatch, content)
        assert main(arguments) == 0
        assert told in capsys.readouterr().out
    for test in (["--test", "-"], ["--test=-"]):
        assert main(["train", "-", *test, "--output", run]) == 2
        assert "can be read once: give it once" in capsys.readouterr().err
    (tmp_path / "dashes.csv").write_text("n-text\n1-a fine film\n")
    for dash in (["--delimiter", "-"], ["--delimiter=-"]):  # no standard input
        assert main(["predict", run, "--file", str(tmp_path / "dashes.csv"), *dash, "--keep", "n"]) == 0
        assert capsys.readouterr().out.splitlines()[1].startswith("1,")


@pytest.mark.parametrize(
    "place", ["train {}", "vectors train {} --output o", "predict m --file={}", "train a --config {}"]
)
def test_pipes_and_devices_are_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for name in (str(tmp_path / "pipe.csv"), "/dev/zero"):
        assert main(place.format(name).split()) == 2
        assert f"{name}: is a pipe or a device" in capsys.readouterr().err
