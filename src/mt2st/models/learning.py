"""From labelled rows to a finished model: what to train, the training, the choice, and the final fit.

With enough labels: train a network on most of them, choose its best evaluation and its linear partners on the others,
then learn from all. With few labels: train word vectors, and fit all else in closed form (`mt2st.models.few_labels`).
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from math import inf
from typing import Any, Generic

import numpy as np
from numpy.typing import NDArray

from mt2st.errors import NoContextError
from mt2st.models.autotune import Search, check_autotune, described
from mt2st.models.choice import FEW, Choice, choose
from mt2st.models.ensemble import Ensemble, Examples, Partner, have_known_words, told_by_words
from mt2st.models.few_labels import learn
from mt2st.models.fitting import DocumentEncoder, FitOptions, Fitted, Fitting, primary_task, reader_for, to_measure
from mt2st.models.forecast import Forecast
from mt2st.models.inputs import joined
from mt2st.models.linear_probe import pooled_vectors
from mt2st.models.problem_types import ProblemType, RowsT, truncated
from mt2st.models.settings import ModelSettings
from mt2st.strategy import Strategy
from mt2st.tasks import LabelledTask
from mt2st.training import Callback, Run
from mt2st.training.device import torch_threads

MOST_TRAINED_AGAIN = 5_000
"""Labelled texts up to which the network is trained again on all. Of more, a fifth teaches it little; the linear
classifiers are always fitted again."""
MOST_SELF_LABELLED = 20_000
"""Unlabelled texts that may get labels of the classifier's own."""


@dataclass(frozen=True)
class Learned:
    """A finished model.

    Attributes:
        choice: what the settings had left to the data.
        fitted: the network and what is known of its training.
        run: the course of the training that the choice was made in.
        ensemble: the network's linear partners, if it has any.
        validation: metrics on the texts held out; None if the training was interrupted.
        probabilities: ``[n_held_out, n_classes]``: of these texts, by classifiers that had not seen them.
    """

    choice: Choice
    fitted: Fitted
    run: Run
    ensemble: Ensemble | None = None
    validation: dict[str, float] | None = None
    probabilities: NDArray[np.float32] | None = None


