"""A strategy from outside the package: one new file gives name, options, saving, loading, search range and style."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from tests.cli.conftest import FAST, table_of, write_reviews

from mt2st import TextClassifier
from mt2st.cli.main import main
from mt2st.cli.strategy_options import strategy_of, strategy_options
from mt2st.errors import InputError
from mt2st.models import ModelSettings
from mt2st.strategy import Strategy, as_strategy, known_strategies, load_strategy
from mt2st.study.charts import dark_colours, styles_of
from mt2st.study.search import COMMON, Course

MODULE = "outside_of_the_package"
FILE = '''
    from mt2st.strategy import LineStyle, Range, Strategy


    class Triangle(Strategy):
        """The weight falls over each period, and begins again."""

        off_is_final = False
        search = (Range("period", 2, 6, whole=True),)
        style = LineStyle("#335577", "#88aacc", (1.0, 1.0), "v")

        def __init__(self, period: int = 3, *, peak: float = 1.0, auxiliaries=None) -> None:
            self.period, self.peak = period, peak
            super().__init__(auxiliaries)

        def weight_of(self, task, t):
            return self.peak * (1 - (t - 1) % self.period / self.period)
    '''


@pytest.fixture(scope="module", autouse=True)
def _nothing_stays_registered() -> Iterator[None]:
    before = dict(Strategy._registered)
    yield
    Strategy._registered.clear()
    Strategy._registered.update(before)


@pytest.fixture(scope="module")
def triangle(tmp_path_factory: pytest.TempPathFactory) -> type[Strategy]:
    """The class, of a file that a user might have written."""
    folder = tmp_path_factory.mktemp("outside")
    (folder / f"{MODULE}.py").write_text(textwrap.dedent(FILE), encoding="utf-8")
    sys.path.insert(0, str(folder))
    try:
        return strategy_of(f"{MODULE}:Triangle")
    finally:
        sys.path.remove(str(folder))


def test_it_is_known_by_its_name_and_made_by_it(triangle: type[Strategy]) -> None:
    assert known_strategies()["triangle"] is triangle
    assert as_strategy("triangle") == triangle()
    assert repr(triangle(5)) == "Triangle(period=5)"  # type: ignore[arg-type]


def test_it_is_saved_and_loaded(triangle: type[Strategy]) -> None:
    strategy = triangle(5).bind(["context"])  # type: ignore[arg-type]
    again = load_strategy(json.loads(json.dumps(strategy.state_dict())))
    assert again == strategy
    assert [again.weights(t) for t in range(1, 9)] == [strategy.weights(t) for t in range(1, 9)]
    other = triangle()
    other.load_state_dict(strategy.state_dict())
    assert other == strategy


def test_a_class_can_be_handed_over(triangle: type[Strategy], monkeypatch: pytest.MonkeyPatch) -> None:
    state = triangle().state_dict()
    monkeypatch.delitem(Strategy._registered, "triangle")
    with pytest.raises(InputError, match="unknown strategy 'triangle'.* hand its class over: strategies="):
        load_strategy(state)
    assert load_strategy(state, [triangle]) == triangle()


def test_its_settings_are_options_of_their_own(triangle: type[Strategy]) -> None:
    options = strategy_options([triangle])(triangle_period=4, triangle_peak=0.5)
    assert options.build("triangle", ["context"]) == triangle(4, peak=0.5)  # type: ignore[call-arg, arg-type]


def test_it_has_its_search_range_and_its_style(triangle: type[Strategy]) -> None:
    course = Course(triangle(), ModelSettings())
    assert [axis.name for axis in course.axes[len(COMMON) :]] == ["period"]
    assert course.at({**course.given, "period": 5}).strategy == triangle(5)  # type: ignore[arg-type]
    style = styles_of(["switch", "triangle"])["triangle"]
    assert style.colour == "#335577"
    assert dark_colours()["#335577"] == "#88aacc"


@pytest.mark.parametrize("from_file", [False, True])
def test_the_command_line_trains_with_it_and_predicts_without_it(
    from_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = f"own_{from_file}"
    (tmp_path / f"{module}.py").write_text(
        textwrap.dedent(FILE).replace("class Triangle", f"class Triangle{from_file}"), encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    reviews = write_reviews(tmp_path / "reviews.csv")
    words = ["train", str(reviews), "--text", "review", "--label", "sentiment", "--output", "run", *FAST]
    name = f"{module}:Triangle{from_file}"
    kebab = f"triangle-{str(from_file).lower()}"
    if from_file:
        (tmp_path / "run.toml").write_text(
            f'strategy = "{name}"\n[schedule]\ntriangle_true_period = 2\n', encoding="utf-8"
        )
        words += ["--config", "run.toml"]
    else:
        words += ["--strategy", name, f"--{kebab}-period", "2"]
    assert main(words) == 0, capsys.readouterr().err
    state = json.loads((tmp_path / "run" / "model" / "config.json").read_text(encoding="utf-8"))["strategy"]
    assert (state["strategy"], state["settings"]["period"]) == (kebab, 2)
    here = TextClassifier.load(tmp_path / "run" / "model")
    assert as_strategy(here.strategy).state_dict() == state
    # A process that does not know the class predicts the same, and says so when it is asked to train.
    code = """
    from mt2st import TextClassifier
    model = TextClassifier.load("run/model")
    print(model.predict_proba(["a warm film"]).tolist())
    try:
        model.fit(["a b", "c d"] * 10, ["x", "y"] * 10)
    except ValueError as error:
        print(error)
    """
    found = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    first, second = found.stdout.splitlines()
    assert json.loads(first) == here.predict_proba(["a warm film"]).tolist()
    assert second.startswith(f"the strategy '{kebab}' cannot train here, as its class is not defined")
    assert torch.is_tensor(here.network_.embedding.weight)


@pytest.mark.slow
def test_the_command_line_compares_with_it_in_processes_of_their_own(tmp_path: Path) -> None:
    """In a process of its own too: others know nothing of what this one has imported."""
    (tmp_path / "mine.py").write_text(textwrap.dedent(FILE).replace("class Triangle", "class Zigzag"), encoding="utf-8")
    reviews = write_reviews(tmp_path / "reviews.csv")
    words = ["compare", str(reviews), "--text", "review", "--label", "sentiment", "--output", "study", *FAST]
    words += ["--strategies", "single-task", "mine:Zigzag", "--zigzag-period", "2", "--seeds", "1", "2", "--jobs", "2"]
    # -P: as in the installed program, the working directory is no place of modules
    program = [sys.executable, "-P", "-c", "import sys; from mt2st.cli.main import main; sys.exit(main(sys.argv[1:]))"]
    done = subprocess.run([*program, *words], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert [row.split()[:2] for row in table_of(done.stdout)[1]] == [["single-task", "2"], ["zigzag", "2"]]
    for seed in (1, 2):
        result = json.loads((tmp_path / "study" / f"zigzag-seed{seed}" / "result.json").read_text(encoding="utf-8"))
        assert result["identity"]["strategy"]["settings"]["period"] == 2
    again = subprocess.run([*program, "report", "study"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr  # a report does not know the class


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("no_such_module:Mine", "cannot import the module no_such_module"),
        ("json:JSONDecoder", "the module json has no subclass of Strategy named 'JSONDecoder'"),
    ],
)
def test_what_the_command_line_cannot_import_is_named(
    word: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reviews = write_reviews(tmp_path / "reviews.csv")
    assert main(["train", str(reviews), "--output", str(tmp_path / "run"), "--strategy", word]) == 2
    assert message in capsys.readouterr().err


def test_a_taken_name_and_unstored_settings_are_refused() -> None:
    with pytest.raises(InputError, match="has the name 'switch' of mt2st.strategy.switch.Switch"):
        type("Switch", (Strategy,), {"weight_of": lambda *_: 1.0})

    class _Careless(Strategy):
        def __init__(self, period: int = 3) -> None:
            super().__init__()

        def weight_of(self, task: str, t: int) -> float:
            return 1.0

    with pytest.raises(TypeError, match=r"must store each argument under its own name: self\.period = period"):
        _Careless().state_dict()
    assert "_careless" not in known_strategies()


def test_a_constructor_in_the_wrong_order_is_told_what_to_do() -> None:
    class _Late(Strategy):
        def __init__(self, period: int = 3, *, auxiliaries: list[str] | None = None) -> None:
            super().__init__(auxiliaries)
            self.period = period

        def weight_of(self, task: str, t: int) -> float:
            return 1.0

    with pytest.raises(TypeError, match=r"self\.period = period, before it calls super\(\)\.__init__"):
        _Late(auxiliaries=["a"])
    assert _Late().bind(["a"]).weights(1) == {"a": 1.0}

    class _Never(Strategy):
        def __init__(self) -> None:
            pass

        def weight_of(self, task: str, t: int) -> float:
            return 1.0

    with pytest.raises(TypeError, match=r"the constructor of _Never must call super\(\)\.__init__\(auxiliaries\)"):
        _Never().bind(["a"])


def test_the_latest_of_local_classes_of_one_name_is_known() -> None:
    def make() -> type[Strategy]:
        class LocalOne(Strategy):
            def weight_of(self, task: str, t: int) -> float:
                return 1.0

        return LocalOne

    def make_another() -> type[Strategy]:
        class LocalOne(Strategy):
            def weight_of(self, task: str, t: int) -> float:
                return 2.0

        return LocalOne

    for each in (make, make_another, make):
        made = each()
        assert known_strategies()["local-one"] is made
    with pytest.raises(InputError, match="has the name 'local-one' of tests.*LocalOne: give it another"):
        type("LocalOne", (Strategy,), {"__module__": "elsewhere", "weight_of": lambda *_: 1.0})
