"""Which statuses redirect, and what is then asked of the next URL: pure rules, no I/O.

Statuses and method changes are those of RFC 9110 section 15.4 as browsers follow it; Locations are read in
`http_url.py`.
"""

from __future__ import annotations

from dataclasses import replace

from .http_request import Message

STATUSES = frozenset({301, 302, 303, 307, 308})
"""Statuses that are followed when they carry a Location; every other one is an answer."""
_OF_A_BODY = frozenset({"content-type", "content-encoding", "content-language", "content-location"})


def next_message(message: Message, status: int) -> Message:
    """Return what is asked of the next URL: after 301 and 302 a POST, after 303 anything becomes a plain GET."""
    if status in (301, 302):
        changes = message.method == "POST"
    else:
        changes = status == 303 and message.method not in ("GET", "HEAD")
    if not changes:
        return message
    public = tuple((name, value) for name, value in message.public if name.lower() not in _OF_A_BODY)
    private = tuple((name, value) for name, value in message.private if name.lower() not in _OF_A_BODY)
    return replace(message, method="GET", body=None, public=public, private=private)
