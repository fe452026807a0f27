"""Takes GOAWAY frames out of a stream of HTTP/2, and stops at a frame too long: all other bytes go on as they came.

The state machine behind `http2.py` hears nothing any more once it has met a GOAWAY, though a target may finish what it
has begun, and servers that end each connection after some requests do so every day. And it waits for the whole of a
frame before it finds its length too long; text of other protocols always looks like such a frame.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_WORDS = 200  # bytes kept of what a GOAWAY says beside its code
_HEAD_BYTES = 9
_GOAWAY = 7
_LONGEST = 16384  # bytes of one frame, as long as we allow no more
_FIELDS = struct.Struct(">II")


@dataclass(frozen=True, slots=True)
class Farewell:
    """One GOAWAY: the last stream the target will answer, an error code, and words for people."""

    last: int
    code: int
    words: bytes


class Sieve:
    """Follows the borders of frames; keeps at most one GOAWAY that is not complete yet."""

    __slots__ = ("_buffer", "_left", "too_long")

    def __init__(self) -> None:
        self._buffer = b""
        self._left = 0  # bytes of the frame under way that are still to be passed on
        self.too_long: bytes | None = (
            None  # how a frame begins that is longer than we allow; nothing goes on then
        )

    def take(self, data: bytes) -> tuple[bytes, list[Farewell]]:
        """Return what goes on, and the farewells that were among it."""
        if self.too_long is not None:
            return b"", []
        if self._left >= len(data):  # in the midst of a long frame
            self._left -= len(data)
            return data, []
        data, passed, farewells, at = self._buffer + data, [], [], 0
        while True:
            if self._left:
                piece = data[at : at + self._left]
                passed.append(piece)
                at += len(piece)
                self._left -= len(piece)
            if len(data) - at < _HEAD_BYTES:
                break
            length = int.from_bytes(data[at : at + 3], "big")
            if length > _LONGEST:
                self.too_long = data[at : at + MAX_WORDS]
                break
            if data[at + 3] != _GOAWAY or length < _FIELDS.size:
                self._left = _HEAD_BYTES + length
            elif len(data) - at < _HEAD_BYTES + length:
                break
            else:
                farewells.append(_read(data[at + _HEAD_BYTES : at + _HEAD_BYTES + length]))
                at += _HEAD_BYTES + length
        self._buffer = data[at:]
        return b"".join(passed), farewells


def _read(payload: bytes) -> Farewell:
    last, code = _FIELDS.unpack_from(payload)
    return Farewell(last & 0x7FFFFFFF, code, payload[_FIELDS.size : _FIELDS.size + MAX_WORDS])
