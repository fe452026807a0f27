"""Echo requests and replies as bytes (RFC 792, RFC 4443). Pure; sockets live in `icmp_socket.py`."""

from __future__ import annotations

import struct
from dataclasses import dataclass

ECHO_REQUEST, ECHO_REPLY = {4: 8, 6: 128}, {4: 0, 6: 129}
HEADER_BYTES = 8
TOKEN_BYTES = 8
"""Begin of every payload: tells one run's packets from all others on the machine."""
MAX_PAYLOAD = 65_507 - HEADER_BYTES
_HEADER = struct.Struct("!BBHHH")
_IPV4_MIN = 20


@dataclass(frozen=True, slots=True)
class Echo:
    """An echo reply: the number of the request that it answers."""

    sequence: int


def build_request(family: int, identifier: int, sequence: int, payload: bytes) -> bytes:
    """Return an echo request. In IPv6 the kernel fills in the checksum, which covers the addresses too."""
    head = _HEADER.pack(ECHO_REQUEST[family], 0, 0, identifier, sequence)
    if family == 6:
        return head + payload
    return _HEADER.pack(ECHO_REQUEST[4], 0, checksum(head + payload), identifier, sequence) + payload


def parse_reply(data: bytes, family: int, token: bytes) -> Echo | None:
    """Return the reply to one of our requests, or None for anything else that came."""
    if len(data) < HEADER_BYTES + len(token):
        return None
    kind, code, _, _, sequence = _HEADER.unpack_from(data)
    if kind != ECHO_REPLY[family] or code != 0:
        return None
    if data[HEADER_BYTES : HEADER_BYTES + len(token)] != token:
        return None
    return Echo(sequence)


def without_ip_header(packet: bytes) -> tuple[bytes, int | None]:
    """Take the IPv4 header off, as raw sockets deliver it: the rest, and the time to live that was left."""
    if len(packet) < _IPV4_MIN or packet[0] >> 4 != 4:
        return b"", None
    return packet[(packet[0] & 0x0F) * 4 :], packet[8]


def sent_sequence(data: bytes, token: bytes) -> int | None:
    """Return the number of our request that an error message quotes, or None if it is not ours."""
    if len(data) < HEADER_BYTES:
        return None
    quoted = data[HEADER_BYTES : HEADER_BYTES + len(token)]
    # Routers may quote no more than the first eight bytes; then kind and socket have to do.
    if quoted and not token.startswith(quoted):
        return None
    sequence: int = _HEADER.unpack_from(data)[4]
    return sequence


def checksum(data: bytes) -> int:
    """Return the Internet checksum (RFC 1071)."""
    padded = data if len(data) % 2 == 0 else data + b"\0"
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    folded: int = ~total & 0xFFFF
    return folded
