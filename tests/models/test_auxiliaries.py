from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mt2st.errors import FewRowsWarning, InputError
from mt2st.models import ModelSettings, TextClassifier
from mt2st.models.auxiliaries import Auxiliaries, WordData
from mt2st.strategy import Diminish, Switch
from mt2st.tasks import AnalogyTask, Coefficients, MisalignmentTask, SemanticSyntacticTask, SpearmanTask
from mt2st.tasks.relations import words_of
from mt2st.text import Corpus, Tokeniser
from mt2st.training import Callback, Trainer

N = 40
NOUNS = [f"noun{number}" for number in range(N)]
FAST: dict[str, Any] = {
    "encoder__name": "mean",
    "embedding__vector_size": 8,
    "optimisation__epochs": 2,
    "text__min_count": 1,
    "compute__parallel_context": False,
    "auxiliary_data__held_out": 0.1,
}


def corpus_texts() -> list[str]:
    return [f"a {noun} and many {noun}s" for noun in NOUNS]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    content = {
        "gram-plural.txt": [f"{noun} {noun}s" for noun in NOUNS],
        "judged.txt": [f"{a}\t{b}\t{number % 7}" for number, (a, b) in enumerate(pairwise(NOUNS + NOUNS[::3]))],
        "agree.txt": [f"{noun} {noun}s" for noun in NOUNS],
        "disagree.txt": [f"{a} {b}s" for a, b in pairwise(NOUNS)],
        "plurals.txt": [f"{a}s {b}s" for a, b in pairwise(NOUNS)],
        "few.txt": [f"{noun} {noun}s" for noun in NOUNS[:12]],
        "foreign.txt": ["mot mots", "ville villes"],
        "foreign-judged.txt": ["mot\tville\t3", "mot\tmots\t9"],
    }
    for name, lines in content.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {name.removesuffix(".txt"): str(tmp_path / name) for name in content}


def built(settings: ModelSettings) -> Auxiliaries:
    corpus = Corpus.build(corpus_texts(), tokeniser=Tokeniser(), min_count=1)
    return Auxiliaries.build(settings, WordData.read(settings), corpus, subwords=None, scratch=Path())


def every_task(files: dict[str, str], **more: Any) -> ModelSettings:
    return ModelSettings().updated(
        auxiliaries=("spearman", "analogy", "misalignment", "semantic-syntactic"),
        auxiliary_data__analogies=(files["gram-plural"],),
        auxiliary_data__similarity=(files["judged"],),
        auxiliary_data__agree=(files["agree"],),
        auxiliary_data__disagree=(files["disagree"],),
        **FAST | more,
    )


def test_settings_reach_the_tasks_in_their_order(files: dict[str, str]) -> None:
    settings = every_task(
        files,
        word_tasks__gamma=0.7,
        word_tasks__raw_products=True,
        word_tasks__batch_size=5,
        word_tasks__analogy_coefficients=(1.0, 2.0, 3.0),
        word_tasks__analogy_logarithm=True,
        word_tasks__analogy_temperature=0.4,
        word_tasks__analogy_candidates=17,
        word_tasks__spearman_softness=0.3,
        word_tasks__spearman_variant="elements",
    )
    spearman, analogy, misalignment, semantic = built(settings).tasks
    assert isinstance(spearman, SpearmanTask)
    assert (spearman.softness, spearman.variant, spearman.batch_size) == (0.3, "elements", 5)
    assert isinstance(analogy, AnalogyTask)
    assert analogy.coefficients == Coefficients(1, 2, 3)
    assert analogy.logarithm
    assert (analogy.temperature, analogy.candidates, analogy.batch_size) == (0.4, 17, 5)
    assert isinstance(misalignment, MisalignmentTask)
    assert (misalignment.gamma, misalignment.raw, misalignment.batch_size) == (0.7, True, 5)
    assert isinstance(semantic, SemanticSyntacticTask)
    assert (semantic.raw, semantic.batch_size) == (True, 5)
    for task in (spearman, analogy, misalignment, semantic):
        assert not np.intersect1d(words_of(task.train), words_of(task.held_out)).size


def test_coverage_counts_what_was_read_and_used(files: dict[str, str]) -> None:
    coverage = built(every_task(files)).coverage
    assert set(coverage) == {"spearman", "analogy", "misalignment", "semantic-syntactic"}
    assert coverage["misalignment"].total == N + N - 1
    assert coverage["misalignment"].usable == N + N - 1
    assert coverage["analogy"].total == N * 20


