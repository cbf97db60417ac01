"""The neighbours of a few words in trained embeddings: without the auxiliary tasks, and with them.

A run does not keep the vectors that it started from, so "before" is what single-task made of the same start. The words
are chosen by rule, not by how well they look: of the most frequent ones, those with the longest vectors, which is where
training has moved most.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mt2st._files import complete_file
from mt2st.embedding import WordVectors
from mt2st.errors import InputError
from mt2st.models import load_model
from mt2st.models.folder import PARAMETERS
from mt2st.study.report.page import Block, Page, Paragraph, Tabular
from mt2st.study.result import MODEL, RESULT, CellResult
from mt2st.study.runs import SINGLE_TASK, Group
from mt2st.study.study import Study
from mt2st.study.summary import Row
from mt2st.study.tables import UNKNOWN, Table

WORDS, NEIGHBOURS = 8, 6
AMONG, OF = 400, 5000
"""Words are chosen among so many of the most frequent ones, and neighbours among so many."""
LETTERS = 4
"""Shorter words are mostly of grammar."""
NAME, KEPT = "neighbours", "neighbours.json"
"""Of the table, and of the file of a study's folder that keeps it: the folder can be passed on without its models."""
LARGEST = 2**29
"""Bytes of a model's parameters above which a report does not load it."""


def study_neighbours(study: Study, rows: Sequence[Row], folder: Path) -> list[Block]:
    """Return neighbours in single-task's embedding and in that of the method with the largest mean, of one seed.

    They are those that `keep_neighbours` kept where the study's models are gone. Nothing where the study has only one
    of the methods, or never kept models.
    """
    blocks = _of_models(study, rows, folder)
    return blocks if any(isinstance(block, Tabular) for block in blocks) else [*blocks, *_kept(folder / KEPT)]


def keep_neighbours(page: Page, folder: Path) -> None:
    """Write the table of a study's page into its folder, for pages that are made when the models are gone."""
    for block in (block for section in page.sections for block in section.blocks):
        if isinstance(block, Tabular) and block.table.name == NAME:
            table = block.table
            content = {"caption": block.caption, "header": table.header, "rows": table.rows, "notes": table.notes}
            with complete_file(folder / KEPT, overwrite=True) as file:
                file.write(json.dumps(content, ensure_ascii=False, indent=1).encode())


def _of_models(study: Study, rows: Sequence[Row], folder: Path) -> list[Block]:
    others = [row for row in rows if row.group.name != SINGLE_TASK and study.single_task(row.group)]
    if not others:
        return []
    best = max(others, key=lambda row: row.score.mean)
    reference = study.single_task(best.group)
    places = _folders(folder)
    for seed in sorted(study.groups[best.group].keys() & reference.keys()):
        found = [
            (each.group.name, places.get((each.group, seed)))
            for each in (reference[seed], study.groups[best.group][seed])
        ]
        models = [(name, place) for name, place in found if place is not None and _can_be_loaded(place)]
        if len(models) == len(found):
            return _blocks(models, f"seed {seed}")
    return []


def run_neighbours(folder: Path) -> list[Block]:
    """Return neighbours in the embedding of a run; nothing where it kept no model."""
    model = folder / MODEL
    return _blocks([("neighbours", model)], "after the training") if _can_be_loaded(model) else []


def _blocks(models: Sequence[tuple[str, Path]], what: str) -> list[Block]:
    try:
        vectors = [(name, _most_frequent(load_model(place).word_vectors)) for name, place in models]
    except InputError as error:  # a report is about results: that a model cannot be read here is told, and no more
        return [Paragraph(f"Left out: {error}")]
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
    table = Table(NAME, ["word", *(name for name, _ in vectors)], rows, notes=notes)
    return [Tabular(table, f"Neighbours of words, {what}")]


def _kept(path: Path) -> list[Block]:
    if not path.is_file():
        return []
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        table = Table(NAME, saved["header"], saved["rows"], notes=saved["notes"])
        return [Tabular(table, saved["caption"])]
    except (OSError, ValueError, KeyError, TypeError) as error:  # a report is about results, as above
        return [Paragraph(f"Left out: {path} cannot be read ({error})")]


def _words(vectors: Sequence[WordVectors]) -> list[str]:
    last = vectors[-1]
    known = [
        word
        for word in last.index_to_key
        if len(word) >= LETTERS and word.isalpha() and all(word in each and np.any(each[word]) for each in vectors)
    ][:AMONG]
    return sorted(known, key=lambda word: -float(np.linalg.norm(last[word])))[:WORDS]


def _most_frequent(vectors: WordVectors) -> WordVectors:
    """Return the vectors of the first words: a vocabulary is sorted by frequency."""
    return WordVectors(vectors.index_to_key[:OF], vectors.vectors[:OF])


def _can_be_loaded(model: Path) -> bool:
    parameters = model / PARAMETERS
    return parameters.is_file() and parameters.stat().st_size <= LARGEST


def _folders(folder: Path) -> dict[tuple[Group, int], Path]:
    """Return the model folder of each finished cell."""
    found = {}
    for path in folder.glob(f"*/{RESULT}"):
        result = CellResult.read(path)
        found[Group.of(result), result.seed] = path.parent / MODEL
    return found
