from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt2st.errors import DataWarning, InputError, MissingExtraError
from mt2st.text import Dialect, Record, iterate_texts, lines, read_labelled, read_records, table

Write = Callable[[str, str | bytes], Path]
# What UTF-8 text can hold; NUL is refused by the readers, and bare carriage returns end no line.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"))
labels = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=5)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        raw = content.encode() if isinstance(content, str) else content
        path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
        return path

    return write


def complaint(source: str | Path, text: str | None = "text", label: str | None = "label") -> str:
    """The one-line message that reading the source ends with."""
    with pytest.raises(InputError) as raised:
        list(read_records(source, text=text, label=label))
    message = str(raised.value)
    assert "\n" not in message
    return message


SAME_ROWS = [Record('good, "very"', "1", 2), Record("", None, 3)]


@pytest.mark.parametrize("compressed", ["", ".gz"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.csv", 'id,text,label\n7,"good, ""very""", 1 \n8,,\n'),
        ("x.csv", 'id,text,label\r\n7,"good, ""very""",1\r\n8,,'),
        ("X.TSV", 'id\ttext\tlabel\n7\t"good, ""very"""\t1\n8\t\t \n'),
        ("x.jsonl", '\n{"text": "good, \\"very\\"", "label": 1}\n{"text": null}\n'),
        ("x.ndjson", '\n{"text": "good, \\"very\\"", "label": " 1"}\n{"text": "", "label": ""}'),
    ],
)
def test_formats_with_columns_give_the_same_records(
    write: Write, name: str, content: str, mark: str, compressed: str
) -> None:
    path = write(name + compressed, mark + content)
    assert list(read_records(path, text="text", label="label")) == SAME_ROWS
    assert [record.label for record in read_records(path, text="text")] == [None, None]
    assert list(iterate_texts(str(path))) == ['good, "very"']


