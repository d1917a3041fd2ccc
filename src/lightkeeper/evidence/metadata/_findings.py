"""Turn a record into a finding, in one way for every examiner that reads parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Finding, Hypothesis

if TYPE_CHECKING:
    from lightkeeper.evidence.metadata._record import GenerationRecord

_EDITING = ("img2img", "inpaint", "outpaint")
"""Modes that start from a picture somebody already had."""


def parameters_finding(record: GenerationRecord, *, examiner: str, version: str) -> Finding:
    """Say that a file carries generation parameters, and where.

    The finding rests on text that anyone can write: ``Basis.ASSERTED``, no likelihood ratio.
    It speaks for an edit where the record says that the tool started from a picture. Its
    ``source`` is the record's carrier, so that several records of one carrier count once.
    """
    where = record.carrier
    edited = any(word in (record.mode or "") for word in _EDITING)
    return Finding(
        claim=Claim.PARAMETERS,
        basis=Basis.ASSERTED,
        summary=f"Generation parameters in the form that {record.tool} writes, in {where}.",
        examiner=examiner,
        version=version,
        source=where,
        supports=Hypothesis.AI_EDITED if edited else Hypothesis.GENERATED,
        details=record,
        limits=("anyone-can-write",),
    )
