"""What a file says of the camera or the program that wrote it last.

Camera fields count only as a plausible set: ComfyUI writes JSON into Make and Model, Civitai sets
Artist to ``ai``, and a maker's name alone is copied easily.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lightkeeper.evidence._finding import Claim, Details, Hypothesis
from lightkeeper.evidence.metadata._declared import declared, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lightkeeper.evidence._finding import Finding
    from lightkeeper.media import Embedded, Media

_EXPOSURE = {
    0x829A: "ExposureTime",
    0x829D: "FNumber",
    0x8827: "ISOSpeedRatings",
    0x9201: "ShutterSpeedValue",
    0x9202: "ApertureValue",
    0x920A: "FocalLength",
}
_BESIDE = {
    0x8822: "ExposureProgram",
    0x9003: "DateTimeOriginal",
    0x9207: "MeteringMode",
    0x9209: "Flash",
    0xA434: "LensModel",
}
_MAKER_NOTE = 0x927C
_ENOUGH_EXPOSURE = 2
_PLAUSIBLE_NAME = re.compile(r"[^{}\[\]<>\"\n\r:]{1,64}")
_WRITES_MUCH = frozenset({"jpeg", "png", "webp", "avif", "heic"})

_GENERATORS = {
    "Adobe Firefly": ("adobe firefly", "adobe_firefly", "firefly"),
    "Midjourney": ("midjourney",),
    "Draw Things": ("draw things",),
    "NovelAI": ("novelai", "novelai diffusion"),
    "Fooocus": ("fooocus", "ruinedfooocus"),
    "InvokeAI": ("invokeai", "invoke ai"),
    "ComfyUI": ("comfyui",),
    "Stable Diffusion": ("stable diffusion", "stable diffusion xl", "stable diffusion webui"),
    "DALL·E": ("dall·e", "dall-e", "dall.e", "dall e", "dalle", "openai dall·e", "openai dall-e"),
    "Ideogram": ("ideogram", "ideogram ai", "ideogram.ai"),
    "ChatGPT": ("chatgpt",),
    "gpt-image": ("gpt-image",),
}
"""Programs that generate, by the whole names that they give themselves. A name that goes on after
it, but for a version, is another program's: a viewer may be called after what it shows."""
_VERSION = r"([ /-]?v?\d[\w.+-]{0,40})?( [0-9a-f]{8})?( ?\([^()]{0,60}\))?"
_EDITORS = (
    ("Adobe Photoshop Lightroom", r"adobe (photoshop )?lightroom\b"),
    ("Adobe Photoshop", r"adobe photoshop\b"),
    ("GIMP", r"(created with )?gimp\b"),
    ("ImageMagick", r"imagemagick\b"),
    ("GraphicsMagick", r"graphicsmagick\b"),
    ("GD", r"creator: gd-jpeg\b"),
    ("FFmpeg", r"lav[cf]\d"),
    ("Krita", r"krita\b"),
    ("Paint.NET", r"paint\.net\b"),
    ("Affinity", r"(serif )?affinity (photo|designer|publisher)\b"),
    ("Pixelmator", r"pixelmator\b"),
    ("Snapseed", r"snapseed\b"),
    ("Picasa", r"picasa\b"),
    ("PicsArt", r"picsart\b"),
    ("Canva", r"canva\b"),
    ("Inkscape", r"inkscape\b"),
    ("darktable", r"darktable\b"),
    ("RawTherapee", r"rawtherapee\b"),
    ("Capture One", r"capture one\b"),
    ("IrfanView", r"irfanview\b"),
    ("XnView", r"xnview\b"),
    ("ACDSee", r"acdsee\b"),
    ("Microsoft Photos", r"(microsoft )?windows photo (editor|gallery|viewer)\b"),
)
_COMPILED = tuple(
    (name, re.compile(r"(www\.)?" + pattern, re.IGNORECASE)) for name, pattern in _EDITORS
)
_VERSIONED = re.compile(
    "(" + "|".join(re.escape(n) for names in _GENERATORS.values() for n in names) + ")" + _VERSION
)
_BY_SPELLING = {spelling: name for name, names in _GENERATORS.items() for spelling in names}
_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFields(Details):
    """The camera fields that are present."""

    make: str
    model: str
    fields: tuple[str, ...]
    maker_note_bytes: int


@dataclass(frozen=True, slots=True)
class Software(Details):
    """A program and the text that names it."""

    name: str
    text: str


