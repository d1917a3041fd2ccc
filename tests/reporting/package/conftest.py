"""A decided case in memory, and the desk that hands it out."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lightkeeper.cases.decision import Artefact, Confidence, Decision, Outcome, Seen
from lightkeeper.cases.desk import DecisionDraft, ItemDraft, LabelDraft
from lightkeeper.cases.item import Item, ItemKind
from lightkeeper.reporting.package import PackageDesk
from lightkeeper.reporting.package._organisation import Organisation
from lightkeeper.testing.cases import Office, new_picture, new_prompt

KEY = Ed25519PrivateKey.from_private_bytes(b"a key for tests only".ljust(32, b"."))


class Handing(Office):
    """An office that hands cases out."""

    def __init__(self, **rules: Any) -> None:
        super().__init__(**rules)
        self.packages = self.packages_of(None)

    def packages_of(self, sender: Organisation | None) -> PackageDesk:
        return PackageDesk(self.store, self.vault, clock=self.clock, key=KEY, sender=sender)

    def case_with(self, *findings: dict[str, Any], assessment: dict[str, Any] | None = None) -> str:
        """A decided case with a picture of these findings, and a prompt."""
        case = self.opened(new_picture(), new_prompt())
        picture = self.picture(case.id)
        row = {**(picture.examination or {}), "findings": list(findings)}
        if assessment is not None:
            row["assessment"] = assessment
        with self.store.writing() as writer:
            writer.save_item(replace(picture, examination=row))
        self.decided(case.id)
        return case.id

    def picture(self, case_id: str) -> Item:
        return next(item for item in self.items(case_id) if item.kind is ItemKind.MEDIA)

    def decided(self, case_id: str, outcome: Outcome = Outcome.REFER) -> Decision:
        case = self.desk.claim(self.ida, case_id)
        said = {
            "industry_class": LabelDraft(value="none"),
            "computer_generated": LabelDraft(value=True, basis="reviewer"),
            "age_group": LabelDraft(value="cannot-tell"),
        }
        seen = {Artefact.SHADOWS: Seen.YES, Artefact.JUMBLED_TEXT: Seen.CANNOT_TELL}
        items = tuple(
            ItemDraft(item=i.id, labels=said, artefacts=seen) for i in self.items(case_id)
        )
        draft = DecisionDraft(
            version=case.version, outcome=outcome, confidence=Confidence.HIGH, items=items
        )
        return self.desk.decide(self.ida, case_id, draft)


def entries_of(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def said_in(content: bytes) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(entries_of(content)["case.json"])
    return said


@pytest.fixture
def office() -> Handing:
    return Handing()
