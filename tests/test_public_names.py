"""The public names, pinned: a change here is a change for users."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import lightkeeper

PUBLIC: dict[str, list[str]] = {}
PACKAGES = sorted(
    m.name
    for m in pkgutil.walk_packages(lightkeeper.__path__, "lightkeeper.")
    if m.ispkg and not any(part.startswith("_") for part in m.name.split("."))
)


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_the_pinned_ones(package: str) -> None:
    names = sorted(getattr(importlib.import_module(package), "__all__", []))
    assert names == PUBLIC.get(package, [])


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_exist_and_are_documented(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        if callable(value):
            assert value.__doc__, f"{package}.{name} has no docstring"