def test_parquet_gives_the_same_records(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    columns = {"id": [7, 8], "text": ['good, "very"', None], "label": [1.0, float("nan")]}
    parquet.write_table(pyarrow.table(columns), path)
    first, second = read_records(path, text="text", label="label")
    assert first == Record('good, "very"', "1.0", 1)
    assert second == Record("", None, 2)
    assert "no column 'texts'; the columns are 'id', 'text', 'label'. Did you mean 'text'?" in complaint(path, "texts")
    path.write_bytes(path.read_bytes()[:-20])
    assert "not a Parquet file, or a damaged one" in complaint(path)


def test_parquet_without_rows_is_reported(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "x.parquet"
    parquet.write_table(pyarrow.table({"text": pyarrow.array([], pyarrow.string())}), path)
    assert "has columns and no row" in complaint(path, label=None)


def test_parquet_without_its_extra_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    (tmp_path / "x.parquet").touch()
    with pytest.raises(MissingExtraError, match=r"mt2st\[parquet\]"):
        list(read_records(tmp_path / "x.parquet"))


def test_plain_text_is_one_text_per_line(write: Write) -> None:
    path = write("x.txt", "\ufeffone, two\r\n\nthree")
    assert list(read_records(path, text="unused", label="unused")) == [
        Record("one, two", None, 1),
        Record("", None, 2),
        Record("three", None, 3),
    ]
    assert list(iterate_texts(path)) == ["one, two", "three"]
    assert list(iterate_texts(path)) == ["one, two", "three"]


@given(st.text("aé漢 \r\n\n\n\ufeff\u2028\x85", min_size=1), st.booleans(), st.sampled_from([32, 1 << 20]))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lines_are_those_of_the_file_wherever_it_is_cut(tmp_path: Path, content: str, marked: bool, most: int) -> None:
    path = tmp_path / "x.txt"
    path.write_bytes(("\ufeff" * marked + content).encode())
    rows = content.removeprefix("" if marked else "\ufeff").removesuffix("\n").split("\n")
    expected = [Record(row.rstrip("\r"), None, line) for line, row in enumerate(rows, 1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LONGEST_TEXT", most)
        if content not in ("", "\ufeff"):
            found = list(read_records(path))
            assert [each for each in found if len(rows[each.line - 1].encode()) < most] == [
                each for each, row in zip(expected, rows, strict=True) if len(row.encode()) < most
            ]


@given(st.lists(st.text(alphabet="aé漢 <br/>", max_size=30), min_size=1))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_long_line_of_plain_text_comes_in_pieces_that_lose_nothing(tmp_path: Path, rows: list[str]) -> None:
    path = tmp_path / "x.txt"
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "LONGEST_TEXT", 8)
        joined: dict[int, str] = {}
        for record in read_records(path):
            assert len(record.text.encode()) <= 8
            joined[record.line] = joined.get(record.line, "") + record.text
    assert joined == dict(enumerate(rows, 1))


def test_a_folder_per_class_is_read_in_sorted_order(tmp_path: Path) -> None:
    for name, content in [("pos/b.txt", "B"), ("pos/a.txt", "A\nA"), ("neg/c.txt", "C"), ("neg/notes.md", "-")]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "x.txt").write_text("-", encoding="utf-8")
    assert list(read_records(tmp_path)) == [Record("C", "neg", 1), Record("A\nA", "pos", 2), Record("B", "pos", 3)]


def test_a_folder_without_classes_is_reported(tmp_path: Path) -> None:
    assert "expected one sub-folder per class" in complaint(tmp_path)


def test_the_text_column_is_found_when_there_is_no_choice(write: Write) -> None:
    assert next(read_records(write("one.csv", "review\ngood\n"))).text == "good"
    assert next(read_records(write("two.csv", "id,text\n1,good\n"))).text == "good"
    assert "which column holds the text? Name it with --text; the columns are 'a', 'b'" in complaint(
        write("three.csv", "a,b\n1,2\n"), text=None
    )


def test_line_numbers_count_the_lines_inside_quotes(write: Write) -> None:
    path = write("x.csv", 'text,label\n"a\nb\r\nc",x\n\nd,y\n')
    assert list(read_records(path, text="text", label="label")) == [Record("a\nb\r\nc", "x", 2), Record("d", "y", 6)]


def test_very_long_fields_are_read(write: Write) -> None:
    review = "long, " * 100_000
    assert next(read_records(write("x.csv", f'text\n"{review}"\n'))).text == review


def test_reading_streams(write: Write) -> None:
    path = write("x.csv", "text\n" + "good\n" * 100_000 + "a,b\n")
    records: Iterator[Record] = read_records(path)
    assert [record.line for record in islice(records, 2)] == [2, 3]


@pytest.mark.filterwarnings("ignore::mt2st.errors.DataWarning")  # fields that span lines are told
@given(st.lists(st.tuples(texts, labels), min_size=1))
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_tables_and_json_lines_give_back_what_was_written(tmp_path: Path, rows: list[tuple[str, str]]) -> None:
    expected = [(text, label.strip()) for text, label in rows]
    for name, delimiter in (("x.csv", ","), ("x.tsv.gz", "\t")):
        content = io.StringIO(newline="")
        csv.writer(content, delimiter=delimiter).writerows([("text", "label"), *rows])
        raw = content.getvalue().encode()
        (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith("gz") else raw)
    content = io.StringIO()
    for text, label in rows:
        content.write(json.dumps({"text": text, "label": label}, ensure_ascii=len(text) % 2 == 0) + "\n")
    (tmp_path / "x.jsonl").write_bytes(content.getvalue().encode())
    for name in ("x.csv", "x.tsv.gz", "x.jsonl"):
        records = read_records(tmp_path / name, text="text", label="label", dialect=Dialect(quoting="quotes"))
        assert [(record.text, record.label) for record in records] == expected


@pytest.mark.filterwarnings("ignore::mt2st.errors.DataWarning")  # fields that span lines are told
@given(st.data())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_mangled_bytes_raise_nothing_but_input_errors(tmp_path: Path, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["x.csv", "x.tsv", "x.jsonl", "x.txt", "x.csv.gz", "x.jsonl.gz"]))
    whole = {
        "csv": b'text,label\n"good, ""very""",pos\n"two\nlines",neg\n',
        "tsv": b'text\tlabel\ngood\tpos\n"ba\td"\tneg\n',
        "jsonl": b'{"text": "good", "label": 1}\n{"text": "b\\u00e4d", "label": null}\n',
        "txt": "good\nbäd\n".encode(),
    }[name.split(".")[1]]
    raw = bytearray(gzip.compress(whole) if name.endswith("gz") else whole)
    for position in data.draw(st.lists(st.integers(0, len(raw) - 1), max_size=4)):
        raw[position] = data.draw(st.integers(0, 255))
    path = tmp_path / name
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])
    for skip in (False, True):
        try:
            list(read_records(path, text="text", label="label", skip_bad_rows=skip))
            if not name.startswith("x.txt"):
                read_labelled(path, text="text", label="label", skip_bad_rows=skip)
        except InputError as error:
            assert str(path) in str(error)  # noqa: PT017 - it need not be raised


