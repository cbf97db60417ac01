"""A model's auxiliary tasks, on words and on other labelled data: their files, and what can be used of them."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, get_args

import numpy as np
from numpy.typing import NDArray
from torch import nn

from mt2st.embedding.subwords import KnownSubwords
from mt2st.errors import FewRowsWarning, InputError
from mt2st.evaluation import AnalogySection, SimilaritySet, packaged_analogies, read_analogies, read_similarity
from mt2st.models.assembly import context_task
from mt2st.models.groups import LABELLED_AUXILIARIES, AuxiliaryName
from mt2st.models.problem_types import Prepared, ProblemType, Rows, problem_type_of
from mt2st.models.settings import ModelSettings
from mt2st.strategy import PRIMARY_TASK
from mt2st.tasks import (
    AnalogyTask,
    Coefficients,
    Coverage,
    HeldOut,
    Judgements,
    LabelledTask,
    Lexicon,
    MisalignmentTask,
    Questions,
    SemanticSyntacticTask,
    SpearmanTask,
    Texts,
    divide,
    held_out_words,
    read_pairs,
)
from mt2st.tasks.held_out import HANDFUL
from mt2st.tasks.relations import Pair, Relations, encode_rows, words_of
from mt2st.text import Corpus, Vocabulary, read_labelled, read_tagged
from mt2st.training import KernelTask, Task

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import CountingReport

PACKAGED = "the questions that come with mt2st"


@dataclass(frozen=True)
class WordData:
    """What the files of the auxiliary tasks hold, by file; nothing for tasks that were not chosen."""

    analogies: Mapping[str, Sequence[AnalogySection]] = field(default_factory=dict)
    similarity: Mapping[str, SimilaritySet] = field(default_factory=dict)
    agree: Mapping[str, Sequence[Pair]] = field(default_factory=dict)
    disagree: Mapping[str, Sequence[Pair]] = field(default_factory=dict)

    @classmethod
    def read(cls, settings: ModelSettings) -> Self:
        """Read the files that the settings name."""
        files = settings.auxiliary_data
        analogies: dict[str, Sequence[AnalogySection]] = {path: read_analogies(path) for path in files.analogies}
        if not analogies and {"analogy", "semantic-syntactic"} & set(settings.auxiliaries):
            analogies = {PACKAGED: packaged_analogies()}
        return cls(
            analogies,
            {path: read_similarity(path) for path in files.similarity},
            {path: read_pairs(path) for path in files.agree},
            {path: read_pairs(path) for path in files.disagree},
        )

    @property
    def fingerprint(self) -> str | None:
        """A hash of all that was read; None where nothing was."""
        content = [list(each.values()) for each in vars(self).values()]
        return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()[:16] if any(content) else None

    def questions(self, vocabulary: Vocabulary) -> tuple[Questions, int]:
        """Return the usable analogy questions, and how many there are in all."""
        rows = {path: [each for section in sections for each in section.questions]
                for path, sections in self.analogies.items()}  # fmt: skip
        _check_each(rows, "analogy questions", vocabulary, width=4)
        sections = [section for sections in self.analogies.values() for section in sections]
        return Questions.encode(sections, vocabulary), sum(map(len, rows.values()))

    def judgements(self, vocabulary: Vocabulary) -> tuple[Judgements, int]:
        """Return the usable judged pairs, and how many there are in all."""
        rows = {path: [(a, b) for a, b, _ in judged.pairs] for path, judged in self.similarity.items()}
        _check_each(rows, "judged pairs", vocabulary, width=2)
        return Judgements.encode(list(self.similarity.values()), vocabulary), sum(map(len, rows.values()))

    def lexicon(self, vocabulary: Vocabulary) -> tuple[Lexicon, int]:
        """Return the usable pairs that should agree and that should not, and how many there are in all."""
        for rows in (self.agree, self.disagree):
            _check_each(rows, "word pairs", vocabulary, width=2)
        agree, disagree = ([pair for pairs in rows.values() for pair in pairs] for rows in (self.agree, self.disagree))
        return Lexicon.encode(agree, disagree, vocabulary), len(agree) + len(disagree)


@dataclass(frozen=True)
class AuxiliaryReport:
    """What is known of an auxiliary task after the training.

    Attributes:
        coverage: how much of its data was used.
        before: its measures on what was held out, before the training.
        after: the same after it, with the parameters that are kept.
    """

    coverage: Coverage
    before: Mapping[str, float]
    after: Mapping[str, float]

    def as_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> AuxiliaryReport:
        """Return the report that `as_dict` described."""
        return cls(Coverage(**values["coverage"]), values["before"], values["after"])


@dataclass(frozen=True)
class Encoded:
    """What the chosen tasks on words can use, with one split of words for all of them.

    Attributes:
        parts: the relations of each task, by its name.
        totals: how many rows were read for each.
        words: ids of all words in rows that any of them holds out; no task learns from one.
    """

    parts: Mapping[str, HeldOut[Any]]
    totals: Mapping[str, int]
    words: NDArray[np.int64]

    @classmethod
    def of(cls, settings: ModelSettings, data: WordData, vocabulary: Vocabulary) -> Self:
        """Encode the data of the chosen tasks and split it.

        Raises:
            InputError: a file of which nothing can be used.
        """
        read: dict[str, Callable[[Vocabulary], tuple[Relations, int]]] = {
            "analogy": data.questions,
            "semantic-syntactic": data.questions,
            "spearman": data.judgements,
            "misalignment": data.lexicon,
        }
        found: dict[str, tuple[Relations, int]] = {
            name: read[name](vocabulary) for name in sorted(read) if name in settings.auxiliaries
        }
        # The two tasks over questions read the same ones: counted once, they are split as if one were chosen.
        different = [found[name][0] for name in found if not (name == "semantic-syntactic" and "analogy" in found)]
        words = held_out_words(different, settings.auxiliary_data.held_out)
        parts = {name: divide(relations, words) for name, (relations, _) in found.items()}
        measured = words_of(*(each.held_out for each in parts.values()))
        return cls(parts, {name: total for name, (_, total) in found.items()}, measured)


@dataclass(frozen=True)
class Auxiliaries:
    """A model's auxiliary tasks on words.

    Attributes:
        tasks: in the order of the settings.
        coverage: of the data of each task that has questions or pairs, by its name.
    """

    tasks: Sequence[Task | KernelTask]
    coverage: Mapping[str, Coverage]

    @classmethod
    def build(
        cls,
        settings: ModelSettings,
        data: WordData,
        corpus: Corpus,
        *,
        subwords: KnownSubwords | None,
        scratch: Path,
        on_counting: Callable[[CountingReport], None] | None = None,
    ) -> Self:
        """Return the tasks on words that the settings name; warns (`FewRowsWarning`) where they have too few rows.

        All of them share one split of words: what one holds out, no other learns from.

        Args:
            settings: the model's.
            data: what their files hold.
            corpus: all training text, encoded.
            subwords: the n-grams of its words, where the embedding is made of such.
            scratch: an existing folder for temporary files, which must outlive the tasks.
            on_counting: told how the counting of GloVe's co-occurrences goes.

        Raises:
            InputError: a file of which nothing can be used, or too little is left to learn from.
        """
        encoded = Encoded.of(settings, data, corpus.vocabulary)
        tasks: list[Task | KernelTask] = []
        coverage: dict[str, Coverage] = {}
        for name in settings.auxiliaries:
            if name in LABELLED_AUXILIARIES:
                continue
            if name == "context":
                tasks.append(
                    context_task(settings, corpus, subwords=subwords, scratch=scratch, on_counting=on_counting)
                )
            else:
                task, coverage[name] = _of_relations(name, settings, encoded, len(corpus.vocabulary))
                tasks.append(task)
        for each in coverage.values():
            if shortcomings := list(_shortcomings(each, settings)):
                warnings.warn(f"{each}. {'. '.join(shortcomings)}", FewRowsWarning, stacklevel=2)
        return cls(tasks, coverage)

    def measure(self, network: nn.Module) -> dict[str, Mapping[str, float]]:
        """Return the measures, on what was held out, of each task that has questions or pairs."""
        return {
            task.name: task.evaluate(network)
            for task in self.tasks
            if task.name in self.coverage and not isinstance(task, KernelTask)
        }


def _of_relations(name: str, settings: ModelSettings, encoded: Encoded, vocabulary_size: int) -> tuple[Task, Coverage]:
    word_tasks = settings.word_tasks
    size, parts, total = word_tasks.batch_size, encoded.parts[name], encoded.totals[name]
    if name == "spearman":
        task: Task = SpearmanTask(
            parts.train,
            parts.held_out,
            batch_size=size,
            softness=word_tasks.spearman_softness,
            variant=word_tasks.spearman_variant,
        )
        return task, Coverage.of(name, "judged pairs", total, parts)
    if name == "misalignment":
        task = MisalignmentTask(
            parts.train, parts.held_out, batch_size=size, gamma=word_tasks.gamma, raw=word_tasks.raw_products
        )
        return task, Coverage.of(name, "word pairs", total, parts)
    if name == "analogy":
        task = AnalogyTask(
            parts.train,
            vocabulary_size,
            parts.held_out,
            batch_size=size,
            coefficients=Coefficients(*word_tasks.analogy_coefficients),
            temperature=word_tasks.analogy_temperature,
            candidates=word_tasks.analogy_candidates,
            logarithm=word_tasks.analogy_logarithm,
            never=encoded.words.tolist(),
        )
    else:
        task = SemanticSyntacticTask(parts.train, parts.held_out, batch_size=size, raw=word_tasks.raw_products)
    return task, Coverage.of(name, "analogy questions", total, parts)


def _shortcomings(coverage: Coverage, settings: ModelSettings) -> Iterator[str]:
    """Yield what a user must know of a task's data before trusting what it teaches, or what is measured on it."""
    if coverage.few:
        yield "So few teach little, and measures on them are chance"
    if settings.auxiliary_data.held_out and not coverage.held_out:
        yield "Nothing could be held out, for these rows share their words too widely: nothing will be measured on them"
    elif settings.auxiliary_data.held_out and coverage.held_out < HANDFUL:
        yield f"What is measured on {coverage.held_out:,} held-out rows tells next to nothing"
    if coverage.task == "misalignment" and settings.auxiliary_data.disagree:
        apart = coverage.kinds.get("should not agree", {"train": 0, "held_out": 0})
        if not apart["train"]:
            yield (
                "No pair of disagree is left to learn from (those that also stand in agree are left out): wrong "
                "partners are sought within a batch in their place"
            )
        elif coverage.held_out and not apart["held_out"]:
            yield "No pair of disagree is held out: only the cosine of pairs that should agree is measured"
        elif coverage.held_out and apart["held_out"] == coverage.held_out:
            yield "No pair of agree is held out: nothing will be measured"


