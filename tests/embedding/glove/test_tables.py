"""The update against autograd in float64, entry by entry, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from mt2st.embedding import Footprint
from mt2st.embedding.glove.counting import ENTRY, Cooccurrences
from mt2st.embedding.glove.tables import GloveReport, GloveTables, TargetSlice, TargetSource, update
from mt2st.embedding.kernels.glove_training import in_order, order_bits
from mt2st.errors import InputError

WORDS = 9
X_MAX, ALPHA, RATE = 20.0, 0.75, 0.05


def some_cooccurrences(seed: int = 0, words: int = WORDS) -> Cooccurrences:
    """A good half of all pairs of words from 2 on, the diagonal included; some counts past x_max."""
    rng = np.random.default_rng(seed)
    rows, columns = np.triu_indices(words)
    chosen = (rng.random(rows.size) < 0.6) & (rows > 1)
    values = rng.lognormal(1.5, 1.5, rows.size).astype(np.float32)
    entries = np.array(list(zip(rows[chosen], columns[chosen], values[chosen], strict=True)), dtype=ENTRY)
    return Cooccurrences(entries, words, int((rows == columns)[chosen].sum()))


def whole_slice(cooccurrences: Cooccurrences, order: int = 0) -> TargetSlice:
    source = TargetSource(cooccurrences, x_max=X_MAX, alpha=ALPHA)
    return next(source.slices(order, 0, source.size))


def directed(cooccurrences: Cooccurrences, chosen: TargetSlice) -> Iterator[tuple[int, int, float]]:
    """The slice's entries in their order: row, column, count."""
    size = 2 * len(cooccurrences)
    for number in range(chosen.first, chosen.last):
        entry = int(in_order(number, size, order_bits(size), chosen.key))
        row, column, value = (each.item() for each in cooccurrences.entries[entry >> 1])
        if entry % 2 == 0:
            yield row, column, value
        elif row != column:
            yield column, row, value


def trained_tables(vector_size: int, seed: int = 3) -> GloveTables:
    """Tables that look like training has gone on for a while."""
    tables = GloveTables.fresh(WORDS, vector_size, seed)
    rng = np.random.default_rng(seed)
    for name, array in tables.arrays().items():
        if "squares" in name:
            array[:] = 1 + rng.random(array.shape) * 30
        else:
            array[:] = rng.normal(0, 0.5, array.shape)
    return tables


def reference(
    tables: GloveTables, cooccurrences: Cooccurrences, chosen: TargetSlice, rate: float
) -> tuple[dict[str, torch.Tensor], GloveReport]:
    """The published formulas entry by entry in float64, with autograd's gradient."""
    state = {name: torch.tensor(array, dtype=torch.float64) for name, array in tables.arrays().items()}
    squares_of = {
        "words": "word_squares",
        "contexts": "context_squares",
        "word_biases": "word_bias_squares",
        "context_biases": "context_bias_squares",
    }
    total, entries = 0.0, 0
    for row, column, count in directed(cooccurrences, chosen):
        parameters = {name: state[name].detach().clone().requires_grad_() for name in squares_of}
        predicted = (
            parameters["words"][row] @ parameters["contexts"][column]
            + parameters["word_biases"][row]
            + parameters["context_biases"][column]
        )
        loss = 0.5 * min(1.0, (count / X_MAX) ** ALPHA) * (predicted - np.log(count)) ** 2
        gradients = torch.autograd.grad(loss, list(parameters.values()))
        for (name, squares), gradient in zip(squares_of.items(), gradients, strict=True):
            step = rate * gradient.clamp(-100, 100)
            state[name] = state[name] - step / state[squares].sqrt()
            state[squares] = state[squares] + step**2
        total, entries = total + loss.item(), entries + 1
    return state, GloveReport(entries, total)


