"""Whom reports are sent to: the port."""

from __future__ import annotations

from typing import Protocol

from lightkeeper.reporting.sending._answer import Answer


class Receiver(Protocol):
    """One request each. No answer is an :class:`Answer` too: its ``status`` is 0."""

    def submit(self, report_xml: bytes) -> Answer:
        """Open a report."""

    def upload(self, report_id: str, file_name: str, content: bytes) -> Answer:
        """Add a file to an open report."""

    def file_info(self, report_id: str, file_id: str, details_xml: bytes) -> Answer:
        """Describe a file; once for each.

        Raises
        ------
        InvalidReport
            The details cannot carry the identifiers; nothing was sent.
        """

    def finish(self, report_id: str) -> Answer:
        """Close a report: from then on it counts, and nothing of it can be changed."""

    def retract(self, report_id: str) -> Answer:
        """Withdraw a report that is not finished."""
