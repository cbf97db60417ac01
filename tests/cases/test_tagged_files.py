"""Tagged files as people have them, from public trackers: what must come out of each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mt2st.errors import InputError
from mt2st.evaluation import has_spans, scheme_told, span_report
from mt2st.text import read_tagged

TEN = "1\tJa\tja\tINTJ\t_\t_\t0\troot\t_\t_\n2\t.\t.\tPUNCT\t_\t_\t1\tpunct\t_\t_\n"
CUPT = "# global.columns = ID FORM UPOS PARSEME:MWE\n# text = a b\n1-2\tab\t_\t*\n1\ta\tDET\t*\n2\tb\tNOUN\t1:VID\n"
ONTONOTES = (
    "#begin document (bc/cctv); part 000\n"
    "bc/cctv 0 0 The DT (NP* - - - - (ORG* (ARG0* -\nbc/cctv 0 1 Bank NN *) - - - - *) *) -\n\n"
    "bc/cctv 0 0 # SYM * - - - - * * * -\nbc/cctv 0 1 Today NN * - - - - (DATE) * * -\n\n#end document\n"
)
# name, content, columns, sentences of (word, tag)
FILES: dict[str, tuple[str, str, dict[str, Any], list[list[tuple[str, str]]]]] = {
    "a comment of as many words as columns": (
        "a.conll",
        TEN + "\n# text = No it is not so as we\n# newdoc\n1\tNo\tno\tINTJ\t_\t_\t0\troot\t_\t_\n",
        {"word": 2, "tag": 4},
        [[("Ja", "INTJ"), (".", "PUNCT")], [("No", "INTJ")]],
    ),
    "multiword tokens and empty nodes in a .conll": (
        "a.conll",
        "1-2\tdu\tX\n1\tde\tADP\n2\tle\tDET\n2.1\tx\tX\n\n1\tva\tVERB\n",
        {"word": 2},
        [[("de", "ADP"), ("le", "DET")], [("va", "VERB")]],
    ),
    "CoNLL-2009, whose sentences differ in width": (
        "a.txt",
        "1\ta\tDET\n2\tb\tNOUN\n\n1\tgo\tVERB\tA1\n\n",
        {"word": 2, "tag": 3},
        [[("a", "DET"), ("b", "NOUN")], [("go", "VERB")]],
    ),
    "CoNLL-U: multiword tokens, empty nodes, a space in a word": (
        "a.conllu",
        "# text = du 10 000\n1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n0.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n"
        "1\tde\tde\tADP\t_\t_\t_\t_\t_\t_\n2\tle\tle\tDET\t_\t_\t_\t_\t_\t_\n3\t10 000\t_\tNUM\t_\t_\t_\t_\t_\t_\n",
        {},
        [[("de", "ADP"), ("le", "DET"), ("10 000", "NUM")]],
    ),
    ".cupt": ("a.cupt", CUPT, {"tag": "parseme:mwe"}, [[("a", "*"), ("b", "1:VID")]]),
    "CoNLL-U Plus, tags by default": ("a.conll", CUPT, {}, [[("a", "DET"), ("b", "NOUN")]]),
    "OntoNotes": (
        "a.conll",
        ONTONOTES,
        {"word": 4, "tag": 11},
        [[("The", "B-ORG"), ("Bank", "I-ORG")], [("#", "O"), ("Today", "B-DATE")]],
    ),
    "CoNLL-2003": (
        "a.conll",
        "-DOCSTART- -X- -X- O\n\nEU NNP B-NP B-ORG\n \nPeter NNP B-NP B-PER\n",
        {},
        [[("EU", "B-ORG")], [("Peter", "B-PER")]],
    ),
    "MultiCoNER, between spaces": (
        "a.conll",
        "# id 7\tdomain=en\nthe _ _ O\n\n\n# id 8 domain=en\nEU _ _ B-ORG\n",
        {},
        [[("the", "O")], [("EU", "B-ORG")]],
    ),
    "MultiCoNER, two columns between tabs": (
        "a.conll",
        "# id 7\tdomain=en\nthe\tO\n\n# id 8\tdomain=en\nEU\tB-ORG\n",
        {},
        [[("the", "O")], [("EU", "B-ORG")]],
    ),
    "a mark of two words where rows have two columns": (
        "a.conll",
        "# newdoc\nEU B-ORG\nsaid O\n\n# newdoc\n# O\n# O\n\n#win B-ORG\n",
        {},
        [[("EU", "B-ORG"), ("said", "O")], [("#", "O"), ("#", "O")], [("#win", "B-ORG")]],
    ),
    "hashtags with a tag of their own": (
        "a.txt",
        "so\tR\n#fun\t#\n\n#win\t#\n",
        {},
        [[("so", "R"), ("#fun", "#")], [("#win", "#")]],
    ),
    "a no-break space inside a word": (
        "a.conll",
        "Le O\n10\u00a0000 B-NUM\nans\u2009x O\n",
        {},
        [[("Le", "O"), ("10\u00a0000", "B-NUM"), ("ans\u2009x", "O")]],
    ),
    "words that are numbers": ("a.conll", "1 CD\n2 CD\n\n3 CD\n", {}, [[("1", "CD"), ("2", "CD")], [("3", "CD")]]),
}
REFUSED = {
    "numbers taken for words": (
        "1\ta\tDET\n2\tb\tNOUN\n",
        {},
        "line 1: the first column numbers the words; .*--word 2",
    ),
    "a space in the only column": ("New\tB\nYork I\n", {}, "line 2: expected 2 columns, as line 1 has, found 1"),
    "a hashtag without a tag": ("a\tB\n#win\n", {}, "line 2: expected 2 columns"),
    "spaCy's pipes": ("I|O like|O it|O\nLondon|B-GPE calls|O\n", {}, "line 2: .*one word a line"),
}


@pytest.mark.parametrize("case", FILES)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_rows_are_told_from_comments_by_the_dialect(tmp_path: Path, case: str, ends: str) -> None:
    name, content, columns, expected = FILES[case]
    path = tmp_path / name
    path.write_bytes(content.replace("\n", ends).encode())
    read = read_tagged(path, **columns)
    found = [list(zip(words, tags, strict=True)) for words, tags in zip(read.sentences, read.tags, strict=True)]
    assert found == expected


@pytest.mark.parametrize("case", REFUSED)
def test_what_fits_no_dialect_is_refused_with_its_line(tmp_path: Path, case: str) -> None:
    content, columns, message = REFUSED[case]
    path = tmp_path / "a.conll"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=message):
        read_tagged(path, **columns)


def test_a_tag_has_the_line_on_which_it_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("# id 1\n\na O\nb B-x\n# a note in between\nc X\n", encoding="utf-8")
    assert read_tagged(path).first_lines == {"O": 3, "B-x": 4, "X": 6}


@pytest.mark.parametrize(
    ("tags", "told"),
    [
        (["O", "I-PER", "I-PER", "O"], "IO"),
        (["I-PER", "I-PER", "B-PER", "O"], "IOB1"),
        (["B-PER", "I-PER", "B-PER", "O"], "IOB2"),
        (["B-PER", "E-PER", "S-PER", "O"], "BIOES"),
        (["B-PER", "L-PER", "U-PER", "O"], "BILOU"),
        (["B-PER", "M-PER", "E-PER", "S-PER"], "BMES"),
        (["B", "M", "E", "S"], "BMES"),
        (["PER-B", "PER-E", "PER-S", "O"], "BIOES"),
        (["B_PER", "I_PER", "B_PER", "O"], "IOB2"),
        (["b-per", "i-per", "b-per", "o"], "IOB2"),
        (["B-PER", "I-PER", "B-PER", "X"], "IOB2"),
    ],
)
def test_schemes_are_recognised_and_judged_by_entities(tags: list[str], told: str) -> None:
    assert scheme_told([tags]) == f"entities in {told}"
    report = span_report([tags], [tags])
    assert (report.micro.f1, report.micro.support) == (1.0, 1 if told == "IO" else 2)


@pytest.mark.parametrize("tags", [["NOUN", "VERB"], ["n", "v", "u", "m"], ["PER", "LOC", "O"], ["B", "X"], ["O"]])
def test_what_is_no_scheme_is_judged_by_word(tags: list[str]) -> None:
    assert not has_spans(tags)
    assert scheme_told([tags]) == "tags of single words, which mark no entities"
