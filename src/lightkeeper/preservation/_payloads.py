"""The texts of a file under neutral keywords, whatever container they come from.

PNG is the richest container: any number of texts, each under its keyword. Every other form is
folded out into that one before a target is chosen, and folded in again by :mod:`._layout`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._json import parse_json
from lightkeeper.preservation import _xmp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lightkeeper.evidence.metadata._carriers import Payload
    from lightkeeper.media import Embedded
    from lightkeeper.preservation._exif import Directory

_PREFIX = re.compile(r"\s{0,8}([A-Za-z_][\w-]{0,60})\s{0,4}:\s{0,4}(?=[{\[])")
_COMMENT = 0x9286
_SOFTWARE = 0x0131
_MAKE, _MODEL, _DESCRIPTION = 0x010F, 0x0110, 0x010E
_PREFIXED_TAGS = (_DESCRIPTION, _MAKE, _MODEL, *range(0x010D, 0x00FF, -1))
_NAMES = {_MAKE: "Make", _MODEL: "Model", _DESCRIPTION: "ImageDescription"}
NOVELAI = ("Title", "Description", "Software", "Source", "Generation time", "Comment")
_EASY_DIFFUSION = ("use_stable_diffusion_model", "Stable Diffusion model")


@dataclass(frozen=True, slots=True)
class Text:
    """One text: its keyword in PNG, and the place where it stood."""

    keyword: str
    text: str
    source: str


@dataclass(slots=True)
class Collected:
    """All texts of a file, and the EXIF fields that are among them."""

    texts: list[Text] = field(default_factory=list)
    contradicted: list[Text] = field(default_factory=list)
    """Hidden texts beside an open one that says something else."""
    exif_fields: set[tuple[Directory, int]] = field(default_factory=set)
    _known: set[tuple[str, str]] = field(default_factory=set)
    _first: dict[str, Text] = field(default_factory=dict)

    def add(self, keyword: str, text: str, source: str) -> None:
        """Keep a text, once."""
        text = text.rstrip("\0")
        if text and (keyword, text) not in self._known:
            self._known.add((keyword, text))
            self._first.setdefault(keyword, Text(keyword, text, source))
            self.texts.append(Text(keyword, text, source))

    def first(self, keyword: str) -> Text | None:
        """First text under this keyword, and its place."""
        return self._first.get(keyword)

    def get(self, keyword: str) -> str | None:
        """First text under this keyword."""
        found = self.first(keyword)
        return found.text if found else None


def collect(
    embedded: Embedded, *, carriers: frozenset[str], hidden: Payload | None = None
) -> Collected:
    """Fold out every text of a file.

    Parameters
    ----------
    embedded : Embedded
    carriers : set of str
        Where generation records were read: those EXIF fields are parameters, others stay EXIF.
    hidden : Payload, optional
        Text from the lowest bits of the pixels, where the target loses it.
    """
    found = Collected()
    for block in embedded.texts:
        if block.carrier.startswith("png:") and not block.keyword.startswith("Raw profile type"):
            found.add(block.keyword, block.text, f"{block.carrier}:{block.keyword}")
        elif block.carrier in ("jpeg:COM", "gif:comment"):
            _fold_out(found, block.text, block.carrier, carriers, otherwise="Comment")
    _collect_exif(found, embedded, carriers)
    for leaf in embedded.xmp:
        if leaf.namespace == _xmp.CARRIED:
            found.add(_xmp.keyword_of(leaf.name), leaf.value, f"xmp:{leaf.path}")
    if hidden is not None:
        for keyword, text in _unfolded(hidden.text):
            if found.get(keyword) is None:
                found.add(keyword, text, hidden.carrier)
            elif found.get(keyword) != text.rstrip("\0"):
                found.contradicted.append(Text(keyword, text, hidden.carrier))
    return found


def _collect_exif(found: Collected, embedded: Embedded, carriers: frozenset[str]) -> None:
    directories: Sequence[Directory] = ("exif", "ifd0")
    for directory in directories:
        text = embedded.exif_text(directory, _COMMENT)
        if text and _fold_out(found, text, "exif:UserComment", carriers):
            found.exif_fields.add((directory, _COMMENT))
    for tag in _PREFIXED_TAGS:
        text = embedded.exif_text("ifd0", tag)
        source = f"exif:{_NAMES.get(tag, f'0x{tag:04X}')}"
        match = _PREFIX.match(text[:80]) if text else None
        if text and match and parse_json(text[match.end() :]) is not None:
            name = match[1].lower() if match[1].lower() in ("prompt", "workflow") else match[1]
            found.add(name, text[match.end() :], source)
            found.exif_fields.add(("ifd0", tag))
        elif text and tag == _DESCRIPTION and source in carriers:
            _fold_out(found, text, source, carriers)
            found.exif_fields.add(("ifd0", tag))
    software, source_text = embedded.exif_text("ifd0", _SOFTWARE), found.get("Source")
    if software and source_text and software.rstrip("\0") == source_text:
        found.exif_fields.add(("ifd0", _SOFTWARE))


def _fold_out(
    found: Collected,
    text: str,
    source: str,
    carriers: frozenset[str],
    *,
    otherwise: str | None = None,
) -> bool:
    """Add the texts inside ``text``; ``False`` where it holds no parameters."""
    if source in carriers or _is_envelope(text):
        for keyword, part in _unfolded(text):
            found.add(keyword, part, source)
        return True
    if otherwise is not None:
        found.add(otherwise, text, source)
    return False


def _is_envelope(text: str) -> bool:
    """JSON of a form that several tools share, even where no record could be read from it."""
    return next(iter(_unfolded(text)))[0] != "parameters"


def _unfolded(text: str) -> Iterator[tuple[str, str]]:
    """Texts inside one text, under the keywords that their tools use in PNG."""
    parsed = parse_json(text)
    if isinstance(parsed, dict) and _holds_several(parsed):
        for keyword, value in parsed.items():
            yield keyword, value if isinstance(value, str) else json.dumps(value)
    else:
        yield "prompt" if _is_graph(parsed) else "parameters", text


def _holds_several(parsed: dict[str, object]) -> bool:
    """Whether an object is an envelope: ComfyUI's, NovelAI's or Easy Diffusion's."""
    if "prompt" in parsed or "workflow" in parsed:
        graph = parsed["prompt"] if "prompt" in parsed else parsed["workflow"]
        if _is_graph(graph):
            return True
    if isinstance(parsed.get("Comment"), (str, dict)) and parsed.keys() <= set(NOVELAI):
        return True
    return not parsed.keys().isdisjoint(_EASY_DIFFUSION)


def _is_graph(value: object) -> bool:
    """An API graph, or an editor's workflow."""
    if isinstance(value, str):
        value = parse_json(value)
    if not isinstance(value, dict):
        return False
    nodes = any(isinstance(node, dict) and "class_type" in node for node in value.values())
    return nodes or isinstance(value.get("nodes"), list)


def is_novelai(found: Collected) -> bool:
    """The texts are those of NovelAI."""
    named = (found.get("Software") or "") + (found.get("Source") or "")
    return "NovelAI" in named and parse_json(found.get("Comment") or "") is not None


def is_easy_diffusion(found: Collected) -> bool:
    """The texts are the separate fields of Easy Diffusion."""
    return any(found.get(keyword) is not None for keyword in _EASY_DIFFUSION)
