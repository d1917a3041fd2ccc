"""Which provisions of United States law a person may want to read, given what people have said.

It is guidance with its sources, not legal advice and not a decision: it follows from labels that
a person set, says "may", and is never written into a report by itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from lightkeeper.assessment import Classification

_TITLE_18 = "United States Code, title 18"


@dataclass(frozen=True, slots=True)
class Guidance:
    """A provision, why it may matter, and where to read it."""

    reference: str
    why: str
    source: str


_PHOTOGRAPHED = Guidance(
    "18 USC 2256(8)(A)",
    "Said not to be computer generated: imagery whose making involved a real minor.",
    f"{_TITLE_18}, section 2256(8)(A)",
)
_INDISTINGUISHABLE = Guidance(
    "18 USC 2256(8)(B)",
    "Said to be computer generated and indistinguishable from a photograph: imagery that is, or "
    "is virtually indistinguishable from, that of a minor.",
    f"{_TITLE_18}, sections 2256(8)(B) and 2256(11)",
)
_MODELLED = Guidance(
    "18 USC 2256(8)(C)",
    "Said to be modelled after a real person: imagery made or changed so that an identifiable "
    "minor appears in it.",
    f"{_TITLE_18}, sections 2256(8)(C) and 2256(9)",
)
_DEPICTION = Guidance(
    "18 USC 1466A",
    "Said to be computer generated: depictions of any kind, drawings too, where they are obscene; "
    "no real minor has to exist.",
    f"{_TITLE_18}, section 1466A",
)
_REPORTING = Guidance(
    "18 USC 2258A",
    "A provider's duty to report apparent violations, and to preserve for one year.",
    f"{_TITLE_18}, section 2258A(a) and (h), as amended by the REPORT Act of 2024",
)


def guidance(labels: Classification) -> tuple[Guidance, ...]:
    """Provisions that may be worth reading for one item.

    Parameters
    ----------
    labels : Classification
        Only labels that a person set count; a machine's proposals do not.

    Returns
    -------
    tuple of Guidance
        Empty where nobody has given an industry class.
    """
    if _said(labels, "industry_class") in (None, "none", "cannot-tell"):
        return ()
    generated = _said(labels, "computer_generated")
    found = []
    if generated is False:
        found.append(_PHOTOGRAPHED)
    if generated is True and _said(labels, "indistinguishable_from_photographs") is True:
        found.append(_INDISTINGUISHABLE)
    if _said(labels, "modelled_after_person") is True:
        found.append(_MODELLED)
    if generated is True:
        found.append(_DEPICTION)
    if not found:
        # Nobody can tell how it was made: each of them may apply.
        found = [_PHOTOGRAPHED, _INDISTINGUISHABLE, _MODELLED, _DEPICTION]
    return (*found, _REPORTING)


def _said(labels: Classification, name: str) -> bool | str | None:
    label = getattr(labels, name)
    value: bool | str | None = label.value
    return value if label.set_by not in (None, "machine") else None
