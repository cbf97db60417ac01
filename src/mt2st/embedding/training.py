"""Training of word vectors from a corpus: the loop over epochs, chunks and threads around the kernels."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mt2st._settings import takes
from mt2st.embedding.checkpoint import VectorCheckpoints, identity_of, saved_results
from mt2st.embedding.grown_vocabulary import Frozen, GrownVocabulary, frozen_places
from mt2st.embedding.memory import Footprint, check_available, give_back
from mt2st.embedding.settings import CHUNK_WORDS, WordVectorSettings
from mt2st.embedding.subword_vectors import SubwordVectors, load_vectors
from mt2st.embedding.subwords import SubwordRows
from mt2st.embedding.together import Rounds, Together
from mt2st.embedding.word_vectors import WordVectors
from mt2st.errors import DivergedError, InputError, LostProcessError, NoContextError
from mt2st.text.corpus import Corpus

if TYPE_CHECKING:
    from mt2st.embedding.kernels import KernelReport


_JUDGED_WORDS = 1_000_000
"""Words after which the loss is checked, if an epoch has more."""
_DIVERGED, _FEWEST_JUDGED, _ALL_JUDGED = 1.25, 100, 10_000
"""Factor on the loss of untrained vectors, and the words between which it rises to that."""

_CHUNK_BITS = 40
"""Of a stream of random numbers; those above have the number of the process."""
_USUAL_SIZE = 300
_FEWEST_WORDS = 1_000

InitVectors: TypeAlias = WordVectors | str | PathLike[str] | Callable[[], WordVectors] | None
"""What training may continue from."""


@dataclass(frozen=True)
class VectorProgress:
    """Progress of a training of word vectors.

    Attributes:
        stage: ``"counting"`` of co-occurrences (GloVe only), then ``"training"``.
        unit: unit of ``done`` and ``total``: ``"words"`` (before downsampling) or ``"co-occurrences"``, over all
            epochs.
        done: words or co-occurrences done.
        total: words or co-occurrences in all.
        seconds: time since the stage began; kernels were compiled before.
        loss: mean loss per pair in the last part; NaN if there is none.
        mean_loss: mean loss per pair since the start, in GloVe since the start of the epoch; NaN if there is none.
        kept: words left by downsampling: gensim's "effective words".
    """

    stage: Literal["counting", "training"]
    unit: Literal["words", "co-occurrences"]
    done: int
    total: int
    seconds: float
    loss: float = math.nan
    mean_loss: float = math.nan
    kept: int = 0

    @property
    def per_second(self) -> float:
        """Words or co-occurrences per second since the stage began."""
        return self.done / self.seconds if self.seconds > 0 else 0.0

    @property
    def kept_per_second(self) -> float:
        """Words left by subsampling, per second since the stage began."""
        return self.kept / self.seconds if self.seconds > 0 else 0.0

    @property
    def seconds_left(self) -> float:
        """Expected time to the end of the stage at that speed; infinite before the first part."""
        return (self.total - self.done) / self.per_second if self.per_second else math.inf


class TrainingInterrupted(KeyboardInterrupt):
    """Ctrl-C during training: carries the vectors trained so far, which are usable.

    Attributes:
        vectors: the word vectors after ``done`` of ``total`` words or co-occurrences.
    """

    def __init__(self, vectors: WordVectors, done: int, total: int, unit: str) -> None:
        super().__init__(f"interrupted after {done:,} of {total:,} {unit} ({done / max(1, total):.0%})")
        self.vectors, self.done, self.total = vectors, done, total


@takes(WordVectorSettings)
def train_word_vectors(
    corpus: Corpus,
    *,
    init_vectors: InitVectors = None,
    frozen: Frozen = None,
    checkpoints: VectorCheckpoints | None = None,
    together: Together | None = None,
    on_memory: Callable[[Footprint], None] | None = None,
    on_compiled: Callable[[float], None] | None = None,
    progress: Callable[[VectorProgress], None] | None = None,
    **settings: Any,
) -> WordVectors:
    """Train word vectors on an encoded corpus with negative sampling.

    Windows do not cross documents, nor the cuts of documents longer than `chunk_words`. `Footprint` estimates the
    memory: two float32 tables [V, vector_size] and about 240 bytes per word; with n-grams, another [bucket,
    vector_size].

    With ``init_vectors`` the training continues from these, as after gensim's ``build_vocab(update=True)``: words of
    the corpus that they have start there, the others at random. Words that the corpus lacks are in the result unchanged
    (with n-grams, as their n-grams changed). Output vectors start at zero: no format stores them. ``frozen`` words keep
    their vectors to the bit, as with gensim's ``intersect_word2vec_format(lockf=0)``.

    Args:
        corpus: the encoded text.
        init_vectors: vectors to continue from, a path of such (`load_vectors`), or a function that returns them, such
            as ``[vectors].pop``: if nobody else refers to them, their memory is free before the training starts. The
            ``-fasttext`` methods need `SubwordVectors`.
        frozen: words of ``init_vectors`` whose vectors must not change, or ``"known"`` for all. With n-grams, the rows
            of their n-grams do not change either.
        checkpoints: saves the training as it goes on, and resumes it.
        together: other processes that train the same vectors (`mt2st.training.connected`), each on its own share of the
            documents in the vocabulary of all (`mt2st.embedding.together.joined_corpus`). All end with the same
            vectors. The first one saves.
        on_memory: called before the training with the memory that it takes at most.
        on_compiled: called before the first chunk with the seconds in which the kernels were compiled or loaded.
        progress: called after every chunk, in the calling thread.
        settings: by name, those of `WordVectorSettings`: ``method="cbow", vector_size=300``.

    Returns:
        Vectors of the vocabulary's words, without ``<pad>`` and ``<unk>``, in the vocabulary's order, then those of
        words that only ``init_vectors`` has; `SubwordVectors` if the method has n-grams.

    Raises:
        InputError: a setting is out of range or contradicts ``init_vectors``; no two words of the corpus meet, or none
            has a given vector; the memory does not suffice; the checkpoint is of another training; or the training
            diverges.
        TrainingInterrupted: after Ctrl-C, with the vectors trained so far.
    """
    chosen = WordVectorSettings(**settings)
    given = taken(init_vectors)
    if given is not None:
        chosen = chosen.going_on_from(given)
    places = frozen_places(frozen, given)
    vocabulary = GrownVocabulary.of(corpus.vocabulary, given)
    own_words = chosen.epochs * (int(corpus.offsets[-1]) - int(corpus.offsets[0]))
    together = together if together is not None and together.count > 1 else None
    if own_words == 0 and together is None:
        raise InputError("the corpus has no words of the vocabulary to train on: it has no documents")
    footprint = Footprint.of(
        chosen, vocabulary.tokens, given if given is not init_vectors else None, joined=together is not None
    )
    sharing = 1 if together is None else together.on_machine
    check_available(
        sharing * (footprint.total - footprint.given),  # which have theirs already
        f"training {len(vocabulary):,} vectors of {chosen.size:,} dimensions"
        + f" in {sharing} processes on this machine" * (sharing > 1),
        f"{footprint.parts}; lower vector_size, window or workers, or raise min_count",
    )
    if on_memory is not None:
        on_memory(footprint)

    from mt2st.embedding.kernels import KERNELS, KernelReport  # numba loads only when something is trained

    subwords = SubwordRows.of(vocabulary.tokens, chosen.ngrams) if chosen.has_ngrams else None
    kernel = KERNELS[chosen.method](
        vocabulary.counts,
        subwords=subwords,
        window=chosen.window,
        negative=chosen.negative,
        sample=chosen.sample,
        ns_exponent=chosen.ns_exponent,
        seed=chosen.seed,
        frozen=vocabulary.frozen_rows(places, subwords),
    )
    inputs, outputs = initial_tables(kernel.input_rows, len(vocabulary), chosen.size, chosen.seed)
    inputs[: vocabulary.n_specials] = 0
    if given is not None:
        vocabulary.place(given, inputs)
        given = None  # frees vectors that nobody else refers to

    def result() -> WordVectors:
        nonlocal outputs
        outputs = outputs[:0].copy()  # frees memory for the words composed of n-grams
        if chosen.has_ngrams:
            return SubwordVectors(vocabulary.words, inputs[vocabulary.n_specials :], chosen.ngrams)
        return WordVectors(vocabulary.words, inputs[vocabulary.n_specials :])

    rounds = None if together is None else Rounds(together, own_words, [inputs, outputs], kernel.frozen)
    total_words = own_words if rounds is None else rounds.total
    streams = 0 if together is None else together.rank << _CHUNK_BITS

    def rate(words: int) -> float:
        return chosen.alpha + (chosen.min_alpha - chosen.alpha) * (words / own_words)

    def run(chunk: Chunk) -> KernelReport:
        rates = rate(chunk.words_before), rate(chunk.words_before + chunk.words)
        report = kernel.update(inputs, outputs, corpus.ids, chunk.offsets, alpha=rates, stream=streams | chunk.number)
        give_back(corpus.ids, int(chunk.offsets[0]), int(chunk.offsets[-1]))
        return report

    started = time.perf_counter()
    kernel.compile(chosen.size)
    if on_compiled is not None:
        on_compiled(time.perf_counter() - started)
    position: dict[str, Any] = {"seconds": 0.0}
    if checkpoints is not None if together is None else together.of_first(lambda: checkpoints is not None):
        identity = identity_of(chosen, corpus, vocabulary, vocabulary.frozen_rows(places, subwords), together)
        if checkpoints is not None:
            position = checkpoints.begin({"inputs": inputs, "outputs": outputs}, identity)
    if together is not None:
        position = together.of_first(lambda: position)
    judged = min(_JUDGED_WORDS, total_words // chosen.epochs)
    # What all processes had done when they last joined, and what this one has done since then.
    done, since = KernelReport(**position.get("done", {})), KernelReport()
    judge_at, started = done.words + judged, time.perf_counter() - position["seconds"]
    if rounds is not None:
        rounds.begin(done.words)
    every = chunks(corpus.offsets, chosen.epochs, chunk_words(chosen.size))
    is_over = (lambda words, before=done.words: words < before) if rounds is None else rounds.is_over
    due = (chunk for chunk in every if not is_over(chunk.words_before))

    def position_after(chunk: Chunk) -> tuple[dict[str, Any], bool]:
        ends_epoch = (chunk.words_before + chunk.words) % (own_words // chosen.epochs) == 0
        return {"done": asdict(done)}, ends_epoch and done.pairs > 0

    def end_rounds(own_done: int) -> None:
        nonlocal done, since
        assert rounds is not None
        assert together is not None
        for _ in range(rounds.due(own_done)):
            words, kept, pairs, loss = together.sums([since.words, since.kept, since.pairs, since.loss])
            done, since = done + KernelReport(round(words), round(kept), round(pairs), loss), KernelReport()
            rounds.join()

    def tell(loss: float) -> None:
        if progress is not None:
            so_far = done if together is None else done + since * together.count  # if the others are as fast
            words, elapsed = min(so_far.words, total_words), time.perf_counter() - started
            progress(
                VectorProgress("training", "words", words, total_words, elapsed, loss, so_far.mean_loss, so_far.kept)
            )

    saving: dict[str, Any] = {}
    if rounds is not None:
        of_all = rounds
        saving = {
            "end_round": lambda chunk: end_rounds(chunk.words_before + chunk.words),
            "ends_round": lambda chunk: of_all.due(chunk.words_before + chunk.words) > 0,
        }
    try:
        with closing(saved_results(run, due, chosen.workers, checkpoints, position_after, **saving)) as reports:
            for report in reports:
                if rounds is None:
                    done += report
                else:
                    since += report
                if done.words >= judge_at and done.pairs:
                    most = most_loss(chosen.negative, done.words)
                    check_converging(done.mean_loss, most=most, rate=chosen.alpha)
                    judge_at = done.words + judged
                tell(report.mean_loss)
        if rounds is not None:
            end_rounds(own_words)  # a process that went on from a checkpoint may have no text left for the last ones
            tell(math.nan)
    except (KeyboardInterrupt, LostProcessError) as error:
        raise TrainingInterrupted(result(), (done + since).words, total_words, "words") from error
    if not done.pairs:
        raise NoContextError(
            f"no two words of the corpus came together in {chosen.epochs} passes: its documents hold one word of the "
            f"vocabulary each, or sample ({chosen.sample!r}) thins them out to that"
        )
    return result()


def taken(init_vectors: InitVectors) -> WordVectors | None:
    """Return the vectors to continue from, read or handed over."""
    if isinstance(init_vectors, str | PathLike):
        return load_vectors(init_vectors)
    return init_vectors() if callable(init_vectors) else init_vectors


def initial_tables(
    input_rows: int, output_rows: int, vector_size: int, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return input vectors uniform in ``[-1, 1) / vector_size`` and zero output vectors, float32 [*_rows, vector_size].

    gensim 4 and fastText start like this; word2vec's C code uses half that range.
    """
    inputs = np.random.default_rng(seed % 2**64).random((input_rows, vector_size), dtype=np.float32)
    inputs *= 2.0
    inputs -= 1.0
    inputs /= vector_size
    return inputs, np.zeros((output_rows, vector_size), dtype=np.float32)


