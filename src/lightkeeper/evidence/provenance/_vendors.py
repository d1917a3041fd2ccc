"""Generator families by the names they give themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# More particular names first: Firefly before Adobe, Designer before Microsoft. Names as seen in
# manifests of public files (claim generator, software agent, certificate).
_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("OpenAI", ("openai", "chatgpt", "gpt-image", "gpt-4o", "dall-e", "dall·e")),
    ("Google", ("google",)),
    ("Adobe Firefly", ("firefly",)),
    ("Microsoft Designer", ("from designer", "microsoft designer")),
    ("Adobe", ("adobe",)),
    ("Microsoft", ("microsoft",)),
)


def recognise_vendor(names: Iterable[str | None]) -> str | None:
    """The vendor that any of these names belongs to; anyone can call themselves so."""
    text = "\n".join(name.casefold() for name in names if name)
    return next((vendor for vendor, words in _NAMES if any(w in text for w in words)), None)
