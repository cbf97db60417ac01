"""The way from labelled rows to a trained network: corpus, tasks, network, trainer, training."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, chain, pairwise
from os import PathLike
from pathlib import Path
from typing import Any, Generic

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from mt2st._checkpoint import CHECKPOINT_SECONDS
from mt2st._files import scratch_folder
from mt2st.embedding import VectorCheckpoints
from mt2st.embedding.checkpoint import FILES as VECTOR_FILES
from mt2st.embedding.subwords import KnownSubwords
from mt2st.errors import InputError
from mt2st.models.assembly import check_memory, new_convergence, new_decay, new_network, new_optimizer, new_transition
from mt2st.models.auxiliaries import (
    Auxiliaries,
    AuxiliaryReport,
    LabelledAuxiliary,
    WordData,
    labelled_auxiliaries,
)
from mt2st.models.embedding_init import VectorCache, embedding_init, new_embedding
from mt2st.models.groups import METRIC
from mt2st.models.identity import run_identity
from mt2st.models.problem_types import Prepared, ProblemType, Rows, RowsT
from mt2st.models.settings import ModelSettings
from mt2st.models.texts import checked_texts
from mt2st.network import Network, SubwordEmbedding
from mt2st.strategy import PRIMARY_TASK, CombiningStrategy, Strategy
from mt2st.tasks import LabelledTask, Texts
from mt2st.tasks.labelled import part_of
from mt2st.text import UNK, Corpus, OpenVocabulary, Tokeniser, Vocabulary
from mt2st.text.numbering import encoded
from mt2st.text.spelling import OpenSpellings
from mt2st.training import Callback, CheckpointEvery, Evaluation, Feedback, KernelTask, MetricsLog, Run, Task, Trainer
from mt2st.training.checkpoint import FILES as TRAINER_FILES
from mt2st.training.device import seeded, torch_threads, usable_cores
from mt2st.training.processes import current

TRAINING, FINAL = "training", "final"
VECTORS_OF = {TRAINING: "vectors", FINAL: "final-vectors"}
"""For each training, the folder with the checkpoints of its first word vectors."""
CHECKPOINT_FILES = [
    *(f"{stage}/{name}" for stage in (TRAINING, FINAL) for name in TRAINER_FILES),
    *(f"{folder}/{name}" for folder in VECTORS_OF.values() for name in VECTOR_FILES),
]
"""Paths of all files that there may be in `FitOptions.checkpoint`."""


@dataclass(frozen=True)
class FitOptions:
    """What `fit` takes besides the labelled data.

    Attributes:
        unlabelled: further texts for the context task and the vocabulary. They are read once and not kept in memory.
        auxiliary_rows: further labelled data, of any problem type, by a name for its auxiliary task.
        auxiliary_tasks: tasks of the user's own.
        callbacks: called before and during the training.
        log: file of the metrics, as JSON Lines.
        checkpoint: folder for the checkpoints of all that is trained.
        checkpoint_seconds: time between two checkpoints.
        fallback: folder in place of it for an interrupted training, where the disk refuses the other.
        test: labelled data to be measured on in the end; a checkpoint is of a training with the same.
        origin: how the data were chosen, as plain values by name. A checkpoint keeps it for messages.
        vector_cache: folder where runs share the first values of the embedding that are trained.
    """

    unlabelled: Iterable[str] = ()
    auxiliary_rows: Mapping[str, Rows] = field(default_factory=dict)
    auxiliary_tasks: Sequence[Task | KernelTask] = ()
    callbacks: Sequence[Callback] = ()
    log: str | PathLike[str] | None = None
    checkpoint: str | PathLike[str] | None = None
    checkpoint_seconds: float = CHECKPOINT_SECONDS
    fallback: str | PathLike[str] | None = None
    test: Rows | None = None
    origin: Mapping[str, Any] | None = None
    vector_cache: str | PathLike[str] | None = None
    goes_on: bool = False
    """Whether another training follows. The checkpoint then holds the end of this one, which need not be repeated if
    the other is interrupted."""
    stage: str = TRAINING
    """Which training it is; each has its checkpoints."""
    told: Sequence[Evaluation] = ()
    """Evaluations of an earlier training, in place of those that this one has no texts for (`Trainer`)."""

    def without_records(self) -> FitOptions:
        """Return the options of a training that nobody follows and that leaves nothing."""
        return replace(self, callbacks=(), log=None, checkpoint=None, goes_on=False)

    def of_final_fit(self, told: Sequence[Evaluation]) -> FitOptions:
        """Return the options of the training on all labelled data, which nobody follows."""
        return replace(self.without_records(), checkpoint=self.checkpoint, stage=FINAL, told=told)

    def vector_checkpoints(self, place: Path | None) -> VectorCheckpoints | None:
        """Return what saves the training of the first word vectors: there, or next to the checkpoints of the rest."""
        if self.checkpoint is None:
            return None
        folder = place or Path(self.checkpoint) / VECTORS_OF[self.stage]
        return VectorCheckpoints(folder, seconds=self.checkpoint_seconds, resume=True, origin=self.origin)


class DocumentEncoder:
    """Encodes a bounded amount of documents, and then gives the network that can read them.

    If words are made of n-grams, each word that the vocabulary lacks gets an id of its own, and a vector of its
    n-grams; otherwise all of them are the unknown word. If words are read as they are spelled, each spelling gets an id
    of its own.

    Attributes:
        spellings: the words that were read so far; None if they are not read as they are spelled.
    """

    def __init__(
        self, vocabulary: Vocabulary, tokeniser: Tokeniser, subwords: KnownSubwords | None, *, spelled: bool = False
    ) -> None:
        self.vocabulary, self.tokeniser, self.subwords = vocabulary, tokeniser, subwords
        self._open = OpenVocabulary(vocabulary) if subwords is not None else None
        self.spellings = OpenSpellings(self._open or vocabulary, tokeniser) if spelled else None

    def read(self, documents: Iterable[str]) -> Texts:
        """Encode documents."""
        return Texts(*encoded(documents, self.tokeniser, self._open or self.vocabulary))

    def known(self, ids: NDArray[np.int32]) -> NDArray[np.bool_]:
        """Return which of the ids that were read are of known words; all of them if n-grams make words."""
        if self.spellings is not None:
            ids = self.spellings.in_vocabulary(ids)
        return np.asarray(ids != UNK)

    def read_prepared(self, prepared: Prepared) -> Texts:
        """Encode the words of prepared documents as they are spelled, or the documents if they have none."""
        if prepared.words is None:
            return self.read(prepared.documents)
        assert self.spellings is not None
        ids = self.spellings.encode(chain.from_iterable(prepared.words))
        return Texts(ids, np.cumsum([0, *map(len, prepared.words)], dtype=np.int64))

    def network(self, network: Network) -> Network:
        """Return the network as it reads what was encoded so far: itself, or one that shares all its parameters."""
        embedding, spelling = network.embedding, network.spelling
        if self._open is not None and self.subwords is not None and self._open.further:
            assert isinstance(embedding, SubwordEmbedding)
            embedding = embedding.with_words(self.subwords.bags_of(self._open.further))
        if self.spellings is not None and spelling is not None:
            spelling = spelling.with_words(self.spellings.spelled(len(spelling.table)))
        if embedding is network.embedding and spelling is network.spelling:
            return network
        return network.on(embedding, spelling)


def subwords_in(network: Network) -> KnownSubwords | None:
    """Return the n-grams that words are made of; None if they are made of none."""
    return network.embedding.subwords if isinstance(network.embedding, SubwordEmbedding) else None


def reader_of(network: Network, vocabulary: Vocabulary, settings: ModelSettings) -> DocumentEncoder:
    """Return what reads documents for a trained network."""
    spelled = network.spelling is not None
    return DocumentEncoder(vocabulary, settings.text.tokeniser, subwords_in(network), spelled=spelled)


def reader_for(fitted: Fitted, settings: ModelSettings) -> DocumentEncoder:
    """Return what reads documents for the network of a training."""
    return reader_of(fitted.network, fitted.vocabulary, settings)


@dataclass(frozen=True)
class Fitted:
    """A trained network and what is known of its training.

    Attributes:
        network: with the primary task's head alone, in evaluation mode.
        vocabulary: the words of its embedding's rows.
        run: the course of the training.
        auxiliaries: for each auxiliary task on words, how much of its data was used, and its metrics.
        init_seconds: seconds of training the embedding's first values.
    """

    network: Network
    vocabulary: Vocabulary
    run: Run
    auxiliaries: Mapping[str, AuxiliaryReport]
    init_seconds: float


class Fitting(Generic[RowsT]):
    """One training of a network on rows of a problem type, whose classes are in their order."""

    def __init__(
        self,
        settings: ModelSettings,
        strategy: Strategy,
        problem: ProblemType[RowsT],
        classes: tuple[str, ...],
        options: FitOptions,
    ) -> None:
        self.settings = settings
        self.strategy = strategy
        self.problem = problem
        self.classes = classes
        self.options = options
        self.trainer: Trainer | None = None
        # A task may follow the training too: as a callback it gets the corpus and its vocabulary.
        followers = [each for each in options.auxiliary_tasks if isinstance(each, Callback)]
        self.callbacks = [*options.callbacks, *followers]
        if isinstance(strategy, CombiningStrategy):
            strategy.check_requirements()  # before anything is read
        settings.check_files()
        self.device = settings.device

    def fit(self, rows: RowsT, validation: RowsT | None, *, vectors_only: bool = False) -> Fitted:
        """Train on labelled rows and choose the best evaluation on others.

        Args:
            rows: the labelled rows to train on.
            validation: others to choose by; None keeps the last parameters.
            vectors_only: train the first word vectors and no more.
        """
        settings = self.settings
        words = WordData.read(settings)
        primary = self._prepared(rows)
        others = labelled_auxiliaries(settings, self.options.auxiliary_rows)
        documents = chain(
            primary.documents,
            *(each.prepared.documents for each in others),
            checked_texts(self.options.unlabelled, "unlabelled"),
        )
        with scratch_folder("corpus") as folder, torch_threads(settings.compute.threads):
            corpus = Corpus.build(
                documents,
                tokeniser=settings.text.tokeniser,
                min_count=settings.text.min_count,
                max_vocabulary=settings.text.max_vocabulary,
                directory=folder / "corpus",
            )
            self._tell("on_corpus", corpus, n_labelled=len(primary.documents))
            vocabulary = corpus.vocabulary
            reader = DocumentEncoder(
                vocabulary,
                settings.text.tokeniser,
                settings.subwords_of(vocabulary),
                spelled=bool(settings.encoder.spelling),
            )
            if not vectors_only:
                heads = self._heads(others)
                self._tell("on_memory", check_memory(settings, vocabulary, reader.subwords, heads))
            texts = _labelled_texts(corpus, reader, [primary, *(each.prepared for each in others)])
            held_out = None
            if validation is not None:
                held_out = to_measure(self._prepared(validation), reader, validation.source)
            task = primary_task(settings, self.problem, self.classes, primary.encoded(texts[0]), held_out)
            labelled = [each.task(settings, own) for each, own in zip(others, texts[1:], strict=True)]
            auxiliaries = Auxiliaries.build(
                settings,
                words,
                corpus,
                subwords=reader.subwords,
                scratch=folder,
                on_counting=partial(self._tell, "on_cooccurrences"),
            )
            for coverage in auxiliaries.coverage.values():
                self._tell("on_auxiliary", coverage)
            network, init_seconds = self._network(others, corpus, reader)
            if vectors_only:
                return Fitted(_for_prediction(network), vocabulary, Run(), {}, init_seconds)
            trainer = self._trainer(network, task, [*auxiliaries.tasks, *labelled, *self.options.auxiliary_tasks])
            trainer.told = self.options.told
            before = auxiliaries.measure(network)
            identity = {}
            if self.options.checkpoint is not None:
                identity = run_identity(
                    settings,
                    self.strategy,
                    trainer,
                    corpus,
                    auxiliary=words.fingerprint,
                    origin=self.options.origin,
                    parts={"labelled part": rows, "validation part": validation, "test part": self.options.test},
                )
            self._train(trainer, identity)
            after = auxiliaries.measure(network)
        reports = {
            name: AuxiliaryReport(each, before[name], after[name]) for name, each in auxiliaries.coverage.items()
        }
        return Fitted(_for_prediction(network), vocabulary, trainer.run, reports, init_seconds)

    def _prepared(self, rows: RowsT) -> Prepared:
        return self.problem.prepare(
            rows, self.classes, self.settings.text, spelled=bool(self.settings.encoder.spelling)
        )

    def _heads(self, others: Sequence[LabelledAuxiliary]) -> dict[str, tuple[ProblemType[Any], int]]:
        """Return the problem type and the number of classes of each task with a head."""
        return {
            PRIMARY_TASK: (self.problem, len(self.classes)),
            **{each.name: (each.problem_type, len(each.classes)) for each in others},
        }

    def _network(
        self, others: Sequence[LabelledAuxiliary], corpus: Corpus, reader: DocumentEncoder
    ) -> tuple[Network, float]:
        """Return a new network and the seconds that the training of its first word vectors took."""
        settings, cache = self.settings, self.options.vector_cache
        with seeded(settings.seed, self.device):
            make = partial(
                embedding_init,
                settings,
                corpus,
                subwords=reader.subwords,
                generator=torch.Generator().manual_seed(settings.seed),
                progress=partial(self._tell, "on_vectors"),
                cache=VectorCache(Path(cache)) if cache else None,
                checkpoints=self.options.vector_checkpoints,
            )
            first = current().of_first(make)
            embedding = new_embedding(first.table, reader.subwords)
            network = reader.network(new_network(settings, embedding, self._heads(others)))
        for each in self.options.auxiliary_tasks:
            if isinstance(each, KernelTask) and not isinstance(
                each, Callback
            ):  # which starts over when it gets the corpus
                _put_at_first(each)
            head = getattr(each, "head", None)
            if isinstance(head, nn.Module):
                if hasattr(nn.ModuleDict, each.name):
                    raise InputError(f"a task with a head cannot be named '{each.name}', as torch does: rename it")
                _put_at_first(head)
                network.heads[each.name] = head
        return network.to(self.device), first.seconds

    def _trainer(
        self, network: Network, primary: LabelledTask[Any, Any], auxiliaries: Sequence[Task | KernelTask]
    ) -> Trainer:
        settings, optimisation = self.settings, self.settings.optimisation
        monitor = self.problem.metric(self.classes) if optimisation.monitor == METRIC else optimisation.monitor
        optimizer = new_optimizer(settings, network)
        return Trainer(
            network,
            primary=primary,
            optimizer=optimizer,
            scheduler=new_decay(settings, optimizer, optimisation.epochs * primary.n_batches),
            strategy=self.strategy,
            auxiliaries=auxiliaries,
            epochs=optimisation.epochs,
            seed=settings.seed,
            evaluations_per_epoch=optimisation.evaluations_per_epoch,
            feedback=self._feedback(primary) if self.strategy.needs_feedback and not self.options.told else None,
            monitor=None if primary.validation is None else monitor,
            transition=new_transition(settings, primary),
            early_stopping=new_convergence(settings),
            clip_norm=optimisation.clip_norm,
            average=optimisation.average or None,
            on_divergence=optimisation.on_divergence,
            parallel_context=self.device.type == "cpu" and uses_second_core(settings),
            precision=settings.compute.precision,
            callbacks=self.callbacks,
        )

    def _feedback(self, primary: LabelledTask[Any, Any]) -> Feedback:
        """Measure cosines, and gains where the strategy asks for them: on as many validation texts as a batch has."""
        every, held_out = self.settings.feedback_interval, primary.validation
        if getattr(self.strategy, "signal", "cosine") != "gain" or held_out is None:
            return Feedback(every)

        def look_ahead(network: nn.Module, number: int) -> float:
            part = part_of(held_out, number, self.settings.optimisation.batch_size)
            return primary.measure(network, part)["loss"]

        return Feedback(every, look_ahead=look_ahead)

    def _train(self, trainer: Trainer, identity: Mapping[str, Any]) -> None:
        self.trainer = trainer
        try:
            with seeded(self.settings.seed, self.device):
                # After the caller's callbacks, which may make room for the files.
                if (checkpoint := self.options.checkpoint) is not None:
                    saving = CheckpointEvery(
                        Path(checkpoint) / self.options.stage,
                        seconds=self.options.checkpoint_seconds,
                        identity=identity,
                        resume=True,
                        fallback=Path(fallback) / self.options.stage if (fallback := self.options.fallback) else None,
                    )
                    trainer.callbacks.append(saving)
                if self.options.log is not None:
                    trainer.callbacks.append(MetricsLog(self.options.log))
                trainer.fit()
                if checkpoint is not None and self.options.goes_on:
                    saving.save(trainer)
        finally:
            self.trainer = None

    def _tell(self, method: str, *values: Any, **named: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, method)(*values, **named)


def uses_second_core(settings: ModelSettings) -> bool:
    """Return whether a training with these settings uses a second core of this machine."""
    return settings.compute.parallel_context and usable_cores() // current().on_machine > 1


def primary_task(
    settings: ModelSettings, problem: ProblemType[Any], classes: tuple[str, ...], data: Any, validation: Any = None
) -> LabelledTask[Any, Any]:
    """Return the primary task on encoded data."""
    eval_threads = 2 if uses_second_core(settings) else 1
    return problem.task(PRIMARY_TASK, data, classes, settings, validation=validation, eval_threads=eval_threads)


def to_measure(prepared: Prepared, reader: DocumentEncoder, source: str) -> Any:
    """Return encoded data to measure on."""
    if not prepared.documents:
        raise InputError(f"{source}: nothing to measure on; give at least one text")
    return prepared.encoded(reader.read_prepared(prepared))


def _labelled_texts(corpus: Corpus, reader: DocumentEncoder, parts: Sequence[Prepared]) -> list[Texts]:
    """Return the documents of each part as a task reads them; they follow one another in the corpus.

    If words are made of n-grams, words that the vocabulary lacks are read too, as they will be in prediction; the
    corpus knows them as the unknown word only. Nor does it know how words are spelled.
    """
    bounds = pairwise(accumulate((len(part.documents) for part in parts), initial=0))
    return [
        Texts.of(corpus, start=start, stop=stop)
        if reader.subwords is None and part.words is None
        else reader.read_prepared(part)
        for part, (start, stop) in zip(parts, bounds, strict=True)
    ]


def _put_at_first(part: nn.Module | KernelTask) -> None:
    """Give a user's head or kernel task the state that it had at its first fit, so that each fit starts alike."""
    own = getattr(part, "__dict__", {})  # none with __slots__; and of a module this is no parameter
    first = own.setdefault("_at_first", copy.deepcopy(part.state_dict()))
    part.load_state_dict(copy.deepcopy(first))


def _for_prediction(network: Network) -> Network:
    """Remove what the training alone needed: the heads of auxiliary tasks, ratios of n-grams, further words."""
    for name in [name for name in network.heads if name != PRIMARY_TASK]:
        del network.heads[name]
    if isinstance(network.embedding, SubwordEmbedding):
        network.embedding = network.embedding.with_words(None)
    if network.spelling is not None:
        network.spelling = network.spelling.with_words(None)
    return network.eval()
