"""Sphinx's configuration: ``sphinx-build -W docs docs/_build``."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx

import mt2st

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "mt2st"
author = "The mt2st maintainers"
copyright = author
version = release = mt2st.__version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "mathml",  # formulas without JavaScript, so that the pages need no network
    "settings_group",  # tables of settings from their fields
    "command_help",  # pages of the command line from its parser
]
exclude_patterns = ["_build"]
default_role = "code"
toc_object_entries = False

myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 4

autodoc_typehints = "signature"
autodoc_type_aliases = {"ArrayLike": "ArrayLike"}
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

html_theme = "furo"
html_math_renderer = "mathml"
html_title = "mt2st"
html_static_path = ["_static"]
html_css_files = ["mt2st.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False


def whole_attribute_docstring(*arguments: Any) -> None:
    """Keep napoleon from reading the text before an attribute's first colon as its type: begin with a comment."""
    _, what, *_, lines = arguments
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]


def left_out(*arguments: Any) -> bool | None:
    """Leave out what scikit-learn adds for its metadata routing, and the tables by which strategies have options."""
    _, _, name, value, *_ = arguments
    if name.startswith("set_") and name.endswith("_request"):
        return True
    return True if name in ("options", "search") and value else None


def short_signature(*arguments: Any) -> tuple[str, str] | None:
    """Write a type without the ranges that annotate it, and an alias by its name."""
    *_, signature, returned = arguments
    ranged = r"Annotated\[(\w+), FieldInfo\(annotation=NoneType, required=True, metadata=\[[^]]*\]\)\]"
    if not signature:
        return None
    return re.sub(r"TypeAliasForwardRef\('(\w+)'\)", r"\1", re.sub(ranged, r"\1", signature)), returned


def setup(app: Sphinx) -> None:
    """Connect these; the first one before napoleon."""
    app.connect("autodoc-process-docstring", whole_attribute_docstring, priority=400)
    app.connect("autodoc-skip-member", left_out)
    app.connect("autodoc-process-signature", short_signature)
