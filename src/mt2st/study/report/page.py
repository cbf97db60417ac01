"""From a page's parts to one HTML file that needs nothing else."""

from __future__ import annotations

import re
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mt2st.study.palette import DARK_PAGE, LIGHT_PAGE, STYLES
from mt2st.study.report.blocks import Page

NO_BREAK = "\u00a0"


def render(page: Page) -> str:
    """Return a page as HTML: style and pictures inline, no script, nothing from elsewhere, all its text escaped."""
    environment = Environment(
        loader=PackageLoader("mt2st.study.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tight"] = tight
    return environment.get_template("report.html").render(page=page, style=Markup(_style()))  # our own


def tight(text: str) -> str:
    """Return a text whose figures are not torn apart at the end of a line.

    Example:
        >>> tight("in 0.53 [0.48, 0.58], +2.9 ± 0.4 points").replace("\u00a0", "_")
        'in 0.53 [0.48,_0.58], +2.9_±_0.4_points'
    """
    text = re.sub(
        r"(?<=\d) (?=%|±|points?\b|seeds?\b)|(?<=[±<=]) (?=\d)|(?<=\bp) (?=[<=])|(?<=\bn) (?=\d)", NO_BREAK, text
    )
    return re.sub(r"\[[^]\s]+ [^]\s]+\]", lambda found: found[0].replace(" ", NO_BREAK), text)


def _style() -> str:
    """Return the style sheet, with the colours of the palette."""
    sheet = files("mt2st.study.report").joinpath("templates", "report.css").read_text(encoding="utf-8")
    light = [f"--page: {LIGHT_PAGE}", *(f"--s{style.slot}: {style.light}" for style in STYLES)]
    dark = [f"--page: {DARK_PAGE}", *(f"--s{style.slot}: {style.dark}" for style in STYLES)]
    lines = [
        f".s{style.slot} {{ --c: var(--s{style.slot}); --d: {' '.join(f'{each:g}' for each in style.dash) or 'none'} }}"
        for style in STYLES
    ]
    return (
        f":root {{ {'; '.join(light)} }}\n@media (prefers-color-scheme: dark) {{ @media screen {{ :root {{ "
        f"{'; '.join(dark)} }} }} }}\n{chr(10).join(lines)}\n{sheet}"
    )
