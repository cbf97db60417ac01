"""Settings of a model in groups: small frozen dataclasses, shared by Python, TOML files and the command line.

Ranges and choices stand in the annotations; `mt2st.models.settings` validates them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from inspect import signature
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar

from pydantic import ConfigDict, Field

from mt2st._field_docs import DocWithFields
from mt2st._settings import Count, Fraction, Natural, NonNegative, Positive, Share
from mt2st.embedding.settings import (
    SUBWORD_METHODS,
    WORD_METHODS,
    Block,
    Buckets,
    Method,
    Negative,
    NgramLength,
    VectorSize,
)
from mt2st.embedding.subwords import SubwordSettings
from mt2st.errors import InputError, suggestion
from mt2st.text import Tokeniser
from mt2st.text.tokeniser import Tokens

ValueT = TypeVar("ValueT")

ContextMethod = Literal[Method, "glove"]
AuxiliaryName = Literal[
    "context", "semantic-syntactic", "misalignment", "analogy", "spearman", "tagging", "classification"
]
GLOVE: ContextMethod = "glove"
CONTEXT_METHODS = (*WORD_METHODS, *SUBWORD_METHODS, GLOVE)
STARTS = ("random", *CONTEXT_METHODS)
"""Values of ``embedding.init`` that are no file and no published vectors."""
NGRAM_STARTS = ("random", *SUBWORD_METHODS)
"""Those that give n-grams vectors too."""
AUTO = "auto"
"""What suits the data (`mt2st.models.choice`)."""
ENCODERS = (AUTO, "bilstm", "mean", "cnn")
"""The built-in encoders."""
LABELLED_AUXILIARIES = ("tagging", "classification")
"""Auxiliary tasks on a file of other labelled data."""
READERS = {
    "analogies": ("analogy", "semantic-syntactic"),
    "similarity": ("spearman",),
    "agree": ("misalignment",),
    "disagree": ("misalignment",),
}
"""For each setting of `AuxiliaryData` that names files of words, the auxiliary tasks that read it."""
METRIC = "metric"
PARAMETER_GROUPS = ("embedding", "encoder", "heads")
"""The groups of parameters that have a learning rate of their own."""
OTHERS = "others"
"""Stands for the groups that a mapping does not name."""
TEXT_WINDOW = 15
"""Default window of the context task, for labels of texts. Wide contexts teach what a text is about."""
TEXT_DEFAULTS = {
    "encoder__hidden_size": 128,
    "encoder__dropout": 0.3,
    "encoder__word_dropout": 0.0,
    "encoder__spelling": False,
    "encoder__linear": True,
    "context__window": TEXT_WINDOW,
    "optimisation__average": 0.97,
    "optimisation__linear_decay": False,
    "optimisation__monitor": "loss",
}
"""Values that depend on the problem type, where they are not given: for labels of texts."""
TAG_DEFAULTS = {
    "encoder__hidden_size": 128,
    "encoder__dropout": 0.4,
    "encoder__word_dropout": 0.1,
    "encoder__spelling": True,
    "encoder__linear": False,
    "context__window": 2,
    "optimisation__average": 0.995,
    "optimisation__linear_decay": True,
    "optimisation__monitor": METRIC,
}
"""The same for labels of words. Narrow contexts teach what part of speech a word is."""
DECAY_FACTOR = 2.0
"""Factor of the default learning rates where they decay to 0: their mean is then the default."""
ALPHA = 0.05
"""Default learning rate of the context task: twice word2vec's, as the task's weight scales it; also GloVe's."""

Epochs = Annotated[int, Field(ge=1, le=1_000_000)]
GroupName = Literal["embedding", "encoder", "heads", "others"]
RateChoice = Literal["keep", "rewarm", "drop"]
StepsByGroup = Natural | dict[GroupName, Natural]
"""One number of steps for all groups of parameters, or ``{group: steps}``."""
FactorByGroup = Fraction | dict[GroupName, Fraction]
"""One factor for all groups of parameters, or ``{group: factor}``."""
RateByGroup = RateChoice | NonNegative | dict[GroupName, RateChoice | NonNegative]
"""One choice for all groups of parameters, or ``{group: choice}``."""


class CheckedNames:
    """Refuses unknown names of constructor arguments with a suggestion, before ``__init__`` runs."""

    def __new__(cls, *_: Any, **named: Any) -> Self:  # noqa: D102  # ours alone
        known = signature(cls.__init__).parameters
        takes_any = any(each.kind is each.VAR_KEYWORD for each in known.values())
        for name, value in named.items():
            if name not in known and not takes_any:
                raise unknown_name(cls, name, value, list(known)[1:])
        return super().__new__(cls)


