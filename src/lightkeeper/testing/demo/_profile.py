"""Who reports in the demo: nobody."""

from __future__ import annotations

from typing import Final

from lightkeeper.reporting.cybertipline import ReporterProfile
from lightkeeper.reporting.cybertipline.elements.contact import Email, Person
from lightkeeper.reporting.cybertipline.elements.report import Reporter

PROFILE: Final = ReporterProfile(
    reporter=Reporter(
        reporting_person=Person(
            first_name="Demo", last_name="Reporter", email=(Email(value="demo@example.org"),)
        ),
        company_template="Demo",
    ),
    platform="Demo",
)
