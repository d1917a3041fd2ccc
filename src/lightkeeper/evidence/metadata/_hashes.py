"""Hashes of model files as tools write them, told apart by prefix and length."""

from __future__ import annotations

from lightkeeper.evidence.metadata._record import ModelHash

_KIND_BY_LENGTH = {8: "autov1", 10: "autov2", 12: "autov3", 64: "sha256"}
_HEX = frozenset("0123456789abcdefABCDEF")
_MAX_LENGTH = 256


def model_hash(value: object) -> ModelHash | None:
    """Name the kind of a hash; ``None`` where ``value`` is not text or is empty.

    8 hex digits are AutoV1 (SHA-256 of 64 KiB at offset 1 MiB), 10 are AutoV2 (SHA-256 of the
    file), 12 are AutoV3 (SHA-256 of a safetensors file's tensor data), 64 are a full SHA-256.
    """
    if not isinstance(value, str) or not (text := value.strip()) or len(text) > _MAX_LENGTH:
        return None
    prefix, _, digits = text.rpartition(":")
    if prefix.lower() == "blake3":
        return ModelHash("blake3", text)
    bare = (digits or text).removeprefix("0x")
    kind = _KIND_BY_LENGTH.get(len(bare), "unknown")
    return ModelHash(kind if _HEX.issuperset(bare) else "unknown", text)


def model_hashes(*values: object) -> tuple[ModelHash, ...]:
    """Distinct hashes of these values, in order."""
    found = (model_hash(value) for value in values)
    return tuple(dict.fromkeys(h for h in found if h is not None))
