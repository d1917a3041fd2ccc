"""A desk with everything around it in memory, and the usual acts in few words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lightkeeper.cases.decision import Confidence, Decision, Outcome
from lightkeeper.cases.desk import DecisionDraft, Desk, ItemDraft, LabelDraft, Rules
from lightkeeper.cases.people import Actor, Role
from lightkeeper.testing.cases._clock import SettableClock
from lightkeeper.testing.cases._stand_ins import new_case, new_picture, person, scan_row
from lightkeeper.testing.cases._store import MemoryCases
from lightkeeper.testing.cases._vault import MemoryVault

if TYPE_CHECKING:
    from lightkeeper.cases.desk import NewItem
    from lightkeeper.cases.item import Item
    from lightkeeper.cases.record import Case

PREVIEW = b"\xff\xd8\xff preview"
VIEW = b"\xff\xd8\xff view"


class Office:
    """Ida and Jon review, Lea leads, Rob reports, Aud audits, and a program brings cases in."""

    def __init__(self, **rules: Any) -> None:
        self.store = MemoryCases()
        self.vault = MemoryVault()
        self.clock = SettableClock()
        self.desk = Desk(
            self.store,
            self.vault,
            clock=self.clock,
            rules=Rules(**({"second_opinion_share": 0.0} | rules)),
        )
        self.ida, self.jon = person("ida"), person("jon")
        self.lea = person("lea", Role.LEAD)
        self.rob = person("rob", Role.REPORTER)
        self.aud = person("aud", Role.AUDITOR)
        self.program = Actor(
            id="program", name="program", roles=frozenset({Role.INTAKE}), is_person=False
        )

    def opened(self, *items: NewItem, **known: Any) -> Case:
        """A case with these items, examined; with one picture if none are given."""
        case = self.desk.open_case(self.program, new_case(**known))
        for item in items or (new_picture(),):
            self.desk.add_item(self.program, case.id, item)
        self.examine()
        return self.case(case.id)

    def examine(self, **known: Any) -> None:
        """Examine whatever waits; ``known`` goes into every row."""
        for item_id in self.desk.items_waiting():
            content = self.desk.content_to_examine(item_id)
            if content is not None:
                row = scan_row(content, **known)
                self.desk.record_examination(item_id, row, preview=PREVIEW, view=VIEW)

    def decide(
        self,
        actor: Actor,
        case_id: str,
        outcome: Outcome = Outcome.REPORT,
        *,
        industry_class: str = "none",
    ) -> Decision:
        """Claim a case and decide about all of it."""
        case = self.desk.claim(actor, case_id)
        label = {"industry_class": LabelDraft(value=industry_class)}
        drafts = tuple(ItemDraft(item=item.id, labels=label) for item in self.items(case_id))
        draft = DecisionDraft(
            version=case.version, outcome=outcome, confidence=Confidence.HIGH, items=drafts
        )
        return self.desk.decide(actor, case_id, draft)

    def case(self, case_id: str) -> Case:
        """As the store has it."""
        with self.store.reading() as reader:
            case = reader.case(case_id)
        if case is None:
            raise LookupError("there is no such case")
        return case

    def items(self, case_id: str) -> tuple[Item, ...]:
        """As the store has them."""
        with self.store.reading() as reader:
            return reader.items(case_id)

    def decisions(self, case_id: str) -> tuple[Decision, ...]:
        """As the store has them, undone ones too."""
        with self.store.reading() as reader:
            return reader.decisions(case_id)

    def trace(self, case_id: str | None = None) -> list[str]:
        """Actions in the audit, oldest first."""
        with self.store.reading() as reader:
            return [event.action for event in reader.events(case=case_id)]
