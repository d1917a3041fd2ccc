"""The CyberTipline report: its elements, its rules beyond the schema, and its XML."""

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
    "check",
    "parse_response",
    "to_xml",
    "with_ids",
]
