"""The open mark as commands that register need it: one payload, or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence.watermark.registry._entry import payload_hex
from lightkeeper.evidence.watermark.registry._open_mark import read_open_marks

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NO_MARK = "no open mark was found"


def read_payload(rgb: NDArray[np.uint8]) -> int:
    """Read the one open mark of a picture.

    Raises
    ------
    EvidenceError
        It carries none, or several.
    """
    payloads = {mark.payload for mark in read_open_marks(rgb)}
    if not payloads:
        raise EvidenceError(NO_MARK)
    if len(payloads) > 1:
        listed = ", ".join(map(payload_hex, sorted(payloads)))
        raise EvidenceError(f"the picture carries several open marks: {listed}")
    return payloads.pop()
