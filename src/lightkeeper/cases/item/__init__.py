"""The items of a case, and who looked at them."""

from lightkeeper.cases.item._item import Item, ItemKind, ItemState, MediaFacts, View, ViewMode

__all__ = ["Item", "ItemKind", "ItemState", "MediaFacts", "View", "ViewMode"]
