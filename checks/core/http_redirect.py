"""Which statuses redirect, where to, and what is then asked of the next URL: pure rules, no I/O.

Statuses and method changes are those of RFC 9110 section 15.4 as browsers follow it; Locations are read in
`http_url.py`.
"""

from __future__ import annotations

from dataclasses import replace

from .failures import Code, Stop
from .http_options import Redirects
from .http_request import Message
from .http_response import Response
from .http_url import HttpUrl, join_url
from .quote import printable, quoted

STATUSES = frozenset({301, 302, 303, 307, 308})
"""Statuses that are followed when they carry a Location; every other one is an answer."""
MAX_SHOWN = 100  # characters of a URL in a detail
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


def next_url(base: HttpUrl, response: Response, rules: Redirects, followed: int) -> HttpUrl | None:
    """Return where a response leads to after so many redirects, or None when it is an answer. Raises `Stop`."""
    if response.status not in STATUSES or not (rules.follow or rules.forbid):
        return None
    location = response.first(b"location")
    if location is None:
        return None
    try:
        url = join_url(base, location)
    except ValueError as error:
        detail = f"the Location {quoted(location)} cannot be followed: {error}"
        raise Stop(Code.HTTP_REDIRECT_INVALID, detail) from None
    if rules.forbid:
        detail = f"redirected ({response.status}) to {_short(url)}"
        raise Stop(Code.HTTP_REDIRECT_FORBIDDEN, detail)
    if followed >= rules.limit:
        detail = f"more than {rules.limit} redirects, the last one to {_short(url)}"
        raise Stop(Code.HTTP_REDIRECT_LIMIT, detail)
    return url


def _short(url: HttpUrl) -> str:
    return printable(url.shown(), MAX_SHOWN)