@pytest.mark.parametrize("vector_size", [1, 7, 16, 37, 64])
@pytest.mark.parametrize("weight", [1.0, 0.3])
def test_a_pass_is_that_of_autograd_and_adagrad_in_float64(vector_size: int, weight: float) -> None:
    cooccurrences, tables = some_cooccurrences(), trained_tables(vector_size)
    chosen = whole_slice(cooccurrences)
    expected, expected_report = reference(tables, cooccurrences, chosen, RATE * weight)
    report = update(tables, chosen, rate=RATE, weight=weight)
    for name, array in tables.arrays().items():
        np.testing.assert_allclose(array, expected[name], rtol=3e-5, atol=3e-6, err_msg=name)
    assert report.entries == expected_report.entries == cooccurrences.directed
    assert report.loss == pytest.approx(expected_report.loss, rel=1e-5)


def test_the_gradient_is_that_of_finite_differences() -> None:
    """With sums of squares of 1 a step is rate times the gradient: compare with the loss's central differences."""
    entries = np.array([(2, 3, 7.5)], dtype=ENTRY)
    chosen = whole_slice(Cooccurrences(entries, WORDS, 0))
    one = TargetSlice(chosen.targets, 0, 1, chosen.key)
    ((row, column, count),) = directed(Cooccurrences(entries, WORDS, 0), one)
    before = trained_tables(5)
    for name, array in before.arrays().items():
        if "squares" in name:
            array[:] = 1
    start = {name: array.astype(np.float64) for name, array in before.arrays().items()}

    def loss(values: dict[str, np.ndarray]) -> float:
        product = values["words"][row] @ values["contexts"][column]
        error = product + values["word_biases"][row] + values["context_biases"][column] - np.log(count)
        return float(0.5 * min(1.0, (count / X_MAX) ** ALPHA) * error**2)

    rate = 1e-3
    update(before, one, rate=rate)
    for name in ("words", "contexts", "word_biases", "context_biases"):
        moved = (start[name] - before.arrays()[name]) / rate
        for place in np.ndindex(start[name].shape):
            up, down = ({**start, name: start[name].copy()} for _ in range(2))
            up[name][place] += 1e-5
            down[name][place] -= 1e-5
            assert moved[place] == pytest.approx((loss(up) - loss(down)) / 2e-5, abs=2e-4), (name, place)


