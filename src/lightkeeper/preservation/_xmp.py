"""Put texts into an XMP packet and take them out again, leaving the rest of it as it stands.

The packet is edited as text: a description of ours goes in before the end of ``rdf:RDF``. Parsing
and serialising would lose prefixes that simple readers search for.

References
----------
.. [1] Adobe, "XMP Specification Part 3: Storage in Files", 2020, section 1.1.3.1 (JPEG).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CARRIED = "urn:lightkeeper:carried-text:1.0/"
"""Texts under the keywords of the container that they come from."""
NOTE = "http://ns.adobe.com/xmp/note/"

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_HEAD = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
_CLOSE = "</rdf:Description>"
_TAIL = '<?xpacket end="w"?>'
_EMPTY = f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{_RDF}"></rdf:RDF></x:xmpmeta>'
_END = re.compile(r"</[A-Za-z_][\w.-]{0,30}:RDF\s{0,8}>")
_EMPTY_RDF = re.compile(r"<([A-Za-z_][\w.-]{0,30}:RDF)(\s[^<>]{0,2000})?/>")
_START = re.compile(r"<[A-Za-z_][\w.-]{0,30}:RDF(\s[^<>]{0,20000})?>")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPED_NAME = re.compile(r"_x([0-9A-F]{2,6})_")


def element_name(keyword: str) -> str:
    """A keyword as an XML name, in a form that :func:`keyword_of` undoes."""
    if not keyword:
        return "_x_"

    def plain(index: int, char: str) -> bool:
        if not char.isascii():
            return False
        return char.isalpha() or char == "_" or (index > 0 and (char.isdigit() or char in "-."))

    guarded = _ESCAPED_NAME.sub(lambda m: f"_x5F_{m[0][1:]}", keyword)
    return "".join(c if plain(i, c) else f"_x{ord(c):02X}_" for i, c in enumerate(guarded))


def keyword_of(name: str) -> str:
    """The keyword that an element's name stands for."""
    if name == "_x_":
        return ""
    return _ESCAPED_NAME.sub(lambda m: chr(min(int(m[1], 16), 0x10FFFF)), name)


def can_hold(text: str) -> bool:
    """Whether XML admits every character."""
    return _NOT_XML.search(text) is None


def with_properties(packet: str, namespace: str, prefix: str, values: Mapping[str, str]) -> str:
    """The packet with one more description that holds ``values``; a new packet for ``""``."""
    if not values:
        return packet
    inner = "".join(
        f"<{prefix}:{name}>{escape(value, {chr(13): '&#13;'})}</{prefix}:{name}>"
        for name, value in values.items()
    )
    return _inserted(
        packet or _HEAD + _EMPTY + _TAIL,
        f'<rdf:Description xmlns:rdf="{_RDF}" rdf:about="" xmlns:{prefix}="{namespace}">'
        f"{inner}{_CLOSE}",
    )


def without_ours(packet: str, namespace: str) -> str:
    """The packet without the descriptions that :func:`with_properties` wrote in ``namespace``.

    Empty where nothing else was in it.
    """
    head = re.compile(
        f'<rdf:Description xmlns:rdf="{re.escape(_RDF)}" rdf:about="" '
        f'xmlns:[a-z]{{1,8}}="{re.escape(namespace)}">'
    )
    while match := head.search(packet):
        end = packet.find(_CLOSE, match.end())
        if end < 0:
            break
        packet = packet[: match.start()] + packet[end + len(_CLOSE) :]
    start, end_of_all = _START.search(packet), _last_end(packet)
    if start and end_of_all is not None and not packet[start.end() : end_of_all].strip():
        return ""
    return packet


def without_property(packet: str, namespace: str, name: str) -> str:
    """The packet without a simple property, element or attribute, whatever its prefix is."""
    declared = (
        rf"xmlns:([A-Za-z_][\w.-]{{0,40}})\s{{0,8}}=\s{{0,8}}[\"']{re.escape(namespace)}[\"']"
    )
    for prefix in sorted(set(re.findall(declared, packet))):
        for form in _simple_forms(re.escape(f"{prefix}:{name}")):
            packet = re.sub(form, "", packet)
    return packet


def _simple_forms(quoted: str) -> tuple[str, ...]:
    return (
        rf"<{quoted}(?:\s[^<>]{{0,500}})?>[^<]{{0,4000}}</{quoted}\s{{0,8}}>",
        rf"<{quoted}\s[^<>]{{0,4000}}/>",
        rf"\s{quoted}\s{{0,8}}=\s{{0,8}}(?:\"[^\"]{{0,4000}}\"|'[^']{{0,4000}}')",
    )


def merged(packets: Iterable[bytes]) -> str | None:
    """One packet of all; ``None`` where one of them is not XMP that can be edited."""
    whole = ""
    for raw in packets:
        packet = _decoded(raw)
        if packet is None:
            return None
        if not whole:
            whole = packet
            continue
        start, end = _START.search(packet), _last_end(packet)
        if start is None or end is None:
            return None
        # A prefix declared on rdf:RDF must stay in scope: nest the element's own declarations.
        inner = packet[start.end() : end]
        scope = " ".join(re.findall(r"xmlns:[\w.-]{1,40}=\"[^\"]{0,300}\"", packet[: start.end()]))
        inner = re.sub(r"<(rdf:Description)(?=[\s>])", rf"<\1 {scope}", inner) if scope else inner
        whole = _inserted(whole, _once_each(inner))
    return without_property(whole, NOTE, "HasExtendedXMP")


def _once_each(inner: str) -> str:
    """Without declarations that one element makes twice."""

    def clean(match: re.Match[str]) -> str:
        parts = re.findall(r"\s[^\s=]+\s{0,8}=\s{0,8}(?:\"[^\"]*\"|'[^']*')", match[0])
        # The element's own declarations stand last, and win.
        kept = {part.partition("=")[0].strip(): part for part in parts}
        end = "/>" if match[0].endswith("/>") else ">"
        return "<rdf:Description" + "".join(kept.values()) + end

    return re.sub(r"<rdf:Description\s[^<>]*>", clean, inner)


def _decoded(raw: bytes) -> str | None:
    encoding = "utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    try:
        packet = raw.decode(encoding).strip("\0 \t\r\n")
    except UnicodeDecodeError:
        return None
    packet = _EMPTY_RDF.sub(lambda m: f"<{m[1]}{m[2] or ''}></{m[1]}>", packet, count=1)
    if _last_end(packet) is None:
        return None
    before, mark, after = packet.rpartition("<?xpacket end")
    # Editors pad a packet with white space so that it can be changed in place.
    return before.rstrip() + mark + after if mark else packet


def _last_end(packet: str) -> int | None:
    ends = list(_END.finditer(packet))
    return ends[-1].start() if ends else None


def _inserted(packet: str, description: str) -> str:
    end = _last_end(packet)
    assert end is not None
    return packet[:end] + description + packet[end:]


def bare(packet: str) -> str:
    """The packet without its ``xpacket`` wrapper, as an extended part must be."""
    return re.sub(r"<\?xpacket[^?]{0,200}\?>", "", packet).strip()
