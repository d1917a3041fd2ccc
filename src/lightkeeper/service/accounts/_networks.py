"""Whose address it may be: one household or office can have all those of a network."""

from __future__ import annotations

import ipaddress
from typing import Final

_BITS_OF_IPV6: Final = 56


def network_of(address: str, *, bits_of_ipv4: int = 32) -> str:
    """The network of an address; what is no address stands for itself.

    >>> network_of("2001:db8:0:17::1"), network_of("192.0.2.7", bits_of_ipv4=24)
    ('2001:db8::/56', '192.0.2.0/24')
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    bits = _BITS_OF_IPV6 if ip.version == 6 else bits_of_ipv4
    return str(ipaddress.ip_network((ip, bits), strict=False))
