"""Turn a record into a finding, in one way for every examiner that reads parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Basis, Claim, Finding, Hypothesis

if TYPE_CHECKING:
    from lightkeeper.evidence.metadata._record import GenerationRecord

_EDITING = ("img2img", "inpaint", "outpaint", "composite")
"""Modes that start from a picture somebody already had."""
_UNSAMPLED = ("processed", "upscale")
"""Modes of a graph in which nothing was sampled: it worked on a picture that was there."""


def parameters_finding(record: GenerationRecord, *, examiner: str, version: str) -> Finding:
    """Say that a file carries generation parameters, and where.

    The finding rests on text that anyone can write: ``Basis.ASSERTED``, no likelihood ratio.
    It speaks for an edit where the record says that the tool started from a picture, and for
    nothing where it says that nothing was sampled or leaves open what was done. Its ``source`` is
    the record's carrier, so that several records of one carrier count once.
    """
    where, mode = record.carrier, record.mode or ""
    claim, limits = Claim.PARAMETERS, ["anyone-can-write"]
    summary = f"Generation parameters in the form that {record.tool} writes, in {where}."
    supports: Hypothesis | None = Hypothesis.GENERATED
    if mode in _UNSAMPLED and record.tool == "comfyui":
        claim, supports = Claim.EDITED, None
        done = "Enlarged" if mode == "upscale" else "Processed"
        summary = f"{done} in ComfyUI, says {where}: the graph sampled nothing for the picture."
        limits.append("nothing-was-sampled")
    elif mode == "undetermined":
        supports = None
        summary = f"A graph in the form that {record.tool} writes, in {where}; what it did is open."
        limits.append("not-known-what-it-did")
    elif any(word in mode for word in _EDITING):
        supports = Hypothesis.AI_EDITED
    if record.extra.get("unsampled_outputs"):
        limits.append("not-every-output-was-sampled")
    if "editor-form" in record.notes:
        limits.append("only-the-editors-form")
    return Finding(
        claim=claim,
        basis=Basis.ASSERTED,
        summary=summary,
        examiner=examiner,
        version=version,
        source=where,
        supports=supports,
        details=record,
        limits=tuple(limits),
    )
