"""The CyberTipline report: its elements, its rules beyond the schema, and its XML."""

from lightkeeper.reporting.cybertipline._build import prepare
from lightkeeper.reporting.cybertipline._profile import ReporterAnswers, ReporterProfile
from lightkeeper.reporting.cybertipline._responses import (
    ReportDoneResponse,
    ReportResponse,
    parse_response,
)
from lightkeeper.reporting.cybertipline._rules import check
from lightkeeper.reporting.cybertipline._shape import Problem
from lightkeeper.reporting.cybertipline._xml import to_xml, with_ids

__all__ = [
    "Problem",
    "ReportDoneResponse",
    "ReportResponse",
    "ReporterAnswers",
    "ReporterProfile",
    "check",
    "parse_response",
    "prepare",
    "to_xml",
    "with_ids",
]
