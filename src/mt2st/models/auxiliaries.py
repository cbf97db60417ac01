"""A model's auxiliary tasks on words: their files, read before anything is trained, and what can be used of them.

Those on other labelled data are in `mt2st.models.labelled_auxiliaries`.
"""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

from torch import nn

from mt2st.embedding.known_subwords import KnownSubwords
from mt2st.errors import FewRowsWarning, InputError
from mt2st.evaluation import AnalogySection, SimilaritySet, packaged_analogies, read_analogies, read_similarity
from mt2st.models.context_task import context_task
from mt2st.models.settings import LABELLED_AUXILIARIES, ClassifierSettings
from mt2st.tasks import (
    AnalogyTask,
    Coefficients,
    Coverage,
    Judgements,
    KernelTask,
    Lexicon,
    MisalignmentTask,
    Questions,
    SemanticSyntacticTask,
    SpearmanTask,
    Task,
    hold_out,
    read_pairs,
)
from mt2st.tasks.relations import Pair, encode_rows
from mt2st.tasks.spearman import Reading
from mt2st.text import Corpus, Vocabulary

if TYPE_CHECKING:
    from mt2st.embedding.glove.counting import CountingReport

PACKAGED = "the questions that come with mt2st"


@dataclass(frozen=True)
class AuxiliaryData:
    """What the files of the auxiliary tasks hold, by file; nothing for tasks that were not chosen.

    Attributes:
        analogies: sections of analogy questions.
        similarity: a set of judged pairs.
        agree: pairs of words that should agree.
        disagree: pairs of words that should not.
    """

    analogies: Mapping[str, Sequence[AnalogySection]] = field(default_factory=dict)
    similarity: Mapping[str, SimilaritySet] = field(default_factory=dict)
    agree: Mapping[str, Sequence[Pair]] = field(default_factory=dict)
    disagree: Mapping[str, Sequence[Pair]] = field(default_factory=dict)

    @classmethod
    def read(cls, settings: ClassifierSettings) -> Self:
        """Read the files that the settings name.

        Raises:
            InputError: a file that cannot be used, with its line.
        """
        analogies: dict[str, Sequence[AnalogySection]] = {path: read_analogies(path) for path in settings.analogies}
        if not analogies and {"analogy", "semantic-syntactic"} & set(settings.auxiliary):
            analogies = {PACKAGED: packaged_analogies()}
        return cls(
            analogies,
            {path: read_similarity(path) for path in settings.similarity},
            {path: read_pairs(path) for path in settings.agree},
            {path: read_pairs(path) for path in settings.disagree},
        )

    @property
    def fingerprint(self) -> str | None:
        """A hash of all that was read; None where nothing was."""
        content = [list(each.values()) for each in vars(self).values()]
        return hashlib.sha256(repr(content).encode("utf-8", "surrogatepass")).hexdigest()[:16] if any(content) else None

    def questions(self, vocabulary: Vocabulary) -> tuple[Questions, int]:
        """Return the usable analogy questions, and how many there are in all.

        Raises:
            InputError: no question of a file can be used.
        """
        rows = {path: [each for section in sections for each in section.questions]
                for path, sections in self.analogies.items()}  # fmt: skip
        _check_each(rows, "analogy questions", vocabulary, width=4)
        sections = [section for sections in self.analogies.values() for section in sections]
        return Questions.encode(sections, vocabulary), sum(map(len, rows.values()))

    def judgements(self, vocabulary: Vocabulary) -> tuple[Judgements, int]:
        """Return the usable judged pairs, and how many there are in all.

        Raises:
            InputError: no pair of a file can be used.
        """
        rows = {path: [(a, b) for a, b, _ in judged.pairs] for path, judged in self.similarity.items()}
        _check_each(rows, "judged pairs", vocabulary, width=2)
        return Judgements.encode(list(self.similarity.values()), vocabulary), sum(map(len, rows.values()))

    def lexicon(self, vocabulary: Vocabulary) -> tuple[Lexicon, int]:
        """Return the usable pairs that should agree and that should not, and how many there are in all.

        Raises:
            InputError: no pair of a file can be used.
        """
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
        settings: ClassifierSettings,
        data: AuxiliaryData,
        corpus: Corpus,
        *,
        subwords: KnownSubwords | None,
        scratch: Path,
        on_counting: Callable[[CountingReport], None] | None = None,
    ) -> Self:
        """Return the tasks on words that the settings name; warns (`FewRowsWarning`) of those that have few rows.

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
        tasks: list[Task | KernelTask] = []
        coverage: dict[str, Coverage] = {}
        for name in settings.auxiliary:
            if name in LABELLED_AUXILIARIES:
                continue
            if name == "context":
                tasks.append(
                    context_task(settings, corpus, subwords=subwords, scratch=scratch, on_counting=on_counting)
                )
            else:
                task, coverage[name] = _of_relations(name, settings, data, corpus.vocabulary)
                tasks.append(task)
        for each in coverage.values():
            if each.few:
                warnings.warn(
                    f"{each}. So few teach little, and measures on them are chance", FewRowsWarning, stacklevel=2
                )
        return cls(tasks, coverage)

    def measure(self, network: nn.Module) -> dict[str, Mapping[str, float]]:
        """Return the measures, on what was held out, of each task that has questions or pairs."""
        return {
            task.name: task.evaluate(network)
            for task in self.tasks
            if task.name in self.coverage and not isinstance(task, KernelTask)
        }


def _of_relations(
    name: str, settings: ClassifierSettings, data: AuxiliaryData, vocabulary: Vocabulary
) -> tuple[Task, Coverage]:
    size = settings.auxiliary_batch
    if name == "spearman":
        judgements, total = data.judgements(vocabulary)
        judged = hold_out(judgements, settings.held_out)
        task: Task = SpearmanTask(
            judged.train,
            judged.held_out,
            batch_size=size,
            softness=settings.spearman_softness,
            reading=cast("Reading", settings.spearman_reading),
        )
        return task, Coverage.of(name, "judged pairs", total, judged)
    if name == "misalignment":
        lexicon, total = data.lexicon(vocabulary)
        pairs = hold_out(lexicon, settings.held_out)
        task = MisalignmentTask(
            pairs.train, pairs.held_out, batch_size=size, gamma=settings.gamma, raw=settings.raw_products
        )
        return task, Coverage.of(name, "word pairs", total, pairs)
    everything, total = data.questions(vocabulary)
    questions = hold_out(everything, settings.held_out)
    if name == "analogy":
        task = AnalogyTask(
            questions.train,
            len(vocabulary),
            questions.held_out,
            batch_size=size,
            coefficients=Coefficients(*settings.analogy_coefficients),
            temperature=settings.analogy_temperature,
            candidates=settings.analogy_candidates,
            logarithm=settings.analogy_logarithm,
        )
    else:
        task = SemanticSyntacticTask(questions.train, questions.held_out, batch_size=size, raw=settings.raw_products)
    return task, Coverage.of(name, "analogy questions", total, questions)


def _check_each(rows: Mapping[str, Sequence[Sequence[str]]], what: str, vocabulary: Vocabulary, *, width: int) -> None:
    for path, each in rows.items():
        if not len(encode_rows(each, vocabulary, width=width)[1]):
            raise InputError(
                f"{path}: none of its {len(each):,} {what} can be used: the vocabulary of {len(vocabulary):,} words "
                "holds all words of none. Are they in the texts' language? More text or a lower min_count makes it "
                "larger"
            )
