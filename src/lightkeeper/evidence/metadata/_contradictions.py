"""Parameters that disagree with one another, or with the size of the picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lightkeeper.evidence._finding import Basis, Claim, Details, Finding
from lightkeeper.evidence.metadata._numbers import number

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from lightkeeper.evidence.metadata._record import GenerationRecord
    from lightkeeper.media import Header

_COMPARED = ("seed", "steps", "guidance_scale", "width", "height")
_PROMPTS = ("positive_prompt", "negative_prompt")
_ASPECT_TOLERANCE = 0.02
_ROTATED = 5
"""EXIF orientations from 5 on swap width and height."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsDisagree(Details):
    """Two records of one file that cannot both be true."""

    tools: tuple[str, str]
    carriers: tuple[str, str]
    fields: tuple[str, ...]
    """What differs; prompts are named, their words stay in the records."""
    values: Mapping[str, tuple[object, object]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeMismatch(Details):
    """A picture that has not the size its parameters ask for."""

    carrier: str
    stated_width: int
    stated_height: int
    width: int
    height: int
    kind: Literal["scaled", "other-shape"]


def disagreements(
    records: Sequence[GenerationRecord], *, examiner: str, version: str
) -> Iterator[Finding]:
    """A finding for each record that contradicts the first, most trustworthy one."""
    for other in records[1:]:
        first = records[0]
        fields = tuple(_differing(first, other))
        if fields:
            yield Finding(
                claim=Claim.CONTRADICTION,
                basis=Basis.ASSERTED,
                summary=f"Parameters in {first.carrier} and {other.carrier} disagree on "
                f"{', '.join(field.replace('_', ' ') for field in fields)}.",
                examiner=examiner,
                version=version,
                source=other.carrier,
                details=RecordsDisagree(
                    tools=(first.tool, other.tool),
                    carriers=(first.carrier, other.carrier),
                    fields=fields,
                    values={
                        field: (getattr(first, field), getattr(other, field))
                        for field in fields
                        if field in _COMPARED
                    },
                ),
                limits=("anyone-can-write",),
                conflict="parameters-disagree",
            )


def size_mismatch(
    records: Iterable[GenerationRecord], header: Header, *, examiner: str, version: str
) -> Iterator[Finding]:
    """A finding where the first record with a size asks for another one than the picture has.

    Silent where the record tells of upscaling, and for whole multiples (grids).
    """
    record = next((r for r in records if r.width and r.height), None)
    kind = _relation(record, header) if record else None
    if record is None or kind is None or not record.width or not record.height:
        return
    scaled = kind == "scaled"
    yield Finding(
        claim=Claim.EDITED if scaled else Claim.CONTRADICTION,
        basis=Basis.ASSERTED,
        summary=f"Parameters in {record.carrier} ask for {record.width}x{record.height}; the "
        f"picture has {header.width}x{header.height}"
        + (", the same shape at another scale." if scaled else "."),
        examiner=examiner,
        version=version,
        source=record.carrier,
        details=SizeMismatch(
            carrier=record.carrier,
            stated_width=record.width,
            stated_height=record.height,
            width=header.width,
            height=header.height,
            kind=kind,
        ),
        limits=("anyone-can-write",),
        conflict=None if scaled else "size-mismatch",
    )


def _differing(first: GenerationRecord, other: GenerationRecord) -> Iterator[str]:
    for field in _COMPARED:
        left, right = number(getattr(first, field)), number(getattr(other, field))
        if left is not None and right is not None and left != right:
            yield field
    hashes = {h.kind: h.value.lower() for h in first.model_hashes}
    if any(hashes.get(h.kind, h.value.lower()) != h.value.lower() for h in other.model_hashes):
        yield "model_hashes"
    for field in _PROMPTS:
        left, right = getattr(first, field), getattr(other, field)
        if left is not None and right is not None and _words(left) != _words(right):
            yield field


def _words(prompt: str) -> str:
    """A prompt without the white space and commas that tools add or drop at its ends."""
    return " ".join(prompt.split()).strip(" ,")


def _relation(record: GenerationRecord, header: Header) -> Literal["scaled", "other-shape"] | None:
    if not record.width or not record.height or not header.width or not header.height:
        return None
    if record.upscaling or record.mode in ("upscale", "video") or header.frames > 1:
        return None
    turned = header.orientation >= _ROTATED
    width, height = (header.height, header.width) if turned else (header.width, header.height)
    if not width % record.width and not height % record.height:
        return None
    stretch = (width * record.height) / (height * record.width)
    return "scaled" if abs(stretch - 1) <= _ASPECT_TOLERANCE else "other-shape"
