from __future__ import annotations

from importlib import import_module

import pytest

PACKAGES = ("mt2st", "mt2st.text", "mt2st.embedding", "mt2st.evaluation", "mt2st.models")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_a_home(package: str) -> None:
    module = import_module(package)
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        found = getattr(module, name)
        assert not isinstance(found, type(module)), f"{package}.{name} is a module"


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_is_told_as_any_module_tells_it(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'nothing'"):
        _ = import_module(package).nothing
