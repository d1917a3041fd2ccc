"""What the look-up service grants."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from lightkeeper.media import Limits
from lightkeeper.service.lookups._keys import ApiKeys

if TYPE_CHECKING:
    from pathlib import Path

    from lightkeeper.evidence.provenance import Trust

_MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupConfig:
    """Limits and keys of a look-up service. Without keys it answers to this machine only."""

    keys: ApiKeys = field(default_factory=ApiKeys)
    limits: Limits = field(default_factory=Limits)
    """What one picture may cost."""
    workers: int = 2
    """Processes that open pictures."""
    waiting_uploads: int = 8
    """Uploads that may be held at once, each twice in memory at worst; more are refused."""
    worker_memory: int = 768 * _MIB
    max_upload_bytes: int = 32 * _MIB
    max_json_bytes: int = 1 * _MIB
    max_stream_bytes: int = 256 * _MIB
    max_line_bytes: int = 16_384
    """One line of a stream."""
    max_batch: int = 1_000
    """Hashes in one look-up."""
    requests_per_second: float = 200.0
    """Of one key, unless the key has a rate of its own."""
    burst: int = 400
    idle_seconds: float = 20.0
    """Longest wait for the next bytes of a request."""
    request_seconds: float = 60.0
    """Longest request, streams aside."""
    manifests: Path | None = None
    """Folder of manifest stores that marks lead to, named ``SHA256.c2pa``."""
    trust: Trust | None = None
    """Whom the signers of those are traced to."""
    park_floods: bool = True
    """Park an entry that fifty pictures met in an hour which do not match one another."""
