"""Sections of pages: what is needed to repeat a study or a run, and the nearest words of a few words.

To repeat: command, data, settings, versions, machines. The words are chosen by a rule, not by how well they look: of
the most frequent ones, those with the longest vectors, as training has moved these most.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.models import load_model
from mt2st.models.folder import PARAMETERS
from mt2st.models.settings import ModelSettings
from mt2st.study.data import SETTINGS
from mt2st.study.report.page import Block, Code, Facts, Items, Paragraph, Section, Tabular
from mt2st.study.result import MODEL, RESULT, CellResult
from mt2st.study.runs import SINGLE_TASK, Group
from mt2st.study.statistics import UNKNOWN
from mt2st.study.study import EARLIER, Study
from mt2st.study.summary import Row
from mt2st.study.tables import Table


def setup_section(study: Study) -> Section:
    """Return the section that says how to repeat a study."""
    shared, differing = settings_of([each.identity.get(SETTINGS, {}) for each in study.results])
    facts = [("seeds", ", ".join(map(str, study.seeds))), *((name, written(each)) for name, each in differing.items())]
    facts += machine_facts([each.versions for each in study.results], [each.machine for each in study.results])
    strategies = _strategies(study)
    tables = [Tabular(strategies, "Strategies and their settings")] * bool(strategies.rows)
    return Section("To repeat it", [*about_blocks(study.about), *tables, Facts(facts), *settings_blocks(shared)])


def about_blocks(about: Mapping[str, Any]) -> Iterator[Block]:
    """Yield the commands and the data, as far as a description has them."""
    if command := about.get("command"):
        yield from (Paragraph("The command:"), Code(str(command)))
    if earlier := about.get(EARLIER):
        yield Paragraph("Earlier ones, which may have made some of the runs:")
        yield from (Code(str(each)) for each in earlier)
    if described := about.get("data"):
        yield from (Paragraph("The data:"), Items([str(line) for line in described]))


def settings_of(settings: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings that are the same in all runs, and those that differ, with all their values; no seeds.

    Example:
        >>> settings_of([{"epochs": 2, "encoder": "cnn", "seed": 1}, {"epochs": 2, "encoder": "mean", "seed": 2}])
        ({'epochs': 2}, {'encoder': ['cnn', 'mean']})
    """
    shared, differing = {}, {}
    for name in dict.fromkeys(name for each in settings for name in each if name != "seed"):
        values = _different(each.get(name) for each in settings)
        if len(values) == 1:
            shared[name] = values[0]
        else:
            differing[name] = values
    return shared, differing


def settings_blocks(settings: Mapping[str, Any]) -> list[Block]:
    """Return settings by name: first those that differ from the defaults, then all others."""
    usual = ModelSettings().flat()
    changed = {name: value for name, value in settings.items() if name not in usual or value != usual[name]}
    blocks: list[Block] = []
    for title, part in (
        ("Settings that differ from the defaults:", changed),
        ("All other settings have their defaults:", {name: settings[name] for name in settings if name not in changed}),
    ):
        if part:
            blocks += [Paragraph(title), Facts([(name, written(value)) for name, value in part.items()])]
    return blocks


def machine_facts(
    versions: Sequence[Mapping[str, str]], machines: Sequence[Mapping[str, str | int]]
) -> list[tuple[str, str]]:
    """Return the versions and the machines of runs, all that occur."""
    facts = []
    for parts in (versions, machines):
        for name in dict.fromkeys(name for each in parts for name in each):
            values = _different(each[name] for each in parts if name in each)
            facts.append((name, "; ".join(map(str, values))))
    return facts


def strategy_text(state: Mapping[str, Any]) -> str:
    """Return the settings of a strategy in a line.

    Example:
        >>> strategy_text({"strategy": "adaptive-switch", "settings": {"unit": "epoch", "earliest": 3, "latest": None}})
        'adaptive-switch: unit epoch, earliest 3'
    """
    rest = [f"{name} {written(value)}" for name, value in state["settings"].items() if value is not None]
    return f"{state['strategy']}{': ' if rest else ''}{', '.join(rest)}"


