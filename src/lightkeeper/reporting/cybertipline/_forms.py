"""Forms that the schema leaves open: addresses, numbers, hashes."""

from __future__ import annotations

import ipaddress
import re
from typing import Final

_EMAIL: Final = re.compile(r"[^@\s<>,;]{1,64}@[^@\s<>,;]{1,255}")
_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./\-]{1,29}")
_HEX: Final = re.compile(r"[0-9a-fA-F]+")
_HASH_DIGITS: Final = {"MD5": 32, "SHA1": 40, "SHA256": 64, "PDQ": 64}


def is_email(text: str) -> bool:
    """One ``@`` between two parts without white space."""
    return _EMAIL.fullmatch(text) is not None


def is_phone(text: str) -> bool:
    """Digits, and what people put between them."""
    return _PHONE.fullmatch(text) is not None


def is_ip_address(text: str) -> bool:
    """IPv4 or IPv6, without a network or a zone."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return "%" not in text


def is_hash(text: str, hash_type: str) -> bool:
    """Hex, of the length of its type where that is known."""
    digits = _HASH_DIGITS.get(hash_type.upper().replace("-", ""))
    return _HEX.fullmatch(text) is not None and digits in (None, len(text))
