"""Requests and response heads as lists of fields, which is how HTTP/2 and HTTP/3 have them. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from .failures import Code
from .http_request import Hop, header_bytes
from .http_response import MAX_HEAD, Response
from .quote import quoted

Fields = Sequence[tuple[bytes, bytes]]
_NOT_CARRIED = frozenset(
    {"connection", "host", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"}
)
_OVERHEAD = 32  # bytes that each field counts for beside its text (RFC 9113, section 6.5.2)


def request_fields(hop: Hop) -> list[tuple[bytes, bytes]]:
    """Return a request's headers as HTTP/2 and HTTP/3 have them."""
    host = next((value for name, value in hop.headers if name.lower() == "host"), hop.url.authority)
    fields = [
        (b":method", hop.message.method.encode("ascii")),
        (b":scheme", hop.url.scheme.encode("ascii")),
        (b":authority", header_bytes(host)),
        (b":path", header_bytes(hop.url.target)),
    ]
    for name, value in hop.headers:
        lowered = name.lower()
        if lowered not in _NOT_CARRIED and (lowered != "te" or value.strip().lower() == "trailers"):
            fields.append((lowered.encode("ascii"), header_bytes(value).strip()))
    return fields


def fill_head(response: Response, fields: Fields, version: str) -> None:
    """Note the head of an answer given as fields, the pseudo-header `:status` among them."""
    response.version = version
    response.headers = [(name.lower(), value) for name, value in fields if not name.startswith(b":")]
    status = dict(fields).get(b":status", b"")
    if len(status) != 3 or not status.isdigit():
        response.refuse(Code.HTTP_MALFORMED, f"the response has the status {quoted(status)}")
        return
    response.status = int(status)
    length = response.first(b"content-length")
    response.declared = int(length) if length is not None and length.isdigit() and len(length) < 20 else None
    if sum(len(name) + len(value) + _OVERHEAD for name, value in fields) > MAX_HEAD:
        response.refuse(Code.HTTP_HEADER_LIMIT, f"the response head is longer than {MAX_HEAD // 1024} KiB")
    response.head_complete = True
    response.complete = response.bodiless
    response.check_head()
