"""Who is looked at first, and why."""

from lightkeeper.cases.triage._filter import CaseFilter, SavedQueue, Sort

__all__ = ["CaseFilter", "SavedQueue", "Sort"]
