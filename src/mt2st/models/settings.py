"""Everything that can be chosen about a model, in one place for Python, files and the command line."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields
from typing import Any

from mt2st.errors import InputError, listed, suggestion
from mt2st.models.transition_rules import (
    CONVERGENCE,
    FREEZE_RELEVANCE,
    FREEZE_WHICH,
    ChoiceByGroup,
    FactorByGroup,
    StepsByGroup,
    check_transition,
    transition_problems,
)

ENCODERS = ("bilstm", "mean", "cnn")
POOLINGS = ("max", "mean", "attention")
MIDDLE = "middle"
CUTS = (MIDDLE, "end")
LOSS = "loss"
CHOICES = ("metric", LOSS)
WORD_METHODS, SUBWORD_METHODS, GLOVE = ("skipgram", "cbow"), ("skipgram-fasttext", "cbow-fasttext"), "glove"
CONTEXT_METHODS = (*WORD_METHODS, *SUBWORD_METHODS, GLOVE)
MOST_NEGATIVE, LARGEST_BLOCK = 100, 32
"""As `mt2st.embedding.settings.LARGEST_NEGATIVE` and `LARGEST_BLOCK`, which explain them."""
STARTS = ("random", *CONTEXT_METHODS)
AUXILIARIES = ("context", "semantic-syntactic", "misalignment", "analogy", "spearman", "tagging", "classification")
MIN_N, MAX_N = 3, 6
READINGS = ("judgements", "elements")
READERS = {
    "analogies": ("analogy", "semantic-syntactic"),
    "similarity": ("spearman",),
    "agree": ("misalignment",),
    "disagree": ("misalignment",),
}
"""For each setting that names files, the auxiliary tasks that read them."""
LABELLED_AUXILIARIES = ("tagging", "classification")
"""Auxiliary tasks on a file of other labelled data."""
TEXT_WINDOW = 15
"""Window of the context task beside labels of whole texts. Of those tried on reviews (benchmarks/NOTES.md) wider ones
make better vectors, and cost as much more."""
ALPHA = GLOVE_ALPHA = 0.05
"""First learning rates of word context, twice word2vec's as its weight may fall besides, and of GloVe's AdaGrad."""
FEEDBACK_EVERY = {"bilstm": 10, "cnn": 10, "mean": 20}
"""For each encoder, the steps between two measurements of the feedback loop, which cost the same with all of them."""
LEARNING_RATES = {"bilstm": (2e-3, 1e-3), "cnn": (1e-3, 1e-3), "mean": (5e-3, 3e-4)}
"""For each encoder, the learning rates of network and embedding. Chosen from a few trials; the CNN's is not tuned."""