class TestComplaints:
    def test_a_missing_file_suggests_the_nearest(self, write: Write) -> None:
        path = write("reviews.csv", "text\ngood\n")
        assert "no such file or folder. Did you mean 'reviews.csv'?" in complaint(path.with_name("review.csv"))
        assert f"the folder {path.parent / 'dta'} does not exist" in complaint(path.parent / "dta" / "x.csv")
        assert "no such file" in complaint("a\0b.csv")
        assert "cannot be read" in complaint("x" * 5000 + ".csv")

    @pytest.mark.parametrize("name", ["x.xlsx", "x.json", "x.parquet.gz", "noextension", "x.gz"])
    def test_an_unknown_extension_lists_the_known_ones(self, write: Write, name: str) -> None:
        message = complaint(write(name, "?"))
        assert "'.csv', '.tsv', '.jsonl', '.ndjson', '.txt', '.csv.gz'" in message
        assert "'.parquet', a folder per class" in message

    @pytest.mark.parametrize(("name", "content"), [("x.csv", "id,txet,label\n1,a,b\n"), ("x.jsonl", '{"txet": "a"}\n')])
    def test_a_misnamed_column_suggests_the_nearest(self, write: Write, name: str, content: str) -> None:
        message = complaint(write(name, content))
        assert "no column 'text'; the columns are" in message
        assert "Did you mean 'txet'?" in message

    @pytest.mark.parametrize(("name", "content"), [("x.csv", "a,b\ngood,1\n"), ("x.jsonl", '{"a": "good", "b": 1}\n')])
    def test_texts_and_labels_are_different_columns(self, write: Write, name: str, content: str) -> None:
        with pytest.raises(InputError, match=r"texts and labels are both read from column 'a'; choose .* 'a', 'b'"):
            list(read_records(write(name, content), text="a", label="a"))

    def test_a_column_that_comes_twice_is_not_guessed(self, write: Write) -> None:
        assert "2 columns are called 'text'" in complaint(write("x.csv", "text,text,label\na,b,c\n"))

    def test_many_columns_are_listed_in_part(self, write: Write) -> None:
        message = complaint(write("x.csv", ",".join(f"c{n}" for n in range(500)) + "\n"))
        assert len(message) < 400
        assert "'c0', 'c1', " in message
        assert " more" in message

    @pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl", "x.parquet"])
    def test_further_columns_are_kept(self, tmp_path: Path, name: str) -> None:
        rows = [{"id": 7, "text": "one", "n": "a"}, {"id": None, "text": "two", "n": "b"}]
        path = tmp_path / name
        if name.endswith("parquet"):
            pyarrow = pytest.importorskip("pyarrow")
            pytest.importorskip("pyarrow.parquet").write_table(pyarrow.Table.from_pylist(rows), path)
        elif name.endswith("jsonl"):
            path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        else:
            lines = [list(rows[0]), *([each if each is not None else "" for each in row.values()] for row in rows)]
            delimiter = "," if name.endswith("csv") else "\t"
            path.write_text("".join(delimiter.join(map(str, line)) + "\n" for line in lines), encoding="utf-8")
        records = list(read_records(path, text="text", keep=["n", "id"]))
        assert [record.kept for record in records] == [("a", "7"), ("b", "")]

    def test_a_column_to_keep_must_be_there(self, write: Write) -> None:
        path = write("x.csv", "id,text\n1,a\n")
        with pytest.raises(InputError, match="no column 'ident'; the columns are 'id', 'text'"):
            list(read_records(path, text="text", keep=["ident"]))
        with pytest.raises(InputError, match="has no columns to keep: 'id'"):
            read_records(write("x.txt", "a\n"), keep=["id"])

    def test_a_file_without_a_header_is_not_printed_as_its_column_names(self, write: Write) -> None:
        rows = "".join(f"{'a long review ' * 500} of film {n},pos\n" for n in range(3))
        message = complaint(write("x.csv", rows))
        assert len(message) < 400
        assert "'a long review a long review a long re...'" in message

    @pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.jsonl", "x.txt", "x.csv.gz"])
    @pytest.mark.parametrize("content", ["", "\ufeff"])
    def test_an_empty_file_is_reported(self, write: Write, name: str, content: str) -> None:
        assert "is empty" in (message := complaint(write(name, content))) or "holds no JSON object" in message

    def test_a_header_without_rows_is_reported(self, write: Write) -> None:
        assert "has a header and no row" in complaint(write("x.csv", "text,label\n\n"))

    @pytest.mark.parametrize(("row", "found"), [("a", 1), ("a,b,c", 3), ("a,b,", 3)])
    def test_a_ragged_row_tells_line_and_fields(self, write: Write, row: str, found: int) -> None:
        path = write("x.csv", f'text,label\n"a\nb",c\n{row}\n')
        assert f"{path}, line 4: expected 2 fields, as the header has, and found {found}" in complaint(path)

    @pytest.mark.parametrize("name", ["x.csv", "x.jsonl", "x.txt", "x.tsv.gz"])
    def test_bytes_that_are_not_utf8_tell_where(self, write: Write, name: str) -> None:
        path = write(name, b'{"text":"a"}\n  caf\xe9\n')
        assert f"{path}, line 2, byte 6: found 0xe9, which is not UTF-8; save the file as UTF-8" in complaint(
            path, text='{"text":"a"}' if "j" not in name else "text", label=None
        )

    def test_bytes_in_a_folder_tell_the_file(self, tmp_path: Path) -> None:
        (tmp_path / "pos").mkdir()
        (tmp_path / "pos" / "1.txt").write_bytes(b"ok\n\xff")
        assert f"{tmp_path / 'pos' / '1.txt'}, line 2, byte 1" in complaint(tmp_path)

    def test_a_position_in_a_long_line_counts_from_its_start(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(lines, "LONGEST_TEXT", 8)
        assert "line 1, byte 21: found 0xff" in complaint(write("x.txt", b"a b " * 5 + b"\xff"))

    def test_nul_bytes_tell_where(self, write: Write) -> None:
        assert "line 2, byte 3: found a NUL byte" in complaint(write("x.csv", b"text,label\na,\0b\n"))
        assert "NUL" in complaint(write("y.csv", "text,label\na,b\n".encode("utf-16-le")))

    def test_a_line_without_end_is_reported(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(lines, "LONGEST_LINE", 16)
        assert "line 2: is longer than 16 bytes" in complaint(write("x.csv", "text,label\n" + "a" * 50))

    def test_damaged_and_cut_gzip_files_are_told_apart(self, tmp_path: Path) -> None:
        path = tmp_path / "x.csv.gz"
        raw = gzip.compress(b"text,label\n" + b"a,b\n" * 1000)
        path.write_bytes(raw[:-10])
        assert "the gzip file is cut short" in complaint(path)
        path.write_bytes(b"text,label\na,b\n")
        assert "the gzip file is damaged" in complaint(path)
        path.write_bytes(raw[:12] + b"\xff\xff\xff" + raw[15:])
        assert "the gzip file is damaged" in complaint(path)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ('text,label\na,b\n"x\ny,c\nd,e\n', "line 3: the quoted field that opens on this line is never closed"),
            ('text,label\n"a\nb",c\n"x,y\n', "line 4: the quoted field that opens on this line is never closed"),
            ('text,label\n"x,y\na,b\n"z",c\n', "line 2: .* text after its closing quote, on line 4"),
            ('text,label\n"say "hi" now",b\n', "line 2: .* text after its closing quote; double the quotes"),
            ("text,label\ra,b\rc,d", "line 1: not a row of a table .* end lines with LF or CRLF"),
        ],
    )
    def test_quotes_out_of_place_tell_where_they_open(self, write: Write, content: str, message: str) -> None:
        path = write("x.csv", content)
        with pytest.raises(InputError, match=f"x.csv, {message}"):
            list(read_records(path, text="text", label="label"))

    @pytest.mark.parametrize("skip", [False, True])
    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ('"text"x,label\nab,1\ncd,0\n', "line 1: .* text after its closing quote; .*This is the header row.$"),
            ('\n"text";label\n"a";"b"\n', "line 2: .* separated by semicolons, where commas are expected: save the .*"),
        ],
    )
    def test_a_broken_header_is_no_bad_row_to_go_on_without(
        self, write: Write, content: str, message: str, skip: bool
    ) -> None:
        path = write("x.csv", content)
        with pytest.raises(InputError, match=f"x.csv, {message}"):
            list(read_records(path, text="text", label="label", skip_bad_rows=skip))
        with pytest.raises(InputError, match=f"x.csv, {message}"):
            read_labelled(path, text="text", label="label", skip_bad_rows=skip)

    @pytest.mark.parametrize("text", ["text", None])
    @pytest.mark.parametrize(
        ("name", "delimiter", "hint"),
        [
            ("x.csv", ";", "by semicolons, where commas are expected: save the file with commas in place of them"),
            ("x.csv", "|", r"by bars \('\|'\), where commas are expected: save the file with commas in place of them"),
            ("x.csv.gz", "\t", "by tabs, where commas are expected: save the file with a name that ends in .tsv"),
            ("x.tsv", ",", "by commas, where tabs are expected: save the file with a name that ends in .csv"),
            ("x.tsv", ";", "by semicolons, where tabs are expected: save the file with commas in place of them and"),
        ],
    )
    def test_another_delimiter_is_named(
        self, write: Write, name: str, delimiter: str, hint: str, text: str | None
    ) -> None:
        path = write(name, delimiter.join(["text", "label"]) + "\n" + delimiter.join(["good", "1"]) + "\n")
        with pytest.raises(InputError, match=f"line 1: the header is the one column 'text.*label'. .* {hint}"):
            list(iterate_texts(path, text=text))

    def test_a_column_may_be_called_like_several(self, write: Write) -> None:
        assert list(iterate_texts(write("x.csv", "text;label\ngood;1\n"), text="text;label")) == ["good;1"]
        assert list(iterate_texts(write("y.csv", "text,a;b\ngood,1\n"))) == ["good"]

    def test_a_giant_field_tells_where_it_opens(self, write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(table, "LONGEST_FIELD", 1000)
        previous = csv.field_size_limit(1000)
        try:
            message = complaint(write("x.csv", 'text,label\na,b\n"c,' + "d,e\n" * 1000))
        finally:
            csv.field_size_limit(previous)
        assert "line 3: the quoted field that opens on this line is never closed" in message

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ('{"text": "a", }', "line 2, column 15: not JSON: "),
            ("[1, 2]", "line 2: expected a JSON object .* and found a list"),
            ("7", "and found a int"),
            ('{"text": ["a"]}', "line 2: column 'text' holds a value of type list"),
            ('{"text": "a", "label": {}}', "line 2: column 'label' holds a value of type dict"),
            ('{"text": "\\ud800"}', "line 2: holds half of a surrogate pair"),
            ("[" * 100_000, "line 2: not usable JSON"),
            ('{"text": ' + "9" * 5000 + "}", "line 2: not usable JSON"),
        ],
    )
    def test_a_bad_json_line_is_told_and_can_be_skipped(self, write: Write, line: str, message: str) -> None:
        path = write("x.jsonl", '{"text": "a", "label": true}\n' + line + '\n{"text": "b"}\n')
        with pytest.raises(InputError, match=message):
            list(read_records(path, text="text", label="label"))
        with pytest.warns(DataWarning, match="a row that cannot be read is left out"):
            kept = list(read_records(path, text="text", label="label", skip_bad_rows=True))
        assert kept == [Record("a", "True", 1), Record("b", None, 3)]


