"""What the audit was at one moment, kept where nobody of the service can reach it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from lightkeeper.cases.audit._canonical import canonical
from lightkeeper.errors import InvalidConfiguration

_SCHEMA: Final = "lightkeeper.audit-anchor/1"
_DIGEST_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Anchor:
    """A point of the chain that somebody wrote down elsewhere.

    Whoever holds the data base *and* the key file can write another history with a valid head. It
    does not run through an anchor.
    """

    sequence: int
    digest: bytes
    at: datetime
    """When it was written down."""

    def line(self) -> str:
        """One line of JSON."""
        fields = {
            "schema": _SCHEMA,
            "sequence": self.sequence,
            "digest": self.digest.hex(),
            "at": self.at.astimezone(UTC).isoformat(timespec="seconds"),
        }
        return canonical(fields).decode()

    @classmethod
    def parse(cls, line: str) -> Anchor:
        """Read a line.

        Raises
        ------
        InvalidConfiguration
            It is no anchor.
        """
        try:
            fields = json.loads(line)
            if set(fields) != {"schema", "sequence", "digest", "at"}:
                raise ValueError
            if fields["schema"] != _SCHEMA:
                raise ValueError
            sequence, digest = fields["sequence"], bytes.fromhex(fields["digest"])
            at = datetime.fromisoformat(fields["at"])
            if type(sequence) is not int or sequence < 1 or len(digest) != _DIGEST_BYTES:
                raise ValueError
            if at.tzinfo is None:
                raise ValueError
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise InvalidConfiguration("not an anchor of the audit") from error
        return cls(sequence, digest, at)
