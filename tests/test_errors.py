from __future__ import annotations

import inspect

import pytest

from lightkeeper import errors
from lightkeeper.errors import LightkeeperError, LimitExceeded, MissingExtra

TREE = [
    e for _, e in inspect.getmembers(errors, inspect.isclass) if e.__module__ == errors.__name__
]


@pytest.mark.parametrize("error", TREE)
def test_every_error_stands_in_the_drawn_tree_and_descends_from_the_root(
    error: type[Exception],
) -> None:
    assert errors.__doc__ is not None
    assert error.__name__ in errors.__doc__
    assert issubclass(error, LightkeeperError)


def test_an_error_says_what_to_do() -> None:
    error = MissingExtra("Parquet output", extra="parquet")
    assert isinstance(error, ImportError)
    assert error.hint == "pip install 'lightkeeper[parquet]'"
    assert "Parquet output" in str(error)


def test_codes_are_stable_words() -> None:
    assert LimitExceeded("too large").code == "limit-exceeded"
