"""What a step of each auxiliary task costs, against a BiLSTM classifier's step, and against whole-vocabulary loops.

The classifier's step is the paper's encoder (hidden 256) on a batch of 32 texts of 256 words: forward, backward and
AdamW. An auxiliary's step is what it adds to that: drawing its batch, forward, and backward into the same gradient.
Both are timed in turn, several rounds; the figures are medians of milliseconds, and their ratio.

Beside it stands the way of the published code, written anew from its description: the vectors leave torch, Python walks
over the whole vocabulary to make a dictionary and a matrix of them, then over all questions or pairs, each question
against the whole matrix. Its result has no gradient, and it is computed once for each step there, a full batch. It is
timed on some of the questions and pairs, and scaled up to all.

A second table has what surrounds the tasks, as a mean over the steps by default settings: the controller (what the
feedback loop measures; the gain's look-ahead is on as many validation texts as a batch has), the freezing of
dimensions, and the adaption of the learning rates. The controller's goal is 3 % of the training time; beside the
classifier's step alone, as here, its share is largest.

    python benchmarks/auxiliary_cost.py [--rounds 5] [--vocabulary 20000] [--threads 1] [--no-loops]
                                        [--encoder bilstm] [--batch 32] [--length 256]
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import repeat

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from mt2st.models.groups import ENCODERS, Encoder
from mt2st.models.settings import ModelSettings
from mt2st.network import Network, build_encoder
from mt2st.tasks import AnalogyTask, MisalignmentTask, SemanticSyntacticTask, SpearmanTask
from mt2st.tasks.classification import classification_head
from mt2st.tasks.relations import Judgements, Lexicon, Questions
from mt2st.training import DimensionFreezing, Feedback, LearningRateSchedule, Task
from mt2st.training.device import flushed_denormals

VECTOR_SIZE = 100
N_QUESTIONS, N_PAIRS = 8_000, 6_000
"""About what the vocabulary of 5,000 reviews covers of the usual test sets."""
SAMPLED = 20
"""Questions and pairs that the loops are timed on."""
GOAL, CONTROLLER_GOAL = 0.05, 0.03
FROZEN = 0.5
"""Share of the dimensions that is frozen while putting them back is timed."""


def relations_of(vocabulary: int) -> tuple[Questions, Lexicon, Judgements]:
    """Return random questions and pairs, among the more frequent words."""
    rng = np.random.default_rng(0)
    words = np.arange(2, min(vocabulary, 6000))
    questions = np.stack([rng.choice(words, 4, replace=False) for _ in range(N_QUESTIONS)])
    pairs = np.stack([rng.choice(words, 2, replace=False) for _ in range(N_PAIRS)])
    return (
        Questions(questions, rng.random(N_QUESTIONS) < 0.2),
        Lexicon(pairs, rng.random(N_PAIRS) < 0.6),
        Judgements(pairs, rng.random(N_PAIRS), np.zeros(N_PAIRS, dtype=np.int64), ("set",)),
    )


def tasks_of(vocabulary: int) -> dict[str, Task]:
    """Return the tasks, with their default settings."""
    questions, lexicon, judgements = relations_of(vocabulary)
    return {
        "semantic-syntactic": SemanticSyntacticTask(questions),
        "misalignment": MisalignmentTask(lexicon),
        "misalignment, hardest": MisalignmentTask(lexicon.take(lexicon.agree)),
        "analogy": AnalogyTask(questions, vocabulary),
        "spearman": SpearmanTask(judgements),
        "spearman, elements": SpearmanTask(judgements, variant="elements"),
    }


def classifier_step(network: Network, optimizer: torch.optim.Optimizer, ids: torch.Tensor) -> None:
    """Make one step on the classifier alone."""
    optimizer.zero_grad(set_to_none=True)
    targets = torch.arange(len(ids)) % 2
    functional.cross_entropy(network.logits("label", ids), targets).backward()
    optimizer.step()


def auxiliary_step(network: Network, task: Task, batches: Iterator[object]) -> None:
    """Add the gradient of one batch to that of the classifier's step."""
    task.loss(network, next(batches)).backward()


