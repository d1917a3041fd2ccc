"""A manifest that names a mark by its soft binding, beside the marks that were read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lightkeeper.errors import EvidenceError
from lightkeeper.evidence._finding import Basis, Claim, Details, Finding
from lightkeeper.evidence.provenance import ManifestState, read_manifest
from lightkeeper.evidence.watermark.registry._entry import (
    SOFT_BINDING_ALGORITHM,
    parse_payload,
    payload_hex,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightkeeper.media import Media

ANOTHER: Final = "manifest-names-another-mark"
NOT_READ: Final = "bound-mark-not-read"
_INTACT: Final = frozenset({ManifestState.VALID, ManifestState.TRUSTED, ManifestState.LAPSED})
_MOST_TOLD: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundMark(Details):
    """The open marks that the active manifest names, and those that were read."""

    state: ManifestState
    """Trust anchors aside: ``valid`` says that the manifest is intact."""
    bound: tuple[str, ...]
    read: tuple[str, ...]


def bound_marks(
    media: Media, payloads: Sequence[int], *, examiner: str, version: str
) -> Iterator[Finding]:
    """Say how the open marks that a manifest names go with those that were read.

    A manifest that names none, or is none, gives nothing. No answer supports an origin: a mark that
    is absent may have been lost, and anyone can sign a manifest that names it.

    Parameters
    ----------
    media : Media
    payloads : sequence of int
        All that were read from the picture.
    examiner, version : str
        Who says so.
    """
    summary = read_manifest(media)
    named = [b.value for b in summary.soft_bindings if b.algorithm == SOFT_BINDING_ALGORITHM]
    if not named:
        return
    bound = tuple(dict.fromkeys(filter(None, map(_payload, named[:_MOST_TOLD]))))
    read = tuple(payload_hex(payload) for payload in payloads)
    conflict, limits = None, ["anyone-can-write"]
    whose = "An intact manifest" if summary.state in _INTACT else "A manifest that does not hold"
    if not bound:
        said = f"{whose} names the open mark by a value that is no payload"
    elif not read:
        said = f"{whose} names the open mark {_listed(bound)}, which {examiner} did not read"
        limits.append(NOT_READ)
    elif set(bound) & set(read):
        said = f"{whose} names the open mark {_listed(bound)}, which was read"
    else:
        said = (
            f"{whose} names the open mark {_listed(bound)}, and {_listed(read)} was read: one of "
            "them may be of another picture"
        )
        conflict = ANOTHER
    yield Finding(
        claim=Claim.CONTRADICTION if conflict else Claim.PROVENANCE,
        basis=Basis.ASSERTED,
        summary=f"{said}.",
        examiner=examiner,
        version=version,
        source="c2pa:soft-binding",
        limits=tuple(limits),
        conflict=conflict,
        details=BoundMark(state=summary.state, bound=bound, read=read),
    )


def _payload(value: str) -> str | None:
    try:
        return payload_hex(parse_payload(value))
    except EvidenceError:
        return None


def _listed(payloads: Sequence[str]) -> str:
    return " and ".join(payloads)
