"""A mapping file: how the columns of somebody's CSV become fields of an entry.

TOML. Nothing is guessed about a list whose schema is not public (IWF, GIFCT, C3P, INHOPE …): who
has the list writes down what its columns mean.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from lightkeeper.errors import InvalidConfiguration
from lightkeeper.matching.formats._fields import LABELS

if TYPE_CHECKING:
    from pathlib import Path

TARGETS: Final = frozenset(
    {
        *("value", "kind", "variant", "quality", "source_id", "source", "state"),
        *("added", "seen", "expires", "withdrawn", "votes_for", "votes_against"),
        *LABELS,
    }
)
_FIRST: Final = "value."
_ANY: Final = "*"
_SECTIONS: Final = {"csv", "columns", "constants", "values"}
_FLAGS: Final = {"delimiter", "header", "comment"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Columns to fields, constants and value maps.

    ``columns`` maps a column's name (its number from 1 where there is no header) to a field, or to
    ``value.KIND`` where one row holds hashes of several kinds. ``values`` maps, per field, what the
    list writes to what Lightkeeper means; ``*`` stands for any other text and an empty result for
    "not said".
    """

    columns: dict[str, str]
    constants: dict[str, str] = field(default_factory=dict)
    values: dict[str, dict[str, str]] = field(default_factory=dict)
    delimiter: str = ","
    header: bool = True
    comment: str | None = None


def load_mapping(path: Path) -> Mapping:
    """Read a mapping file.

    Raises
    ------
    InvalidConfiguration
        It is not TOML, or names a field, section or option that does not exist.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"mapping {path.name}: {error}") from error
    try:
        return _mapping(table)
    except ValueError as error:
        raise InvalidConfiguration(f"mapping {path.name}: {error}") from error


def _mapping(table: dict[str, Any]) -> Mapping:
    _known(table, _SECTIONS, "section")
    options = _table(table, "csv")
    _known(options, _FLAGS, "option of [csv]")
    columns = _texts(_table(table, "columns"), "columns")
    constants = _texts(_table(table, "constants"), "constants")
    values = {
        name: _texts(rows, f"values.{name}") for name, rows in _table(table, "values").items()
    }
    for target in columns.values():
        if target not in TARGETS and not _is_hash(target):
            raise ValueError(f"a column cannot become '{target}'")
    _known(constants, TARGETS - {"value"}, "constant")
    _known(values, TARGETS - {"value"}, "field of [values]")
    _complete(columns, constants)
    return Mapping(columns=columns, constants=constants, values=values, **_options(options))


def _complete(columns: dict[str, str], constants: dict[str, str]) -> None:
    targets = set(columns.values())
    if len(targets) != len(columns):
        raise ValueError("two columns become the same field")
    several = any(map(_is_hash, targets))
    if several == ("value" in targets):
        raise ValueError("exactly one of 'value' and 'value.KIND' must come from columns")
    if not several and "kind" not in targets | constants.keys():
        raise ValueError("nothing says what kind the hashes are: add a 'kind' column or constant")


def _options(options: dict[str, Any]) -> dict[str, Any]:
    delimiter = options.get("delimiter", ",")
    if not isinstance(delimiter, str) or len(delimiter) != 1 or delimiter in '"\n\r':
        raise ValueError("'delimiter' is one character")
    header = options.get("header", True)
    if not isinstance(header, bool):
        raise ValueError("'header' is true or false")
    comment = options.get("comment")
    if comment is not None and (not isinstance(comment, str) or not comment):
        raise ValueError("'comment' is the text that comment lines start with")
    return {"delimiter": delimiter, "header": header, "comment": comment}


def _is_hash(target: str) -> bool:
    return target.startswith(_FIRST) and len(target) > len(_FIRST)


def _known(table: dict[str, Any], names: frozenset[str] | set[str], what: str) -> None:
    for name in table:
        if name not in names:
            raise ValueError(f"there is no {what} '{name}'; there are: {', '.join(sorted(names))}")


def _table(table: dict[str, Any], name: str) -> dict[str, Any]:
    value = table.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"[{name}] is a table")
    return value


def _texts(table: object, name: str) -> dict[str, str]:
    if not isinstance(table, dict) or not all(isinstance(text, str) for text in table.values()):
        raise ValueError(f"[{name}] maps texts to texts")
    return dict(table)


def hash_columns(mapping: Mapping) -> dict[str, str]:
    """Column to kind, for the columns that hold hashes of a kind of their own."""
    return {
        column: target.removeprefix(_FIRST)
        for column, target in mapping.columns.items()
        if _is_hash(target)
    }


def meaning(mapping: Mapping, name: str, text: str) -> str | None:
    """What a text of a field means; ``None`` where the value map does not have it."""
    table = mapping.values.get(name)
    if table is None:
        return text
    return table.get(text, table.get(_ANY))