def _check_each(rows: Mapping[str, Sequence[Sequence[str]]], what: str, vocabulary: Vocabulary, *, width: int) -> None:
    for path, each in rows.items():
        if not len(encode_rows(each, vocabulary, width=width)[1]):
            raise InputError(
                f"{path}: none of its {len(each):,} {what} can be used: the vocabulary of {len(vocabulary):,} words "
                "holds all words of none. Are they in the texts' language? More text or a lower min_count makes it "
                "larger"
            )


@dataclass(frozen=True)
class LabelledAuxiliary:
    """Labelled data for one auxiliary task, prepared."""

    name: str
    problem_type: ProblemType[Any]
    classes: tuple[str, ...]
    prepared: Prepared

    def task(self, settings: ModelSettings, texts: Texts) -> LabelledTask[Any, Any]:
        """Return the task on the data's documents, encoded."""
        return self.problem_type.task(self.name, self.prepared.encoded(texts), self.classes, settings)


def labelled_auxiliaries(settings: ModelSettings, given: Mapping[str, Rows]) -> list[LabelledAuxiliary]:
    """Return the labelled data of the auxiliary tasks: what is given and what the settings name."""
    prepared = []
    for name, rows in _named(settings, given):
        if not name.isidentifier() or hasattr(nn.ModuleDict, name) or name in (PRIMARY_TASK, "context"):
            raise InputError(
                f"an auxiliary task cannot be called '{name}': give a name of letters, digits and underscores other "
                f"than '{PRIMARY_TASK}' and 'context'"
            )
        problem_type = problem_type_of(rows)
        problem_type.check(rows)
        classes = problem_type.classes(rows)
        documents = problem_type.prepare(rows, classes, settings.text, spelled=bool(settings.encoder.spelling))
        prepared.append(LabelledAuxiliary(name, problem_type, classes, documents))
    return prepared


def _named(settings: ModelSettings, given: Mapping[str, Rows]) -> Iterator[tuple[str, Rows]]:
    for name, rows in given.items():
        if name in get_args(AuxiliaryName):
            raise InputError(f"auxiliary_rows: the name '{name}' belongs to a setting; choose another")
        if not isinstance(rows, Rows):
            raise InputError(
                f"auxiliary_rows: '{name}' must be a LabelledText, MultiLabelledText or TaggedText, found {rows!r:.60}"
            )
        yield name, rows
    if "tagging" in settings.auxiliaries:
        assert settings.auxiliary_data.tagging is not None
        yield "tagging", read_tagged(settings.auxiliary_data.tagging, tag=settings.auxiliary_data.tagging_column)
    if "classification" in settings.auxiliaries:
        assert settings.auxiliary_data.classification is not None
        yield (
            "classification",
            read_labelled(
                settings.auxiliary_data.classification,
                text=settings.auxiliary_data.classification_text,
                label=settings.auxiliary_data.classification_label,
            ),
        )
