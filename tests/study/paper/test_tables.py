from __future__ import annotations

import pytest
from tests.study.paper.made_up import result

from mt2st.study import Study
from mt2st.study.paper.tables import pairs, paper_tables, summary, unrepeated

STUDY = Study(
    [
        *(result("single-task", seed, 0.60, auxiliary="semantic-syntactic+analogy") for seed in (1, 2)),
        *(result("multi-task", seed, 0.78) for seed in (1, 2)),
        result("switch", 1, 0.70, auxiliary="misalignment"),
        result("diminish", 1, 0.80, embedding="/vectors/glove.txt"),
        result("dwa", 1, 0.99),
    ]
)


def test_runs_stand_beside_the_rows_that_they_repeat() -> None:
    found = {(row.printed.table, row.printed.embedding, row.printed.update): sorted(row.runs) for row in pairs(STUDY)}
    assert found == {
        ("I", "SkipGram", "original"): [1, 2],
        ("II", "SkipGram", "original"): [1, 2],
        ("III", "SkipGram", "original"): [1, 2],
        ("I", "SkipGram", "update3"): [1, 2],
        ("II", "GloveTwitter", "update3"): [1],
        ("III", "SkipGram", "update1"): [1],
    }


def test_each_field_has_the_mean_the_papers_figure_and_the_difference() -> None:
    first = paper_tables(STUDY)[0]
    assert first.header[:5] == ["embedding", "update", "epochs", "seeds", "accuracy"]
    assert first.rows[1][:5] == ["SkipGram", "update3", "4 (25)", "2", "78.0 (76) +2.0"]
    assert first.rows[0][4] == "60.0 (48) +12.0"
    assert first.rows[0][7] == "60.0 (50) +10.0"  # macro F1


def test_glove_vectors_that_are_not_the_papers_are_called_so() -> None:
    assert "GloVe vectors: /vectors/glove.txt" in paper_tables(STUDY)[1].notes
    trained = Study([result("switch", 1, 0.7, embedding="glove")])
    assert "trained here" in paper_tables(trained)[0].notes


def test_the_summary_counts_rows_as_accurate_as_the_papers_and_names_the_worst() -> None:
    assert summary(STUDY) == (
        "2 of 3 rows with an auxiliary task are at least as accurate as the paper's, 14 of their 21 measures are at "
        "least the paper's; furthest below it is Table III, "
        "SkipGram, update1, by 1.0 points; without a row in print: dwa, SkipGram, update3; 70 of 76 rows "
        "in print were not repeated"
    )


def test_runs_without_a_row_in_print_and_rows_without_a_run_are_named() -> None:
    """Tables II and III have a Skip-gram row 'update' without a number, and Table III has no update3 of Skip-gram."""
    tasks = ("semantic-syntactic", "misalignment", "analogy", "spearman")
    modes = ("multi-task", "diminish", "switch")
    study = Study(
        [
            result("single-task", 1, 0.6),
            *(
                result(mode, seed, 0.7 + seed / 100, auxiliary=task)
                for mode in modes
                for task in tasks
                for seed in (1, 2)
            ),
        ]
    )
    first, second, third = (table.notes for table in paper_tables(study))
    others = "CBOW (all); CBOWFastText (all); SkipGramFastText (all); GloveTwitter (all)."
    assert first.endswith(f" Rows in print that nothing here repeats: {others}")
    assert "nothing here repeats: CBOW (all); SkipGram update; CBOWFastText (all)" in second
    assert second.endswith("The paper does not say what its row 'update' is.")
    assert third.endswith(" Without a row in print: switch, SkipGram, update3 (71.5 % accuracy, n 2).")
    assert summary(study).endswith(
        "; without a row in print: switch, SkipGram, update3; 62 of 76 rows in print were not repeated"
    )


def test_a_study_of_all_rows_lists_none_but_the_unnumbered() -> None:
    tasks = ("semantic-syntactic", "misalignment", "analogy", "spearman")
    starts = ("cbow", "skipgram", "cbow-fasttext", "skipgram-fasttext", "glove")
    runs = [
        result(mode, 1, 0.7, auxiliary=task, embedding=start)
        for start in starts
        for mode in ("single-task", "multi-task", "diminish", "switch")
        for task in tasks
    ]
    assert [(cell.table, cell.embedding, cell.update) for cell in unrepeated(Study(runs))] == [
        ("II", "SkipGram", "update"),
        ("III", "SkipGram", "update"),
    ]
    assert "nothing here repeats" not in paper_tables(Study(runs))[0].notes
    without_original = [each for each in runs if each.name != "single-task" or each.factors["embedding"] != "cbow"]
    assert "nothing here repeats: CBOW original." in paper_tables(Study(without_original))[0].notes


@pytest.mark.parametrize("measured", [0.76, 0.7599])
def test_as_accurate_is_enough(measured: float) -> None:
    study = Study([result("multi-task", 1, measured)])
    assert summary(study).startswith("1 of 1" if measured == 0.76 else "0 of 1")
