"""Benign stand-ins for tests, examples and the demo: media, stores, receivers, an issuer."""

from lightkeeper.testing._certificates import SigningCredentials, signing_credentials
from lightkeeper.testing._draw import photo_like, synthetic_like
from lightkeeper.testing._memory_store import MemoryStore
from lightkeeper.testing._stealth import hide_parameters

__all__ = [
    "MemoryStore",
    "SigningCredentials",
    "hide_parameters",
    "photo_like",
    "signing_credentials",
    "synthetic_like",
]
