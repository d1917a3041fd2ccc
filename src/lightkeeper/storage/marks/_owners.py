"""Whose a registry is, and which file of its owner may renew it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightkeeper.errors import MatchError

if TYPE_CHECKING:
    from lightkeeper.evidence.watermark.registry import RegistryFile


def check_own(row: Any) -> None:
    """Refuse to change what was taken over from its owner."""
    if row.public_key is not None:
        raise MatchError(
            f"the registry '{row.name}' is its owner's: only the owner's file changes it",
            hint="use another name for a registry of your own",
        )


def check_newer(row: Any, file: RegistryFile) -> None:
    """Refuse a file that is not the same owner's, or older than what is kept."""
    if row.public_key is None:
        raise MatchError(f"a registry of your own has the name '{row.name}'")
    if row.public_key != file.public_key:
        raise MatchError(
            f"the registry '{row.name}' was signed by another key before",
            hint="ask its owner whether the key was changed, and take it over into a new data base",
        )
    if (file.head.version, file.sha256) != (row.version, row.sha256) and (
        file.head.version <= row.version
    ):
        raise MatchError(
            f"version {file.head.version} of '{row.name}' is not newer than {row.version}, "
            "which is kept"
        )