class TestHub:
    @pytest.fixture
    def asked(self, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
        """What the stand-in for the `datasets` package was asked for."""
        asked: list[tuple[str, str]] = []

        class Labels:
            names = ("neg", "pos")

        class Rows(list[dict[str, object]]):
            column_names = ("id", "text", "label")
            features = {"id": None, "text": None, "label": Labels()}  # noqa: RUF012 - a stand-in of one test

            def select_columns(self, names: list[str]) -> list[dict[str, object]]:
                return [{name: row[name] for name in names} for row in self]

        def load_dataset(name: str, *, split: str) -> Rows:
            asked.append((name, split))
            if "nowhere" in name:
                raise ConnectionError("Couldn't reach it\non the Hub")
            rows = [{"id": 1, "text": "good", "label": 1}, {"id": 2, "text": "?", "label": -1}]
            return Rows([] if split == "none" else rows)

        package = ModuleType("datasets")
        package.load_dataset = load_dataset  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "datasets", package)
        return asked

    def test_labels_come_by_name(self, asked: list[tuple[str, str]]) -> None:
        assert list(read_records("hf:owner/name:test", label="label")) == [
            Record("good", "pos", 1),
            Record("?", None, 2),
        ]
        assert list(iterate_texts("hf:owner/name")) == ["good", "?"]
        assert asked == [("owner/name", "test"), ("owner/name", "train")]

    @pytest.mark.usefixtures("asked")
    def test_what_cannot_be_loaded_says_what_to_do(self) -> None:
        message = complaint("hf:owner/nowhere")
        assert "cannot load split 'train' of data set 'owner/nowhere': Couldn't reach it. Check the name" in message
        assert "give a local file" in message

    @pytest.mark.usefixtures("asked")
    def test_wrong_names_are_reported(self) -> None:
        assert "Did you mean 'text'?" in complaint("hf:owner/name", text="texts")
        assert "no data set is named" in complaint("hf:")
        assert "split 'none' has no row" in complaint("hf:owner/name:none")

    def test_without_its_extra_it_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "datasets", None)
        with pytest.raises(MissingExtraError, match=r"mt2st\[hf\]"):
            list(read_records("hf:owner/name"))


def test_real_reviews_are_read(shared_data: Path) -> None:
    records = list(read_records(shared_data / "imdb5k" / "imdb5k.csv.gz", text="review", label="sentiment"))
    assert len(records) == 5000
    assert {record.label for record in records} == {"0", "1"}
    assert all(record.text.strip() for record in records)


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv", b'text,label\na""a ",",yl\na ",y*'), ("b.tsv", b'mx"\t"x\nb'), ("c.csv", b'text,label\nx"","b\n')],
)
def test_an_even_number_of_quotes_does_not_mean_that_a_row_ends(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=r"never closed|line 2|column|no row"):
        read_labelled(tmp_path / name)
