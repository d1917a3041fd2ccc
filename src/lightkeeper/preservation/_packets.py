"""The metadata of a source, made ready for another container."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lightkeeper.evidence._source_types import GENERATED, SCHEME, source_type_term
from lightkeeper.evidence.metadata._iptc_source import IPTC_EXTENSION, is_source_type
from lightkeeper.evidence.metadata.credits import PHOTOSHOP
from lightkeeper.evidence.metadata.sources import DERIVED_FROM
from lightkeeper.media import MediaFormat
from lightkeeper.preservation import _jpeg, _xmp
from lightkeeper.preservation._exif import ExifBlock, build_exif, parse_exif
from lightkeeper.preservation._result import Carried

if TYPE_CHECKING:
    from lightkeeper.evidence.provenance import ManifestSummary
    from lightkeeper.media import Embedded, Media
    from lightkeeper.preservation._exif import Directory
    from lightkeeper.preservation._payloads import Collected

_ORIENTATION: tuple[Directory, int] = ("ifd0", 0x0112)
_SIDES: tuple[tuple[Directory, int], ...] = (("exif", 0xA002), ("exif", 0xA003))
_MAKER_NOTE: tuple[Directory, int] = ("exif", 0x927C)
_DCTERMS = "http://purl.org/dc/terms/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_LEFT_OUT = {
    "preview": "a small copy of the picture",
    "damaged": "some fields point outside the block",
}
_STATEMENT = (
    "Made by re-encoding a file that carried a C2PA manifest. The manifest is bound to the bytes "
    "of that file and was left behind; this note is not signed."
)


@dataclass(slots=True)
class Packets:
    """EXIF, XMP and IPTC of the source, and what happened to them so far."""

    exif: ExifBlock = field(default_factory=ExifBlock)
    xmp: str = ""
    iptc: bytes = b""
    account: list[Carried] = field(default_factory=list)
    unheld: dict[str, Any] = field(default_factory=dict)
    """What the target cannot hold, in the form of the sidecar."""

    def drop(self, what: str, source: str, reason: str, content: Any = None) -> None:
        """Say that something is lost, and keep it for the sidecar."""
        self.account.append(Carried(what, source, None, reason))
        if content is not None:
            self.unheld[source] = content


def prepare(source: Media, target: MediaFormat, found: Collected) -> Packets:
    """Take from the source what is not text: the texts in ``found`` are placed elsewhere."""
    embedded = source.embedded()
    packets = Packets()
    _prepare_exif(packets, embedded, target, found, turned=source.header.orientation >= 5)
    _prepare_xmp(packets, embedded)
    _prepare_iptc(packets, embedded, target)
    if embedded.has_c2pa:
        _leave_manifest(packets, source)
    return packets


def _prepare_exif(
    packets: Packets, embedded: Embedded, target: MediaFormat, found: Collected, *, turned: bool
) -> None:
    block = parse_exif(embedded.exif_block)
    for part in block.left_out:
        packets.drop(f"EXIF {part}", "exif", _LEFT_OUT[part])
    exif = block.without({*found.exif_fields, _ORIENTATION, *(_SIDES if turned else ())})
    if target is MediaFormat.JPEG:
        exif = _fit_segment(packets, exif)
    if exif.entries:
        packets.account.append(Carried("EXIF", "exif", "exif"))
    packets.exif = exif


def _fit_segment(packets: Packets, exif: ExifBlock) -> ExifBlock:
    """Drop the maker note, then the longest fields, until a JPEG segment holds the rest."""
    excess = len(build_exif(exif)) - _jpeg.MAX_EXIF
    for key in (_MAKER_NOTE, *sorted(exif.entries, key=lambda k: -len(exif.entries[k].raw))):
        if excess <= 0:
            break
        entry = exif.entries.get(key)
        if entry is None:
            continue
        where = f"exif:0x{key[1]:04X}"
        packets.drop("EXIF field", where, "longer than a JPEG segment", entry.raw.hex())
        exif = exif.without([key])
        excess -= 12 + (len(entry.raw) if len(entry.raw) > 4 else 0)
        if excess <= 0 or entry.at is not None:
            # Laying out all anew tells exactly, but takes as long as the block: do it seldom.
            excess = len(build_exif(exif)) - _jpeg.MAX_EXIF
    return exif


def _prepare_xmp(packets: Packets, embedded: Embedded) -> None:
    if not embedded.xmp_packets:
        return
    packet = _xmp.merged(embedded.xmp_packets)
    if packet is None:
        texts = [p.decode("utf-8", "backslashreplace") for p in embedded.xmp_packets]
        packets.drop("XMP", "xmp", "damaged: cannot be edited", texts)
        return
    packet = _xmp.without_ours(packet, _xmp.CARRIED)
    packet = _xmp.without_property(packet, _TIFF, "Orientation")
    url = embedded.xmp_value(_DCTERMS, "provenance")
    if url:
        # It names a manifest that is bound to the source's bytes and fails for any other file.
        packet = _xmp.without_property(packet, _DCTERMS, "provenance")
        packets.drop("C2PA reference", "xmp:provenance", "bound to the source's bytes", url)
    packets.xmp = packet
    if packet:
        packets.account.append(Carried("XMP", "xmp", "xmp"))


def _prepare_iptc(packets: Packets, embedded: Embedded, target: MediaFormat) -> None:
    if not embedded.iptc_block:
        return
    if target is MediaFormat.JPEG and _jpeg.iptc_segment(embedded.iptc_block) is not None:
        packets.iptc = embedded.iptc_block
        packets.account.append(Carried("IPTC", "iptc", "iptc"))
        return
    credit = next((t.text for t in embedded.texts if t.carrier == "iptc:2:110"), None)
    if credit and embedded.xmp_value(PHOTOSHOP, "Credit") is None and _xmp.can_hold(credit):
        packets.xmp = _xmp.with_properties(packets.xmp, PHOTOSHOP, "photoshop", {"Credit": credit})
        packets.account.append(Carried("credit line", "iptc:2:110", "xmp:Credit"))
    reason = f"{target.value} has no place for it"
    packets.drop("IPTC", "iptc", reason, embedded.iptc_block.hex())


def _leave_manifest(packets: Packets, source: Media) -> None:
    from lightkeeper.evidence.provenance import read_manifest

    summary = read_manifest(source)
    _carry_source_type(packets, source.embedded(), summary)
    active = next((m for m in summary.manifests if m.active), None)
    link = {
        "SourceSha256": hashlib.sha256(source.content).hexdigest(),
        "SourceFormat": source.format.value,
        **({"SourceManifest": active.label} if active and _xmp.can_hold(active.label) else {}),
        "SourceManifestState": summary.state.value,
        "Statement": _STATEMENT,
    }
    packets.xmp = _xmp.without_ours(packets.xmp, DERIVED_FROM)
    packets.xmp = _xmp.with_properties(packets.xmp, DERIVED_FROM, "lkfrom", link)
    packets.drop("C2PA manifest", "c2pa", "bound to the source's bytes", link)
    packets.account.append(Carried("link to the signed source", "c2pa", "xmp:derived-from"))


def _carry_source_type(packets: Packets, embedded: Embedded, summary: ManifestSummary) -> None:
    """Write down what an intact manifest says of the origin; from here on anyone could have."""
    for said in summary.reported[:1]:
        # A manifest may say it in words alone, and then it says that a model made the picture.
        term = said.digital_source_type or GENERATED
        stated = (leaf.value for leaf in embedded.xmp if is_source_type(leaf))
        if term in map(source_type_term, stated):
            return
        packets.xmp = _xmp.with_properties(
            packets.xmp, IPTC_EXTENSION, "Iptc4xmpExt", {"DigitalSourceType": SCHEME + term}
        )
        packets.account.append(Carried("source type", "c2pa", "xmp:DigitalSourceType"))
