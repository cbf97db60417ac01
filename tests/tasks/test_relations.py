from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mt2st.errors import InputError
from mt2st.evaluation import AnalogySection, SimilaritySet
from mt2st.tasks import read_pairs
from mt2st.tasks.relations import Judgements, Lexicon, Questions, encode_rows
from mt2st.text import Vocabulary

VOCABULARY = Vocabulary.from_counts(
    dict.fromkeys(["paris", "france", "rome", "italy", "Polish", "polish", "big", "bigger", "fast", "faster"], 1),
    min_count=1,
)


def decoded(ids: np.ndarray) -> list[list[str]]:
    return [VOCABULARY.decode(row) for row in ids]


def test_rows_need_known_and_different_words() -> None:
    rows = [("big", "huge"), ("big", "big"), ("<pad>", "big"), ("<unk>", "big"), ("fast", "big")]
    ids, kept = encode_rows(rows, VOCABULARY, width=2)
    assert decoded(ids) == [["fast", "big"]]
    assert kept.tolist() == [4]


def test_the_spelling_counts_first_and_then_any_case() -> None:
    ids, _ = encode_rows([("Polish", "polish"), ("POLISH", "FAST")], VOCABULARY, width=2)
    assert decoded(ids) == [["Polish", "polish"], ["Polish", "fast"]]


def test_no_rows_are_an_empty_table() -> None:
    ids, kept = encode_rows([], VOCABULARY, width=4)
    assert ids.shape == (0, 4)
    assert len(kept) == 0


def test_questions_know_their_kind_and_stand_once() -> None:
    capital = ("france", "paris", "italy", "rome")
    comparative = ("big", "bigger", "fast", "faster")
    sections = [
        AnalogySection("capitals", (capital, ("france", "paris", "peru", "lima"))),
        AnalogySection("gram3-comparative", (comparative, comparative)),
        AnalogySection("capitals-again", (capital,)),
    ]
    encoded = Questions.encode(sections, VOCABULARY)
    assert decoded(encoded.ids) == [list(capital), list(comparative)]
    assert encoded.semantic.tolist() == [True, False]


def test_pairs_stand_once_in_either_order_and_contradictions_go() -> None:
    agree = [("big", "fast"), ("fast", "big"), ("rome", "paris"), ("italy", "france")]
    disagree = [("paris", "rome"), ("big", "bigger"), ("bigger", "big"), ("fast", "slow")]
    encoded = Lexicon.encode(agree, disagree, VOCABULARY)
    assert decoded(encoded.ids) == [["big", "fast"], ["italy", "france"], ["big", "bigger"]]
    assert encoded.agree.tolist() == [True, True, False]


def test_judged_pairs_stand_once_in_their_set() -> None:
    sets = [
        SimilaritySet("one", (("big", "fast", 1.0), ("fast", "big", 2.0), ("big", "rome", 3.0))),
        SimilaritySet("two", (("big", "slow", 9.0), ("big", "fast", 40.0))),
    ]
    encoded = Judgements.encode(sets, VOCABULARY)
    assert decoded(encoded.ids) == [["big", "fast"], ["big", "rome"], ["big", "fast"]]
    assert encoded.scores.tolist() == [1.0, 3.0, 40.0]
    assert encoded.sets.tolist() == [0, 0, 1]
    assert encoded.names == ("one", "two")


def test_nothing_usable_is_an_error_that_says_of_how_many() -> None:
    with pytest.raises(InputError, match="none of the 1 analogy questions can be used: the vocabulary of 12 words"):
        Questions.encode([AnalogySection("x", (("a", "b", "c", "d"),))], VOCABULARY)
    with pytest.raises(InputError, match="none of the 2 judged pairs can be used"):
        Judgements.encode([SimilaritySet("x", (("a", "b", 1.0), ("big", "d", 1.0)))], VOCABULARY)
    with pytest.raises(InputError, match="none of the 1 pairs that should agree can be used"):
        Lexicon.encode([("a", "b")], [("big", "fast")], VOCABULARY)


# Files of pairs


def written(folder: Path, content: str) -> Path:
    path = folder / "pairs.txt"
    path.write_bytes(content.encode())
    return path


def test_tabs_spaces_comments_and_line_ends(tmp_path: Path) -> None:
    path = written(tmp_path, "# a lexicon\r\nbig\tlarge \r\n\r\nfast quick \nnew york\tnueva york\n")
    assert read_pairs(path) == [("big", "large"), ("fast", "quick"), ("new york", "nueva york")]


@pytest.mark.parametrize(("content", "place"), [("a b\na b c\n", "line 2"), ("a\n", "line 1"), ("a\tb\tc\n", "line 1")])
def test_another_number_of_words_is_named_with_its_line(tmp_path: Path, content: str, place: str) -> None:
    with pytest.raises(InputError, match=rf"pairs.txt, {place}: a pair has two words"):
        read_pairs(written(tmp_path, content))


def test_a_file_without_pairs_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no word pairs"):
        read_pairs(written(tmp_path, "# nothing\n"))


def test_real_lexicons_are_read(shared_data: Path) -> None:
    pairs = read_pairs(shared_data / "lexicon" / "ppdb_antonyms.txt")
    assert len(pairs) > 600
    assert pairs[0] == ("females", "males")