@dataclass(kw_only=True)
class ClassifierSettings:
    """Settings of a model, classifier or tagger, and its training."""

    encoder: str = "bilstm"
    """Shared layers between embedding and classifier: bilstm (the paper's), cnn or mean."""
    hidden_size: int = 256
    """State of each direction of the BiLSTM, or filters of each width of the CNN."""
    pooling: str = "mean"
    """How BiLSTM and CNN make one vector of a text: max, mean or attention."""
    standardise: bool = True
    """Bring each feature of a text's vector to mean 0 and variance 1 before the classifier."""
    word_ngrams: int = 0
    """Words of the longest n-grams whose own scores join those of the primary classifier, as of a linear classifier
    beside the encoder; 0: none."""
    word_ngram_buckets: int = 262_144
    """Rows that these n-grams share, each with a score for every class."""
    word_ngram_ratios: bool = True
    """Weigh these n-grams by their log-count ratios in the labelled texts, as NB-SVM does."""
    vector_size: int = 100
    """Dimensions of the word embedding."""
    embedding: str = "random"
    """Where the embedding starts: random; skipgram, cbow, skipgram-fasttext, cbow-fasttext or glove (trained on the
    corpus first); a file of word vectors in any format that `mt2st vectors convert` reads; or published ones:
    gensim:glove-twitter-100."""
    auxiliary: tuple[str, ...] = ("context",)
    """Auxiliary tasks: context (word context on all the text), semantic-syntactic, misalignment, analogy, spearman;
    tagging and classification (on other labelled data)."""
    epochs: int = 8
    """The most passes over the labelled texts."""
    batch_size: int = 16
    """Texts in a training batch."""
    max_length: int = 256
    """Tokens of a text that the encoder reads; the rest is cut."""
    cut: str = MIDDLE
    """What is cut from longer texts: middle, so that their beginning and their end are read, or end. Of sentences of
    tagged words nothing is cut."""
    min_count: int = 2
    """Words that occur less often in the training text are unknown words."""
    max_vocabulary: int | None = None
    """Keep only so many of the most frequent words."""
    lowercase: bool = True
    """Lower-case all text."""
    remove_breaks: bool = True
    """Read HTML line breaks as spaces."""
    learning_rate: float | None = None
    """AdamW's learning rate of the encoder and, unless they have their own, of the heads; the encoder's own if not
    given."""
    head_learning_rate: float | None = None
    """AdamW's learning rate of the heads, the tasks' own layers; learning_rate's if not given."""
    embedding_learning_rate: float | None = None
    """AdamW's learning rate of the word embedding; the encoder's own if not given."""
    warmup_steps: StepsByGroup = 0
    """Steps in which the learning rates rise evenly to their full size; also by group (embedding, encoder, heads)."""
    plateau_patience: int | None = None
    """Reduce the learning rates each time the validation loss has not improved for so many evaluations in a row; not
    given: never."""
    plateau_factor: FactorByGroup = 0.5
    """What a plateau multiplies the learning rates by, above 0 and at most 1; also by group."""
    rate_at_transition: ChoiceByGroup = "keep"
    """What the learning rates do when the last auxiliary task goes off: keep, rewarm (warm up again), drop (to a tenth)
    or a factor; also by group."""
    weight_decay: float = 0.01
    """AdamW's weight decay of the encoder and the classifier; the embedding has none."""
    dropout: float = 0.3
    """Share of features dropped behind the embedding and before the classifier while training."""
    word_dropout: float = 0.0
    """Share of words dropped whole while training."""
    clip_norm: float | None = None
    """Upper bound on the norm of the gradient."""
    average: float = 0.97
    """Decay of the running average of the parameters, which is what is evaluated and kept; 0: the last step's are."""
    context_method: str = "skipgram"
    """What the auxiliary task context learns: to predict words (skipgram, cbow), or how often they meet (glove). With
    skipgram-fasttext and cbow-fasttext the embedding makes words of their n-grams, unseen ones too."""
    context_window: int | None = None
    """Widest reach of a context, in words; if not given, 15, and 5 for a tagger: wide contexts teach what a text is
    about, narrow ones what part of speech a word is."""
    context_negative: int = 5
    """Weight of noise against each true word, in noise words, 1 to 100; glove has none."""
    context_sample: float = 1e-3
    """Threshold above which frequent words are thinned out; for glove there is glove_sample."""
    context_alpha: float | None = None
    """Learning rate of the context task at first, which its weight scales; 0.05 if not given."""
    context_min_alpha: float | None = None
    """Learning rate that the context task's falls to, evenly, by the time at which it goes off, as far as the strategy
    knows, or the last epoch ends; word2vec's 0.0001 if not given. At context_alpha's value it stays. Glove's rates fall
    by themselves."""
    context_passes: float | None = None
    """Passes of the context task over all text, or glove's over all co-occurrences, in one epoch of the labelled texts.
    Not given: as many as make three and a half million words or ten million co-occurrences, at most 15."""
    context_block: int | None = None
    """Words whose contexts the context task learns in one step at least, 1 to 32. If not given, a careful number, which
    is the smaller the higher the rate and, with skipgram, the wider the window; it grows to 32 as the rate falls. More
    are faster, until the vectors suffer."""
    context_x_max: float = 10.0
    """Glove: how often words must meet to count in full. The paper's 100 is for billions of words: on a million it
    learns next to nothing."""
    glove_sample: float = 0.0
    """Glove: threshold above which frequent words are thinned out before co-occurrences are counted, for the context
    task and for vectors to start from; 0 keeps all, as its authors do. On a few thousand reviews 1e-4 gave as good or
    better ones."""
    min_n: int | None = None
    """The -fasttext forms: characters of the shortest n-gram; 3 if not given."""
    max_n: int | None = None
    """The -fasttext forms: characters of the longest n-gram; 6 if not given."""
    bucket: int | None = None
    """The -fasttext forms: rows that the n-grams share at most; 200,000 if not given."""
    context_memory: float = 1024.0
    """Glove: megabytes for counting the co-occurrences, once, before the training, and for holding them in it; what
    does not fit goes through temporary files."""
    analogies: tuple[str, ...] = ()
    """Files of analogy questions for the tasks analogy and semantic-syntactic; if none is given, those of mt2st."""
    similarity: tuple[str, ...] = ()
    """Files of word pairs with people's scores of their similarity, for the task spearman."""
    agree: tuple[str, ...] = ()
    """Files of word pairs that should agree (synonyms, translations), for the task misalignment."""
    disagree: tuple[str, ...] = ()
    """Files of word pairs that should not (antonyms); if none is given, wrong partners are sought within a batch."""
    held_out: float = 0.05
    """Share of questions and pairs that is measured on, not learned from; what shares words with both is left out."""
    auxiliary_batch: int = 32
    """Questions or pairs in a batch."""
    raw_products: bool = False
    """Inner products in place of cosines in semantic-syntactic and misalignment: the paper's letter, without bound."""
    gamma: float = 1.0
    """Misalignment: weight of the pairs that should not agree."""
    analogy_coefficients: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Analogy: coefficients of the semantic, the syntactic and the total accuracy."""
    analogy_temperature: float = 0.1
    """Analogy: temperature of the soft accuracy; near 0 it is the accuracy, and has hardly a gradient."""
    analogy_logarithm: bool = False
    """Analogy: combine logarithms of the soft accuracies, which learn from the first step; off: the paper's letter."""
    analogy_candidates: int = 1024
    """Analogy: words that compete for an answer; a vocabulary that has no more is used whole."""
    spearman_softness: float = 0.1
    """Spearman: softness of the ranks, in standard deviations."""
    spearman_reading: str = "judgements"
    """Spearman: of similarities with people's judgements, or of related words' elements (Algorithm 3)."""
    tagging_data: str | None = None
    """For the auxiliary task tagging: a CoNLL or CoNLL-U file. Its text joins the vocabulary."""
    tagging_column: str | None = None
    """Column of its tags: upos, xpos, ... in CoNLL-U (upos if not given), else a number (the last if not given)."""
    classification_data: str | None = None
    """For the auxiliary task classification: labelled texts. They join the vocabulary."""
    classification_text: str | None = None
    """Column of its texts; needed where it has several and none is called 'text'."""
    classification_label: str | None = None
    """Column of its labels; 'label' if not given."""
    start_epochs: int = 5
    """Passes over all text, or glove's over all co-occurrences, when the embedding starts from vectors trained on
    it."""
    evaluations_per_epoch: int = 1
    """How often the validation part is measured in an epoch."""
    choose_by: str = "metric"
    """What the best epoch has on the validation part: metric, the highest accuracy or F1 (of equals, less loss), or
    loss, the least loss. A few hundred texts tell accuracies apart by some points only, and their loss more finely; but
    an encoder that grows too sure of itself has its least loss before its best accuracy."""
    feedback_every: int | None = None
    """Steps from one measurement of the tasks' agreement to the next; only adaptive strategies have it measured. If not
    given, 10, and 20 with the mean encoder, whose steps are far cheaper: below 3 % of the training time."""
    refit_head: float | None = None
    """At the transition, fit the primary task's head anew, on the training texts' vectors as they are then, by logistic
    regression of this inverse strength (scikit-learn's C, above 0; 0.01 suits some hundred texts). Not given: the head
    goes on as it is. For the labels of texts."""
    refit_texts: int | None = None
    """Texts that ``refit_head`` reads at most, drawn so that each class has its share. Not given: all. With half the
    texts, twice the ``refit_head`` says the same."""
    freeze_fraction: float | None = None
    """Share of the embedding's dimensions to freeze, by their relevance to the primary task, at the transition."""
    freeze_threshold: float | None = None
    """In place of the fraction: freeze dimensions whose relevance is below this multiple of the mean (above, with
    freeze_which most)."""
    freeze_relevance: str = "fisher"
    """Relevance of a dimension: fisher (mean squared gradient) or saliency (mean of gradient times value)."""
    freeze_which: str = "least"
    """Freeze the least relevant dimensions, or the most."""
    freeze_from: int | None = None
    """First epoch with frozen dimensions, from 2, in place of the transition."""
    freeze_over: int = 1
    """Epochs over which the frozen fraction grows evenly; 1 freezes all at once."""
    task_layer: bool = False
    """A layer of the primary task's own between encoder and head, active from the transition on. The best epoch is then
    chosen among those after the transition, so that the model has the layer."""
    convergence: str = "gradient-norm"
    """When the run ends before its last epoch: gradient-norm (below the tolerance; measured after the transition, where
    one is to come), validation-loss (no improvement), or never."""
    tolerance: float = 1e-3
    """Gradient-norm: the run ends when the mean norm of the primary's gradient stays below this."""
    patience: int = 2
    """For how many evaluations in a row it must stay there, or the validation loss not improve."""
    minimum_gain: float = 0.0
    """Validation-loss: how much lower the loss must be to count as improved."""
    earliest_end: int = 1
    """Validation-loss: first epoch that may end the run; give the auxiliary tasks time to go off."""
    beside: bool = True
    """Use a second core in training and measuring: the context task runs beside the classifier's step, and where texts
    are read without a gradient, two batches are at a time (if torch has one thread); off, a seed repeats a run to the
    bit."""
    threads: int | None = 1
    """Threads of torch while training and measuring by `evaluate`: one leaves a second core to the context task and to
    reading, and several trainings on one machine do not wait for each other's threads. None: as they are, which is
    what predictions have."""
    seed: int = 1
    """Decides initial parameters, dropout and the order of all data."""

    def check(self) -> None:
        """Raise if a value cannot be used.

        Raises:
            InputError: naming each setting that is wrong by itself, the rule and the value found; else the first that
                does not go with the others.
        """
        problems = list(self.problems())
        if problems:
            raise InputError("; ".join(problems))
        self._check_files()
        self._check_ngrams()
        self._check_alpha()
        check_transition(self)

    def problems(self) -> Iterator[str]:
        """Yield what is wrong with each setting by itself: its name, the rule and the value found."""
        for name, known in (
            ("encoder", ENCODERS),
            ("pooling", POOLINGS),
            ("cut", CUTS),
            ("choose_by", CHOICES),
            ("context_method", CONTEXT_METHODS),
            ("spearman_reading", READINGS),
            ("freeze_relevance", FREEZE_RELEVANCE),
            ("freeze_which", FREEZE_WHICH),
            ("convergence", CONVERGENCE),
        ):
            value = getattr(self, name)
            if value not in known:
                yield f"unknown {name} '{value}'.{suggestion(str(value), known)} Known: {listed(known)}"
        if isinstance(self.auxiliary, str):
            yield f"auxiliary must be a list of tasks, found the text {self.auxiliary!r}"
        for task in () if isinstance(self.auxiliary, str) else self.auxiliary:
            if task not in AUXILIARIES:
                yield f"unknown auxiliary task '{task}'.{suggestion(task, AUXILIARIES)} Known: {listed(AUXILIARIES)}"
        if not isinstance(self.auxiliary, str):
            for task in dict.fromkeys(self.auxiliary):
                if self.auxiliary.count(task) > 1:
                    yield f"auxiliary names '{task}' twice: name each task once"
        for name in ("hidden_size", "vector_size", "epochs", "batch_size", "max_length", "min_count", "patience",
                     "start_epochs", "evaluations_per_epoch",
                     "analogy_candidates", "freeze_over", "earliest_end",
                     "word_ngram_buckets"):  # fmt: skip
            yield from self._unless(name, "a whole number of at least 1", lambda value: _whole(value) and value >= 1)
        yield from self._unless(
            "context_negative",
            f"a whole number from 1 to {MOST_NEGATIVE}",
            lambda value: _whole(value) and 1 <= value <= MOST_NEGATIVE,
        )
        if self.context_block is not None:
            yield from self._unless(
                "context_block",
                f"a whole number from 1 to {LARGEST_BLOCK}",
                lambda value: _whole(value) and 1 <= value <= LARGEST_BLOCK,
            )
        for name in ("max_vocabulary", "threads", "plateau_patience", "min_n", "max_n", "bucket", "context_window",
                     "feedback_every", "refit_texts"):  # fmt: skip
            if getattr(self, name) is not None:
                yield from self._unless(
                    name, "a whole number of at least 1", lambda value: _whole(value) and value >= 1
                )
        yield from self._unless(
            "word_ngrams", "a whole number of at least 0", lambda value: _whole(value) and value >= 0
        )
        yield from self._unless(
            "auxiliary_batch", "a whole number of at least 3", lambda value: _whole(value) and value >= 3
        )
        for name in ("context_x_max", "context_memory", "tolerance", "analogy_temperature", "spearman_softness"):
            yield from self._unless(name, "a finite number above 0", lambda value: _finite(value) and value > 0)
        for name in ("learning_rate", "head_learning_rate", "embedding_learning_rate", "context_alpha",
                     "context_passes", "clip_norm", "refit_head"):  # fmt: skip
            if getattr(self, name) is not None:
                yield from self._unless(name, "a finite number above 0", lambda value: _finite(value) and value > 0)
        if self.context_min_alpha is not None:
            yield from self._unless(
                "context_min_alpha", "a finite number of at least 0", lambda value: _finite(value) and value >= 0
            )
        for name in ("dropout", "word_dropout", "average", "context_sample", "glove_sample", "held_out"):
            yield from self._unless(name, "at least 0 and below 1", lambda value: _finite(value) and 0 <= value < 1)
        for name in ("weight_decay", "gamma", "minimum_gain"):
            yield from self._unless(name, "a finite number of at least 0", lambda value: _finite(value) and value >= 0)
        yield from self._unless(
            "analogy_coefficients",
            "three finite numbers of at least 0, one of them above 0",
            lambda values: (
                isinstance(values, tuple)
                and len(values) == 3
                and all(_finite(each) and each >= 0 for each in values)
                and any(values)
            ),
        )
        for name in ("tagging_data", "tagging_column", "classification_data", "classification_text",
                     "classification_label"):  # fmt: skip
            yield from self._unless(name, "a text", lambda value: value is None or isinstance(value, str))
        for name in READERS:
            yield from self._unless(
                name,
                "a list of file names",
                lambda files: isinstance(files, tuple | list) and all(isinstance(file, str) for file in files),
            )
        for name in ("lowercase", "remove_breaks", "beside", "raw_products", "analogy_logarithm", "task_layer",
                     "standardise", "word_ngram_ratios"):  # fmt: skip
            yield from self._unless(name, "true or false", lambda value: isinstance(value, bool))
        yield from self._unless(
            "embedding", "a text: a start's name or the path of a file", lambda value: isinstance(value, str)
        )
        yield from self._unless(
            "seed", "a whole number from 0 to 2**32 - 1", lambda value: _whole(value) and 0 <= value < 2**32
        )
        yield from transition_problems(self)

    @property
    def window(self) -> int:
        """Widest reach of a context, in words: the one given or else what suits labels of whole texts."""
        return self.context_window or TEXT_WINDOW

    @property
    def alpha(self) -> float:
        """First learning rate of the context task: the one given or else its method's."""
        return self.context_alpha or (GLOVE_ALPHA if self.context_method == GLOVE else ALPHA)

    @property
    def feedback_interval(self) -> int:
        """Steps from one measurement of the feedback loop to the next: those given or else what the encoder bears."""
        return self.feedback_every or FEEDBACK_EVERY[self.encoder]

    @property
    def has_ngrams(self) -> bool:
        """Whether the embedding makes words of their n-grams."""
        return self.context_method in SUBWORD_METHODS

    @property
    def learning_rates(self) -> dict[str, float]:
        """The learning rates of embedding, encoder and heads: those given, or else the encoder's own."""
        network, embedding = LEARNING_RATES[self.encoder]
        network = self.learning_rate or network
        return {
            "embedding": self.embedding_learning_rate or embedding,
            "encoder": network,
            "heads": self.head_learning_rate or network,
        }

    def settings(self) -> dict[str, Any]:
        """Return the settings alone, by name: the arguments of another `ClassifierSettings` or `TextClassifier`."""
        return {field.name: getattr(self, field.name) for field in fields(ClassifierSettings)}

    def _check_files(self) -> None:
        """Refuse files that no chosen task reads, and tasks that lack theirs."""
        for name, readers in READERS.items():
            files = getattr(self, name)
            if files and not set(readers) & set(self.auxiliary):
                raise InputError(
                    f"{name} names files, but no auxiliary task reads them: add {' or '.join(readers)} to auxiliary"
                )
        for task, name in (("spearman", "similarity"), ("misalignment", "agree")):
            if task in self.auxiliary and not getattr(self, name):
                raise InputError(f"the auxiliary task '{task}' needs data: name at least one file by {name}")
        for task in LABELLED_AUXILIARIES:
            if task in self.auxiliary and getattr(self, f"{task}_data") is None:
                raise InputError(f"the auxiliary task '{task}' needs {task}_data, a file of labelled data")
            if task not in self.auxiliary and getattr(self, f"{task}_data") is not None:
                raise InputError(f"{task}_data is given, but '{task}' is none of the auxiliary tasks: add it to them")

    def _check_ngrams(self) -> None:
        """Refuse settings of n-grams that contradict each other, or where there are none."""
        given = [name for name in ("min_n", "max_n", "bucket") if getattr(self, name) is not None]
        if given and not self.has_ngrams and self.embedding not in SUBWORD_METHODS:
            raise InputError(
                f"{listed(given)} cannot be given with context_method '{self.context_method}': it has no n-grams; "
                f"choose one of {listed(SUBWORD_METHODS)}"
            )
        shortest, longest = self.min_n or MIN_N, self.max_n or MAX_N
        if longest < shortest:
            raise InputError(f"max_n must be at least min_n = {shortest}, found {longest}")

    def _check_alpha(self) -> None:
        """Refuse what glove's steps have not, and a learning rate that cannot fall to where it is to fall."""
        if self.context_block is not None and self.context_method == GLOVE:
            raise InputError(
                f"context_block ({self.context_block}) cannot be given with context_method '{GLOVE}': it learns from "
                "one co-occurrence at a time"
            )
        if self.context_min_alpha is None:
            return
        if self.context_method == GLOVE:
            raise InputError(
                f"context_min_alpha ({self.context_min_alpha}) cannot be given with context_method '{GLOVE}': its "
                "rates fall by themselves"
            )
        if self.context_min_alpha > self.alpha:
            raise InputError(
                f"context_min_alpha must be at most context_alpha, which is {self.alpha}, "
                f"found {self.context_min_alpha}"
            )

    def _unless(self, name: str, rule: str, holds: Callable[[Any], bool]) -> Iterator[str]:
        """Yield a problem unless the rule holds for the setting."""
        value = getattr(self, name)
        if not holds(value):
            yield f"{name} must be {rule}, found {value!r}"


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
