"""Nearest words of a few words in trained embeddings: without the auxiliary tasks, and with them.

The words are chosen by a rule, not by how well they look: of the most frequent ones, those with the longest vectors,
as training has moved these most.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.models import load_model
from mt2st.models.folder import PARAMETERS
from mt2st.study.report.page import Block, Paragraph, Tabular
from mt2st.study.result import MODEL, RESULT, CellResult
from mt2st.study.runs import SINGLE_TASK, Group
from mt2st.study.statistics import UNKNOWN
from mt2st.study.study import Study
from mt2st.study.summary import Row
from mt2st.study.tables import Table

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
