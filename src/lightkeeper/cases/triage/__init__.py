"""Who is looked at first, and why."""

from lightkeeper.cases.triage._evidence import findings_of, set_origins
from lightkeeper.cases.triage._filter import CaseFilter, SavedQueue, Sort
from lightkeeper.cases.triage._triage import DEFAULT_LEVELS, ServiceLevels, triage

__all__ = [
    "DEFAULT_LEVELS",
    "CaseFilter",
    "SavedQueue",
    "ServiceLevels",
    "Sort",
    "findings_of",
    "set_origins",
    "triage",
]
