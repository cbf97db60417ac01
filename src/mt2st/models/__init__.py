"""What a user trains, saves and predicts with: text in, labels out, the layers below put together.

Importing this package loads no torch, so that the command line can ask for the settings in a moment; naming
`TextClassifier` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mt2st.models.settings import ClassifierSettings

if TYPE_CHECKING:
    from mt2st.models.listener import Listener
    from mt2st.models.text_classifier import TextClassifier

__all__ = ["ClassifierSettings", "Listener", "TextClassifier"]


def __getattr__(name: str) -> object:
    """Load what needs torch when it is first used (PEP 562)."""
    if name == "TextClassifier":
        from mt2st.models.text_classifier import TextClassifier

        return TextClassifier
    if name == "Listener":
        from mt2st.models.listener import Listener

        return Listener
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
