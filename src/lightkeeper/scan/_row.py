"""One file's result, in a versioned form that other programs read."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from lightkeeper.plain import name_bytes, to_plain

SCHEMA = "lightkeeper.scan/1"
"""Changes its number whenever a key changes its meaning or goes; added keys keep it."""
_OBEYED = re.compile("[\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanRow:
    """All that a scan knows about one file, as plain JSON values.

    Keys are described in ``docs/reference/scan-schema.md``.
    """

    schema: str = SCHEMA
    file: str
    status: Literal["ok", "error"] = "ok"
    error: dict[str, Any] | None = None
    """``code`` and ``message`` where the file could not be examined."""
    format: str | None = None
    width: int | None = None
    height: int | None = None
    digests: dict[str, Any] | None = None
    pdq: dict[str, Any] | None = None
    problems: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    failures: list[dict[str, Any]] = field(default_factory=list)
    assessment: dict[str, Any] | None = None
    attribution: dict[str, Any] | None = None
    """Which generator, as far as anything says so."""
    stages: list[dict[str, Any]] = field(default_factory=list)
    """Stages of the cascade that ran, with what made them run."""
    seconds: float = 0.0
    thumbnail: str | None = field(default=None, repr=False, metadata={"plain": False})
    """A small JPEG as base64, only where it was asked for; never part of the plain form."""
    explanation: str | None = field(default=None, repr=False, metadata={"plain": False})
    """The assessment in words, only where it was asked for; never part of the plain form."""

    @classmethod
    def failed(cls, file: str, code: str, message: str, **known: Any) -> ScanRow:
        """A row for a file that could not be examined."""
        return cls(file=file, status="error", error={"code": code, "message": message}, **known)

    def to_plain(self) -> dict[str, Any]:
        """The row as it is written to JSON lines."""
        plain: dict[str, Any] = to_plain(self)
        schema, file = plain.pop("schema"), plain.pop("file")
        return {"schema": schema, "file": file, "file_bytes": name_bytes(file), **plain}

    def to_json(self) -> str:
        """The row as one line of JSON that every reader accepts."""
        return json_line(self.to_plain())

    def to_wire(self) -> bytes:
        """Everything, extras included, as JSON bytes."""
        everything = {f.name: getattr(self, f.name) for f in fields(self)}
        return json.dumps(everything).encode()

    @classmethod
    def from_wire(cls, message: bytes) -> ScanRow:
        """Read what :meth:`to_wire` wrote.

        Raises
        ------
        ValueError
            It is not a row.
        """
        everything = json.loads(message)
        if not isinstance(everything, dict):
            raise ValueError("not a row")
        try:
            return cls(**everything)
        except TypeError as error:
            raise ValueError(str(error)) from error


def json_line(value: object) -> str:
    """JSON on one line, in UTF-8 without lone surrogates.

    Text of a hostile file may hold half a surrogate pair, and a path bytes that are not UTF-8;
    strict readers refuse both, so each becomes U+FFFD; a row keeps the bytes of its path beside
    it. Characters that a terminal obeys (U+009B is its ESC [) or that scripts take for line ends
    are escaped.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", valid_text(text))


def valid_text(text: str) -> str:
    """Text that can be written as UTF-8: each half of a surrogate pair becomes U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
