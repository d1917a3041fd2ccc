"""A small world: decided cases, somebody who reports, and a stand-in for the receiver."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lightkeeper.cases.item import Item, ItemKind, ItemState, MediaFacts
from lightkeeper.cases.people import Actor, Role
from lightkeeper.cases.record import (
    Arising,
    Case,
    CaseState,
    Intake,
    Subject,
    SubjectKind,
    Triage,
)
from lightkeeper.reporting import ReportStore
from lightkeeper.reporting.outbox import (
    PreparedFile,
    PreparedReport,
    Step,
    Submission,
    SubmissionState,
)
from lightkeeper.reporting.sending import CyberTipline, Patience, ReceiverConfig, ReportDesk
from lightkeeper.testing.cases import MemoryCases, MemoryVault, SettableClock
from lightkeeper.testing.cybertipline import Fault, Faults, StandIn

REPORTER = Actor(id="rosa", name="Rosa", roles=frozenset({Role.REPORTER}))
REPORT_XML = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<report><incidentSummary>'
    b"<incidentType>Misleading Domain Name</incidentType>"
    b"<incidentDateTime>2026-01-04T10:00:00Z</incidentDateTime></incidentSummary>"
    b"<reporter><reportingPerson><firstName>Rosa</firstName></reportingPerson></reporter>"
    b"<additionalInfo>umbrella</additionalInfo></report>"
)
BACKOFF = Patience(first=timedelta(seconds=4), longest=timedelta(minutes=2), attempts=50)

SHORT = Patience(
    first=timedelta(milliseconds=2),
    longest=timedelta(milliseconds=20),
    attempts=30,
    lease=timedelta(milliseconds=60),
)


def config(url: str = "https://receiver.example/ispws") -> ReceiverConfig:
    return ReceiverConfig(base_url=url, user_name="stand-in", password="stand-in")


def prepare(
    case: Case, items: Any, decisions: Any, views: Any, *, answers: Any = None
) -> PreparedReport:
    files = [
        PreparedFile(
            item=item.id,
            file_name=item.file_name,
            vault_key=item.media.vault_key,
            md5=item.media.md5,
            sha256=item.media.sha256,
            details_xml=b'<?xml version="1.0" encoding="UTF-8"?>\n<fileDetails><fileName>'
            + item.file_name.encode()
            + b"</fileName></fileDetails>\n",
        )
        for item in items
    ]
    return PreparedReport(report_xml=REPORT_XML, files=tuple(files))


def decided_case(now: datetime, queue: str = "default") -> Case:
    return Case(
        id=secrets.token_urlsafe(12),
        arising=Arising.UPLOADED,
        intake=Intake.API,
        subject=Subject(SubjectKind.USER, "bicycle-17"),
        queue=queue,
        opened=now,
        state=CaseState.TO_REPORT,
        source="intake",
        triage=Triage(score=0, reasons=(), due=now, rank=0.0),
    )


def media_item(case: Case, vault: Any, content: bytes) -> Item:
    return Item(
        id=secrets.token_urlsafe(12),
        case=case.id,
        kind=ItemKind.MEDIA,
        state=ItemState.EXAMINED,
        added=case.opened,
        file_name=f"umbrella-{len(content)}.jpg",
        media=MediaFacts(
            size_bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            sha1=hashlib.sha1(content, usedforsecurity=False).hexdigest(),
            md5=hashlib.md5(content, usedforsecurity=False).hexdigest(),
            vault_key=vault.put(content),
        ),
    )


@dataclass
class World:
    store: ReportStore = field(default_factory=MemoryCases)
    vault: Any = field(default_factory=MemoryVault)
    clock: Any = field(default_factory=SettableClock)
    faults: Callable[[Step], Fault | None] = field(default_factory=Faults)
    patience: Patience = BACKOFF

    def __post_init__(self) -> None:
        self.stand_in = StandIn(clock=self.clock, faults=self.faults)
        self.desk = self.desk_over(self.store)
        self.client = CyberTipline(config(), transport=self.stand_in.transport())

    def desk_over(self, store: ReportStore) -> ReportDesk:
        return ReportDesk(
            store,
            self.vault,
            clock=self.clock,
            prepare=prepare,
            patience=self.patience,
            chance=lambda: 0.5,
        )

    def case(self, files: int = 2, queue: str = "default") -> Case:
        now = self.clock()
        case = decided_case(now, queue)
        with self.store.writing() as unit:
            unit.add_case(case)
            for number in range(files):
                unit.add_item(media_item(case, self.vault, secrets.token_bytes(20 + number)))
        return case

    def confirmed(self, files: int = 2) -> Submission:
        draft = self.desk.prepare(REPORTER, self.case(files).id, None)
        return self.desk.confirm(REPORTER, draft.id)

    def now(self, submission: Submission) -> Submission:
        with self.store.reading() as unit:
            found = unit.submission(submission.id)
        assert found is not None
        return found

    def case_of(self, submission: Submission) -> Case:
        with self.store.reading() as unit:
            case = unit.case(submission.case)
        assert case is not None
        return case

    def revive(self) -> int:
        """What a person does once the cause is gone, and the receiver has told what it knows."""
        dead = self.desk.listed(REPORTER, frozenset({SubmissionState.DEAD}))
        gone = {each.id for each in self.stand_in.reports if each.state in ("expired", "retracted")}
        for submission in dead:
            number = submission.report_id or ""
            if submission.finish_unknown and number in gone:
                self.desk.settle(REPORTER, submission.id, number, finished=False)
            else:
                self.desk.retry_dead(REPORTER, submission.id)
        return len(dead)

    def run(self, *, rounds: int = 60) -> None:
        """Work as jobs do, with a person who looks after dead letters, until nothing is left."""
        for _ in range(rounds):
            self.desk.work(self.client)
            self.revive()
            if not self.desk.listed(REPORTER, frozenset({SubmissionState.CONFIRMED})):
                return
            self.clock.forward(minutes=16)
        raise AssertionError("it never ends")

    def check(self, submission: Submission) -> None:
        """One finished report, whole, with every receipt; nothing is left of it elsewhere."""
        check_finished(self.store, self.vault, self.stand_in, submission.id)


def check_finished(store: ReportStore, vault: Any, stand_in: StandIn, submission_id: str) -> None:
    with store.reading() as unit:
        submission = unit.submission(submission_id)
        assert submission is not None
        case = unit.case(submission.case)
        assert case is not None
        receipts = unit.receipts(submission_id)
        actions = [event.action for event in unit.events(case=case.id)]
    assert submission.state is SubmissionState.FINISHED
    names = {file.vault_key: file for file in submission.prepared.files}
    digests = sorted(hashlib.md5(vault.get(key)).hexdigest() for key in names)
    reports = [report for report in stand_in.reports if _is_of(report, digests, submission)]
    held = [report for report in reports if report.state == "finished"]
    assert [report.id for report in held] == [submission.report_id]
    assert sorted(file.md5 for file in held[0].files) == digests
    assert all(file.details for file in held[0].files)
    assert case.state is CaseState.REPORTED
    assert submission.finished_at is not None
    assert case.preserve_until is not None
    assert case.preserve_until >= submission.finished_at + timedelta(days=365)
    assert actions.count("report-sent") == 1
    _check_receipts(submission, receipts)


def _is_of(report: Any, digests: list[str], submission: Submission) -> bool:
    ids = (submission.report_id, *submission.abandoned)
    return report.id in ids or any(file.md5 in digests for file in report.files)


def _check_receipts(submission: Submission, receipts: Any) -> None:
    opening = re.compile(rb"<reportId>%s</reportId>" % (submission.report_id or "").encode())
    opened = [
        number
        for number, receipt in enumerate(receipts)
        if receipt.step is Step.SUBMIT and receipt.code == 0 and opening.search(receipt.body)
    ]
    assert len(opened) == 1
    since = [receipt for receipt in receipts[opened[0] :] if receipt.code == 0]
    expected = sorted(file.item for file in submission.prepared.files)
    for step in (Step.UPLOAD, Step.FILE_INFO):
        assert sorted(each.item for each in since if each.step is step) == expected
    last = receipts[-1]
    assert last.step in (Step.FINISH, Step.RETRACT)
    assert last.code in (0, 5102)
    assert all(receipt.request_id for receipt in receipts if receipt.status)


def real_now() -> datetime:
    return datetime.now(UTC)


class FolderVault:
    """Files that a process which is not a child can read too."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)

    def put(self, content: bytes) -> str:
        key = f"f{len(list(self._folder.iterdir()))}"
        (self._folder / key).write_bytes(content)
        return key

    def get(self, key: str) -> bytes:
        return (self._folder / key).read_bytes()
