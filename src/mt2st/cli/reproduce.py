"""The paper's tables, figures and claims about time, run again and compared with the paper."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from mt2st.cli.data_options import check_rows, warn_of_shared_texts
from mt2st.cli.options import AT_LEAST_1, parse
from mt2st.cli.run_folder import SHARE_OF_CELLS, check_output, own_share, telling_what_is_kept
from mt2st.cli.terminal import say, warn
from mt2st.errors import InputError, listed
from mt2st.text import read_labelled

if TYPE_CHECKING:
    from mt2st.study import Cell, Study, StudyData
    from mt2st.study.paper.protocol import Protocol

IMDB = "hf:stanfordnlp/imdb"
QUICK_SEEDS, SEEDS = (1,), (1, 2, 3)
OF_TABLES = ("embeddings", "glove", "analogies", "agree", "disagree", "similarity")
"""The options that ``time`` has no use for: its runs start at random, with the context task."""


@dataclass(frozen=True)
class ReproduceOptions:
    """Options of ``mt2st reproduce``."""

    what: Annotated[Literal["tables", "figures", "time"], tyro.conf.Positional, tyro.conf.arg(metavar="WHAT")]
    """tables: I to III, with the figures 5 to 11; figures: 5 to 11 alone, from the same runs; time: the
    67 % and 13 % less training time."""
    output: Path
    """Folder of the study: finished runs are not run again, so an interrupted one goes on by the same command."""
    data: str = IMDB
    """The reviews: IMDB from the hub (extra hf), or a copy of it, or any other labelled texts: a file or folder."""
    text: str | None = None
    """Column of the texts; needed where a source has several columns and none is called 'text'."""
    label: str | None = None
    """Column of the labels; 'label' if not given."""
    protocol: Literal["sound", "reference"] = "sound"
    """sound: mini-batches, 250 validation reviews to choose the epoch by, up to 4,000 unseen ones for the test.
    reference: as the published code: 25 epochs of one step each, 250 reviews for the test."""
    quick: bool = False
    """A taste: a smaller network, two embeddings, one seed, the test on 1,000 reviews."""
    seeds: tuple[int, ...] = ()
    """A run of each for each seed; 1 2 3 if not given, 1 with --quick."""
    embeddings: tuple[str, ...] = ()
    """Of CBOW, SkipGram, CBOWFastText, SkipGramFastText and GloveTwitter, those to run; all if not given, with --quick
    the first two."""
    glove: str | None = None
    """GloVe vectors in place of those trained here: a file, or gensim:glove-twitter-100 (extra gensim)."""
    analogies: tuple[str, ...] = ()
    """Files of analogy questions, for update0 and update2; if none is given, those of mt2st."""
    agree: tuple[str, ...] = ()
    """Files of word pairs that should agree; without any, update1 is left out."""
    disagree: tuple[str, ...] = ()
    """Files of word pairs that should not."""
    similarity: tuple[str, ...] = ()
    """Files of word pairs with people's scores of their similarity; without any, update3 is left out."""
    jobs: Annotated[int, AT_LEAST_1] = 1
    """Runs at a time, each in a process of its own."""
    threads: Annotated[int, AT_LEAST_1] = 1
    """Threads of torch in a run. One leaves a second core to the context task and to reading; with more, all strategies
    have as many cores."""
    cell: Annotated[str | None, SHARE_OF_CELLS] = None
    """Work on a share of the runs only, for array jobs on a cluster: 3/8 is the third of eight."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(ReproduceOptions, arguments, program="mt2st reproduce", description=__doc__ or "")
    _check_options(options)
    check_output(options.output)
    reviews = read_labelled(options.data, text=options.text, label=options.label or "label")
    check_rows(reviews)

    from mt2st.cli.study_runs import finish, run_cells
    from mt2st.study.paper import REPRODUCED
    from mt2st.study.run import is_finished
    from mt2st.study.study import MEASURED_PART

    protocol = _protocol(options)
    data = protocol.data(reviews)
    chosen_on = data.validation if protocol.chooses else None  # else it is the training part
    warn_of_shared_texts({"training": data.train, "validation": chosen_on, "test": data.test})
    cells = [
        replace(cell, settings=cell.settings.updated(compute__threads=options.threads))
        for cell in _cells(options, protocol, data)
    ]
    due = [cell for cell in cells if not is_finished(options.output, cell)]
    chosen = f"{len(data.validation):,} to choose by" if protocol.chooses else "the epoch chosen on the same ones"
    parts = f"{len(data.train):,} reviews to learn from, {chosen}, {len(data.test or ()):,} for the test"
    say(f"{protocol.name} protocol: {parts}; {len(cells):,} runs, of which {len(cells) - len(due):,} are finished")
    say(data.unlabelled_described)
    own = own_share(options.cell, cells)
    if options.cell:
        due = [cell for cell in due if cell in own]
        say(f"share {options.cell}: {len(own):,} of the runs, {len(due):,} of them to do")
    with telling_what_is_kept(options.output):
        study = run_cells(
            data,
            cells,
            folder=options.output,
            jobs=options.jobs,
            share=own,
            about={
                "command": shlex.join(["mt2st", "reproduce", *arguments]),
                "data": [
                    f"{options.data}, {protocol.name} protocol: {parts}",
                    data.unlabelled_described,
                ],
                REPRODUCED: options.what,
                **({} if protocol.chooses else {MEASURED_PART: "training"}),
            },
        )
    return finish(study, options.output, partial(_show, options=options))


def _check_options(options: ReproduceOptions) -> None:
    """Refuse values out of range, and warn of options that nothing reads."""
    if options.what == "time" and options.protocol == "reference":
        raise InputError("time is measured on the validation part, which --protocol reference does not have")
    unused = [f"--{name}" for name in OF_TABLES if getattr(options, name)]
    if options.what == "time" and unused:
        warn(f"{listed(unused)} change nothing here: time is measured from random vectors, with the context task")


def _protocol(options: ReproduceOptions) -> Protocol:
    from mt2st.study.paper.protocol import QUICK, REFERENCE, SOUND

    if options.quick and options.protocol == "reference":
        raise InputError("--quick is a taste of the sound protocol: leave out --protocol reference, or --quick")
    return QUICK if options.quick else REFERENCE if options.protocol == "reference" else SOUND


def _cells(options: ReproduceOptions, protocol: Protocol, data: StudyData) -> list[Cell]:
    from mt2st.embedding import load_vectors
    from mt2st.study.paper.protocol import NEEDED_FILES, UPDATES, possible_updates, table_cells, time_cells

    seeds = options.seeds or (QUICK_SEEDS if options.quick else SEEDS)
    if options.what == "time":
        return time_cells(protocol, data, seeds=seeds)
    files = {name: getattr(options, name) for name in ("analogies", "agree", "disagree", "similarity")}
    possible = possible_updates(files)
    for update in (each for each in UPDATES if each not in possible):
        needed = " and ".join(f"--{name}" for name in NEEDED_FILES[update])
        say(f"mt2st: warning: {update} ({UPDATES[update]}) is left out: it needs {needed}")
    cells_of = partial(
        table_cells, protocol, seeds=seeds, files=files, embeddings=options.embeddings, glove=options.glove
    )
    cells = cells_of()
    if options.glove and all(cell.settings.embedding.init != options.glove for cell in cells):
        warn(f"--glove {options.glove} changes nothing here: GloveTwitter is not among the embeddings")
        return cells
    for cell in cells:
        cell.settings.check_files()
    return cells_of(vector_size=load_vectors(options.glove).vector_size) if options.glove else cells


def _show(study: Study, *, options: ReproduceOptions) -> None:
    from mt2st.study.paper import FIGURES, PAPER, REPRODUCED, tables_of, verdict_of
    from mt2st.study.report import write_report

    study = replace(study, about={**study.about, REPRODUCED: options.what})
    for table in tables_of(study):
        print(table.text())
        print(table.notes, end="\n\n")
    if sentence := verdict_of(study):
        print(sentence)
    report = write_report(options.output, study=study)
    place = options.output / PAPER
    if options.what != "figures":
        say(f"as text, Markdown and LaTeX: {place / options.what}")
    if options.what != "time":
        say(f"figures as PNG and SVG: {place / FIGURES}")
    say(f"report: {report}")
