"""Several open marks in one picture: each was put there by somebody, and one after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding
from lightkeeper.evidence.watermark.registry._entry import payload_hex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DISAGREE: Final = "marks-disagree"
SEVERAL: Final = "several-marks"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeveralMarks(Details):
    """The payloads that were read, each with the maker that stands behind it, if one does."""

    makers: Mapping[str, str | None]


def several_marks(
    makers: Mapping[int, str | None], *, examiner: str, version: str
) -> Iterator[Finding]:
    """Say that there is more than one mark; a conflict where two makers each name the picture.

    Parameters
    ----------
    makers : mapping
        Payload to the maker that a registry or the table of marks names for this very picture;
        ``None`` where it is unknown, copied, withdrawn or cannot be told.
    examiner, version : str
        Who says so.
    """
    if len(makers) < 2:
        return
    named = {maker for maker in makers.values() if maker is not None}
    listed = " and ".join(map(payload_hex, makers))
    said = f"Carries {len(makers)} open marks, {listed}: at least one was put on after another."
    if len(named) > 1:
        said += f" They name different makers: {'; '.join(sorted(named))}."
    yield Finding(
        claim=Claim.CONTRADICTION if len(named) > 1 else Claim.PROVENANCE,
        basis=Basis.PUBLIC_MARK,
        summary=said,
        examiner=examiner,
        version=version,
        source="pixels:luma",
        limits=("key-is-public", SEVERAL),
        conflict=DISAGREE if len(named) > 1 else None,
        details=SeveralMarks(makers={payload_hex(p): maker for p, maker in makers.items()}),
    )
