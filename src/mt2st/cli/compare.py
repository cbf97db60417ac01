"""``mt2st compare``: several strategies and seeds on the same data, with a table."""

from __future__ import annotations

import math
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from mt2st.cli.data_options import DataOptions, read_parts
from mt2st.cli.options import AT_LEAST_1, Rule, named_by_flags
from mt2st.cli.run_folder import SHARE_OF_CELLS, check_output, own_share, telling_what_is_kept
from mt2st.cli.strategy_options import ModelOptions, StrategyOptions, name_of, parse_with_strategies
from mt2st.cli.terminal import say
from mt2st.cli.without_effect import check_schedule, warn_of_unused
from mt2st.errors import InputError
from mt2st.strategy import CombiningStrategy
from mt2st.strategy.loading import PAPER_STRATEGIES

if TYPE_CHECKING:
    from mt2st.study import Study

DESCRIPTION = """Compare strategies on the same data, with several seeds: a table, a report, figures.

Examples:
  mt2st compare reviews.csv --text review --label sentiment --output study
  mt2st compare reviews.csv --output study --strategies single-task diminish --seeds 1 2 3 4 5 --jobs 2
  mt2st compare reviews.csv --output study --encoders mean bilstm --auxiliary-sets none context context+analogy"""
SHOWN = (
    "data", "output", "text", "label", "task", "unlabelled", "validation", "test", "train_size",
    "strategies", "seeds", "embeddings", "auxiliary_sets", "encoders", "search", "jobs",
    "auxiliaries", "encoder", "epochs", "batch_size", "learning_rate", "vector_size",
)  # fmt: skip
"""What ``--help`` shows: the data, what is compared, and the options that most people use."""
_OF_TRIALS = Rule(lambda trials: trials >= 0, "is a number of trials, 0 for none")


