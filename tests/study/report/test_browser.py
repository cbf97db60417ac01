"""The page in a real browser: nothing on its console, nothing cut off, in a narrow window, a wide one and in print."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from tests.study.report.folders import METHODS, results, write_run, write_study

from mt2st.study.report import write_report

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
WIDTHS = (320, 400, 800, 1000, 1400)

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium, chromium-browser or google-chrome is installed: pages are not looked at"
)

MEASURE = """
const found = [...document.querySelectorAll('iframe')].map(frame => {
  const page = frame.contentDocument, root = page.documentElement;
  page.querySelectorAll('details').forEach(each => each.open = frame.dataset.open === 'yes');
  const hidden = each => each.closest('.skip, .hidden, .scroll, thead, caption');
  const beyond = [...page.body.querySelectorAll('*')].filter(
    each => !hidden(each) && (each.getBoundingClientRect().right > root.clientWidth + 1
      || each.getBoundingClientRect().left < -1));
  return {width: root.clientWidth, scrolls: root.scrollWidth,
          beyond: beyond.map(each => each.tagName + ' ' + each.textContent.trim().slice(0, 40)).slice(0, 5)};
});
document.body.innerHTML = '';
document.body.dataset.found = JSON.stringify(found);
"""
"""Tells of each frame how wide it is, how wide its content, and which elements stand out on either side."""


def browse(page: Path, *options: str) -> tuple[str, list[str]]:
    """Return what a browser prints about a page, and what was said on its console."""
    assert CHROMIUM
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
         "--hide-scrollbars", f"--user-data-dir={page.parent / 'browser'}", "--enable-logging=stderr",
         *options, page.as_uri()],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(params=["study", "run"])
def page(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A report with everything that could be too wide."""
    if request.param == "run":
        return write_report(write_run(tmp_path / "run", classes=("a-class-" * 20, "pos")))
    wide = [
        replace(
            each,
            factors={
                "embedding": "/data/" + "long-" * 20 + "name.vec",
                "auxiliary": "context",
                "encoder": "cnn",
            },
        )
        for each in results()
    ]
    named = [replace(each, name="a-method-with-a-very-long-name-of-its-own") for each in results(["switch"])]
    folder = write_study(tmp_path / "study", [*results(), *wide, *named], command="mt2st compare " + "x" * 300)
    return write_report(folder, figures=False)


def test_nothing_is_said_on_the_console(page: Path) -> None:
    dom, console = browse(page, "--dump-dom")
    assert "</html>" in dom
    assert not console


@pytest.mark.parametrize("opened", ["no", "yes"])
def test_nothing_is_cut_off_at_any_width(page: Path, opened: str) -> None:
    content = html.escape(page.read_text(encoding="utf-8"), quote=True)
    frames = "".join(
        f'<iframe data-open="{opened}" style="width:{width}px;height:600px;border:0" srcdoc="{content}"></iframe>'
        for width in WIDTHS
    )
    harness = page.with_name("harness.html")
    harness.write_text(
        f"<!doctype html><body>{frames}<script>addEventListener('load', () => {{{MEASURE}}})</script></body>",
        encoding="utf-8",
    )
    dom, _ = browse(harness, "--dump-dom", "--window-size=1600,1200")
    found = json.loads(html.unescape(re.search(r'data-found="([^"]*)"', dom)[1]))  # type: ignore[index]
    assert [each["width"] for each in found] == list(WIDTHS)
    for each in found:
        assert each["scrolls"] <= each["width"], each
        assert not each["beyond"], each


def test_it_prints(page: Path) -> None:
    target = page.with_name("report.pdf")
    _, console = browse(page, "--no-pdf-header-footer", f"--print-to-pdf={target}")
    assert target.read_bytes().startswith(b"%PDF")
    assert not console


def test_the_names_of_lines_do_not_lie_on_each_other(tmp_path: Path) -> None:
    page = write_report(
        write_study(tmp_path / "study", results([*METHODS, "dwa", "bloop", "mgda", "pcgrad", "cagrad"]))
    )
    script = """
    const over = [...document.querySelectorAll('svg')].flatMap(svg => {
      const boxes = [...svg.querySelectorAll('.name text')].map(each => each.getBoundingClientRect());
      return boxes.filter((a, i) => boxes.some((b, j) => j > i && a.bottom > b.top + 3 && b.bottom > a.top + 3
        && a.right > b.left && b.right > a.left));
    }).length;
    document.body.innerHTML = ''; document.body.dataset.over = over;
    """
    text = re.sub(r"<meta http-equiv[^>]*>", "", page.read_text(encoding="utf-8"))
    tried = page.with_name("tried.html")
    tried.write_text(text.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    dom, _ = browse(tried, "--dump-dom", "--window-size=1400,1000")
    assert 'data-over="0"' in dom