def test_the_tasks_over_questions_share_one_split(files: dict[str, str]) -> None:
    _, analogy, _, semantic = built(every_task(files)).tasks
    assert isinstance(analogy, AnalogyTask)
    assert isinstance(semantic, SemanticSyntacticTask)
    assert analogy.train.ids.tolist() == semantic.train.ids.tolist()


@pytest.mark.parametrize("order", [1, -1])
def test_no_word_that_a_task_holds_out_is_in_what_another_learns_from(files: dict[str, str], order: int) -> None:
    settings = every_task(files)
    settings = settings.updated(auxiliaries=settings.auxiliaries[::order])
    tasks: list[Any] = list(built(settings).tasks)
    held_out = words_of(*(task.held_out for task in tasks))
    assert len(held_out) > 10
    assert not np.intersect1d(held_out, words_of(*(task.train for task in tasks))).size
    analogy = next(task for task in tasks if isinstance(task, AnalogyTask))
    for batch in analogy.batches(epoch=1, seed=1):
        assert not np.intersect1d(held_out, batch.candidates.numpy()).size


def test_nothing_held_out_is_a_warning(files: dict[str, str], tmp_path: Path) -> None:
    star = tmp_path / "star.txt"
    star.write_text("\n".join(f"a {word}" for noun in NOUNS for word in (noun, f"{noun}s")), encoding="utf-8")
    settings = ModelSettings().updated(auxiliaries=("misalignment",), auxiliary_data__agree=(str(star),), **FAST)
    with pytest.warns(FewRowsWarning, match="80 to learn from, 0 held out. Nothing could be held out") as caught:
        auxiliaries = built(settings)
    assert len(caught) == 1
    assert auxiliaries.coverage["misalignment"].held_out == 0
    built(settings.updated(auxiliary_data__held_out=0.0))  # asked for: no warning


def test_fewer_than_a_handful_held_out_are_a_warning(files: dict[str, str]) -> None:
    with pytest.warns(FewRowsWarning, match=r"What is measured on \d+ held-out rows tells next to nothing"):
        built(every_task(files, auxiliary_data__held_out=0.02))


def test_pairs_of_disagree_of_which_nothing_is_left_are_a_warning(files: dict[str, str], tmp_path: Path) -> None:
    also = tmp_path / "also.txt"
    also.write_text(f"{NOUNS[0]} {NOUNS[0]}s\n", encoding="utf-8")
    settings = ModelSettings().updated(
        auxiliaries=("misalignment",),
        auxiliary_data__agree=(files["agree"], files["plurals"]),
        auxiliary_data__disagree=(str(also),),
        **FAST,
    )
    with pytest.warns(FewRowsWarning, match="No pair of disagree is left to learn from .* wrong partners are sought"):
        built(settings)


def test_one_pair_of_disagree_is_learned_from_and_the_measure_it_lacks_is_named(
    files: dict[str, str], tmp_path: Path
) -> None:
    one = tmp_path / "one.txt"
    one.write_text(f"{NOUNS[0]} {NOUNS[1]}\n", encoding="utf-8")
    settings = ModelSettings().updated(
        auxiliaries=("misalignment",),
        auxiliary_data__agree=(files["agree"], files["plurals"]),
        auxiliary_data__disagree=(str(one),),
        **FAST,
    )
    with pytest.warns(FewRowsWarning, match="No pair of disagree is held out: only the cosine of pairs that should ag"):
        coverage = built(settings).coverage["misalignment"]
    assert coverage.kinds["should not agree"] == {"usable": 1, "train": 1, "held_out": 0}


def test_packaged_questions_are_the_default() -> None:
    data = WordData.read(ModelSettings().updated(auxiliaries=("analogy",)))
    assert sum(len(section.questions) for sections in data.analogies.values() for section in sections) > 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"auxiliary_data__analogies": "foreign"},
            "foreign.txt: none of its 2 analogy questions can be used: the vocabulary of",
        ),
        (
            {"auxiliary_data__similarity": "foreign-judged"},
            "foreign-judged.txt: none of its 2 judged pairs can",
        ),
        ({"auxiliary_data__agree": "foreign"}, "foreign.txt: none of its 2 word pairs can be used"),
        ({"auxiliary_data__disagree": "foreign"}, "foreign.txt: none of its 2 word pairs can be used"),
    ],
)
def test_a_file_without_a_usable_row_is_an_error(files: dict[str, str], change: dict[str, str], message: str) -> None:
    settings = every_task(files)
    for name, other in change.items():
        there = getattr(settings.auxiliary_data, name.removeprefix("auxiliary_data__"))
        settings = settings.updated(**{name: (*there, files[other])})
    with pytest.raises(InputError, match=message):
        built(settings)


