"""A chart as SVG inside a page: small, the same each time, with its colours from the page's style sheet."""

from __future__ import annotations

import re
from io import BytesIO
from xml.etree import ElementTree

from markupsafe import Markup

from mt2st.study.charts import Chart, paper_style, sheet

SVG, LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
CLASSES = {"line", "band", "name"}
"""The marks (``gid``) of a chart that become classes in the page."""
DEFAULTS = ("font-family", "stroke-dashoffset: 0", "stroke-linejoin", "stroke-linecap: square", "text-anchor: start")
"""Beginnings of what a page does not need of an element's style."""


def inline_svg(chart: Chart, identifier: str) -> Markup:
    """Return a chart as an SVG element, with the title and description that a screen reader says in its place.

    Every colour becomes a variable of the page, ``var(--c0067a5)`` for ``#0067a5``: dark mode is then a matter of CSS.

    Args:
        chart: the chart.
        identifier: of the picture in its page; the identifiers inside begin with it.
    """
    buffer = BytesIO()
    with paper_style():
        figure = sheet([chart])
        for patch in (figure.patch, *(axes.patch for axes in figure.axes)):
            patch.set_visible(False)
        figure.savefig(buffer, format="svg")
    drawn = ElementTree.fromstring(buffer.getvalue())  # matplotlib's own output, every text escaped
    parts = {"title": chart.title, "desc": chart.description}
    labelled = " ".join(f"{identifier}-{part}" for part in parts)
    svg = ElementTree.Element("svg", {"viewBox": drawn.attrib["viewBox"], "role": "img", "aria-labelledby": labelled})
    for part, text in parts.items():
        ElementTree.SubElement(svg, part, {"id": f"{identifier}-{part}"}).text = text
    inside = ElementTree.SubElement(svg, "g", {"aria-hidden": "true"})
    inside.extend(made for each in drawn if each.tag == f"{SVG}g" for made in _clean(each, f"{identifier}-"))
    return Markup(ElementTree.tostring(svg, encoding="unicode"))  # ElementTree escapes


def _clean(element: ElementTree.Element, prefix: str) -> list[ElementTree.Element]:
    """Return an element of matplotlib's as a page needs it: without namespaces, and groups only where they say more."""
    inside = [made for each in element for made in _clean(each, prefix)]
    name, own = element.tag.removeprefix(SVG), dict(element.attrib)
    identifier = own.pop("id", "")
    attributes = {}
    if name == "g":
        if identifier not in CLASSES:
            return inside
        attributes["class"] = identifier
    elif identifier:
        attributes["id"] = prefix + identifier
    for key, value in own.items():
        if key == LINK:
            attributes["href"] = f"#{prefix}{value[1:]}"
        elif key == "style":
            attributes[key] = _style(value)
        elif key != "clip-path" and not value.startswith("rotate(-0"):  # charts cut what is beyond their axes
            value = re.sub(r"-?\d+\.\d+", lambda found: f"{float(found[0]):.2f}".rstrip("0").rstrip("."), value)
            attributes[key] = " ".join(value.split()).replace(" L ", "L").replace("M ", "M")
    made = ElementTree.Element(name, attributes)
    made.text = element.text if name == "text" else None
    made.extend(inside)
    return [made]


def _style(style: str) -> str:
    """Return a style with the page's font and colours, without what is the default of SVG."""
    style = re.sub(r"font: ([\d.]+px)[^;]*", r"font-size: \1", style)
    style = re.sub(r"#([0-9a-f]{6})", r"var(--c\1)", style)
    kept = (each for each in style.split("; ") if not each.startswith(DEFAULTS))
    return "; ".join(each.replace(": ", ":") for each in kept)
