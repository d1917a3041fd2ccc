from __future__ import annotations

import pytest
from defusedxml import ElementTree
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.preservation._xmp import (
    CARRIED,
    bare,
    can_hold,
    element_name,
    keyword_of,
    merged,
    with_properties,
    without_ours,
    without_property,
)
from lightkeeper.testing._containers import xmp_packet

DC = {"dc": "http://purl.org/dc/elements/1.1/"}
ORIGINAL = xmp_packet({"dc:source": "a < b"}, namespaces=DC)


def leaves(packet: str) -> dict[str, str]:
    root = ElementTree.fromstring(bare(packet))
    found = {e.tag: e.text or "" for e in root.iter() if len(e) == 0}
    for element in root.iter():
        found.update(element.attrib)
    return found


def test_a_text_goes_into_a_packet_that_otherwise_stays_as_it_was() -> None:
    packet = with_properties(ORIGINAL.decode(), CARRIED, "lk", {"parameters": "rain & <sun>\r\n"})
    found = leaves(packet)
    assert found[f"{{{CARRIED}}}parameters"] == "rain & <sun>\r\n"
    assert found["{http://purl.org/dc/elements/1.1/}source"] == "a < b"
    assert without_ours(packet, CARRIED) == ORIGINAL.decode()


def test_a_packet_of_ours_alone_leaves_nothing() -> None:
    assert without_ours(with_properties("", CARRIED, "lk", {"a": "b"}), CARRIED) == ""


def test_packets_become_one() -> None:
    other = xmp_packet({"x:mood": "calm"}, namespaces={"x": "http://example.org/"})
    one = merged([ORIGINAL, other])
    assert one is not None
    found = leaves(one)
    assert found["{http://example.org/}mood"] == "calm"
    assert found["{http://purl.org/dc/elements/1.1/}source"] == "a < b"


def test_utf_16_and_padding_are_understood() -> None:
    padded = ORIGINAL.decode().replace("<?xpacket end", " " * 2000 + "<?xpacket end")
    one = merged([padded.encode("utf-16")])
    assert one is not None
    assert len(one) < len(padded) - 1900


@pytest.mark.parametrize("raw", [b"", b"\xff\xff\xff", b"<x:xmpmeta/>", b"not xml"])
def test_what_is_no_packet_is_said_to_be_none(raw: bytes) -> None:
    assert merged([raw]) is None


def test_a_property_is_taken_out_as_attribute_and_as_element() -> None:
    attribute = xmp_packet({"dc:source": "x", "dc:title": "y"}, namespaces=DC).decode()
    element = xmp_packet({}, namespaces=DC, body="<dc:source>x</dc:source><dc:title>y</dc:title>")
    for packet in (attribute, element.decode()):
        packet = packet.replace("dc:", "d1:").replace(":dc=", ":d1=")
        found = leaves(without_property(packet, DC["dc"], "source"))
        assert not [tag for tag in found if tag.endswith("source")]
        assert [tag for tag in found if tag.endswith("title")]


@given(st.text(max_size=30))
def test_every_keyword_has_a_name_that_leads_back_to_it(keyword: str) -> None:
    name = element_name(keyword)
    assert keyword_of(name) == keyword
    ElementTree.fromstring(f"<{name}/>")


@given(st.text(max_size=80).filter(can_hold))
def test_every_text_that_xml_can_hold_comes_back(text: str) -> None:
    assert leaves(with_properties("", CARRIED, "lk", {"t": text}))[f"{{{CARRIED}}}t"] == text


def test_characters_outside_xml_are_known() -> None:
    assert not can_hold("a\0b")
    assert not can_hold("\ud800")
    assert can_hold("☂\t\r\n")