def camera_findings(embedded: Embedded) -> Iterable[Finding]:
    """Camera fields, where make, model and at least two exposure values stand together."""
    make = _name(embedded, 0x010F)
    model = _name(embedded, 0x0110)
    present = {f.tag for f in embedded.exif if f.ifd == "exif" and f.value not in (b"", "", ())}
    exposure = [name for tag, name in _EXPOSURE.items() if tag in present]
    if not make or not model or len(exposure) < _ENOUGH_EXPOSURE:
        return
    note = embedded.exif_field("exif", _MAKER_NOTE)
    size = len(note.value) if note else 0
    fields = ("Make", "Model", *exposure, *(n for tag, n in _BESIDE.items() if tag in present))
    with_note = " and a maker note" if size else ""
    yield declared(
        Claim.CAPTURED,
        f"EXIF holds the fields of a camera ({shown(make)}, {shown(model)}): "
        f"{len(exposure)} exposure values{with_note}.",
        source="exif",
        supports=Hypothesis.CAPTURED,
        details=CameraFields(
            make=make,
            model=model,
            fields=(*fields, "MakerNote") if size else fields,
            maker_note_bytes=size,
        ),
    )


def _name(embedded: Embedded, tag: int) -> str | None:
    field = embedded.exif_field("ifd0", tag)
    if field is None or not isinstance(field.value, str):
        return None
    text = field.value.strip(" \0")
    return text if _PLAUSIBLE_NAME.fullmatch(text) and text.isprintable() else None


def software_findings(embedded: Embedded) -> Iterable[Finding]:
    """Programs that name themselves: known generators, and editors that saved the file anew."""
    seen: set[tuple[str, str]] = set()
    for source, text in _software(embedded):
        generator = _generator(text)
        name = generator or _editor(text)
        if name is None or (name, source) in seen:
            continue
        seen.add((name, source))
        yield (
            _named(name, text, source)
            if generator
            else declared(
                Claim.EDITED,
                f"Re-saved by {name}, says {source}.",
                source=source,
                details=Software(name, text),
            )
        )


def _named(name: str, text: str, source: str) -> Finding:
    return declared(
        Claim.GENERATED,
        f"{source} names the generator {name} as the program that made the file.",
        source=source,
        supports=Hypothesis.GENERATED,
        details=Software(name, text),
    )


def _software(embedded: Embedded) -> Iterator[tuple[str, str]]:
    for tag, name in ((0x0131, "Software"), (0x000B, "ProcessingSoftware")):
        text = embedded.exif_text("ifd0", tag)
        if text:
            yield f"exif:{name}", text
    for leaf in embedded.xmp:
        if leaf.name in ("CreatorTool", "Software"):
            yield f"xmp:{leaf.name}", leaf.value
        # What an edit history names has touched the file; it need not have made it.
        elif leaf.name == "softwareAgent" and _generator(leaf.value) is None:
            yield "xmp:History", leaf.value
    for block in embedded.texts:
        if block.keyword.lower() in ("software", "comment") or block.carrier in (
            "jpeg:COM",
            "gif:comment",
        ):
            # A comment is free text: only a program's own fixed words count.
            comment = block.keyword.lower() != "software"
            if not comment or _generator(block.text) is None:
                yield ":".join(filter(None, (block.carrier, block.keyword))), block.text


def _generator(text: str) -> str | None:
    """The generator that a text names, and nothing besides it but a version."""
    plain = " ".join(text[: _LONGEST_NAME + 1].casefold().strip(" \0\t\r\n").split())
    found = _VERSIONED.fullmatch(plain) if len(plain) <= _LONGEST_NAME else None
    return _BY_SPELLING[found[1]] if found else None


def _editor(text: str) -> str | None:
    start = text.lstrip()[:_LONGEST_NAME]
    return next((name for name, pattern in _COMPILED if pattern.match(start)), None)


def stripped_findings(media: Media) -> Iterable[Finding]:
    """Say that a file carries no metadata at all, where its format usually does.

    Only that: services strip everything from everybody's pictures.
    """
    embedded = media.embedded()
    anything = (
        embedded.texts or embedded.exif or embedded.xmp or embedded.exif_block
        or embedded.xmp_packets or embedded.iptc_block or embedded.has_c2pa
    )  # fmt: skip
    if media.format.value in _WRITES_MUCH and not anything and not embedded.problems:
        yield declared(
            Claim.STRIPPED,
            "The file carries no metadata: no text, EXIF, XMP, IPTC or C2PA.",
            source="container",
        )
