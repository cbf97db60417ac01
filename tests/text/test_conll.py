from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mt2st.errors import InputError
from mt2st.text import TaggedText, Tokeniser, check_tags, conll, is_tagged, read_conll, read_tagged, read_words
from mt2st.text.words import NO_TOKEN, cut_words

CONLLU = """# sent_id = 1
# text = You don't
1\tYou\tyou\tPRON\tP2\t_\t3\tnsubj\t_\t_
2-3\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
2\tdo\tdo\tAUX\t_\t_\t3\taux\t_\t_
3\tn't\tnot\tPART\tNEG\t_\t0\troot\t_\t_
3.1\tgone\tgo\tVERB\t_\t_\t_\t_\t_\t_

1\t1 000\t1000\tNUM\t_\t_\t0\troot\t_\t_
2\t#\t#\tSYM\t_\t_\t1\tdep\t_\t_

"""


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    raw = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    return path


@pytest.mark.parametrize("name", ["a.conllu", "a.CONLLU.gz"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_conllu_reads_syntactic_words(tmp_path: Path, name: str, ends: str) -> None:
    path = write(tmp_path, name, CONLLU.replace("\n", ends))
    first, second = read_conll(path)
    assert first == (("You", "do", "n't"), ("PRON", "AUX", "PART"), 3)
    assert second == (("1 000", "#"), ("NUM", "SYM"), 9)
    assert [each.tags for each in read_conll(path, tag="xpos")] == [("P2", "_", "NEG"), ("_", "_")]
    assert next(read_conll(path, tag="DepRel")).tags == ("nsubj", "aux", "root")


@pytest.mark.parametrize("name", ["a.conll", "a.txt.gz", "a.iob"])
@pytest.mark.parametrize("between", ["\t", " ", "  \t "])
def test_conll_reads_columns_between_tabs_or_spaces(tmp_path: Path, name: str, between: str) -> None:
    rows = ["-DOCSTART- -X- O", "", "EU NNP B-ORG", "rejects VBZ O", "", "\t", "Peter NNP B-PER"]
    path = write(tmp_path, name, "\n".join(row.replace(" ", between) for row in rows))
    assert list(read_conll(path)) == [(("EU", "rejects"), ("B-ORG", "O"), 3), (("Peter",), ("B-PER",), 7)]
    assert next(read_conll(path, tag=2)).tags == ("NNP", "VBZ")
    assert next(read_conll(path, tag="2")).tags == ("NNP", "VBZ")
    assert next(read_conll(path, tag=1, word=-1)) == (("B-ORG", "O"), ("EU", "rejects"), 3)


def test_a_hashtag_is_a_word_and_a_comment_is_none(tmp_path: Path) -> None:
    path = write(tmp_path, "a.conll", "# id 7  domain=en\n#win\tO\n#\tO\n\n# text = so it is\n#yes\tB-x\n")
    assert [each.words for each in read_conll(path)] == [("#win", "#"), ("#yes",)]
    path = write(tmp_path, "b.conll", "a O\n# O\n# a long comment\n")
    assert [each.words for each in read_conll(path)] == [("a", "#")]


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.conll", "", "holds no sentence"),
        ("a.conll", "\n\n", "holds no sentence"),
        ("a.conllu", "# text = nothing\n", "holds no sentence"),
        ("a.conll", "a\tO\nb\n", "line 2: expected 2 columns, as line 1 has, found 1"),
        ("a.conll", "\na\nb\n", "line 2: a word needs a tag"),
        ("a.conll", "a\tO\n\tO\n", "line 2: the column of the words is empty"),
        ("a.conll", "a\tO\nb\t\n", "line 2: the column of the tags is empty"),
        ("a.conllu", "1\ta\n", "line 1: a word has 10 columns between tabs in CoNLL-U, found 2"),
        ("a.conllu", CONLLU.replace("2\tdo", "x\tdo"), "line 5: the first column numbers the word"),
        ("a.conll", b"a\tO\nb\xff\tO\n", "line 2, byte 2: found 0xff, which is not UTF-8"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, expected: str
) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(InputError) as caught:
        list(read_conll(path))
    assert str(caught.value).startswith(str(path))
    assert expected in str(caught.value)


def test_columns_that_are_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no column 'upso'. Did you mean 'UPOS'\?"):
        read_conll(write(tmp_path, "a.conllu", CONLLU), tag="upso")
    path = write(tmp_path, "a.conll", "a\tO\n")
    with pytest.raises(InputError, match="the column of the tags is a number there, found 'upos'"):
        read_conll(path, tag="upos")
    for column in (3, 0, -3):
        with pytest.raises(InputError, match=f"line 1: has 2 columns, .* found {column}"):
            list(read_conll(path, tag=column))
    with pytest.raises(InputError, match="both read from column 2"):
        list(read_conll(path, word=2))
    with pytest.raises(InputError, match=r"no such file or folder. Did you mean 'a.conll'\?"):
        read_conll(tmp_path / "b.conll")
    with pytest.raises(InputError, match="is a folder"):
        read_conll(tmp_path)


def test_a_file_without_blank_lines_is_not_read_into_memory_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conll, "LONGEST_SENTENCE", 10)
    path = write(tmp_path, "a.conll", "\n" + "a O\n" * 11)
    with pytest.raises(InputError, match="line 2: a sentence of more than 10 words .* blank line"):
        list(read_conll(path))


def test_it_streams(tmp_path: Path) -> None:
    path = write(tmp_path, "a.conll", "a O\n\nbroken\n")
    assert next(read_conll(path)).words == ("a",)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300), st.integers(0, 300), st.sampled_from(["a.conllu", "a.conll", "a.conll.gz"]))
