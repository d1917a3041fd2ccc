"""Validation results, told apart by the manifest that they are about.

A file can be trusted although a picture inside it failed: what was recorded when an ingredient
was added is not repeated in the deltas found now, so both are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightkeeper.evidence.provenance._fields import entries, mapping, text
from lightkeeper.evidence.provenance._summary import ValidationCode

if TYPE_CHECKING:
    from collections.abc import Iterable

_ODD = (".mismatch", ".malformed", ".missing", ".invalid", ".outsideValidity", ".revoked")
_MATCHES = ("dataHash.match", "boxesHash.match", "bmffHash.match", "collectionHash.match")
_TRUSTED = "signingCredential.trusted"
_INTACT = "claimSignature.validated"
_TIME_STAMPS = ("mismatch", "malformed", "outsideValidity", "untrusted", "trusted", "validated")
"""What may become of a time stamp. One that is called trusted and something worse counts as that:
the codes of a second stamp, about another manifest, may stand beside those of the first."""


class Validation:
    """All validation results of one store."""

    def __init__(self, store: dict[str, Any]) -> None:
        results = mapping(store.get("validation_results"))
        active = mapping(results.get("activeManifest"))
        deltas = entries(results, "ingredientDeltas")
        self._found = [active, *(mapping(d.get("validationDeltas")) for d in deltas)]
        self._by_ingredient = {
            text(d, "ingredientAssertionURI") or "": codes(mapping(d.get("validationDeltas")))
            for d in deltas
        }
        self.active_failures = codes(active)

    def about(self, label: str) -> tuple[ValidationCode, ...]:
        """Failures of one manifest."""
        found = (c for part in self._found for c in codes(part) if _is_about(c, label))
        return tuple(dict.fromkeys(found))

    def signer_is_trusted(self, label: str) -> bool:
        """Whether the signer of one manifest traces to a trust anchor."""
        return self._succeeded(label, _TRUSTED)

    def signature_verifies(self, label: str) -> bool:
        """Whether the claim of one manifest was found to be signed with its certificate's key."""
        return self._succeeded(label, _INTACT)

    def _succeeded(self, label: str, code: str) -> bool:
        # Compared whole: a label is the writer's own choice, and may look like another's.
        signature = f"self#jumbf=/c2pa/{label}/c2pa.signature"
        found = (c for part in self._found for c in codes(part, "success"))
        return any((c.code, c.where) == (code, signature) for c in found)

    @property
    def picture_matches(self) -> bool:
        """Whether the bytes of the file were found to be those that were signed."""
        found = codes(self._found[0], "success")
        return any(c.code.startswith("assertion.") and c.code.endswith(_MATCHES) for c in found)

    @property
    def other_failures(self) -> tuple[ValidationCode, ...]:
        """What was found now about manifests other than the active one."""
        return tuple(dict.fromkeys(c for part in self._found[1:] for c in codes(part)))

    def time_stamp(self, label: str) -> tuple[str | None, str | None]:
        """What became of the time stamp of one manifest, and the name of its authority."""
        found = {
            c.code.removeprefix("timeStamp."): c.explanation
            for part in self._found
            for kind in ("success", "informational", "failure")
            for c in codes(part, kind)
            if c.code.startswith("timeStamp.") and _is_about(c, label)
        }
        status = next((status for status in _TIME_STAMPS if status in found), None)
        _, _, authority = found.get(status or "", "").partition(": ")
        # The SDK adds which of its lists an authority was found in.
        return status, authority.partition(", trust list: ")[0] or None

    def of_ingredient(
        self, manifest: str, label: str, recorded: dict[str, Any]
    ) -> tuple[ValidationCode, ...]:
        """Failures of one ingredient: those recorded in it and those found now."""
        uri = f"self#jumbf=/c2pa/{manifest}/c2pa.assertions/{label}"
        return tuple(dict.fromkeys([*_recorded(recorded), *self._by_ingredient.get(uri, ())]))

    @property
    def notices(self) -> tuple[ValidationCode, ...]:
        """Informational results that are odd."""
        found = (c for part in self._found for c in codes(part, "informational"))
        return tuple(dict.fromkeys(c for c in found if c.code.endswith(_ODD)))


def codes(part: object, kind: str = "failure") -> tuple[ValidationCode, ...]:
    """The results of one kind (``success``, ``informational`` or ``failure``)."""
    return tuple(_codes(entries(part, kind)))


def _recorded(ingredient: dict[str, Any]) -> Iterable[ValidationCode]:
    yield from _codes(entries(ingredient, "validation_status"))
    results = mapping(ingredient.get("validation_results"))
    yield from codes(mapping(results.get("activeManifest")))
    for delta in entries(results, "ingredientDeltas"):
        yield from codes(mapping(delta.get("validationDeltas")))


def _codes(items: list[dict[str, Any]]) -> Iterable[ValidationCode]:
    for item in items:
        if code := text(item, "code"):
            yield ValidationCode(code, text(item, "explanation") or "", text(item, "url") or "")


def _is_about(code: ValidationCode, label: str) -> bool:
    return f"/c2pa/{label}/" in code.where or code.where.endswith(f"/c2pa/{label}")
