"""C2PA content credentials: read, validated offline, and said without more certainty than due.

:func:`read_manifest` summarises what a manifest store says and whether it holds;
:class:`ProvenanceExaminer` turns that into findings. Four questions are kept apart: are the bytes
intact, does the signature verify, is the certificate valid (at which time?), is its issuer trusted?
"""

from lightkeeper.evidence.provenance._examiner import ProvenanceDetails, ProvenanceExaminer
from lightkeeper.evidence.provenance._read import read_manifest
from lightkeeper.evidence.provenance._summary import (
    Ingredient,
    Manifest,
    ManifestState,
    ManifestSummary,
    OriginStatement,
    Signer,
    SoftBinding,
    ValidationCode,
)
from lightkeeper.evidence.provenance._trust import Trust

__all__ = [
    "Ingredient",
    "Manifest",
    "ManifestState",
    "ManifestSummary",
    "OriginStatement",
    "ProvenanceDetails",
    "ProvenanceExaminer",
    "Signer",
    "SoftBinding",
    "Trust",
    "ValidationCode",
    "read_manifest",
]
