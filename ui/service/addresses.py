"""Addresses of the app's pages. Pure."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlencode, urlsplit, urlunsplit


def with_query(address: str, values: Mapping[str, object]) -> str:
    """The address with these values as its whole query; commas stay legible."""
    parts = urlsplit(address)
    return urlunsplit(
        (parts.scheme, parts.netloc, parts.path or "/", urlencode(values, safe=","), parts.fragment)
    )


def is_local(address: str) -> bool:
    """Whether only the machine itself can open the address: localhost and its numbers."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
