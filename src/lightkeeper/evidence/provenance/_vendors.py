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


# Some generators state no source type and say it in words. Whole phrases, as seen in manifests of
# public files, never parts of one: "not an AI generated image" contains another of them.
_GENERATED_WORDS = frozenset({"ai generated image", "created by google generative ai"})
_GENERATOR_AGENTS = frozenset({"image creator from designer"})
"""Software agents that do nothing else than generate."""


def says_generated(description: str | None, agent: str | None) -> bool:
    """Whether the words of an action say that a model made the picture."""
    return _words(description) in _GENERATED_WORDS or _words(agent) in _GENERATOR_AGENTS


def _words(text: str | None) -> str:
    return " ".join((text or "").casefold().split()).rstrip(".")
