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
_TRUSTED = "signingCredential.trusted"
_TIME_STAMPS = ("trusted", "mismatch", "malformed", "outsideValidity", "untrusted", "validated")


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
        # Compared whole: a label is the writer's own choice, and may look like another's.
        signature = f"self#jumbf=/c2pa/{label}/c2pa.signature"
        found = (c for part in self._found for c in codes(part, "success"))
        return any((c.code, c.where) == (_TRUSTED, signature) for c in found)

    def time_stamp(self, label: str) -> str | None:
        """What became of the time stamp of one manifest."""
        found = {
            c.code.removeprefix("timeStamp.")
            for part in self._found
            for kind in ("success", "informational", "failure")
            for c in codes(part, kind)
            if c.code.startswith("timeStamp.") and _is_about(c, label)
        }
        return next((status for status in _TIME_STAMPS if status in found), None)

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
