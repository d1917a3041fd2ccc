"""Keeping what has to be kept, and destroying it with a certificate."""

from lightkeeper.cases.custody._certificate import (
    certificate,
    sign_certificate,
    verify_certificate,
)
from lightkeeper.cases.custody._retention import YEAR, may_destroy, preserve_until
from lightkeeper.cases.custody._vault import Vault

__all__ = [
    "YEAR",
    "Vault",
    "certificate",
    "may_destroy",
    "preserve_until",
    "sign_certificate",
    "verify_certificate",
]
