"""The data that all cells of a study share, of any kind that a model can learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from mt2st.models.identity import add_to_hash, row_hash
from mt2st.models.problem_types import ProblemType, Rows, problem_type_of


@dataclass(frozen=True)
class StudyData:
    """The data that all cells of a study share.

    Attributes:
        train: labelled texts, or tagged sentences, to learn from.
        validation: the same to choose the best epoch by.
        test: the same, measured once a cell, after its training; None where nothing is to see it, as in a search.
        unlabelled: returns further texts; called once a cell, and once to recognise the data. Cells that run in other
            processes need one that can be pickled: a function of a module, or a method of such an object.
    """

    train: Rows
    validation: Rows
    test: Rows | None
    unlabelled: Callable[[], Iterable[str]] = tuple

    def __getstate__(self) -> dict[str, Any]:
        # Without what is cached: a thread of joblib's pickles the data while this one may be filling the caches, and a
        # dictionary that grows meanwhile cannot be pickled.
        return {each.name: getattr(self, each.name) for each in fields(self)}

    def without_test(self) -> StudyData:
        """Return the same data without the test part."""
        return replace(self, test=None)

    @property
    def problem_type(self) -> ProblemType[Any]:
        """The kind of labelled data."""
        return problem_type_of(self.train)

    @cached_property
    def metric(self) -> str:
        """The measure that chooses the best parameters, and that a study's tables are about.

        The accuracy of labels or tags; F1 of entities where the tags mark them; micro F1 of several labels a text.
        """
        return self.problem_type.metric(self.problem_type.classes(self.train))

    @property
    def fingerprint(self) -> str:
        """A hash of all texts and labels, which tells a finished cell of other data from one of these."""
        return self._read[0]

    @property
    def unlabelled_described(self) -> str:
        """What the unlabelled texts are, in a line: how many, and whether test texts are among them.

        Accuracies on texts that were read beforehand, though without their labels (transductive), are no measure of
        those on texts that come later (inductive).
        """
        _, count, seen = self._read
        if not count:
            return "no unlabelled texts besides those learned from"
        texts = f"{count:,} unlabelled text{'' if count == 1 else 's'}"
        if self.test is None:
            return texts
        total = len(self.test.texts)
        if seen:
            return f"{texts}; transductive: {seen:,} of the {total:,} test texts are among them, without their labels"
        return f"{texts}; inductive: none of the {total:,} test texts is among them"

    @cached_property
    def _read(self) -> tuple[str, int, int]:
        """The fingerprint, the number of unlabelled texts, and how many test texts are among these; in one reading."""
        digest = row_hash({"train": self.train, "validation": self.validation, "test": self.test})
        tested = [] if self.test is None else [_key(text) for text in self.test.texts]
        unseen, count = set(tested), 0
        for text in self.unlabelled():
            add_to_hash(digest, "unlabelled", text)
            unseen.discard(_key(text))
            count += 1
        return digest.hexdigest()[:16], count, sum(text not in unseen for text in tested)


def _key(text: str) -> str:
    """Return what two texts have in common that differ in white space at most."""
    return " ".join(text.split())
