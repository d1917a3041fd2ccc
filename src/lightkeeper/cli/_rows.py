"""One way in and one way out for every per-file command."""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

from lightkeeper.cli._exit import Exit
from lightkeeper.cli._printable import printable, printable_lines, printable_row
from lightkeeper.errors import LightkeeperError
from lightkeeper.plain import name_bytes

_UNSAFE = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""DEL, C1 controls (a terminal takes U+009B for ESC [), line ends of scripts, half pairs."""

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


def file_rows(
    files: Iterable[str], examine: Callable[[str], dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Call ``examine`` for each file; a file that fails becomes a row with ``error``.

    Where a name is not UTF-8, ``file_bytes`` holds its bytes as base64.
    """
    for file in files:
        raw = name_bytes(file)
        named = {"file": file} if raw is None else {"file": file, "file_bytes": raw}
        try:
            yield {**named, **examine(file)}
        except LightkeeperError as error:
            yield {**named, "error": {"code": error.code, "message": str(error)}}
        except OSError as error:
            message = error.strerror or type(error).__name__
            yield {**named, "error": {"code": "unreadable", "message": message}}


def write_rows(
    rows: Iterable[dict[str, Any]],
    *,
    as_json: bool,
    render: Callable[[dict[str, Any]], str],
    keep_lines: bool = False,
) -> Exit:
    """Print each row at once, as a JSON line or rendered for a person.

    Errors go to standard error for a person, and stay in the row for a machine. ``render`` gets
    texts that cannot break its lines, or with ``keep_lines`` as they are; either way no control
    character reaches a terminal. Returns ``Exit.PARTIAL`` where any row carries an error.
    """
    code = Exit.OK
    for row in rows:
        failed = "error" in row
        code = Exit.PARTIAL if failed else code
        if as_json:
            sys.stdout.write(_json_line(row) + "\n")
        elif failed:
            sys.stderr.write(printable(f"{row['file']}: {row['error']['message']}") + "\n")
        else:
            write_text(render(row if keep_lines else printable_row(row)))
        sys.stdout.flush()
    return code


def write_text(text: str) -> None:
    """Print lines for a person on standard output, whatever they hold and it can encode."""
    encoding = sys.stdout.encoding or "utf-8"
    shown = printable_lines(text).encode(encoding, "replace").decode(encoding)
    sys.stdout.write(shown + "\n")


def _json_line(row: dict[str, Any]) -> str:
    """One line of JSON; what a terminal would obey or no encoding holds becomes an escape."""
    is_utf8 = (sys.stdout.encoding or "utf-8").lower().replace("-", "") == "utf8"
    return _UNSAFE.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(row, ensure_ascii=not is_utf8)
    )