class Learning(Generic[RowsT]):
    """The way to one model of a problem type, whose classes are in their order."""

    def __init__(
        self,
        settings: ModelSettings,
        strategy: Strategy,
        problem: ProblemType[RowsT],
        classes: tuple[str, ...],
        options: FitOptions,
    ) -> None:
        self.settings, self.strategy, self.problem, self.classes = settings, strategy, problem, classes
        self.options = options
        self.fitting: Fitting[RowsT] | None = None
        self.prior: NDArray[np.float32] | None = None
        """``[n_classes]`` shares of the classes in all that is learned from; None for labels of words."""
        self._fitted_partners: list[Partner] | None = None

    def learn(
        self, rows: RowsT, validation: RowsT | float, *, final_fit: bool, autotune: float | None = None
    ) -> Learned:
        """Learn from labelled rows.

        Args:
            rows: the labelled rows.
            validation: others to choose by, or the share of the rows that is split off for this.
            final_fit: learn from all of them when the choice is made.
            autotune: minutes for a search of the settings that the user has left out, final fit included.
        """
        begin, given = time.monotonic(), self.settings
        given.check_files()
        if autotune is not None:
            check_autotune(autotune)
        final_fit = final_fit and self.problem.of_texts
        held_out: Any = validation
        every = joined(rows, held_out) if final_fit and not isinstance(validation, float) else rows
        again = final_fit or autotune is not None or len(every) < FEW
        if again and isinstance(self.options.unlabelled, Iterator):  # it is read again
            self.options = replace(self.options, unlabelled=list(self.options.unlabelled))
        if self.problem.of_texts:
            self.prior = self._examples(every).shares
        choice = choose(self.settings, self.strategy, every, self.options)
        self._tell(choice.reason)
        self.settings = self.settings.updated(**choice.values)
        if choice.few_labels:
            if autotune is not None:
                self._tell("autotune: nothing to search, as few labels are learned from in closed form")
            return self._from_few(choice, every, None if final_fit or isinstance(validation, float) else held_out)
        if isinstance(validation, float):
            rows, held_out = self.problem.split(rows, validation, seed=self.settings.seed)
        options = replace(self.options, goes_on=final_fit or autotune is not None)
        if autotune is None:
            times = len(every) / len(rows) if final_fit and len(every) <= MOST_TRAINED_AGAIN else 0.0
            fit_partners = partial(self._partners, rows, held_out)
            forecast = Forecast(options.callbacks, begin=begin, fit_partners=fit_partners, again=times)
            options = replace(options, callbacks=[*options.callbacks, forecast])
        learned = self._attempt(choice, options, rows, held_out)
        if autotune is not None and learned.run.stopped != "interrupted":
            last = time.monotonic() - begin if final_fit else 0.0  # the final fit takes about as long as this
            learned = self._tuned(learned, given, rows, held_out, until=begin + 60 * autotune - last)
        if not final_fit or not self.problem.of_texts or learned.run.stopped == "interrupted":
            return learned
        return self._on_all(learned, joined(rows, held_out))

    def _attempt(self, choice: Choice, options: FitOptions, rows: RowsT, held_out: RowsT) -> Learned:
        """Train on some rows, and choose and measure on others."""
        fitted = self._trained(self.settings, options, rows, held_out)
        learned, run = Learned(choice, fitted, fitted.run), fitted.run
        if run.stopped == "interrupted":
            return learned
        if not self.problem.of_texts:
            return replace(learned, validation=dict(run.evaluations[run.best].validation) if run.evaluations else None)
        return self._chosen(learned, rows, held_out)

    def _tuned(self, first: Learned, given: ModelSettings, rows: RowsT, held_out: RowsT, *, until: float) -> Learned:
        """Train under other settings until the time is over, and return the best of all trainings."""
        base, options = self.settings, self.options.without_records()
        by_loss = self.problem.of_texts or given.optimisation.monitor == "loss"

        def loss(learned: Learned) -> float:
            found = learned.validation
            return inf if not found else found["loss"] if by_loss else -found[self.problem.metric(self.classes)]

        def train(values: Mapping[str, Any], watch: Callback) -> tuple[Learned, float]:
            self.settings = base.updated(**values)
            reason = f"{first.choice.reason}; autotune: {described(values)}"
            choice = replace(first.choice, values={**first.choice.values, **values}, reason=reason)
            learned = self._attempt(choice, replace(options, callbacks=[watch]), rows, held_out)
            return learned, loss(learned)

        search = Search(first, loss(first))
        search.run(train, given, of_words=not self.problem.of_texts, until=until, tell=self._tell)
        self.settings = base.updated(**search.values)
        if search.interrupted:
            search.result.run.stopped = "interrupted"
        return search.result

    def _tell(self, choice: str) -> None:
        for callback in self.options.callbacks:
            callback.on_choice(choice)

    def _trained(
        self,
        settings: ModelSettings,
        options: FitOptions,
        rows: RowsT,
        held_out: RowsT | None,
        *,
        vectors: bool = False,
    ) -> Fitted:
        self.fitting = Fitting(settings, self.strategy, self.problem, self.classes, options)
        return self.fitting.fit(rows, held_out, vectors_only=vectors)

    def _chosen(self, learned: Learned, rows: RowsT, held_out: RowsT) -> Learned:
        """Choose the network's linear partners, and measure the whole on the texts held out."""
        fitted, settings = learned.fitted, self.settings
        reader = reader_for(fitted, settings)
        task, data = self._measurable(reader, held_out)
        with torch_threads(settings.compute.threads):
            alone = task.probabilities(reader.network(fitted.network), data)
        assert self.prior is not None
        known = have_known_words(data.texts.ids, data.texts.offsets)
        ensemble, others = None, self._examples(held_out)
        if settings.encoder.linear:
            shown = told_by_words(alone, known, None, self.prior, others.texts)[0]
            partners = self._partners(rows, held_out)
            ensemble = Ensemble.choose(partners, others, shown, independent=self.problem.independent)
        probabilities, _ = told_by_words(alone, known, ensemble, self.prior, others.texts)
        metrics = task.metrics(probabilities, data)
        return replace(learned, ensemble=ensemble, validation=metrics, probabilities=probabilities)

    def _partners(self, rows: RowsT, held_out: RowsT) -> list[Partner]:
        """Return the network's linear partners, if it has any: the same under all settings that are searched."""
        if self._fitted_partners is None:
            self._fitted_partners = []
            if self.problem.of_texts and self.settings.encoder.linear:
                self._fitted_partners = Partner.fitted(
                    self._examples(rows),
                    self._examples(held_out),
                    independent=self.problem.independent,
                    tokeniser=self.settings.text.tokeniser,
                )
        return self._fitted_partners

    def _on_all(self, learned: Learned, rows: RowsT) -> Learned:
        """Learn from all labelled texts what was chosen on a part of them."""
        if len(rows) <= MOST_TRAINED_AGAIN:
            run = learned.run
            epochs = run.evaluations[run.best].epoch if run.best >= 0 else self.settings.optimisation.epochs
            settings = self.settings.updated(optimisation__epochs=epochs, optimisation__convergence="never")
            self._tell(f"chosen: {epochs} epoch{'s' * (epochs != 1)}; now on all {len(rows):,} labelled texts")
            fitted = self._trained(settings, self.options.of_final_fit(run.evaluations), rows, None)
            if fitted.run.stopped == "interrupted":
                run.stopped = "interrupted"
                return learned
            learned = replace(learned, fitted=fitted)
        if learned.ensemble is not None:
            ensemble = learned.ensemble.refitted(self._examples(rows), self.settings.text.tokeniser)
            learned = replace(learned, ensemble=ensemble)
        return learned

    def _from_few(self, choice: Choice, rows: RowsT, held_out: RowsT | None) -> Learned:
        """Train word vectors and fit all else in closed form; measure on rows held out, or out of fold."""
        try:
            fitted = self._trained(self.settings, self.options, rows, None, vectors=True)
        except NoContextError:  # a handful of words: only what the labelled texts say counts
            self.settings = self.settings.updated(embedding__init="random")
            choice = replace(choice, values={**choice.values, "embedding__init": "random"})
            fitted = self._trained(self.settings, self.options, rows, None, vectors=True)
        settings = self.settings
        labelled = self._examples(rows)
        known = set(labelled.texts)  # a copy would be learned from in the folds that hold its text out
        others = (text for text in self.options.unlabelled if text not in known)
        unlabelled = _sample(others, MOST_SELF_LABELLED, seed=settings.seed)
        reader = reader_for(fitted, settings)
        texts = truncated(reader.read([*labelled.texts, *unlabelled]), settings.text)
        with torch_threads(settings.compute.threads):
            vectors = pooled_vectors(reader.network(fitted.network), texts, max_length=settings.text.max_length)
        found = learn(
            fitted.network, labelled, unlabelled, vectors, tokeniser=settings.text.tokeniser, seed=settings.seed
        )
        if found.own_labels:
            more = f"{found.own_labels:,} unlabelled texts got labels of the classifier's own"
            self._tell(more)
            choice = replace(choice, reason=f"{choice.reason}; {more}")
        task, data = self._measurable(reader, rows if held_out is None else held_out)
        probabilities = found.out_of_fold
        if held_out is not None:
            with torch_threads(settings.compute.threads):
                alone = task.probabilities(reader.network(fitted.network), data)
            assert self.prior is not None
            readable = have_known_words(data.texts.ids, data.texts.offsets)
            probabilities, _ = told_by_words(alone, readable, found.ensemble, self.prior, held_out.texts)
        metrics = task.metrics(probabilities, data)
        return Learned(choice, fitted, fitted.run, found.ensemble, metrics, probabilities)

    def _measurable(self, reader: DocumentEncoder, rows: RowsT) -> tuple[LabelledTask[Any, Any], Any]:
        """Return the primary task, and rows as its data."""
        prepared = self.problem.prepare(rows, self.classes, self.settings.text)
        data = to_measure(prepared, reader, rows.source)
        return primary_task(self.settings, self.problem, self.classes, data), data

    def _examples(self, rows: Any) -> Examples:
        weights = None if rows.weights is None else np.array(rows.weights, dtype=np.float32)
        return Examples(rows.texts, self.problem.indicator(rows, self.classes), weights)


def _sample(texts: Iterable[str], most: int, *, seed: int) -> list[str]:
    """Return so many of the texts, drawn at random, in their order (reservoir sampling)."""
    draw = np.random.default_rng(seed)
    kept: list[tuple[int, str]] = []
    for number, text in enumerate(texts):
        if number < most:
            kept.append((number, text))
        elif (place := int(draw.integers(number + 1))) < most:
            kept[place] = (number, text)
    return [text for _, text in sorted(kept)]
