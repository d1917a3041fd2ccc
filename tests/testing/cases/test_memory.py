from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from lightkeeper.cases import CaseWriter
from lightkeeper.cases.people import Account, Role
from lightkeeper.cases.record import Case
from lightkeeper.errors import InvalidTransition, StaleCase, VaultError
from lightkeeper.reporting.outbox import PreparedReport, Submission, SubmissionState
from lightkeeper.testing.cases import MemoryAccounts, MemoryVault, Office, SettableClock

NOW = datetime(2026, 1, 5, tzinfo=UTC)


def test_a_transaction_that_fails_leaves_nothing_behind() -> None:
    office = Office()
    case = office.opened()
    with pytest.raises(StaleCase), office.store.writing() as writer:
        _save_twice(writer, replace(case, note="half done"))
    assert office.case(case.id) == case


def _save_twice(writer: CaseWriter, case: Case) -> None:
    writer.save_case(case)
    writer.save_case(case)


def test_whoever_reads_keeps_what_was_there_at_the_beginning() -> None:
    office = Office()
    case = office.opened()
    with office.store.reading() as reader:
        with office.store.writing() as writer:
            writer.save_case(replace(case, note="later"))
        assert reader.case(case.id) == case


def test_a_writer_that_knew_an_older_version_is_refused() -> None:
    office = Office()
    case = office.opened()
    with office.store.writing() as writer:
        writer.save_case(case)
    with pytest.raises(StaleCase), office.store.writing() as writer:
        writer.save_case(case)


def test_a_case_has_one_report_at_a_time() -> None:
    office = Office()
    case = office.opened()
    report = Submission(
        id="one",
        case=case.id,
        state=SubmissionState.DRAFT,
        prepared=PreparedReport(report_xml=b"<report/>", files=()),
        prepared_by="rob",
        prepared_at=NOW,
    )
    with office.store.writing() as writer:
        writer.add_submission(report)
        with pytest.raises(InvalidTransition):
            writer.add_submission(replace(report, id="two"))
        writer.save_submission(replace(report, state=SubmissionState.DISCARDED))
        writer.add_submission(replace(report, id="two"))


def test_accounts_are_saved_by_version() -> None:
    store = MemoryAccounts()
    account = Account(id="ida", name="ida", roles=frozenset({Role.REVIEWER}), created=NOW)
    with store.accounts() as unit:
        unit.add_account(account)
        saved = unit.save_account(account)
    assert saved.version == 1
    with pytest.raises(StaleCase), store.accounts() as unit:
        unit.save_account(account)


def test_what_a_vault_has_destroyed_is_gone() -> None:
    vault = MemoryVault()
    key = vault.put(b"umbrella")
    vault.destroy(key)
    vault.destroy(key)
    with pytest.raises(VaultError):
        vault.get(key)


def test_the_clock_stands_still_until_it_is_set() -> None:
    clock = SettableClock(NOW)
    assert clock() == clock()
    assert (clock.forward(hours=1) - NOW).total_seconds() == 3600