def most_loss(negative: int, words: float) -> float:
    """Return the mean loss over a training's first words above which it has diverged.

    It is 1.25 times that of untrained vectors, whose scores are all 0; less for fewer than 10,000 words, as their mean
    is mostly that of the start. At 132 to 14,000 words, rates of 20 times the usual stay below, those of 200 do not.
    """
    share = math.log(max(words, 1) / _FEWEST_JUDGED) / math.log(_ALL_JUDGED / _FEWEST_JUDGED)
    return (1 + (_DIVERGED - 1) * min(1.0, max(0.1, share))) * (1 + negative) * math.log(2)


def check_converging(loss: float, *, most: float, rate: float) -> None:
    """Raise `DivergedError` if the mean loss is above the most that an untrained model explains.

    Steps that are too large do not make the loss infinite, because the kernels bound them.
    """
    if not math.isfinite(loss) or loss > most:
        raise DivergedError(
            f"the training has diverged: its mean loss is {loss:.4g}, above {most:.4g}, which untrained vectors "
            f"explain: lower the learning rate, found {rate!r}"
        )


def chunk_words(vector_size: int) -> int:
    """Return the words of one kernel call: fewer for vectors larger than usual.

    Example:
        >>> chunk_words(100), chunk_words(300), chunk_words(3_000), chunk_words(1_000_000)
        (50000, 50000, 5000, 1000)
    """
    return max(_FEWEST_WORDS, CHUNK_WORDS * _USUAL_SIZE // max(_USUAL_SIZE, vector_size))


@dataclass(frozen=True)
class Chunk:
    """A slice of a corpus for one kernel call.

    Attributes:
        number: counts the chunks over all epochs: the stream of their random numbers.
        words_before: words of all earlier chunks, earlier epochs included.
        offsets: bounds of the (parts of) documents, int64.
    """

    number: int
    words_before: int
    offsets: NDArray[np.int64]

    @property
    def words(self) -> int:
        """Words of the chunk."""
        return int(self.offsets[-1] - self.offsets[0])


def chunks(offsets: NDArray[np.int64], epochs: int, chunk_words: int = CHUNK_WORDS) -> Iterator[Chunk]:
    """Cut a corpus into chunks of whole documents, at most ``chunk_words`` words each, ``epochs`` times over.

    Only a document longer than that is itself cut.

    Example:
        >>> [chunk.offsets.tolist() for chunk in chunks(np.array([0, 3, 5, 14]), epochs=1, chunk_words=6)]
        [[0, 3, 5], [5, 11], [11, 14]]
    """
    number = words_before = 0
    for _ in range(epochs):
        document, position = 0, int(offsets[0])
        while position < offsets[-1]:
            # The last document end within reach, or a cut where there is none.
            end = int(np.searchsorted(offsets, position + chunk_words, side="right")) - 1
            if end > document:
                bounds = offsets[document : end + 1].copy()
                bounds[0] = position
                document = end
            else:
                bounds = np.array([position, position + chunk_words], dtype=np.int64)
            yield Chunk(number, words_before, bounds)
            number, words_before, position = number + 1, words_before + int(bounds[-1]) - position, int(bounds[-1])
