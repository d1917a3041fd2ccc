"""Reports to hotlines: built from decided cases, sent once, after a person has confirmed."""

from lightkeeper.reporting._ports import ReportReader, ReportStore, ReportWriter

__all__ = ["ReportReader", "ReportStore", "ReportWriter"]
