"""The data that all cells of a study share, and what else must be the same for a finished run to count as a cell's."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property, lru_cache
from glob import escape
from pathlib import Path
from typing import Any

from mt2st._checkpoint import file_hash
from mt2st._version import __version__
from mt2st.errors import InputError
from mt2st.models import ModelSettings, model_class
from mt2st.models.auxiliaries import WordData
from mt2st.models.groups import LABELLED_AUXILIARIES, READERS, STARTS, AuxiliaryData
from mt2st.models.identity import add_to_hash, resolved, row_hash
from mt2st.models.problem_types import ProblemType, Rows, problem_type_of
from mt2st.strategy import Strategy


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


SETTINGS, DEFAULTS = "settings", "defaults"
MOST_NAMED = 4
"""Most settings that a message names."""
ELSEWHERE = "choose another folder for the study"
"""What to do about results that differ."""


def identity_of(strategy: Strategy, settings: ModelSettings, data: StudyData) -> dict[str, Any]:
    """Return strategy, settings, version, and a hash of all data, as plain JSON values."""
    checked = model_class(data.problem_type.name).from_settings(settings).checked_settings()
    labelled = [task for task in LABELLED_AUXILIARIES if task in settings.auxiliaries]
    start = [settings.embedding.init] if settings.embedding.init not in STARTS else []
    identity = {
        "strategy": strategy.state_dict(),
        SETTINGS: settings.flat(),
        DEFAULTS: resolved(checked),
        "data": data.fingerprint,
        "auxiliary data": WordData.read(settings).fingerprint,
        "auxiliary labels": _hashes(str(getattr(settings.auxiliary_data, task)) for task in labelled),
        "word vectors": _hashes(start),
        "version": __version__,
    }
    values: dict[str, Any] = json.loads(json.dumps(identity))
    return values


def difference(there: Mapping[str, Any], here: Mapping[str, Any]) -> str | None:
    """Return the first part that differs, as it is said after "other"; None if there is none.

    Args:
        there: the identity of a finished run.
        here: the identity that is wanted, or parts of it.

    Example:
        >>> difference({"data": "a", "settings": {"epochs": 2}}, {"data": "a", "settings": {"epochs": 3}})
        'settings (epochs is 2 there and 3 here)'
    """
    for name, value in here.items():
        before = there.get(name)
        if before != value:
            if isinstance(before, Mapping) and isinstance(value, Mapping):
                return f"{name} ({changes(before, value)})"
            return name
    return None


def changes(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """Return which values differ; of many, the first few."""
    there, here = _flat(there), _flat(here)
    names = [name for name in dict.fromkeys((*here, *there)) if there.get(name, "") != here.get(name, "")]
    named = [f"{name} is {_shown(there, name)} there and {_shown(here, name)} here" for name in names[:MOST_NAMED]]
    return ", ".join(named) + (f", and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else "")


def idle_data(tasks: Collection[str]) -> list[str]:
    """Return the settings of `AuxiliaryData` that none of these auxiliary tasks reads."""
    idle = [name for name, readers in READERS.items() if not set(readers) & set(tasks)]
    unused = tuple(task for task in LABELLED_AUXILIARIES if task not in tasks)
    return idle + [each.name for each in fields(AuxiliaryData) if each.name.startswith(unused)]


def _flat(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, with those inside a strategy's ``settings`` among them."""
    inner = values.get(SETTINGS)
    outer = {name: value for name, value in values.items() if name != SETTINGS}
    return {**outer, **inner} if isinstance(inner, Mapping) else dict(values)


def _shown(values: Mapping[str, Any], name: str) -> str:
    return f"{values[name]!r}" if name in values else "unknown"


def _hashes(names: Iterable[str]) -> dict[str, str]:
    """Return the hash of each file; data of a hub and published vectors are known by their names alone."""
    return {str(path): _hash(path, path.stat().st_size, path.stat().st_mtime_ns) for path in _files(names)}


def _files(names: Iterable[str]) -> Iterator[Path]:
    for path in map(Path, names):
        if path.is_dir():
            yield from sorted(each for each in path.rglob("*") if each.is_file())
        elif path.exists():  # gensim writes large arrays into files of their own: NAME.vectors.npy
            yield from (path, *sorted(path.parent.glob(f"{escape(path.name)}.*npy")))


@lru_cache(maxsize=64)  # all cells of a study name the same files
def _hash(path: Path, *_state: int) -> str:
    try:
        return file_hash(path)[:16]
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from error
