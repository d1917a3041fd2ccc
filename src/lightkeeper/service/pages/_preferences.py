"""What people set for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

THEMES: Final = ("auto", "light", "dark")
REVEALS: Final = ("hold", "toggle")
BLURS: Final = ("none", "some", "much")
SIZES: Final = ("small", "medium")
NEUTRAL_AFTER: Final = ("0", "5", "10", "20")

KEYS: Final[dict[str, tuple[str, str]]] = {
    "help": ("?", "Show all keys"),
    "take-next": ("t", "Take the next case"),
    "next": ("j", "Next in the list"),
    "previous": ("k", "Previous in the list"),
    "open": ("o", "Open the case in focus"),
    "filter": ("/", "Go to the filters"),
    "queue": ("q", "Go to the queue"),
    "preview": ("p", "Show or hide the preview"),
    "reveal": ("v", "Reveal the picture"),
    "texts": ("x", "Show or hide texts and prompts"),
    "class-A1": ("1", "Industry class A1"),
    "class-A2": ("2", "Industry class A2"),
    "class-B1": ("3", "Industry class B1"),
    "class-B2": ("4", "Industry class B2"),
    "class-none": ("5", "Industry class: none of these"),
    "class-cannot-tell": ("6", "Industry class: can’t tell"),
    "decision": ("d", "Go to the decision"),
    "claim": ("c", "Claim the case"),
    "skip": ("s", "Go to skipping the case"),
    "undo": ("u", "Go to undoing the decision"),
}
"""Act to its key and its name. A key that is set to nothing is off."""

_CHOICES: Final = {
    "theme": THEMES,
    "reveal": REVEALS,
    "blur": BLURS,
    "grey": ("yes", "no"),
    "size": SIZES,
    "neutral_after": NEUTRAL_AFTER,
    "breaks": ("yes", "no"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Settings of one person; the first ones that anybody has are the gentlest."""

    theme: str = "auto"
    reveal: str = "hold"
    blur: str = "some"
    grey: str = "yes"
    size: str = "small"
    neutral_after: str = "0"
    breaks: str = "yes"
    keys: Mapping[str, str] = field(default_factory=lambda: {act: KEYS[act][0] for act in KEYS})

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Preferences:
        """From what is kept; what cannot be understood is as it is for everybody."""
        chosen = {
            name: values[name] for name, choices in _CHOICES.items() if values.get(name) in choices
        }
        keys = {act: values.get(f"key.{act}", default) for act, (default, _) in KEYS.items()}
        return cls(**chosen, keys=keys)

    def kept(self) -> dict[str, str]:
        """What is kept of them."""
        plain = {name: str(getattr(self, name)) for name in _CHOICES}
        return plain | {f"key.{act}": key for act, key in self.keys.items()}

    def clashes(self) -> dict[str, str]:
        """Acts whose key cannot be used, with the reason."""
        found: dict[str, str] = {}
        first: dict[str, str] = {}
        for act, key in self.keys.items():
            if len(key) > 1:
                found[act] = "One character is a key; nothing turns it off."
            elif key and key in first:
                found[act] = f"“{key}” is already the key of “{KEYS[first[key]][1]}”."
            first.setdefault(key, act)
        return found
