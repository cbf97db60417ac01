"""Public names of packages, loaded when they are first used (PEP 562): importing takes a moment only."""

from __future__ import annotations

import sys

TYPE_CHECKING = False  # as type checkers know it; the module `typing` would take longer than all else here
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def lazily(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package.

    Args:
        package: its name.
        homes: for each of its modules the names that it gives, with spaces between.

    Returns:
        A function that returns what has a name; it raises `MissingExtraError` if that needs torch, which is not
        installed, and `AttributeError` for unknown names. And a function that returns all names.

    Example:
        >>> attribute, names = lazily("mt2st", {"errors": "InputError listed"})
        >>> attribute("listed")(["a"]), "listed" in names()
        ("'a'", True)
    """
    home_of = {name: home for home, names in homes.items() for name in names.split()}

    def attribute(name: str) -> object:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        try:
            return getattr(import_module(f"{package}.{home_of[name]}"), name)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != "torch":
                raise
            from mt2st.errors import MissingExtraError

            raise MissingExtraError(name, "train") from error

    def names() -> list[str]:
        return sorted([*home_of, *(name for name in vars(sys.modules[package]) if name.startswith("__"))])

    return attribute, names