def written(value: object) -> str:
    """Return a setting's value for reading.

    Example:
        >>> written(None), written(True), written(["context", 1.0]), written([]), written(0.0125)
        ('not given', 'yes', 'context, 1.0', 'none', '0.0125')
    """
    if value is None:
        return "not given"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(written(each) for each in value) or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {written(each)}" for name, each in value.items()) or "none"
    return str(value)


def _strategies(study: Study) -> Table:
    rows = []
    for group, of_group in study.groups.items():
        states = _different(study.result_of(each).identity.get("strategy", {}) for each in of_group.values())
        known = [strategy_text(state) for state in states if state]
        if known:
            rows.append([group.title(study.varying), "; ".join(known)])
    return Table("strategies", ["strategy", "settings"], rows)


def _different(values: Iterable[Any]) -> list[Any]:
    return list({json.dumps(value, sort_keys=True, default=str): value for value in values}.values())


WORDS, NEIGHBOURS = 8, 6
AMONG, OF = 400, 5000
"""Numbers of frequent words among which the words and their neighbours are chosen."""
LETTERS = 4
"""Shorter words are mostly of grammar."""
LARGEST = 2**29
"""Bytes of a model's parameters above which a report does not load it."""


def study_neighbours(study: Study, rows: Sequence[Row], folder: Path) -> list[Block]:
    """Return neighbours in single-task's embedding and in that of the method with the largest mean, of one seed.

    Nothing where the study has only one of the methods, or its models are gone.
    """
    others = [row for row in rows if row.group.name != SINGLE_TASK and study.single_task(row.group)]
    if not others:
        return []
    best = max(others, key=lambda row: row.score.mean).group
    runs, reference, places = study.groups[best], study.single_task(best), _folders(folder)
    for seed in sorted(runs.keys() & reference.keys()):
        groups = (reference[seed].group, best)
        models = [(each.name, places[each, seed]) for each in groups if (each, seed) in places]
        if len(models) == len(groups):
            return _blocks(models, f"seed {seed}")
    return []


def run_neighbours(folder: Path) -> list[Block]:
    """Return neighbours in the embedding of a run; nothing where it kept no model."""
    model = folder / MODEL
    return _blocks([("neighbours", model)], "after the training") if _can_be_loaded(model) else []


def _blocks(models: Sequence[tuple[str, Path]], what: str) -> list[Block]:
    try:
        loaded = [(name, load_model(place).word_vectors) for name, place in models]
    except InputError as error:  # the rest of the report does not need the model
        return [Paragraph(f"Left out: {error}")]
    # A vocabulary is sorted by frequency.
    vectors = [(name, WordVectors(each.index_to_key[:OF], each.vectors[:OF])) for name, each in loaded]
    words = _words([each for _, each in vectors])
    if not words:
        return []
    columns = [each.similar_by_words(words, NEIGHBOURS) for _, each in vectors]
    rows = [
        [word, *(", ".join(neighbour for neighbour, _ in column[place]) or UNKNOWN for column in columns)]
        for place, word in enumerate(words)
    ]
    notes = (
        f"Nearest words by cosine among the {OF:,} most frequent ones, the nearest first. The words: of the {AMONG} "
        f"most frequent ones of {LETTERS} letters or more, the {len(words)} with the longest vectors in the last one."
    )
    table = Table("neighbours", ["word", *(name for name, _ in vectors)], rows, notes=notes)
    return [Tabular(table, f"Neighbours of words, {what}")]


def _words(vectors: Sequence[WordVectors]) -> list[str]:
    last = vectors[-1]
    known = [
        word
        for word in last.index_to_key
        if len(word) >= LETTERS and word.isalpha() and all(word in each and np.any(each[word]) for each in vectors)
    ][:AMONG]
    return sorted(known, key=lambda word: -float(np.linalg.norm(last[word])))[:WORDS]


def _can_be_loaded(model: Path) -> bool:
    parameters = model / PARAMETERS
    return parameters.is_file() and parameters.stat().st_size <= LARGEST


def _folders(folder: Path) -> dict[tuple[Group, int], Path]:
    """Return the model of each finished cell, where it can be loaded."""
    found = {}
    for path in folder.glob(f"*/{RESULT}"):
        if _can_be_loaded(model := path.parent / MODEL):
            result = CellResult.read(path)
            found[Group.of(result), result.seed] = model
    return found
