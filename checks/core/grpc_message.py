"""The messages of a gRPC health check (grpc.health.v1) and what carries them, by hand: two fields need no library.

Read strictly and within limits: what a target sends is either understood or `Malformed`. Unknown fields of a message
are skipped, as the format wants it. HTTP/2 lives in `http2.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

MAX_MESSAGE_BYTES = 64 * 1024  # of an answer, whose useful part has two bytes
MAX_SERVICE = 1000  # characters
PREFIX_BYTES = 5  # a flag for compression and the length
_VARINT, _EIGHT, _SIZED, _FOUR = 0, 1, 2, 5  # wire types; the others (groups) are long gone
_FIXED = {_EIGHT: 8, _FOUR: 4}
_MAX_VARINT_BYTES = 10
_STATUS_FIELD = 1
_NUMBER = re.compile(r"[0-9]{1,9}")

SERVING = ("UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN")
STATUSES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)  # fmt: skip
OK, DEADLINE_EXCEEDED = 0, 4
# What an answer that is plain HTTP stands for, by the rules of the protocol; any other status is UNKNOWN.
_BY_HTTP = {400: 13, 401: 16, 403: 7, 404: 12, 429: 14, 502: 14, 503: 14, 504: 14}
# What RST_STREAM stands for: NO_ERROR to HTTP_1_1_REQUIRED, where it is not INTERNAL.
_BY_RESET = {7: 14, 8: 1, 11: 8, 12: 7}


class Malformed(ValueError):
    """An answer that breaks the format; the words are for people."""


def status_name(number: int) -> str:
    """Return a status's name, or its number as text when it has none."""
    return STATUSES[number] if 0 <= number < len(STATUSES) else str(number)


def status_of_http(status: int) -> int:
    """Return the gRPC status for an HTTP status other than 200 that came without one."""
    return _BY_HTTP.get(status, STATUSES.index("UNKNOWN"))


def status_of_reset(code: int) -> int:
    """Return the gRPC status for a stream that was reset with this code."""
    return _BY_RESET.get(code, STATUSES.index("INTERNAL"))


def serving_name(number: int) -> str:
    """Return what the health service calls a state, or its number as text when it has no name."""
    return SERVING[number] if 0 <= number < len(SERVING) else str(number)


def timeout_text(left_us: int) -> str:
    """Return the value of the header `grpc-timeout`: at most eight digits and a unit."""
    if left_us < 10**8:
        return f"{max(left_us, 1)}u"
    return f"{min(left_us // 1000, 10**8 - 1)}m"


def encode_request(service: str) -> bytes:
    """Return a HealthCheckRequest, framed to be sent."""
    name = service.encode()
    message = bytes([_STATUS_FIELD << 3 | _SIZED]) + _varint(len(name)) + name if name else b""
    return b"\0" + len(message).to_bytes(4, "big") + message


def decode_answer(data: bytes) -> int:
    """Return the state in a framed HealthCheckResponse, the only message there may be. Raises `Malformed`."""
    if len(data) < PREFIX_BYTES:
        raise Malformed("there is no message in the answer" if not data else "the message is cut short")
    size = int.from_bytes(data[1:PREFIX_BYTES], "big")
    if data[0]:
        raise Malformed("the message is compressed, which was not offered")
    if size > MAX_MESSAGE_BYTES:
        raise Malformed(f"the message has {size} bytes, the limit is {MAX_MESSAGE_BYTES}")
    if size != len(data) - PREFIX_BYTES:
        more = size < len(data) - PREFIX_BYTES
        raise Malformed("there is more than one message" if more else "the message is cut short")
    state = 0  # what is left out has its first value
    for number, wire_type, value in _fields(data[PREFIX_BYTES:]):
        if (number, wire_type) == (_STATUS_FIELD, _VARINT):
            state = value
    return state


def read_status(text: bytes) -> int:
    """Return the value of the header `grpc-status`. Raises `Malformed`."""
    if (match := _NUMBER.fullmatch(text.decode("latin-1").strip())) is None:
        raise Malformed("grpc-status is not a number")
    return int(match[0])


def read_words(text: bytes) -> str:
    """Return the value of the header `grpc-message`, its percent signs undone."""
    return unquote_to_bytes(text).decode("utf-8", "replace")


def _fields(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield number, wire type and, of varints, the value of every field. Raises `Malformed`."""
    at = 0
    while at < len(data):
        tag, at = _read_varint(data, at)
        number, wire_type = tag >> 3, tag & 7
        if not number:
            raise Malformed("the message has a field without a number")
        value = 0
        if wire_type == _VARINT:
            value, at = _read_varint(data, at)
        elif wire_type == _SIZED:
            size, at = _read_varint(data, at)
            at += size
        elif wire_type in _FIXED:
            at += _FIXED[wire_type]
        else:
            raise Malformed(f"the message has a field of wire type {wire_type}")
        if at > len(data):
            raise Malformed("a field of the message is cut short")
        yield number, wire_type, value


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for count, byte in enumerate(data[at : at + _MAX_VARINT_BYTES]):
        value |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return value, at + count + 1
    raise Malformed("a number in the message has no end")


def _varint(value: int) -> bytes:
    parts = bytearray()
    while value >= 0x80:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts, value])
