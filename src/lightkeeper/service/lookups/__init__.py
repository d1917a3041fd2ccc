"""HTTP over the domain: look-ups for other programs. No rule of the domain lives here."""

from lightkeeper.service.lookups._app import create_lookup_app
from lightkeeper.service.lookups._config import LookupConfig
from lightkeeper.service.lookups._keys import ApiKeys, make_key, read_keys
from lightkeeper.service.lookups._serve import check_host, serve

__all__ = [
    "ApiKeys",
    "LookupConfig",
    "check_host",
    "create_lookup_app",
    "make_key",
    "read_keys",
    "serve",
]
