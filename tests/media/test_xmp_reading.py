"""XMP: every way to write a property, and nothing that expands."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lightkeeper.media import Limits
from lightkeeper.media._xmp import read_xmp
from lightkeeper.testing._containers import xmp_packet

DC = "http://purl.org/dc/elements/1.1/"
EVT = "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#"
MM = "http://ns.adobe.com/xap/1.0/mm/"
SPACES = {"dc": DC, "stEvt": EVT, "xmpMM": MM}


def _leaves(body: str = "", **properties: str):
    packet = xmp_packet(
        {k.replace("_", ":"): v for k, v in properties.items()}, namespaces=SPACES, body=body
    )
    found, problems = read_xmp(packet, Limits())
    assert problems == []
    return [(p.namespace, p.name, p.value, p.path) for p in found]


def test_an_attribute_is_a_leaf():
    assert _leaves(dc_source='a < b & "c"\nd') == [(DC, "source", 'a < b & "c"\nd', "source")]


def test_an_element_is_a_leaf():
    assert _leaves("<dc:source>kite</dc:source>") == [(DC, "source", "kite", "source")]


@pytest.mark.parametrize("array", ["Alt", "Seq", "Bag"])
def test_arrays_are_flattened(array):
    body = (
        f"<dc:title><rdf:{array}><rdf:li xml:lang='x-default'>kite</rdf:li>"
        f"<rdf:li>dragon</rdf:li></rdf:{array}></dc:title>"
    )
    assert _leaves(body) == [(DC, "title", "kite", "title"), (DC, "title", "dragon", "title")]


def test_structures_join_their_path():
    body = (
        "<xmpMM:History><rdf:Seq>"
        "<rdf:li stEvt:action='saved' stEvt:softwareAgent='Painter'/>"
        "<rdf:li rdf:parseType='Resource'><stEvt:action>created</stEvt:action></rdf:li>"
        "</rdf:Seq></xmpMM:History>"
    )
    assert _leaves(body) == [
        (EVT, "action", "saved", "History/action"),
        (EVT, "softwareAgent", "Painter", "History/softwareAgent"),
        (EVT, "action", "created", "History/action"),
    ]


def test_a_resource_is_a_value():
    assert _leaves("<dc:source rdf:resource='urn:x'/>") == [(DC, "source", "urn:x", "source")]


def test_an_empty_property_is_no_leaf():
    assert _leaves("<dc:source/><dc:title>  </dc:title>") == []


def test_the_toolkit_of_the_packet_is_kept():
    packet = b'<x:xmpmeta xmlns:x="adobe:ns:meta/" x:xmptk="Toolkit 1"/>'
    (leaf,), _ = read_xmp(packet, Limits())
    assert (leaf.name, leaf.value) == ("xmptk", "Toolkit 1")


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-16", "utf-8-sig"])
def test_other_unicode_encodings_are_read(encoding):
    packet = xmp_packet({"dc:source": "vélo"}, namespaces=SPACES).decode().encode(encoding)
    (leaf,), problems = read_xmp(packet, Limits())
    assert (leaf.value, problems) == ("vélo", [])


def test_padding_around_the_packet_is_nothing():
    packet = b"\n " + xmp_packet({"dc:source": "kite"}, namespaces=SPACES) + b"\n" * 2000 + b"\0"
    (leaf,), problems = read_xmp(packet, Limits())
    assert (leaf.value, problems) == ("kite", [])


def test_entities_are_refused():
    laughs = b"""<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa">
        <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><x>&b;</x>"""
    found, problems = read_xmp(laughs, Limits())
    assert (found, [p.code for p in problems]) == ([], ["xml-entities"])


def test_leaves_before_a_fault_are_kept():
    packet = xmp_packet({"dc:source": "kite"}, namespaces=SPACES)
    (leaf,), problems = read_xmp(packet[:-50], Limits())
    assert (leaf.value, [p.code for p in problems]) == ("kite", ["damaged"])


def test_a_stray_latin1_byte_spoils_only_itself():
    packet = xmp_packet({"dc:source": "caf#"}, namespaces=SPACES).replace(b"caf#", b"caf\xe9")
    (leaf,), problems = read_xmp(packet, Limits())
    assert (leaf.value, [p.code for p in problems]) == ("caf\ufffd", ["damaged"])


def test_depth_number_and_size_are_bounded():
    deep = b"<a>" * 200 + b"</a>" * 200
    many = xmp_packet({}, namespaces=SPACES, body="<dc:a>b</dc:a>" * 200)
    assert [p.code for p in read_xmp(deep, Limits())[1]] == ["too-deep"]
    found, problems = read_xmp(many, Limits(max_chunks=100))
    assert (len(found), [p.code for p in problems]) == (100, ["too-many-chunks"])
    assert [p.code for p in read_xmp(many, Limits(max_text=100))[1]] == ["text-too-long"]


@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_survived(packet):
    found, _ = read_xmp(packet, Limits())
    assert isinstance(found, list)
