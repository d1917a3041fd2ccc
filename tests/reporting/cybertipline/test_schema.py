"""Whatever is written is valid against the official schema."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lightkeeper.reporting.cybertipline import (
    ReporterProfile,
    check,
    prepare,
    to_xml,
    with_ids,
)
from lightkeeper.reporting.cybertipline.elements import FileDetails, Report
from lightkeeper.reporting.cybertipline.elements.contact import Person
from lightkeeper.reporting.cybertipline.elements.report import Reporter

from .stand_ins import decided_cases, elements

Validate = Callable[[bytes], None]
PROFILE = ReporterProfile(
    reporter=Reporter(reporting_person=Person(first_name="Trust", last_name="Desk")),
    shares_hashes=True,
)
CALM = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]
pytestmark = pytest.mark.shared


def _is_valid_case(made: dict[str, Any], valid: Validate) -> None:
    prepared = prepare(**made, profile=PROFILE)
    valid(prepared.report_xml)
    for file in prepared.files:
        valid(with_ids(file.details_xml, report_id="1", file_id="f1"))


def _is_valid_report(report: Report, valid: Validate) -> None:
    report = replace(report, batched_report=None)
    assert check(report) == []
    valid(to_xml(report))


@given(decided_cases())
@settings(max_examples=200, deadline=None, suppress_health_check=CALM)
def test_every_decided_case_becomes_a_valid_report(valid: Validate, made: dict[str, Any]) -> None:
    _is_valid_case(made, valid)


@given(elements(Report))
@settings(max_examples=60, deadline=None, suppress_health_check=CALM)
def test_every_report_without_problems_is_valid(valid: Validate, report: Report) -> None:
    _is_valid_report(report, valid)


@given(elements(FileDetails), st.integers(1, 10**17))
@settings(max_examples=60, deadline=None, suppress_health_check=CALM)
def test_every_file_is_valid_once_it_has_its_identifiers(
    valid: Validate, file: FileDetails, number: int
) -> None:
    valid(with_ids(to_xml(file), report_id=str(number), file_id="f-1"))


@pytest.mark.soak
@given(decided_cases())
@settings(max_examples=10_000, deadline=None, suppress_health_check=CALM)
def test_ten_thousand_decided_cases_become_valid_reports(
    valid: Validate, made: dict[str, Any]
) -> None:
    _is_valid_case(made, valid)


@pytest.mark.soak
@given(elements(Report))
@settings(max_examples=2_000, deadline=None, suppress_health_check=CALM)
def test_two_thousand_reports_with_all_elements_are_valid(valid: Validate, report: Report) -> None:
    _is_valid_report(report, valid)
