"""Encode a picture in another format and carry what its file says along."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PIL.PngImagePlugin import PngInfo

from lightkeeper.errors import MediaError, UnsupportedMedia
from lightkeeper.evidence.metadata import read_parameters
from lightkeeper.evidence.metadata.stealth import stealth_payload
from lightkeeper.media import MediaFormat, Problem, open_media
from lightkeeper.plain import to_plain
from lightkeeper.preservation import _jpeg, _xmp
from lightkeeper.preservation._exif import build_exif
from lightkeeper.preservation._layout import arrange, is_plain_chunk
from lightkeeper.preservation._packets import prepare
from lightkeeper.preservation._payloads import collect
from lightkeeper.preservation._pixels import colour_profile, encode, picture
from lightkeeper.preservation._result import Carried, Transcoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from PIL import Image

    from lightkeeper.evidence.metadata import GenerationRecord
    from lightkeeper.media import Media
    from lightkeeper.preservation._layout import Layout
    from lightkeeper.preservation._packets import Packets
    from lightkeeper.preservation._payloads import Text

TARGETS = (MediaFormat.PNG, MediaFormat.JPEG, MediaFormat.WEBP, MediaFormat.AVIF)
"""Formats that can be written."""
SCHEMA = "lightkeeper.transcode-record/1"


def transcode(source: Media, target: MediaFormat, *, quality: int = 90) -> Transcoded:
    """Re-encode a picture and keep its generation parameters, source type, XMP, EXIF and profile.

    Parameters are put where the tools of the ecosystem look for them in the target; what has no
    such place goes into XMP under its keyword, and what XMP cannot hold into the sidecar. Nothing
    is shortened. The result is read back: a record that does not read as before is noted. The
    EXIF orientation is applied to the pixels; alpha is put on white for JPEG; an animation gives
    its first frame. A C2PA manifest cannot survive, since it is bound to the source's bytes: an
    unsigned link to the source (its SHA-256 and the manifest's label) takes its place.

    Parameters
    ----------
    source : Media
    target : MediaFormat
        One of PNG, JPEG, WebP and AVIF.
    quality : int
        1-100, for the lossy formats.

    Raises
    ------
    UnsupportedMedia
        ``target`` is not a format that can be written.
    CorruptMedia, LimitExceeded
        The source cannot be decoded.
    OutputError
        The target cannot hold the picture.
    """
    if target not in TARGETS:
        raise UnsupportedMedia(
            f"{target.value} cannot be written",
            hint="one of " + ", ".join(t.value for t in TARGETS),
        )
    records = read_parameters(source)
    image, notes = picture(source, target)
    found = collect(
        source.embedded(),
        carriers=frozenset(r.carrier for r in records),
        hidden=None if _keeps_bits(source, target) else stealth_payload(source),
    )
    packets = prepare(source, target, found)
    layout = arrange(found, target=target, exif=packets.exif)
    profile, profile_notes = colour_profile(source)
    content = _written(image, target, layout, packets, quality=quality, icc_profile=profile)
    account = [*packets.account, *_texts_account(layout, found.contradicted)]
    if profile:
        account.append(Carried("colour profile", "icc", "icc"))
    notes += [*profile_notes, *_not_read_back(content, records, hidden=_keeps_bits(source, target))]
    return Transcoded(
        content=content,
        format=target,
        kept=tuple(c for c in account if c.target == c.source),
        moved=tuple(c for c in account if c.target not in (None, c.source)),
        dropped=tuple(c for c in account if c.target is None),
        notes=tuple(notes),
        sidecar=_sidecar(
            source, target, content, records, packets, [*layout.unplaced, *found.contradicted]
        ),
    )


def _written(
    image: Image.Image,
    target: MediaFormat,
    layout: Layout,
    packets: Packets,
    *,
    quality: int,
    icc_profile: bytes | None,
) -> bytes:
    exif = build_exif(layout.exif)
    if target is MediaFormat.JPEG:
        plain = encode(image, target, quality=quality, icc_profile=icc_profile)
        return _jpeg.with_segments(plain, _segments(layout, packets, exif))
    xmp = _xmp.with_properties(packets.xmp, _xmp.CARRIED, "lktext", layout.properties)
    extra: dict[str, Any] = {"exif": exif, "icc_profile": icc_profile}
    if target is MediaFormat.PNG:
        extra["pnginfo"] = _png_texts(layout.chunks, xmp)
    else:
        extra["xmp"] = xmp.encode("utf-8")
    return encode(image, target, quality=quality, **extra)


def _segments(layout: Layout, packets: Packets, exif: bytes) -> Iterator[bytes]:
    if exif:
        yield _jpeg.exif_segment(exif)
    carried = _xmp.with_properties("", _xmp.CARRIED, "lktext", layout.properties)
    if packets.xmp or carried:
        yield from _jpeg.xmp_segments(packets.xmp, carried)
    if packets.iptc and (segment := _jpeg.iptc_segment(packets.iptc)):
        yield segment
    if layout.comment is not None and (segment := _jpeg.comment_segment(layout.comment)):
        yield segment


def _png_texts(chunks: Sequence[Text], xmp: str) -> PngInfo:
    info = PngInfo()
    for text in chunks:
        if is_plain_chunk(text.text):
            info.add_text(text.keyword, text.text)
        else:
            info.add_itxt(text.keyword, text.text)
    if xmp:
        info.add_itxt("XML:com.adobe.xmp", xmp)
    return info


def _texts_account(layout: Layout, contradicted: Sequence[Text]) -> Iterator[Carried]:
    for text, where in layout.placed:
        source = where if _same_place(text.source, where) else text.source
        yield Carried(text.keyword or "text", source, where)
    for text in layout.unplaced:
        reason = "holds characters that no container of the target admits, or repeats a keyword"
        yield Carried(text.keyword or "text", text.source, None, reason)
    for text in contradicted:
        yield Carried(text.keyword, text.source, None, "an open text says otherwise")


def _same_place(source: str, target: str) -> bool:
    """PNG's two kinds of text chunk are one place: the writer chooses by the characters."""
    kinds = ("png:tEXt:", "png:iTXt:", "png:zTXt:")
    return source == target or (
        source.startswith(kinds) and target.startswith(kinds) and source[9:] == target[9:]
    )


def _keeps_bits(source: Media, target: MediaFormat) -> bool:
    """Whether text hidden in the pixels' lowest bits stays where it is."""
    return target is MediaFormat.PNG and source.header.orientation == 1


def _not_read_back(
    content: bytes, records: Sequence[GenerationRecord], *, hidden: bool
) -> Iterator[Problem]:
    pixels = hidden and any(r.carrier.startswith("pixels:") for r in records)
    try:
        after = [_essence(r) for r in read_parameters(open_media(content), pixels=pixels)]
    except MediaError as error:
        yield Problem("not-read-back", "target", str(error))
        return
    for record in records:
        if _essence(record) not in after:
            yield Problem(
                "not-read-back", record.carrier, f"a record of {record.tool} reads differently now"
            )


def _essence(record: GenerationRecord) -> GenerationRecord:
    return replace(record, carrier="", raw="", notes=())


def _sidecar(
    source: Media,
    target: MediaFormat,
    content: bytes,
    records: Sequence[GenerationRecord],
    packets: Packets,
    unplaced: Sequence[Text],
) -> dict[str, Any] | None:
    if not records and not packets.unheld and not unplaced:
        return None
    return {
        "schema": SCHEMA,
        "source": {
            "name": source.name,
            "format": source.format.value,
            "sha256": hashlib.sha256(source.content).hexdigest(),
        },
        "target": {"format": target.value, "sha256": hashlib.sha256(content).hexdigest()},
        "records": [{**to_plain(record), "raw": record.raw} for record in records],
        "not_held": {**packets.unheld, **_by_place(unplaced)},
    }


def _by_place(texts: Sequence[Text]) -> dict[str, str]:
    """Texts by where they stood; a place that holds several is numbered."""
    found: dict[str, str] = {}
    for text in texts:
        place = text.source if text.source not in found else f"{text.source}#{len(found) + 1}"
        found[place] = text.text
    return found
