"""The vocabulary of digital source types, in every spelling that writers use.

References
----------
.. [1] IPTC NewsCodes, scheme ``digitalsourcetype``, current and retired terms.
.. [2] schema.org, ``IPTCDigitalSourceEnumeration``.
.. [3] C2PA Technical Specification, ``http://c2pa.org/digitalsourcetype/``.
"""

from __future__ import annotations

import re

SCHEME = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = "trainedAlgorithmicMedia"
# fmt: off
TERMS = (
    GENERATED, "compositeWithTrainedAlgorithmicMedia", "compositeSynthetic",
    "digitalCapture", "computationalCapture", "compositeCapture", "negativeFilm", "positiveFilm",
    "print", "humanEdits", "minorHumanEdits", "algorithmicallyEnhanced", "composite",
    "digitalCreation", "digitalArt", "softwareImage", "algorithmicMedia", "dataDrivenMedia",
    "screenCapture", "virtualRecording", "empty", "trainedAlgorithmicData",
)
# fmt: on
_ALIASES = {
    "multiframecomputationalcapture": "computationalCapture",
    "virtualrecorded": "virtualRecording",
}
_SCHEMA_ORG = "digitalsource"
_SEPARATORS = re.compile(r"[\s_-]+")


def _key(term: str) -> str:
    return _SEPARATORS.sub("", term).casefold()


_BY_KEY = {_key(term): term for term in TERMS} | _ALIASES


def source_type_term(value: str) -> str:
    """The list's own spelling of a source type, or the last part of what was written.

    Takes a URI of IPTC, C2PA or schema.org, with or without a slash at its end, a qualified code
    such as ``digsrctype:digitalCapture``, or a bare term, in any case and with any separators.
    """
    bare = re.split(r"[/#:]", value.strip().rstrip("/#: \t\r\n"))[-1].strip()
    key = _key(bare)
    return _BY_KEY.get(key) or _BY_KEY.get(key.removesuffix(_SCHEMA_ORG)) or bare


def is_source_type_field(name: str) -> bool:
    """Whether a field of JSON is a digital source type by its name, whatever its prefix."""
    return _key(re.split(r"[/#:.]", name)[-1]) == "digitalsourcetype"
