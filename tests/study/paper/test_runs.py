from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from mt2st.errors import InputError
from mt2st.strategy import MultiTask
from mt2st.study.data import StudyData
from mt2st.study.paper.protocol import MOST_PASSES, QUICK, REFERENCE, SOUND, STEPS, WORDS_READ, table_cells, time_cells
from mt2st.text import LabelledText


@pytest.fixture
def files(tmp_path: Path) -> dict[str, list[str]]:
    agree, judged = tmp_path / "agree.txt", tmp_path / "judged.txt"
    agree.write_text("good great\nbad awful\n")
    judged.write_text("good great 9\nbad awful 8\ngood bad 2\n")
    return {"agree": [str(agree)], "similarity": [str(judged)]}


def test_the_tables_are_each_embedding_with_each_update_in_each_mode_and_original_once(
    files: dict[str, list[str]],
) -> None:
    cells = table_cells(SOUND, seeds=(1, 2), files=files)
    assert len(cells) == 2 * 5 * (1 + 3 * 4)
    assert len({cell.folder for cell in cells}) == len(cells)
    multi = next(cell for cell in cells if cell.name == "multi-task")
    assert isinstance(multi.strategy, MultiTask)
    assert multi.strategy.weight == SOUND.weight
    assert {cell.settings.embedding.init for cell in cells} == {
        "cbow", "skipgram", "cbow-fasttext", "skipgram-fasttext", "glove",
    }  # fmt: skip


def test_updates_without_data_are_left_out() -> None:
    cells = table_cells(QUICK, seeds=(1,))
    assert {cell.settings.auxiliaries for cell in cells if cell.name == "switch"} == {
        ("semantic-syntactic",),
        ("analogy",),
    }
    assert len(cells) == 2 * (1 + 3 * 2)


def test_glove_is_trained_longer_and_in_wider_windows_than_the_others() -> None:
    cells = table_cells(SOUND, seeds=[1], embeddings=["CBOW", "GloveTwitter"])
    chosen = {
        (
            each.embedding.init, each.embedding.init_epochs, each.optimisation.embedding_learning_rate,
            each.context.glove_sample, each.context.window, each.context.x_max,
        )
        for each in (c.settings for c in cells)
    }  # fmt: skip
    assert chosen == {("cbow", 10, 5e-4, 0.0, 15, 10.0), ("glove", 50, 2e-3, 1e-4, 60, 30.0)}
    published = table_cells(REFERENCE, seeds=[1], embeddings=["GloveTwitter"])
    assert {cell.settings.optimisation.embedding_learning_rate for cell in published} == {1e-3}


def test_given_glove_vectors_take_the_place_of_those_trained_here() -> None:
    cells = table_cells(SOUND, seeds=(1,), embeddings=["GloveTwitter"], glove="gensim:glove-twitter-100")
    assert {cell.settings.embedding.init for cell in cells} == {"gensim:glove-twitter-100"}


def test_glove_vectors_of_another_size_change_the_size_of_their_own_rows_alone() -> None:
    cells = table_cells(SOUND, seeds=(1,), embeddings=["CBOW", "GloveTwitter"], glove="glove.txt", vector_size=50)
    assert {(cell.settings.embedding.init, cell.settings.embedding.vector_size) for cell in cells} == {
        ("cbow", 100),
        ("glove.txt", 50),
    }


def test_an_unknown_embedding_is_named_with_those_there_are() -> None:
    with pytest.raises(InputError, match="the paper has no embedding 'ELMo'; it has .*CBOW.*SkipGram"):
        table_cells(SOUND, seeds=(1,), embeddings=["ELMo"])


def of_words(count: int) -> StudyData:
    labelled = LabelledText(["a word"], ["a"])
    return StudyData(labelled, labelled, labelled, partial(tuple, ("word " * (count - 2),)))


@pytest.mark.parametrize(("words", "read"), [(1_280_000, WORDS_READ), (30_000, 30_000 * MOST_PASSES)])
def test_the_context_task_reads_as_many_words_of_any_text_before_the_transition(words: int, read: int) -> None:
    for cell in time_cells(SOUND, of_words(words), seeds=(1,))[2:]:
        steps = cell.strategy.bind(["context"]).transition_time(6 * STEPS) - 1
        assert words * cell.settings.context.passes * steps / STEPS == pytest.approx(read)
        assert cell.settings.transition.rate == "rewarm"


def test_runs_for_time_start_at_random_and_are_measured_several_times_an_epoch() -> None:
    cells = time_cells(SOUND, of_words(1_280_000), seeds=(1,))
    assert [cell.name for cell in cells] == ["single-task", "multi-task", "diminish", "switch"]
    assert {(cell.settings.embedding.init, cell.settings.optimisation.evaluations_per_epoch) for cell in cells} == {
        ("random", 8)
    }
    assert [cell.settings.transition.probe_head for cell in cells] == [None, None, 0.01, 0.01]


def test_the_single_task_begins_before_the_first_evaluation() -> None:
    cells = time_cells(SOUND, of_words(1_280_000), seeds=(1,))[2:]
    assert [round(STEPS / cell.settings.optimisation.evaluations_per_epoch) for cell in cells] == [6, 6]
    assert [cell.strategy.bind(["context"]).transition_time(6 * STEPS) for cell in cells] == [5, 6]
