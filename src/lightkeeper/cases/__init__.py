"""People deciding: cases, triage, review, custody and the audit.

Framework-free. :class:`lightkeeper.cases.desk.Desk` is where everything is done; the ports below
are implemented in ``storage``.
"""

from lightkeeper.cases._ports import CaseReader, CaseStore, CaseWriter, Clock, Member, Page

__all__ = ["CaseReader", "CaseStore", "CaseWriter", "Clock", "Member", "Page"]
