"""Known material: hash sets, an exact index over them, and matches.

A match says which set, which entry and at what distance. What it means is not decided here.
"""

from lightkeeper.matching._entry import Entry, EntryLabels, EntryState, Mention
from lightkeeper.matching._match import Match
from lightkeeper.matching._ports import Change, SetStore, UpsertCount
from lightkeeper.matching._set import HashSet, SetOrigin, SetState, Tlp

__all__ = [
    "Change",
    "Entry",
    "EntryLabels",
    "EntryState",
    "HashSet",
    "Match",
    "Mention",
    "SetOrigin",
    "SetState",
    "SetStore",
    "Tlp",
    "UpsertCount",
]