def test_gradients_are_cut_at_100() -> None:
    cooccurrences = Cooccurrences(np.array([(2, 3, 1e30)], dtype=ENTRY), WORDS, 0)
    tables = trained_tables(8)
    tables.words[:] *= 30
    both = whole_slice(cooccurrences)
    chosen = TargetSlice(both.targets, 0, 1, both.key)
    expected, _ = reference(tables, cooccurrences, chosen, RATE)
    before = tables.context_squares.copy()
    update(tables, chosen, rate=RATE)
    assert (tables.context_squares - before).max() == pytest.approx((RATE * 100) ** 2, rel=1e-4)
    np.testing.assert_allclose(tables.words, expected["words"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("vector_size", range(1, 36))
def test_rows_of_any_length_are_updated_whole_and_their_neighbours_not_at_all(vector_size: int) -> None:
    tables = trained_tables(vector_size)
    before = {name: array.copy() for name, array in tables.arrays().items()}
    cooccurrences = Cooccurrences(np.array([(4, 6, 3000.0)], dtype=ENTRY), WORDS, 0)
    update(tables, whole_slice(cooccurrences), rate=1.0)  # so large that float32 shows every component's step
    for name, array in tables.arrays().items():
        changed = array != before[name]
        assert changed[[4, 6]].all(), name
        assert not np.delete(changed, [4, 6], axis=0).any(), name


def test_words_without_co_occurrences_keep_their_rows() -> None:
    tables = GloveTables.fresh(WORDS, 10, 1)
    before = {name: array.copy() for name, array in tables.arrays().items()}
    update(tables, whole_slice(some_cooccurrences()))
    for name, array in tables.arrays().items():
        assert (array[:2] == before[name][:2]).all(), name
        assert (array[2:] != before[name][2:]).any(), name


def test_rate_or_weight_zero_gives_the_loss_and_changes_nothing() -> None:
    cooccurrences = some_cooccurrences()
    losses = []
    for settings in ({"rate": 0.0}, {"weight": 0.0}):
        tables = trained_tables(12)
        before = {name: array.tobytes() for name, array in tables.arrays().items()}
        losses.append(update(tables, whole_slice(cooccurrences), **settings).mean_loss)
        assert {name: array.tobytes() for name, array in tables.arrays().items()} == before
    _, expected = reference(trained_tables(12), cooccurrences, whole_slice(cooccurrences), 0.0)
    assert losses == pytest.approx([expected.mean_loss] * 2, rel=1e-5)


def test_weight_and_rate_are_one_factor() -> None:
    results = []
    for rate, weight in ((0.08, 0.25), (0.02, 1.0)):
        tables = trained_tables(10)
        update(tables, whole_slice(some_cooccurrences()), rate=rate, weight=weight)
        results.append(tables.words.tobytes())
    assert results[0] == results[1]


def test_the_same_call_makes_the_same_bits_and_pieces_make_the_whole() -> None:
    cooccurrences = some_cooccurrences()
    results = set()
    for size in (10_000, 10_000, 7, 1):
        tables, report = trained_tables(20), GloveReport()
        for piece in whole_slice(cooccurrences).pieces(size):
            report += update(tables, piece)
        assert report.entries == cooccurrences.directed
        results.add(tables.words.tobytes())
    assert len(results) == 1


def test_repeated_passes_lower_the_loss() -> None:
    tables = GloveTables.fresh(WORDS, 16, 1)
    losses = [update(tables, whole_slice(some_cooccurrences(), order)).mean_loss for order in range(60)]
    assert losses[-1] < 0.1 * losses[0]


def test_a_diverged_loss_is_refused() -> None:
    tables = trained_tables(4)
    tables.words[2:] = np.inf
    with pytest.raises(InputError, match="has diverged: lower the learning rate, found 0.05"):
        update(tables, whole_slice(some_cooccurrences()))


@pytest.mark.parametrize(
    "setting", [{"rate": -1.0}, {"rate": float("nan")}, {"weight": -0.1}, {"weight": float("inf")}]
)
def test_factors_out_of_range_are_named(setting: dict[str, float]) -> None:
    name = "learning_rate" if "rate" in setting else "weight"
    with pytest.raises(InputError, match=f"{name} must be finite and at least 0; found"):
        update(trained_tables(4), whole_slice(some_cooccurrences()), **setting)


def test_the_start_is_that_of_the_published_program() -> None:
    tables = GloveTables.fresh(400, 50, seed=7)
    for name, array in tables.arrays().items():
        if "squares" in name:
            assert (array == 1).all()
        else:
            assert -0.01 <= array.min() < -0.009 < 0.009 < array.max() <= 0.01
    assert (tables.words != tables.contexts).any()
    total = sum(array.nbytes for array in tables.arrays().values())
    assert total == Footprint.of_glove(400, 50, counting=0).tables


def test_tables_may_stand_beside_somebody_elses_words() -> None:
    words = np.ones((WORDS, 4), dtype=np.float32)
    tables = GloveTables.beside(words, seed=1)
    assert tables.words is words
    with pytest.raises(InputError, match=r"words must be C-contiguous float32 \[9, 4\]; found float64"):
        GloveTables.beside(words.astype(np.float64), seed=1)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="words must be C-contiguous"):
        GloveTables.beside(np.asfortranarray(words), seed=1)
    words.flags.writeable = False
    with pytest.raises(InputError, match="words must be writeable"):
        GloveTables.beside(words, seed=1)
    with pytest.raises(InputError, match=r"words must be a table \[V, D\]"):
        GloveTables(*(np.ones(3, dtype=np.float32) for _ in range(8)))
