"""HTTP over the domain: look-ups for other programs. No rule of the domain lives here."""

from lightkeeper.service._app import create_lookup_app
from lightkeeper.service._config import LookupConfig
from lightkeeper.service._keys import ApiKeys, make_key, read_keys
from lightkeeper.service._serve import check_host, serve

__all__ = [
    "ApiKeys",
    "LookupConfig",
    "check_host",
    "create_lookup_app",
    "make_key",
    "read_keys",
    "serve",
]