def test_few_rows_are_a_warning(files: dict[str, str]) -> None:
    settings = ModelSettings().updated(auxiliaries=("misalignment",), auxiliary_data__agree=(files["few"],), **FAST)
    with pytest.warns(FewRowsWarning, match="misalignment: 12 different of 12 word pairs .* teach little"):
        built(settings)


def test_a_missing_file_is_named_before_anything_is_trained(tmp_path: Path) -> None:
    classifier = TextClassifier().set_params(
        auxiliaries=("misalignment",), auxiliary_data__agree=(str(tmp_path / "gone.txt"),), **FAST
    )
    with pytest.raises(InputError, match=r"gone.txt: cannot be read: No such file"):
        classifier.fit(["a", "b"] * 4, ["x", "y"] * 4)


def test_other_content_of_the_same_files_is_other_data(files: dict[str, str]) -> None:
    settings = every_task(files)
    before = WordData.read(settings).fingerprint
    assert WordData.read(settings).fingerprint == before
    Path(files["agree"]).write_text("a b\n", encoding="utf-8")
    assert WordData.read(settings).fingerprint != before
    assert WordData.read(ModelSettings()).fingerprint is None


def test_a_classifier_trains_with_all_of_them_and_keeps_what_they_measured(
    files: dict[str, str], films: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    settings = every_task(files)
    settings = settings.updated(auxiliaries=("context", *settings.auxiliaries))
    strategy = Diminish({"context": 0.5, "spearman": 0.1, "analogy": 0.2, "misalignment": 0.3, "semantic-syntactic": 9})
    classifier = TextClassifier.from_settings(settings, strategy).fit(*films, unlabelled=corpus_texts())
    assert set(classifier.run_.evaluations[0].losses) == {"primary", *settings.auxiliaries} - {"semantic-syntactic"}
    assert set(classifier.auxiliaries_) == {"spearman", "analogy", "misalignment", "semantic-syntactic"}
    assert set(classifier.auxiliaries_["misalignment"].after) == {"aligned", "misaligned", "error"}
    classifier.save(tmp_path / "model", about=["films"])
    again = TextClassifier.load(tmp_path / "model")
    assert again.auxiliaries_ == classifier.auxiliaries_
    assert again.settings_ == classifier.settings_
    assert again.predict(films[0]).tolist() == classifier.predict(films[0]).tolist()
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf-8")
    assert str(classifier.auxiliaries_["analogy"].coverage) in card
    assert "| misalignment | error | less is better |" in card


def test_a_run_with_them_is_gone_on_from_to_the_bit(
    files: dict[str, str], films: tuple[list[str], list[str]], tmp_path: Path
) -> None:
    settings = every_task(files, optimisation__epochs=3)

    def classifier() -> TextClassifier:
        return TextClassifier.from_settings(settings, Switch(at=3))

    whole = classifier().fit(*films, unlabelled=corpus_texts())
    part = classifier()

    class Stopper(Callback):
        def on_step_end(self, trainer: Trainer) -> None:
            if trainer.progress.step == 3:
                part.stop()

    part.fit(*films, unlabelled=corpus_texts(), checkpoint=tmp_path / "checkpoint", callbacks=[Stopper()])
    assert part.run_.stopped == "interrupted"
    resumed = classifier().fit(*films, unlabelled=corpus_texts(), checkpoint=tmp_path / "checkpoint")
    assert (resumed.word_vectors.vectors == whole.word_vectors.vectors).all()
    other = Path(files["disagree"])
    other.write_text(other.read_text(encoding="utf-8").replace("noun0 noun1s", "noun0 noun7s"), encoding="utf-8")
    with pytest.raises(InputError, match="data"):
        classifier().fit(*films, unlabelled=corpus_texts(), checkpoint=tmp_path / "checkpoint")