def surroundings_of(
    network: Network, optimizer: torch.optim.Optimizer, ids: torch.Tensor, encoder: str
) -> dict[str, tuple[Callable[[], None], float]]:
    """Return what happens beside the tasks, each with the share of the steps in which it does, by default settings.

    The network has the gradient of a step. A kernel task has moved the table, a task with a gradient has added to it.
    """
    every = ModelSettings(Encoder(encoder)).feedback_interval
    table, targets = network.embedding.weight, torch.arange(len(ids)) % 2

    def look_ahead(network: nn.Module, number: int) -> float:
        assert isinstance(network, Network)
        network.eval()
        loss = functional.cross_entropy(network.logits("label", ids), targets).item()
        network.train()
        return loss

    def measured(feedback: Feedback) -> None:
        probe = feedback.probe(table)
        probe.kernel("context", lambda: float(table.data[2:1000].add_(1e-6)[0, 0]))()
        probe.primary()
        probe.auxiliary("analogy")
        feedback.measure(network, table, probe, learning_rate=1e-3)

    def cosines() -> None:
        measured(Feedback(every))

    def gains() -> None:
        measured(Feedback(every, look_ahead=look_ahead))

    seldom = Feedback(every, look_ahead=look_ahead)
    measured(seldom)
    assert seldom.measurements_to_go > 0
    freezing, frozen = DimensionFreezing(FROZEN, at=1, every=1), DimensionFreezing(FROZEN, at=1)
    frozen.watch(table)
    frozen.update(table, epoch=1, single_task=False)
    rates = LearningRateSchedule(warmup=100)
    rates.bind(optimizer)
    return {
        "controller, cosine": (cosines, 1 / every),
        "controller, gain": (gains, 1 / (every * (1 + seldom.measurements_to_go))),
        "freezing, relevance": (lambda: freezing.watch(table), 1 / frozen.every),
        "freezing, putting back": (lambda: frozen.restore(table), 1.0),
        "learning rates": (lambda: rates.apply(optimizer, 7), 1.0),
    }


def endless(task: Task) -> Iterator[object]:
    """Yield a task's batches, epoch after epoch."""
    for epoch, _ in enumerate(repeat(None), 1):
        yield from task.batches(epoch=epoch, seed=1)


def milliseconds(step: Callable[[], None], repeats: int) -> float:
    """Return the time of one step, the mean over some."""
    start = time.perf_counter()
    for _ in range(repeats):
        step()
    return 1000 * (time.perf_counter() - start) / repeats


def dictionary_of(weight: torch.Tensor) -> dict[int, list[float]]:
    """Return the vectors of the whole vocabulary as Python lists, by word."""
    return {word: [float(value) for value in row] for word, row in enumerate(weight.detach().numpy())}


def loop_semantic(vectors: dict[int, list[float]], questions: np.ndarray) -> float:
    """Sum the products of answers and offsets, number by number."""
    total = 0.0
    for a, b, c, d in questions.tolist():
        offset = [y - x + z for x, y, z in zip(vectors[a], vectors[b], vectors[c], strict=True)]
        total += sum(x * y for x, y in zip(vectors[d], offset, strict=True))
    return total


def units_of(vectors: dict[int, list[float]]) -> np.ndarray:
    """Return the matrix of all vectors at length 1, made word by word."""
    return np.array([np.asarray(vector) / (np.linalg.norm(vector) + 1e-9) for vector in vectors.values()])


def loop_analogy(units: np.ndarray, questions: np.ndarray) -> float:
    """Return the share of questions that are answered right, each by a product with the whole vocabulary."""
    right = 0
    for a, b, c, d in questions.tolist():
        scores = units @ (units[b] - units[a] + units[c])
        for word in np.argsort(-scores)[:4].tolist():
            if word not in (a, b, c):
                right += word == d
                break
    return right / len(questions)


def loop_similarity(vectors: dict[int, list[float]], pairs: np.ndarray) -> float:
    """Return the sum of the cosines of pairs, number by number."""
    total = 0.0
    for x, y in ((vectors[a], vectors[b]) for a, b in pairs.tolist()):
        norms = math.sqrt(sum(value * value for value in x)) * math.sqrt(sum(value * value for value in y))
        total += sum(p * q for p, q in zip(x, y, strict=True)) / (norms + 1e-9)
    return total


