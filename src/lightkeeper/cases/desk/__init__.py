"""Every act on a case, with its rights and its trace."""

from lightkeeper.cases.desk._auditing import verify_audit
from lightkeeper.cases.desk._desk import Desk
from lightkeeper.cases.desk._requests import (
    CaseFile,
    DecisionDraft,
    Group,
    ItemDraft,
    LabelDraft,
    NewCase,
    NewItem,
    Rules,
    Shown,
)

__all__ = [
    "CaseFile",
    "DecisionDraft",
    "Desk",
    "Group",
    "ItemDraft",
    "LabelDraft",
    "NewCase",
    "NewItem",
    "Rules",
    "Shown",
    "verify_audit",
]