@dataclass(frozen=True, kw_only=True)
class CompareOptions(ModelOptions):
    """Options of ``mt2st compare``."""

    source: DataOptions
    output: Path
    """Folder of the study: a folder a cell with result and model; finished cells are not run again."""
    strategies: tuple[str, ...] = PAPER_STRATEGIES
    """Strategies to compare: single-task, multi-task, diminish, switch, adaptive-diminish, adaptive-switch; baselines
    from elsewhere: pretrain-finetune, uncertainty, dwa, pcgrad, mgda, cagrad, gradient-cosine,
    bloop; one of your own by module and class: mypackage.mine:Mine."""
    seeds: tuple[int, ...] = (1, 2, 3)
    """A run of each strategy for each seed."""
    embeddings: tuple[str, ...] = ()
    """Compare these starts of the embedding too: values of --init."""
    auxiliary_sets: tuple[str, ...] = ()
    """Compare these sets of auxiliary tasks too, each joined by +: context context+analogy none."""
    encoders: tuple[str, ...] = ()
    """Compare these encoders too."""
    schedule: StrategyOptions = field(default_factory=StrategyOptions)
    search: Annotated[int, _OF_TRIALS] = 0
    """Search settings first: so many trials for each strategy in each setting, of the learning rates, dropout and its
    own, by the validation part alone. The chosen values are then used for all seeds. Needs the extra 'search'."""
    search_epochs: Annotated[int | None, AT_LEAST_1] = None
    """Epochs of a trial; --epochs' if not given. Times of strategies are kept as shares of the training."""
    jobs: Annotated[int, AT_LEAST_1] = 1
    """Runs at a time, each in a process of its own with one thread of torch. Seconds are those of a shared machine
    then; steps and operations are not affected."""
    cell: Annotated[str | None, SHARE_OF_CELLS] = None
    """Work on a share of the runs only, for array jobs on a cluster: 3/8 is the third of eight. All shares have the
    same --output; once they are through, the same command without --cell prints the table."""
    cluster: str | None = None
    """Run on the Dask cluster whose scheduler has this address; --output lies on a disk that its workers see."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse_with_strategies(
        CompareOptions, arguments, program="mt2st compare", description=DESCRIPTION, common=SHOWN
    )
    lists = {
        "encoder.name": ("--encoders", options.encoders),
        "embedding.init": ("--embeddings", options.embeddings),
        "auxiliaries": ("--auxiliary-sets", options.auxiliary_sets),
    }
    with named_by_flags(type(options), {path: flag for path, (flag, given) in lists.items() if given}):
        return _compare(replace(options, strategies=tuple(map(name_of, options.strategies))), arguments)


def _compare(options: CompareOptions, arguments: Sequence[str]) -> int:
    _check_options(options)
    if options.search:
        from mt2st.study.search import check_search

        check_search(options.search, options.search_epochs, options.seeds)
    auxiliaries = tuple(_tasks(word) for word in options.auxiliary_sets)
    sets = auxiliaries or (options.model.auxiliaries,)
    schedules = [(name, options.schedule.build(name, tasks), tasks) for name in options.strategies for tasks in sets]
    every = {task for tasks in sets for task in tasks}
    warn_of_unused(
        options,
        options.model,
        strategies=options.strategies,
        auxiliaries=sorted(every),
        encoders=options.encoders,
        embeddings=options.embeddings,
    )
    counts_steps = any(strategy.unit == "step" for _, strategy, _ in schedules)
    if not counts_steps:
        check_schedule(schedules, options.model)
    check_output(options.output)
    parts = read_parts(options.source)
    if parts.test is None:
        raise InputError("a comparison needs a test part: give --test a file or a share above 0")
    if counts_steps:  # how many there are is known only now
        steps = math.ceil(len(parts.train) / options.optimisation.batch_size)
        check_schedule(schedules, options.model, steps_per_epoch=steps)

    from mt2st.cli.study_runs import finish, run_cells, run_search
    from mt2st.study import Grid, Method, Study, StudyData
    from mt2st.study.run import check_shared_settings
    from mt2st.study.search import COMMON
    from mt2st.study.tables import search_table

    cells = Grid(
        {name: Method(partial(options.schedule.build, name)) for name in options.strategies},
        options.model,
        options.seeds,
        embeddings=options.embeddings,
        auxiliaries=auxiliaries,
        encoders=options.encoders,
    ).cells()
    data = StudyData(parts.train, parts.validation, parts.test, parts.unlabelled)
    for cell in cells:
        cell.settings.checked(of_words=not data.problem_type.of_texts).check_files()
        if isinstance(cell.strategy, CombiningStrategy):
            cell.strategy.check_requirements()
    about: dict[str, Any] = {
        "command": shlex.join(["mt2st", "compare", *arguments]),
        "data": [*parts.described(), data.unlabelled_described],
    }
    searched = [each.name.replace("__", ".") for each in COMMON] if options.search else []
    where: dict[str, Any] = {"folder": options.output, "jobs": options.jobs, "cluster": options.cluster}
    with telling_what_is_kept(options.output):
        if options.search:
            check_shared_settings(options.output, cells, searched=searched)  # before hours of search
            found = run_search(data.without_test(), cells, options.search, epochs=options.search_epochs, **where)
            cells, about = list(found.cells), {**about, "search": found.about}
            if table := search_table(Study(about=about)):
                say(f"{table.text()}\n{table.notes}")
        study = run_cells(
            data,
            cells,
            share=own_share(options.cell, cells),
            about=about,
            searched=searched,
            checkpoint_seconds=options.checkpoint_seconds,
            **where,
        )
    return finish(study, options.output, partial(_show, folder=options.output))


def _check_options(options: CompareOptions) -> None:
    if not options.auxiliary_sets:  # else each set of tasks is checked with the files
        options.model.checked(of_words=options.source.task == "tagging")
    twice = [name for name in dict.fromkeys(options.strategies) if options.strategies.count(name) > 1]
    if twice:
        raise InputError(f"--strategies names '{twice[0]}' twice: name each strategy once")


def _tasks(word: str) -> tuple[str, ...]:
    return () if word == "none" else tuple(word.split("+"))


def _show(study: Study, *, folder: Path) -> None:
    """Print the table, and write the report."""
    from mt2st.study.report import write_report
    from mt2st.study.tables import result_table

    table = result_table(study)
    print(table.text())
    say(table.notes)
    say(f"report: {write_report(folder, study=study)}")
    say(f"the same as Markdown, LaTeX and CSV, with steps and operations: {folder / 'tables'}")
    say(f"figures as PNG and SVG: {folder / 'figures'}")