def loop_milliseconds(weight: torch.Tensor, vocabulary: int) -> dict[str, float]:
    """Return the time of each loop over all its questions or pairs, the vocabulary's dictionary included."""
    questions, _, judgements = relations_of(vocabulary)
    vectors: dict[int, list[float]] = {}
    dictionary = milliseconds(lambda: vectors.update(dictionary_of(weight)), 1)
    matrix = milliseconds(lambda: units_of(vectors), 1)
    units = units_of(vectors)
    some, pairs = questions.ids[:SAMPLED], judgements.ids[:SAMPLED]
    by_pair = dictionary + milliseconds(lambda: loop_similarity(vectors, pairs), 3) * N_PAIRS / SAMPLED
    share = N_QUESTIONS / SAMPLED
    return {
        "semantic-syntactic": dictionary + milliseconds(lambda: loop_semantic(vectors, some), 3) * share,
        "misalignment": by_pair,
        "analogy": dictionary + matrix + milliseconds(lambda: loop_analogy(units, some), 3) * share,
        "spearman": by_pair,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--vocabulary", type=int, default=20_000)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--no-loops", action="store_true")
    parser.add_argument("--encoder", choices=ENCODERS, default="bilstm")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--length", type=int, default=256)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    encoder = build_encoder(options.encoder, vector_size=VECTOR_SIZE)
    embedding = nn.Embedding(options.vocabulary, VECTOR_SIZE, padding_idx=0)
    network = Network(embedding, encoder, {"label": classification_head(encoder.pooled_size, 2)}, dropout=0.3).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    ids = torch.randint(2, options.vocabulary, (options.batch, options.length))
    tasks = tasks_of(options.vocabulary)
    batches = {name: endless(task) for name, task in tasks.items()}
    bare: list[float] = []
    ours: dict[str, list[float]] = {name: [] for name in tasks}
    with flushed_denormals():
        classifier_step(network, optimizer, ids)
        around = surroundings_of(network, optimizer, ids, options.encoder)
        times_around: dict[str, list[float]] = {name: [] for name in around}
        for _ in range(options.rounds):
            bare.append(milliseconds(lambda: classifier_step(network, optimizer, ids), 2))
            for name, (action, share) in around.items():  # while the gradient is the classifier's own
                times_around[name].append(share * milliseconds(action, 1 if "gain" in name else 5))
            for name, task in tasks.items():
                ours[name].append(milliseconds(partial(auxiliary_step, network, task, batches[name]), 10))
    step = statistics.median(bare)
    loops = {} if options.no_loops else loop_milliseconds(embedding.weight, options.vocabulary)
    print(
        f"step of the encoder {options.encoder}, batch {options.batch}, length {options.length}, vocabulary "
        f"{options.vocabulary:,}, {options.threads} thread(s): {step:.0f} ms (median of {options.rounds} rounds)"
    )
    print(f"{'task':24}{'ms a step':>12}{'of the step':>14}{'goal 5 %':>10}{'loops, ms a step':>20}")
    for name, times in ours.items():
        median = statistics.median(times)
        loop = f"{loops[name]:,.0f}" if name in loops else ""
        met = "met" if median <= GOAL * step else "missed"
        print(f"{name:24}{median:12.1f}{100 * median / step:12.1f} %{met:>10}{loop:>20}")
    print(f"\n{'beside the tasks':28}{'ms a step':>12}{'of the step':>14}{'goal 3 %':>10}")
    for name, times in times_around.items():
        median = statistics.median(times)
        print(f"{name:28}{median:12.2f}{100 * median / step:12.2f} %")
    both = sum(statistics.median(times) for name, times in times_around.items() if "controller" in name)
    met = "met" if both <= CONTROLLER_GOAL * step else "missed"
    print(f"{'controller, both':28}{both:12.2f}{100 * both / step:12.2f} %{met:>10}")


if __name__ == "__main__":
    main()
