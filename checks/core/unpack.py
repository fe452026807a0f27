"""Unpacks gzip, raw deflate and brotli as far as it goes: what came before an error counts, and nothing beyond a limit.

`http_body.py` undoes what a response says of itself, or refuses it; this is for readers who want what there is.
"""

from __future__ import annotations

import zlib

MAX_MEMBERS = 64  # gzip members of one body; each costs a copy of what follows it
_GZIP, _DEFLATE = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS
_PIECE = 65_536


def unpacked(data: bytes, encoding: str, most: int) -> tuple[bytes, str | None]:
    """Return at most one byte more than `most`, and in words what was wrong (None: nothing, or the limit came first).

    `encoding` is `gzip`, `deflate` (without zlib's wrapping) or `br`.
    """
    return _brotli(data, most) if encoding == "br" else _inflated(data, encoding, most)


def _inflated(data: bytes, compression: str, most: int) -> tuple[bytes, str | None]:
    form = _GZIP if compression == "gzip" else _DEFLATE
    parts: list[bytes] = []
    room = most + 1
    for _ in range(MAX_MEMBERS):
        machine = zlib.decompressobj(form)
        try:
            for at in range(0, len(data), _PIECE):
                part = machine.decompress(machine.unconsumed_tail + data[at : at + _PIECE], room)
                parts.append(part)
                room -= len(part)
                if room <= 0:
                    return b"".join(parts), None
                if machine.eof:
                    data = machine.unused_data + data[at + _PIECE :]
                    break
        except zlib.error as error:
            return b"".join(parts), f"the body does not decode: {error}"
        if not machine.eof:
            return b"".join(parts), "the encoded body ends too early"
        if form != _GZIP or not data:
            return b"".join(parts), None
    return b"".join(parts), f"the body has more than {MAX_MEMBERS} gzip members"


def _brotli(data: bytes, most: int) -> tuple[bytes, str | None]:
    import brotli  # type: ignore[import-untyped]  # it has no types of its own

    machine = brotli.Decompressor()
    parts: list[bytes] = []
    room = most + 1
    try:
        fresh = data
        while room > 0 and not machine.is_finished():
            part = machine.process(fresh, output_buffer_limit=min(room, _PIECE))
            fresh = b""
            parts.append(part)
            room -= len(part)
            if not part and machine.can_accept_more_data():
                return b"".join(parts), "the encoded body ends too early"
    except brotli.error as error:
        return b"".join(parts), f"the body does not decode: {error}"
    return b"".join(parts)[: most + 1], None
