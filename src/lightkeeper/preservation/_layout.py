"""Where each text goes in a target, in the form that the tools of the ecosystem read.

=================  ===========================================  ================================
texts              JPEG                                         WebP, AVIF
=================  ===========================================  ================================
``parameters``     EXIF UserComment                             the same
NovelAI's fields   UserComment with its JSON envelope           the same
Easy Diffusion     UserComment with one JSON object             the same
ComfyUI's graphs   UserComment with both, or as save-image-     EXIF Model and Make, as ComfyUI's
                   extended writes where that is taken          own loader expects
others             XMP, under their keywords                    the same
=================  ===========================================  ================================

PNG takes every text as a chunk of its own. A JPEG's EXIF holds 65,527 bytes: what does not fit
goes into XMP, which extends over segments.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lightkeeper.evidence.metadata._json import parse_json
from lightkeeper.media import MediaFormat
from lightkeeper.preservation import _jpeg, _xmp
from lightkeeper.preservation._exif import (
    ascii_comment,
    ascii_entry,
    build_exif,
    unicode_comment,
)
from lightkeeper.preservation._payloads import NOVELAI, is_easy_diffusion, is_novelai

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lightkeeper.preservation._exif import Directory, Entry, ExifBlock
    from lightkeeper.preservation._payloads import Collected, Text

    Fields = Mapping[tuple[Directory, int], Entry]

_COMMENT: tuple[Directory, int] = ("exif", 0x9286)
_MAKE: tuple[Directory, int] = ("ifd0", 0x010F)
_MODEL: tuple[Directory, int] = ("ifd0", 0x0110)
_DESCRIPTION: tuple[Directory, int] = ("ifd0", 0x010E)
_SOFTWARE: tuple[Directory, int] = ("ifd0", 0x0131)
_OWN_GRAPHS = ("parameters-json", "generation_data")
"""Stability Matrix and TensorArt."""
_KEYWORD = re.compile(r"[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa1-\xff]{0,77}[\x21-\x7e\xa1-\xff])?")


@dataclass(slots=True)
class Layout:
    """What goes where."""

    exif: ExifBlock
    chunks: list[Text] = field(default_factory=list)
    """PNG text chunks."""
    properties: dict[str, str] = field(default_factory=dict)
    """Texts in XMP, by element name."""
    comment: str | None = None
    """A JPEG comment."""
    placed: list[tuple[Text, str]] = field(default_factory=list)
    """Each text and where it went."""
    unplaced: list[Text] = field(default_factory=list)


def arrange(found: Collected, *, target: MediaFormat, exif: ExifBlock) -> Layout:
    """Choose a place for every text."""
    layout = Layout(exif)
    if target is MediaFormat.PNG:
        for text in found.texts:
            _as_chunk(layout, text)
        return layout
    placed: set[Text] = set()
    for forms in (_comment_forms(found, target), _graph_forms(found, target)):
        for places, fields in forms:
            if placed.isdisjoint(places) and _fits(layout, fields, target):
                layout.exif = layout.exif.having(fields)
                layout.placed += places.items()
                placed.update(places)
                break
    for text in found.texts:
        if text not in placed:
            _elsewhere(layout, text, target)
    return layout


_Form = tuple["Mapping[Text, str]", "Fields"]
"""Where each text stands, and the EXIF fields that hold them."""


def _fits(layout: Layout, fields: Fields, target: MediaFormat) -> bool:
    if any(key in layout.exif.entries for key in fields):
        return False
    limit = _jpeg.MAX_EXIF if target is MediaFormat.JPEG else 1 << 24
    return len(build_exif(layout.exif.having(fields))) <= limit


def _comment_forms(found: Collected, target: MediaFormat) -> Iterator[_Form]:
    """Forms of the user comment, the best first; the first that fits is taken."""
    if first := found.first("parameters"):
        yield from _encoded([first], first.text)
    elif is_novelai(found):
        texts = [t for k in NOVELAI if (t := found.first(k))]
        envelope = json.dumps({t.keyword: t.text for t in texts})
        source = found.get("Source")
        fields = {_COMMENT: ascii_comment(envelope)}
        if source:
            yield _in_comment(texts), {**fields, _SOFTWARE: ascii_entry(source)}
        yield _in_comment(texts), fields
    elif is_easy_diffusion(found):
        texts = [t for t in found.texts if t == found.first(t.keyword)]
        yield from _encoded(texts, json.dumps({t.keyword: t.text for t in texts}))
    elif target is MediaFormat.JPEG:
        graphs = _graphs(found)
        if len(graphs) == 1 and graphs[0].keyword == "prompt":
            yield from _encoded(graphs, graphs[0].text)
        elif graphs:
            # The graphs go in as they are: their own spelling of numbers survives.
            inner = ", ".join(f"{json.dumps(t.keyword)}: {t.text}" for t in graphs)
            yield from _encoded(graphs, "{" + inner + "}")


def _encoded(texts: Sequence[Text], comment: str) -> Iterator[_Form]:
    try:
        yield _in_comment(texts), {_COMMENT: unicode_comment(comment)}
    except UnicodeEncodeError:
        return
    if comment.isascii():
        yield _in_comment(texts), {_COMMENT: ascii_comment(comment)}


def _in_comment(texts: Sequence[Text]) -> Mapping[Text, str]:
    return dict.fromkeys(texts, "exif:UserComment")


def _graph_forms(found: Collected, target: MediaFormat) -> Iterator[_Form]:
    graphs = _graphs(found)
    if not graphs:
        return
    extended = target is MediaFormat.JPEG
    keys = (
        {"prompt": _MAKE, "workflow": _DESCRIPTION}
        if extended
        else {"prompt": _MODEL, "workflow": _MAKE}
    )
    names = {_MAKE: "exif:Make", _MODEL: "exif:Model", _DESCRIPTION: "exif:ImageDescription"}
    fields = {}
    for text in graphs:
        prefix = text.keyword.capitalize() + ": " if extended else text.keyword + ":"
        fields[keys[text.keyword]] = ascii_entry(prefix + text.text)
    yield {text: names[keys[text.keyword]] for text in graphs}, fields


def _graphs(found: Collected) -> list[Text]:
    """ComfyUI's two graphs, where each is JSON that can be read back.

    Not those that another tool writes beside a text of its own and reads by their keyword.
    """
    if any(t.keyword in _OWN_GRAPHS for t in found.texts):
        return []
    graphs = [t for k in ("prompt", "workflow") if (t := found.first(k))]
    return graphs if all(isinstance(parse_json(t.text), dict) for t in graphs) else []


def _as_chunk(layout: Layout, text: Text) -> None:
    try:
        text.text.encode("utf-8")
    except UnicodeEncodeError:
        layout.unplaced.append(text)
        return
    if "\0" in text.text:
        layout.unplaced.append(text)
    elif _KEYWORD.fullmatch(text.keyword) and "  " not in text.keyword:
        layout.chunks.append(text)
        kind = "tEXt" if is_plain_chunk(text.text) else "iTXt"
        layout.placed.append((text, f"png:{kind}:{text.keyword}"))
    else:
        _as_property(layout, text)


def is_plain_chunk(text: str) -> bool:
    """Whether a text may stand in tEXt, which is latin-1.

    Not where its bytes are UTF-8 too: readers guess, since many tools write UTF-8 there.
    """
    try:
        raw = text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    if raw.isascii():
        return True
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def _elsewhere(layout: Layout, text: Text, target: MediaFormat) -> None:
    plain = text.keyword.lower() == "comment" and parse_json(text.text) is None
    if plain and target is MediaFormat.JPEG and layout.comment is None and _comment_fits(text.text):
        layout.comment = text.text
        layout.placed.append((text, "jpeg:COM"))
    else:
        _as_property(layout, text)


def _comment_fits(text: str) -> bool:
    try:
        return _jpeg.comment_segment(text) is not None
    except UnicodeEncodeError:
        return False


def _as_property(layout: Layout, text: Text) -> None:
    name = _xmp.element_name(text.keyword)
    if name in layout.properties or not _xmp.can_hold(text.text):
        layout.unplaced.append(text)
        return
    layout.properties[name] = text.text
    layout.placed.append((text, f"xmp:{name}"))