def unknown_name(owner: type, name: str, value: object, known: Iterable[str]) -> InputError:
    """Return the error about an argument that a group or an estimator does not have: where it belongs, or what is near.

    Example:
        >>> unknown_name(Context, "windw", 3, names_of_fields(Context))
        InputError("Context has no setting 'windw'. Did you mean 'window'?")
        >>> unknown_name(Context, "max_length", 9, names_of_fields(Context))
        InputError("Context has no setting 'max_length'. It belongs to Text: text=Text(max_length=9)")
    """
    homes = [
        f"{group.__name__}: {key}={group.__name__}({name}={value!r:.40})"
        for key, group in GROUPS.items()
        if name in names_of_fields(group)
    ]
    hint = f" It belongs to {' or '.join(homes)}" if homes else suggestion(name, known)
    return InputError(f"{owner.__name__} has no setting '{name}'.{hint}".removesuffix("."))


class Group(CheckedNames):
    """Settings whose representation shows what differs from the defaults."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def __repr__(self) -> str:
        usual = type(self)()
        changed = {name: getattr(self, name) for name in names_of_fields(type(self))}
        shown = (f"{name}={value!r}" for name, value in changed.items() if value != getattr(usual, name))
        return f"{type(self).__name__}({', '.join(shown)})"


@dataclass(frozen=True, repr=False)
class Encoder(Group):
    """Settings of the encoder: the shared layers between the word embedding and the heads.

    The encoders themselves, and classes of your own, are subclasses of `mt2st.network.Encoder`; such a class stands for
    its name.

    Example:
        >>> Encoder("mean", dropout=0.5).name
        'mean'
    """

    name: str = AUTO
    """Encoder: bilstm (the paper's), cnn or mean. By default, auto: bilstm for short texts, mean for long ones and for
    few labels."""
    hidden_size: Annotated[int, Field(ge=1, le=65_536)] | None = None
    """State size of each direction of the BiLSTM, or filters of each width of the CNN; 128 by default."""
    pooling: Literal["max", "mean", "attention"] = "mean"
    """Pooling of the token states of BiLSTM and CNN into one vector per text."""
    standardise: bool = True
    """Bring each feature of a text's vector to mean 0 and variance 1 before the classifier."""
    dropout: Share | None = None
    """Share of features dropped after the embedding and before the classifier while training; 0.3 by default, 0.4 for a
    tagger."""
    word_dropout: Share | None = None
    """Share of words dropped whole while training; none by default, 0.1 for a tagger, which still reads their
    spelling."""
    linear: bool | None = None
    """Combine the network with linear classifiers on n-grams of words and of characters; by default, but not for a
    tagger. How much each counts is chosen on the validation part."""
    spelling: bool | None = None
    """Read the first and last letters of each word, and its capitals. By default on for a tagger; texts are read
    without."""

    def __post_init__(self) -> None:
        if isinstance(self.name, type):
            object.__setattr__(self, "name", getattr(self.name, "name", self.name))

    @property
    def built(self) -> str:
        """The name of the encoder that is built, if no data have chosen one."""
        return "bilstm" if self.name == AUTO else self.name


@dataclass(frozen=True, repr=False)
class Text(Group):
    """The input layer: how text becomes token ids."""

    max_length: Count = 256
    """Tokens of a text that the encoder reads."""
    truncation: Literal["middle", "end"] = "middle"
    """Part of a longer text that is left out: the middle, so that its beginning and end are read, or the end. Tagged
    sentences are never truncated."""
    min_count: Count = 2
    """Words with fewer occurrences in the training text are unknown words."""
    max_vocabulary: Count | None = None
    """Most words in the vocabulary, the most frequent first; no limit by default."""
    tokens: Tokens = "words"
    """Where text is cut: words; whitespace, for text that is tokenised already; or characters, for scripts that set no
    spaces between words."""
    lowercase: bool = True
    """Convert all text to lower case."""
    remove_breaks: bool = True
    """Read HTML line breaks as spaces."""

    @property
    def tokeniser(self) -> Tokeniser:
        """The tokeniser that the settings ask for."""
        return Tokeniser(lowercase=self.lowercase, remove_breaks=self.remove_breaks, tokens=self.tokens)


@dataclass(frozen=True, repr=False)
class Embedding(Group):
    """The word embedding and its first values."""

    vector_size: VectorSize = 100
    """Dimensions of the word embedding."""
    init: str = "random"
    """First values of the embedding: random; vectors trained on the corpus first (skipgram, cbow, skipgram-fasttext,
    cbow-fasttext, glove); a file of word vectors in any format that `mt2st vectors convert` reads; or published
    vectors (gensim:glove-twitter-100)."""
    init_epochs: Epochs = 5
    """Epochs of the training of first vectors, where they are trained on the corpus."""
    min_n: NgramLength | None = None
    """Characters of the shortest n-gram of the -fasttext methods; 3 by default."""
    max_n: NgramLength | None = None
    """Characters of the longest n-gram of the -fasttext methods; 6 by default."""
    bucket: Buckets | None = None
    """Most rows that the n-grams of the -fasttext methods share; 200,000 by default."""

    @property
    def ngrams(self) -> SubwordSettings:
        """The lengths and the buckets of the n-grams, as given or by default."""
        given = {"min_n": self.min_n, "max_n": self.max_n, "bucket": self.bucket}
        return SubwordSettings(**{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True, repr=False)
class Context(Group):
    """The auxiliary task on word context."""

    method: ContextMethod = "skipgram"
    """What the task learns: to predict words (skipgram, cbow) or their co-occurrences (glove). The -fasttext methods
    make the embedding of character n-grams, so that unseen words have vectors too."""
    window: Count | None = None
    """Largest distance between a word and its context; 15 by default, and 2 for a tagger."""
    negative: Negative = 5
    """Negative samples per word; glove has none."""
    sample: Share = 1e-3
    """Threshold for downsampling frequent words; for glove there is glove_sample."""
    alpha: Positive | None = None
    """First learning rate, which the task's weight scales; 0.05 by default."""
    min_alpha: NonNegative | None = None
    """Learning rate at the end of the linear decay; 0.0001 by default. The decay ends when the task goes off, as far as
    the strategy knows, else with the last epoch. Not for glove, whose rates decay by themselves."""
    passes: Positive | None = None
    """Passes over all text, or over all co-occurrences, per epoch of the labelled texts. By default as many as make
    three and a half million words or ten million co-occurrences, at most 15."""
    block: Block | None = None
    """Fewest words whose contexts are learned in one step. By default a careful number, smaller for high rates and wide
    Skip-gram windows, which grows to 32 as the rate decays. Larger blocks are faster, until the vectors suffer."""
    x_max: Positive = 10.0
    """Glove: co-occurrence count at which a pair gets full weight. GloVe's own 100 is for billions of words."""
    glove_sample: Share = 0.0
    """Glove: threshold for downsampling frequent words before co-occurrences are counted; 0 keeps all words."""
    memory: Positive = 1024.0
    """Glove: megabytes for counting and holding co-occurrences; the rest goes to temporary files."""


@dataclass(frozen=True, repr=False)
class AuxiliaryData(Group):
    """Files of the auxiliary tasks on words and on other labelled data.

    Labelled data in memory go to ``fit(auxiliary_rows=...)``.
    """

    analogies: tuple[str, ...] = ()
    """Files of analogy questions for analogy and semantic-syntactic; the packaged ones by default."""
    similarity: tuple[str, ...] = ()
    """Files of word pairs with similarity judgements, for spearman."""
    agree: tuple[str, ...] = ()
    """Files of word pairs that should be aligned (synonyms, translations), for misalignment."""
    disagree: tuple[str, ...] = ()
    """Files of word pairs that should not be aligned (antonyms); by default wrong partners are drawn from the batch."""
    held_out: Share = 0.05
    """Share of questions and pairs held out for measuring. Rows that share words with both parts are left out."""
    tagging: str | None = None
    """CoNLL or CoNLL-U file for the auxiliary task tagging. Its text joins the vocabulary."""
    tagging_column: str | None = None
    """Column of the tags: upos, xpos, ... in CoNLL-U (upos by default), else a number (the last by default)."""
    classification: str | None = None
    """Labelled texts for the auxiliary task classification. They join the vocabulary."""
    classification_text: str | None = None
    """Column of the texts in it; needed if there are several columns and none is called 'text'."""
    classification_label: str | None = None
    """Column of the labels in it; 'label' by default."""


@dataclass(frozen=True, repr=False)
class WordTasks(Group):
    """The auxiliary tasks on analogy questions and word pairs (the paper's UPDATE 0 to 3)."""

    batch_size: Annotated[int, Field(ge=3, lt=2**31)] = 32
    """Questions or pairs per batch."""
    raw_products: bool = False
    """Use inner products instead of cosines in semantic-syntactic and misalignment, as the paper writes them; they have
    no bound."""
    gamma: NonNegative = 1.0
    """Misalignment: weight of the pairs that should not be aligned."""
    analogy_coefficients: tuple[NonNegative, NonNegative, NonNegative] = (1.0, 1.0, 1.0)
    """Analogy: coefficients of the semantic, the syntactic and the total accuracy."""
    analogy_temperature: Positive = 0.1
    """Analogy: temperature of the soft accuracy; near 0 it is the accuracy and has hardly a gradient."""
    analogy_logarithm: bool = False
    """Analogy: combine logarithms of the soft accuracies, which learn from the first step."""
    analogy_candidates: Count = 1024
    """Analogy: most words that compete for an answer."""
    spearman_softness: Positive = 0.1
    """Spearman: softness of the ranks, in standard deviations."""
    spearman_variant: Literal["judgements", "elements"] = "judgements"
    """Spearman: correlate similarities with human judgements, or the elements of related words' vectors (Algorithm
    3)."""


@dataclass(frozen=True, repr=False)
class Optimisation(Group):
    """Optimizer, learning rates, evaluation and the end of the training."""

    epochs: Epochs = 8
    """Most epochs over the labelled texts."""
    batch_size: Count = 16
    """Texts per batch."""
    learning_rate: Positive | None = None
    """AdamW's learning rate of the encoder and the heads; the encoder's own by default."""
    head_learning_rate: Positive | None = None
    """AdamW's learning rate of the heads; learning_rate by default."""
    embedding_learning_rate: Positive | None = None
    """AdamW's learning rate of the word embedding; the encoder's own by default."""
    linear_decay: bool | None = None
    """Let the learning rates fall linearly to 0 over the epochs, from twice their defaults. By default on for a tagger,
    unless a warm-up, a plateau or the transition changes the rates."""
    warmup_steps: StepsByGroup = 0
    """Steps of linear learning rate warm-up; one number, or one per group of parameters."""
    plateau_patience: Count | None = None
    """Evaluations without a lower validation loss after which the learning rates are reduced; by default never."""
    plateau_factor: FactorByGroup = 0.5
    """Factor of the learning rates at a plateau, in (0, 1]; one number, or one per group of parameters."""
    weight_decay: NonNegative = 0.01
    """AdamW's weight decay of the encoder and the heads; the embedding has none."""
    clip_norm: Positive | None = None
    """Upper bound of the gradient norm; by default none."""
    average: Share | None = None
    """Decay of the running average of the parameters, which is evaluated and kept; 0: the last step's parameters. By
    default 0.97, and 0.995 for a tagger."""
    evaluations_per_epoch: Count = 1
    """Evaluations on the validation part per epoch."""
    monitor: str | None = None
    """What the best evaluation is chosen by: loss (the lowest), metric (the highest accuracy or F1; ties go to the
    lower loss), or the name of any metric that the task reports. By default the loss, which a few hundred texts tell
    apart more finely; for a tagger the metric."""
    convergence: Literal["gradient-norm", "validation-loss", "never"] = "gradient-norm"
    """What ends a training before its last epoch: the primary's gradient norm falls below the tolerance (measured after
    the transition, where one is to come), the validation loss no longer improves, or nothing."""
    tolerance: Positive = 1e-3
    """Gradient-norm: mean gradient norm of the primary task below which it has converged."""
    patience: Count = 2
    """Evaluations in a row with a converged gradient, or without a lower validation loss, that end the training."""
    minimum_gain: NonNegative = 0.0
    """Validation-loss: decrease of the loss that counts as an improvement."""
    earliest_end: Count = 1
    """Validation-loss: first epoch that may end the training."""
    on_divergence: Literal["stop", "halve"] = "stop"
    """What follows when a loss is not finite, or far above that of guessing: stop with an error, or halve the learning
    rates and go back to the last evaluation, ten times at most."""
    feedback_every: Count | None = None
    """Steps between two measurements of the feedback loop, which adaptive strategies need; by default 10, and 20 with
    the mean encoder, whose steps are far cheaper."""


@dataclass(frozen=True, repr=False)
class Transition(Group):
    """What happens at the transition, when the last auxiliary task goes off.

    `mt2st.training.Transition` is the record of one that took place.
    """

    rate: RateByGroup = "keep"
    """What the learning rates do: keep, rewarm (warm up again), drop (to a tenth) or a factor; one choice, or one per
    group of parameters."""
    probe_head: Positive | None = None
    """Refit the primary head by logistic regression with this inverse regularisation strength (scikit-learn's C), on
    the vectors of the training texts. By default the head stays as it is. Not for taggers."""
    probe_texts: Count | None = None
    """Most texts that probe_head uses, stratified by class; by default all."""
    freeze_fraction: Fraction | None = None
    """Share of the embedding's dimensions to freeze, by their relevance to the primary task."""
    freeze_threshold: Positive | None = None
    """Instead of a fraction: freeze dimensions whose relevance is below this multiple of the mean (above, with
    freeze_which most)."""
    freeze_relevance: Literal["fisher", "saliency"] = "fisher"
    """Relevance of a dimension: fisher (mean squared gradient) or saliency (mean of gradient times value)."""
    freeze_which: Literal["least", "most"] = "least"
    """Freeze the least or the most relevant dimensions."""
    freeze_from: Annotated[int, Field(ge=2, lt=2**31)] | None = None
    """First epoch with frozen dimensions, from 2, instead of the transition."""
    freeze_over: Count = 1
    """Epochs over which the frozen fraction grows linearly; 1 freezes all at once."""
    task_layer: bool = False
    """Add a layer of the primary task's own between encoder and head, active from the transition on. The best
    evaluation is then chosen among those after the transition."""

    @property
    def acts_at_transition(self) -> tuple[str, ...]:
        """The settings that were chosen and act at the transition alone: without one, they change nothing."""
        at_once = self.freeze_from is None
        chosen = {
            "rate": any(each != "keep" for each in by_group(self.rate, "keep").values()),
            "freeze_fraction": self.freeze_fraction is not None and at_once,
            "freeze_threshold": self.freeze_threshold is not None and at_once,
            "task_layer": self.task_layer,
            "probe_head": self.probe_head is not None,
        }
        return tuple(f"transition.{name}" for name, yes in chosen.items() if yes)


@dataclass(frozen=True, repr=False)
class Compute(Group):
    """Where and how it is computed: device, precision, cores and threads."""

    device: str = AUTO
    """Where networks are trained: cpu, cuda (a GPU), cuda:1 (the second one), or mps (Apple's); by default, auto: a GPU
    of CUDA if there is one, else the CPU. Trained models are on the CPU."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """What the network computes in while training: bfloat16 is faster on GPUs that have it. Parameters stay float32."""
    parallel_context: bool = True
    """Use a second core: the context task trains in parallel with the classifier's step, and evaluation reads two
    batches at a time. Off, a seed repeats a training to the bit."""
    threads: Annotated[int, Field(ge=1, le=1024)] | None = 1
    """Threads of torch while training and evaluating. One leaves a second core to the context task; None leaves torch's
    setting as it is."""


GROUPS: dict[str, type[Group]] = {
    "encoder": Encoder,
    "text": Text,
    "embedding": Embedding,
    "context": Context,
    "auxiliary_data": AuxiliaryData,
    "word_tasks": WordTasks,
    "optimisation": Optimisation,
    "transition": Transition,
    "compute": Compute,
}
"""The class of each group of settings, by the name of its parameter."""


for _group in (Encoder, Text, Embedding, Context, AuxiliaryData, WordTasks, Optimisation, Transition, Compute):
    _group.__doc__ = DocWithFields(_group.__doc__)  # type: ignore[assignment]  # gives a text when it is read


def by_group(value: ValueT | Mapping[Any, ValueT], unnamed: ValueT) -> dict[str, ValueT]:
    """Return a value for each group of parameters.

    Args:
        value: one for all, or ``{group: value}``, where `OTHERS` stands for the groups without one.
        unnamed: for groups that a mapping without others does not name.

    Example:
        >>> by_group({"embedding": 0, "others": 100}, 0)
        {'embedding': 0, 'encoder': 100, 'heads': 100}
    """
    if not isinstance(value, Mapping):
        return dict.fromkeys(PARAMETER_GROUPS, value)
    return {group: value.get(group, value.get(OTHERS, unnamed)) for group in PARAMETER_GROUPS}


def names_of_fields(settings: type) -> list[str]:
    """Return the names of a dataclass's fields."""
    return [each.name for each in fields(settings)]
