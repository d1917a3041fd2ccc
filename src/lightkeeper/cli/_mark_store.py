"""The data base of marked pictures, as options of a command and of the settings name it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from lightkeeper.cli._settings import load_settings

if TYPE_CHECKING:
    from lightkeeper.storage.marks import SqlMarkRegistry

StoreOption = Annotated[
    str | None, typer.Option("--store", help="Data base of entries (URL) [default: setting].")
]
RegistryOption = Annotated[
    str, typer.Option("--registry", metavar="NAME", help="The registry; made by its first entry.")
]


def opened(option: str | None, *, create: bool = False) -> SqlMarkRegistry:
    """The data base of an option, or of the settings."""
    from lightkeeper.storage.marks import open_marks

    return open_marks(option or load_settings().mark_entries, create=create)
