"""The public names, pinned: a change here is a change for users."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import lightkeeper

PUBLIC: dict[str, list[str]] = {
    "lightkeeper.assessment": [
        "AgeGroup",
        "Assessment",
        "Calibration",
        "Classification",
        "Conflict",
        "IndustryClass",
        "Label",
        "Origin",
        "Routing",
        "Strength",
        "assess",
        "explain",
    ],
    "lightkeeper.cli": [
        "main",
    ],
    "lightkeeper.evidence": [
        "Basis",
        "Claim",
        "Details",
        "Examination",
        "Examiner",
        "Failure",
        "Finding",
        "Hypothesis",
        "NotExamined",
        "Tier",
        "examine",
    ],
    "lightkeeper.evidence.metadata": [
        "GenerationRecord",
        "MetadataExaminer",
        "ModelHash",
        "Resource",
        "SourceExaminer",
        "StealthExaminer",
        "read_parameters",
    ],
    "lightkeeper.evidence.provenance": [
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
    ],
    "lightkeeper.evidence.watermark": [
        "Mark",
        "MarkReading",
        "Method",
        "PUBLIC_MARKS",
        "PublicMarkExaminer",
        "RescaledMarkExaminer",
        "RivaGanExaminer",
        "Variant",
        "embed",
        "load_marks",
        "read_marks",
        "warm_up",
    ],
    "lightkeeper.hashing": [
        "Digests",
        "PdqHash",
        "PdqVariant",
        "digests",
        "distance_bits",
        "media_digests",
        "pdq",
        "pdq_of_luma",
        "pdq_of_rgb",
        "warm_up",
    ],
    "lightkeeper.labelling": [
        "SourceType",
        "sign_generated",
    ],
    "lightkeeper.matching": [
        "Change",
        "Entry",
        "EntryLabels",
        "EntryState",
        "HashSet",
        "Match",
        "Mention",
        "SetOrigin",
        "SetState",
        "SetStore",
        "Tlp",
        "UpsertCount",
    ],
    "lightkeeper.matching.formats": [
        "DAMAGE",
        "ListFormat",
        "Mapping",
        "Row",
        "detect_format",
        "load_mapping",
        "plain_entry",
        "read_rows",
        "write_csv",
        "write_jsonl",
    ],
    "lightkeeper.matching.index": [
        "Hits",
        "IndexReader",
        "IndexStats",
        "IndexWriter",
        "Items",
        "bulk_build",
        "pdq_words",
        "rebuild",
        "sync",
        "verify",
    ],
    "lightkeeper.media": [
        "Embedded",
        "ExifField",
        "Header",
        "Limits",
        "Luma",
        "Media",
        "MediaFormat",
        "Problem",
        "Raster",
        "TextBlock",
        "XmpProperty",
        "open_media",
    ],
    "lightkeeper.preservation": [
        "Carried",
        "TARGETS",
        "Transcoded",
        "transcode",
    ],
    "lightkeeper.scan": [
        "Condition",
        "Policy",
        "SCHEMA",
        "ScanRow",
        "default_examiners",
        "scan",
        "scan_file",
    ],
    "lightkeeper.service.lookups": [
        "ApiKeys",
        "LookupConfig",
        "check_host",
        "create_lookup_app",
        "make_key",
        "read_keys",
        "serve",
    ],
    "lightkeeper.storage": [
        "open_store",
    ],
    "lightkeeper.testing": [
        "MemoryStore",
        "SigningCredentials",
        "hide_parameters",
        "photo_like",
        "signing_credentials",
        "synthetic_like",
    ],
}
PACKAGES = sorted(
    m.name
    for m in pkgutil.walk_packages(lightkeeper.__path__, "lightkeeper.")
    if m.ispkg and not any(part.startswith("_") for part in m.name.split("."))
)


@pytest.mark.parametrize("package", PACKAGES)
def test_public_names_are_the_pinned_ones(package: str) -> None:
    names = sorted(getattr(importlib.import_module(package), "__all__", []))
    assert names == PUBLIC.get(package, [])


@pytest.mark.parametrize("package", PUBLIC)
def test_no_package_offers_more_than_twelve_names(package: str) -> None:
    assert len(PUBLIC[package]) <= 12


@pytest.mark.parametrize("package", PUBLIC)
def test_public_names_exist_and_are_documented(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__doc__
    for name in module.__all__:
        value = getattr(module, name)
        if callable(value):
            assert value.__doc__, f"{package}.{name} has no docstring"
