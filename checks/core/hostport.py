"""Addresses as people write them: `host:port`, `[IPv6]:port`, and a host alone where a port is known."""

from __future__ import annotations

import ipaddress
import re

from .schema import unusable

_WITH_PORT = re.compile(r"(?:\[([^\[\]]+)\]|([^:\[\]]+)):([0-9]{1,5})")
_HOST = re.compile(r"[^\s:/@\[\]?#]+")
MAX_HOST_CHARACTERS = 255


def split_host_port(text: str, default_port: int | None = None) -> tuple[str, int]:
    """Return host (without brackets) and port; raises a validation error."""
    if (match := _WITH_PORT.fullmatch(text)) is not None:
        host, port = _checked(match[1], match[2]), int(match[3])
        if not 0 < port < 65536:
            raise unusable("the port is not between 1 and 65535")
        return host, port
    if default_port is None:
        raise unusable("expected host:port", "write db.example:5432, or [2001:db8::1]:53 for IPv6")
    if text.startswith("[") and text.endswith("]"):
        return _checked(text[1:-1], None), default_port
    return (_checked(text, None) if ":" in text else _checked(None, text)), default_port


def _checked(address: str | None, host: str | None) -> str:
    if address is not None:
        try:
            return str(ipaddress.IPv6Address(address))
        except ValueError:
            raise unusable(
                "expected host:port", "write db.example:5432, or [2001:db8::1]:53 for IPv6"
            ) from None
    if host is None or len(host) > MAX_HOST_CHARACTERS or not _HOST.fullmatch(host):
        raise unusable("the host is not a name or an address")
    return host
