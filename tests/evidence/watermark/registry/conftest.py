"""Entries of drawn pictures, and a key to sign them with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from lightkeeper.evidence.watermark.registry import Fingerprint, MarkEntry, RegistryFile
from lightkeeper.evidence.watermark.registry._file import (
    RegistryHead,
    parse_registry,
    registry_bytes,
)
from lightkeeper.evidence.watermark.registry._withdrawal import Reason, Withdrawal
from lightkeeper.testing import photo_like

MADE = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


@cache
def picture(seed: int) -> NDArray[np.uint8]:
    drawn = photo_like(seed, width=512, height=384)
    drawn.flags.writeable = False
    return drawn


@cache
def fingerprint(seed: int) -> Fingerprint:
    return Fingerprint.of(picture(seed))


def entry(seed: int, payload: int | None = None, **changes: str) -> MarkEntry:
    words = {"organisation": "Studio A", "model": "Harbour", "version": "2.1", "period": "2026-03"}
    return MarkEntry(
        payload=seed if payload is None else payload,
        fingerprint=fingerprint(seed),
        **{**words, **changes},
    )


GONE = Withdrawal(on="2026-03-15", reason=Reason.MISTAKE)


def withdrawn(seed: int, payload: int | None = None, **changes: str) -> MarkEntry:
    return replace(entry(seed, payload, **changes), withdrawn=GONE)


def written(
    *entries: MarkEntry, name: str = "Studio A", version: int = 1, sketches: bool = True
) -> bytes:
    head = RegistryHead(name=name, version=version, made=MADE)
    return registry_bytes(head, entries, key=KEY, sketches=sketches)


@pytest.fixture
def registry() -> RegistryFile:
    return parse_registry(written(entry(1), entry(2)), key=PUBLIC)
