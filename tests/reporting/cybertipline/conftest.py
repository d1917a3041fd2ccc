"""The official schema, under two validators that share no code."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import xmlschema
from lxml import etree


@pytest.fixture(scope="session")
def valid(shared: Path) -> Callable[[bytes], None]:
    path = shared / "ncmec" / "cyber_tipline.xsd"
    libxml = etree.XMLSchema(etree.parse(str(path)))
    python = xmlschema.XMLSchema10(str(path))

    def assert_valid(document: bytes) -> None:
        libxml.assertValid(etree.fromstring(document))
        python.validate(document)

    return assert_valid
