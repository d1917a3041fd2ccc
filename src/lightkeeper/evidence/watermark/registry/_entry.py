"""An entry: what a payload names. Never a prompt, never a person."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from lightkeeper.errors import EvidenceError, InvalidConfiguration
from lightkeeper.evidence.watermark.registry._sketch import Frame, draw_sketch
from lightkeeper.hashing import pdq_of_rgb

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from lightkeeper.evidence.watermark.registry._withdrawal import Withdrawal

SOFT_BINDING_ALGORITHM: Final = "io.github.lightkeeper.lattice.1"
"""Name of the open mark in C2PA soft bindings, in the form of the C2PA's list of algorithms."""
PAYLOAD_BITS: Final = 48
_PAYLOADS: Final = 1 << PAYLOAD_BITS
_HEX: Final = re.compile(r"[0-9a-f]{12}")
_DIGEST: Final = re.compile(r"[0-9a-f]{64}")
# A name, not a text: no line, no "@", and too short for a prompt.
_NAME: Final = re.compile(r"[^\W_](?:[\w .,:+/()&'-]{0,62}[\w.)+])?")
_PERIOD: Final = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01]))?)?")
# Printable ASCII but " < > @ \ : nothing that hides what it is, and no account in it.
_URL: Final = re.compile(r"https://[!#-;=?A-\[\]-~]{1,500}")
_LARGEST_SIDE: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """What tells a marked picture from others, made of its pixels after marking.

    Whoever has the sketch can say whether a picture is the marked one, and sees what it shows at
    the size of an icon. What is published names it by its digest only: it commits to a sketch, and
    is no target to aim a picture at.

    Raises
    ------
    InvalidConfiguration
        A value is out of range, or the sketch is not of a picture of this size.
    """

    width: int
    height: int
    pdq: bytes
    """32 bytes, bit-identical to the reference implementation."""
    quality: int
    """Of the PDQ, 0-100."""
    sketch_sha256: str
    sketch: bytes | None = None
    """The grey levels of up to 48 × 48 cells, see :func:`compare`; ``None`` where withheld."""

    def __post_init__(self) -> None:
        if not (0 < self.width <= _LARGEST_SIDE and 0 < self.height <= _LARGEST_SIDE):
            raise InvalidConfiguration("a fingerprint's width and height are from 1 to 1,048,576")
        if len(self.pdq) != 32 or not 0 <= self.quality <= 100:
            raise InvalidConfiguration("a fingerprint's PDQ has 32 bytes and a quality of 0 to 100")
        if not _DIGEST.fullmatch(self.sketch_sha256):
            raise InvalidConfiguration("'sketch_sha256' of a fingerprint has 64 hexadecimal digits")
        if self.sketch is None:
            return
        rows, columns = self.frame.cells
        if len(self.sketch) != rows * columns:
            raise InvalidConfiguration("a fingerprint's sketch is not of a picture of its size")
        if hashlib.sha256(self.sketch).hexdigest() != self.sketch_sha256:
            raise InvalidConfiguration(
                "a fingerprint's sketch is not the one that its digest names"
            )

    @classmethod
    def of(cls, rgb: NDArray[np.uint8]) -> Fingerprint:
        """Fingerprint a marked picture.

        Parameters
        ----------
        rgb : uint8, shape (H, W, 3), at least 5 pixels on each side

        Raises
        ------
        UnsupportedMedia
            The picture is smaller.
        """
        found = pdq_of_rgb(rgb)
        sketch = draw_sketch(rgb)
        return cls(
            width=rgb.shape[1],
            height=rgb.shape[0],
            pdq=found.bits,
            quality=found.quality,
            sketch_sha256=hashlib.sha256(sketch).hexdigest(),
            sketch=sketch,
        )

    def withheld(self) -> Fingerprint:
        """The same without its sketch, as it is published."""
        return replace(self, sketch=None)

    @property
    def frame(self) -> Frame:
        """Size of the marked picture."""
        return Frame(self.width, self.height)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkEntry:
    """What the owner of a registry says of one marked picture.

    There is no field for a prompt, an account or a person, and names are too short for one.

    Parameters
    ----------
    payload : int
        The 48 bits in the picture.
    organisation, model, version : str
        Names of at most 64 characters: letters, digits, spaces and ``.,:+/()&'-``.
    period : str
        When it was made, no finer than a day: ``2026``, ``2026-03`` or ``2026-03-14``.
    fingerprint : Fingerprint
    manifest_sha256 : str, optional
        SHA-256 of its C2PA manifest store, as a file of its own.
    manifest_url : str, optional
        Where somebody may look for that; Lightkeeper never fetches it.
    withdrawn : Withdrawal, optional
        It does not count any more: it says nothing about any picture.

    Raises
    ------
    InvalidConfiguration
        A value is none of that kind.
    """

    payload: int
    organisation: str
    model: str
    version: str | None = None
    period: str
    fingerprint: Fingerprint
    manifest_sha256: str | None = None
    manifest_url: str | None = None
    withdrawn: Withdrawal | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.payload < _PAYLOADS:
            raise InvalidConfiguration(f"a payload has {PAYLOAD_BITS} bits")
        names = {"organisation": self.organisation, "model": self.model, "version": self.version}
        for name, value in names.items():
            if value is not None and not _NAME.fullmatch(value):
                raise InvalidConfiguration(
                    f"'{name}' of an entry is no name",
                    hint="at most 64 letters, digits, spaces and .,:+/()&'-; never a person's name",
                )
        if not _PERIOD.fullmatch(self.period) or not _is_there(self.period):
            raise InvalidConfiguration(
                "'period' of an entry is a year, a month or a day", hint="such as 2026-03"
            )
        if self.manifest_sha256 is not None and not _DIGEST.fullmatch(self.manifest_sha256):
            raise InvalidConfiguration("'manifest_sha256' of an entry has 64 hexadecimal digits")
        if self.manifest_url is not None and not _URL.fullmatch(self.manifest_url):
            raise InvalidConfiguration("'manifest_url' of an entry is an https address")

    @property
    def maker(self) -> str:
        """Organisation, model and version, for a sentence."""
        version = f" {self.version}" if self.version else ""
        return f"{self.organisation}, {self.model}{version}"


def _is_there(period: str) -> bool:
    try:
        return bool(date.fromisoformat(period + "0000-01-01"[len(period) :]))
    except ValueError:
        return False


def payload_hex(payload: int) -> str:
    """Twelve hexadecimal digits."""
    return f"{payload:012x}"


def parse_payload(text: str) -> int:
    """The payload of twelve hexadecimal digits.

    Raises
    ------
    EvidenceError
        It is not that.
    """
    digits = text.strip().lower()
    if not _HEX.fullmatch(digits):
        raise EvidenceError("a payload is written as 12 hexadecimal digits")
    return int(digits, 16)


def random_payload() -> int:
    """A payload that says nothing by itself; two of a million are the same with chance 0.002."""
    return secrets.randbits(PAYLOAD_BITS)