def test_mangled_bytes_give_sentences_or_one_line_of_complaint(
    tmp_path: Path, noise: bytes, at: int, name: str
) -> None:
    raw = CONLLU.encode()
    path = write(tmp_path, name, raw[:at] + noise + raw[at + len(noise) // 2 :])
    try:
        found = list(read_conll(path))
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017  # it need not come to an error
        return
    for sentence in found:
        assert len(sentence.words) == len(sentence.tags) > 0
        assert all(sentence.words)
        assert all(sentence.tags)


words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=12)


@given(st.lists(words, max_size=8))
def test_words_keep_their_places_among_the_tokens(sentence: list[str]) -> None:
    tokeniser = Tokeniser()
    tokens, starts = cut_words(sentence, tokeniser)
    assert tokeniser(" ".join(tokens)) == tokens
    assert len(tokens) == len(starts)
    assert sum(starts) == len(sentence)
    assert starts[:1] == [True] * bool(sentence)
    pieces = [tokeniser(word) or [NO_TOKEN] for word in sentence]
    assert tokens == [token for piece in pieces for token in piece]


def test_real_files_hold_what_their_authors_counted(shared_data: Path) -> None:
    lines = read_tagged(shared_data / "pos" / "en_lines-ud-dev.conllu.gz")
    assert (len(lines), len(lines.tag_names())) == (1118, 17)
    wnut = read_tagged(shared_data / "ner" / "wnut17-dev.conll")
    assert len(wnut) == 1009
    assert sum(tag.startswith("B-") for tags in wnut.tags for tag in tags) == 836
    assert len(wnut.tag_names()) == 13


def test_tagged_text_is_checked() -> None:
    with pytest.raises(InputError, match="sentences and tags must be as many, found 1 and 0"):
        TaggedText([["a"]], [])
    with pytest.raises(InputError, match="sentence 1 must have a tag for each word, found 1 words and 2 tags"):
        TaggedText([["a"], ["b"]], [["x"], ["x", "y"]])
    with pytest.raises(InputError, match="sentence 0: give a list of words, found the one text 'a b'"):
        TaggedText(["a b"], [["x", "y"]])
    with pytest.raises(InputError, match="a word is a text that is not empty, found ''"):
        TaggedText([["a", ""]], [["x", "y"]])
    with pytest.raises(InputError, match="no tagged word"):
        check_tags(TaggedText([], []))
    with pytest.raises(InputError, match="all words have the one tag 'O'"):
        check_tags(TaggedText([["a"]], [["O"]]))


@pytest.mark.parametrize(
    ("name", "content", "tagged"),
    [
        ("a.conllu", CONLLU, True),
        ("a.conllu", CONLLU.replace("PRON", "_").replace("AUX", "_").replace("PART", "_"), False),
        ("a.conll", "You\tX\ndo\tY\n", True),
        ("a.conll", "\nYou do\n", True),
        ("a.conll", "You\ndo\n\nyes\n", False),
    ],
)
def test_a_file_has_tags_or_words_alone(name: str, content: str, tagged: bool, tmp_path: Path) -> None:
    path = write(tmp_path, name, content)
    assert is_tagged(path) is tagged
    words = list(read_words(path))
    if tagged:
        assert words == [sentence.words for sentence in read_conll(path)]
    else:
        assert words[0][:2] == ("You", "do")


def test_words_alone_are_read_with_the_same_care(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.conll, line 2: expected 1 columns, as line 1 has, found 2"):
        list(read_words(write(tmp_path, "a.conll", "You\ndo X\n")))
    with pytest.raises(InputError, match="no such file"):
        is_tagged(tmp_path / "b.conll")
    with pytest.raises(InputError, match="holds no sentence"):
        list(read_words(write(tmp_path, "c.conll", "")))
    with pytest.raises(InputError, match="is a folder"):
        read_words(tmp_path)


def test_the_name_of_a_document_is_no_word(tmp_path: Path) -> None:
    path = tmp_path / "x.v4_gold_conll"
    rows = [
        f"bc/cctv/00 0 {number} {word} {tag} - (GPE)"
        for number, (word, tag) in enumerate([("In", "IN"), ("Rome", "NNP")])
    ]
    path.write_text("\n".join(["#begin document (bc/cctv/00); part 000", *rows, "", "#end document", ""]))
    with pytest.raises(InputError, match="line 2: the first column is the name of the document.* --word 4"):
        list(read_conll(path))
    assert list(read_conll(path, word=4, tag=5)) == [(("In", "Rome"), ("IN", "NNP"), 2)]
