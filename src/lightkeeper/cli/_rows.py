"""One way in and one way out for every per-file command."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from lightkeeper.cli._exit import Exit
from lightkeeper.errors import LightkeeperError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def file_rows(
    files: Iterable[str], examine: Callable[[str], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Call ``examine`` for each file; a file that fails becomes a row with ``error``."""
    for file in files:
        try:
            yield {"file": file, **examine(file)}
        except LightkeeperError as error:
            yield {"file": file, "error": {"code": error.code, "message": str(error)}}
        except OSError as error:
            message = error.strerror or type(error).__name__
            yield {"file": file, "error": {"code": "unreadable", "message": message}}


def write_rows(
    rows: Iterable[dict[str, Any]], *, as_json: bool, render: Callable[[dict[str, Any]], str]
) -> Exit:
    """Print each row at once, as a JSON line or rendered for a person.

    Errors go to standard error for a person, and stay in the row for a machine. Returns
    ``Exit.PARTIAL`` where any row carries an error.
    """
    code = Exit.OK
    for row in rows:
        failed = "error" in row
        code = Exit.PARTIAL if failed else code
        if as_json:
            sys.stdout.write(_encodable(json.dumps(row, ensure_ascii=False)) + "\n")
        elif failed:
            sys.stderr.write(_encodable(f"{row['file']}: {row['error']['message']}") + "\n")
        else:
            sys.stdout.write(_encodable(render(row)) + "\n")
        sys.stdout.flush()
    return code


def _encodable(text: str) -> str:
    """A file's name may hold bytes that are not UTF-8: in JSON they become legal escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
