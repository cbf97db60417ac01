"""Elements of SVG as text that is safe in a page: every attribute and every text is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape


def element(name: str, *children: Markup, text: str = "", **attributes: str | float) -> Markup:
    """Return an element.

    Args:
        name: of the element.
        children: inside it.
        text: inside it, before the children.
        attributes: ``class_`` for ``class``, ``text_anchor`` for ``text-anchor``; numbers are rounded to hundredths.

    Example:
        >>> element("text", text="<1 %>", class_="tick", x=1 / 3)
        Markup('<text class="tick" x="0.33">&lt;1 %&gt;</text>')
    """
    parts = [f' {key.rstrip("_").replace("_", "-")}="{escape(_value(value))}"' for key, value in attributes.items()]
    inner = Markup("").join([escape(text), *children])
    return Markup(f"<{name}{''.join(parts)}>{inner}</{name}>")  # its parts are escaped


def path(points: Iterable[tuple[float, float]]) -> str:
    """Return the data of a path through points.

    Example:
        >>> path([(0, 0), (1.5, 2)])
        'M0 0L1.5 2'
    """
    return "M" + "L".join(f"{_value(x)} {_value(y)}" for x, y in points)


def picture(
    identifier: str, title: str, description: str, width: float, height: float, content: Sequence[Markup]
) -> Markup:
    """Return a picture with the text that a screen reader says in its place."""
    name, described = f"{identifier}-title", f"{identifier}-desc"
    return element(
        "svg",
        element("title", text=title, id=name),
        element("desc", text=description, id=described),
        element("g", *content, aria_hidden="true"),
        viewBox=f"0 0 {_value(width)} {_value(height)}",
        role="img",
        aria_labelledby=f"{name} {described}",
    )


def _value(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.2f}".rstrip("0").rstrip(".")
