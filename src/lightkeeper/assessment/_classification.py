"""Classification labels: the industry's A1-B2, and the C axis beside it.

The machine may propose only that a picture is computer generated, and who it is modelled after
only where a hash set says so. Everything else is set by people.

References
----------
.. [1] Thiel, Stroebe and Portnoff, "Generative ML and CSAM: Implications and Mitigations",
   2023, section 5.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any

from lightkeeper.errors import NotPermitted
from lightkeeper.evidence import Basis


class IndustryClass(StrEnum):
    """Industry classification: apparent age group (A, B) and severity (1, 2)."""

    A1 = "A1"
    A2 = "A2"
    B1 = "B1"
    B2 = "B2"


class AgeGroup(StrEnum):
    """Apparent age, as a reviewer sees it."""

    PREPUBESCENT = "prepubescent"
    PUBESCENT = "pubescent"
    ADULT = "adult"
    CANNOT_TELL = "cannot-tell"


@dataclass(frozen=True, slots=True)
class Label:
    """One field's value, the basis for it, and who set it.

    ``value`` is a bool, an enum, ``"cannot-tell"``, or ``None`` where nobody has said anything;
    an industry class may be ``"none"``, which is what a person says of harmless material.
    ``set_by`` is ``machine`` or the identifier of a person; ``findings`` points into the findings
    assessed.
    """

    value: bool | str | None = None
    basis: Basis | None = None
    set_by: str | None = None
    findings: tuple[int, ...] = ()


MACHINE = "machine"


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """All labels of one picture. The fields after ``industry_class`` are the C axis."""

    industry_class: Label = field(default_factory=Label)
    computer_generated: Label = field(default_factory=Label)
    indistinguishable_from_photographs: Label = field(default_factory=Label)
    portrays_explicit_sexual_activity: Label = field(default_factory=Label)
    modelled_after_person: Label = field(default_factory=Label)
    """After an extant person or a known victim."""
    age_group: Label = field(default_factory=Label)

    def propose(
        self, name: str, value: bool, *, basis: Basis, findings: tuple[int, ...]
    ) -> Classification:
        """The machine's proposal for one field, kept only where no person has spoken.

        Raises
        ------
        NotPermitted
            The field is for people, or the basis does not suffice for a proposal.
        """
        allowed = name == "computer_generated" or (
            name == "modelled_after_person" and basis is Basis.KNOWN
        )
        if not allowed:
            raise NotPermitted(f"{name} is never set by a machine on the basis {basis.value}")
        if getattr(self, name).set_by not in (None, MACHINE):
            return self
        return _with(self, name, Label(value, basis, MACHINE, findings))

    def decide(
        self,
        name: str,
        value: bool | str | None,
        *,
        person: str,
        basis: Basis = Basis.HUMAN,
        findings: tuple[int, ...] = (),
    ) -> Classification:
        """A person's decision for one field; it replaces any proposal.

        ``basis`` is what the person goes by: their own eyes, or that of the ``findings`` cited.

        Raises
        ------
        NotPermitted
            Nobody is named, or the value is not one that the field admits.
        """
        if not person or person == MACHINE:
            raise NotPermitted("a decision names the person who takes it")
        if name not in {f.name for f in fields(self)}:
            raise NotPermitted(f"there is no label {name!r}")
        if not _admitted(name, value):
            raise NotPermitted(f"{value!r} is not a value of {name}")
        return _with(self, name, Label(value, basis, person, findings))


def _admitted(name: str, value: bool | str | None) -> bool:
    if value is None:
        return True
    if name == "industry_class":
        return value in {c.value for c in IndustryClass} | {"none", "cannot-tell"}
    if name == "age_group":
        return value in {a.value for a in AgeGroup}
    return isinstance(value, bool) or value == "cannot-tell"


def _with(labels: Classification, name: str, label: Label) -> Classification:
    changes: dict[str, Any] = {name: label}
    return replace(labels, **changes)
