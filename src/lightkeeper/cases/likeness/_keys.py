"""Keys under which things that were made in the same way meet."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from typing import Any

from lightkeeper.cases.item import Item, ItemKind
from lightkeeper.evidence import Claim

_SHORT_HASH = 10
"""Digits of a model's SHA-256 that tools write into pictures ("AutoV2")."""


def parameters_key(item: Item) -> str | None:
    """Digest of the prompt, the negative prompt and the model; ``None`` where there is no prompt.

    Letter case, white space and the form of characters do not count, nor does the seed: it
    varies from one picture of a series to the next.
    """
    if item.kind is ItemKind.PROMPT:
        facts = item.facts
        model = _model(facts.get("model-sha256"), facts.get("model"))
        return _digest(item.text, facts.get("negative-prompt"), model)
    for record in _records(item):
        model = _model(_full_hash(record) or record.get("model_hash"), record.get("model_name"))
        key = _digest(record.get("positive_prompt"), record.get("negative_prompt"), model)
        if key is not None:
            return key
    return None


def model_key(item: Item) -> str | None:
    """The SHA-256 of a model that an item refers to."""
    digest = item.facts.get("model-sha256") if item.kind is ItemKind.MODEL else None
    return _plain(digest) or None


def _records(item: Item) -> list[dict[str, Any]]:
    findings = (item.examination or {}).get("findings") or ()
    records = (f.get("details") for f in findings if f.get("claim") == Claim.PARAMETERS.value)
    return [record for record in records if isinstance(record, dict)]


def _full_hash(record: Mapping[str, Any]) -> str | None:
    hashes = record.get("model_hashes") or ()
    return next((h["value"] for h in hashes if h.get("kind") in ("sha256", "autov2")), None)


def _model(digest: Any, name: Any) -> str:
    return _plain(digest)[:_SHORT_HASH] or _plain(name)


def _digest(prompt: Any, negative: Any, model: str) -> str | None:
    if not _plain(prompt):
        return None
    parts = json.dumps([_plain(prompt), _plain(negative), model])
    return hashlib.sha256(parts.encode()).hexdigest()


def _plain(text: Any) -> str:
    if not isinstance(text, str):
        return ""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
