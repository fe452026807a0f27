"""Takes GOAWAY frames out of a stream of HTTP/2, and stops at what is none: all other bytes go on as they came.

The state machine behind `http2.py` hears nothing any more once it has met a GOAWAY, though a target may finish what it
has begun, and servers that end each connection after some requests do so every day. And it waits for the whole of a
frame before it finds its length too long, and takes any frame for the first one; what other protocols greet with
always looks like a frame that is too long, or is no SETTINGS, with which HTTP/2 begins.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

MAX_WORDS = 200  # bytes kept of what a GOAWAY says beside its code
_HEAD_BYTES = 9
_LENGTH_BYTES, _TYPE_AT = 3, 3
_SETTINGS, _GOAWAY = 4, 7
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

    __slots__ = ("_buffer", "_is_first", "_left", "alien")

    def __init__(self) -> None:
        self._buffer = b""
        self._is_first = True  # the next frame has to be SETTINGS, or GOAWAY in its place
        self._left = 0  # bytes of the frame under way that are still to be passed on
        self.alien: bytes | None = (
            None  # how something begins that is no frame we allow; nothing goes on then
        )

    def take(self, data: bytes) -> tuple[bytes, list[Farewell]]:
        """Return what goes on, and the farewells that were among it."""
        if self.alien is not None:
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
            if self._is_alien(data[at : at + _HEAD_BYTES]):
                self.alien = data[at : at + MAX_WORDS]
                break
            if len(data) - at < _HEAD_BYTES:
                break
            self._is_first = False
            length = int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
            if data[at + 3] != _GOAWAY or length < _FIELDS.size:
                self._left = _HEAD_BYTES + length
            elif len(data) - at < _HEAD_BYTES + length:
                break
            else:
                farewells.append(_read(data[at + _HEAD_BYTES : at + _HEAD_BYTES + length]))
                at += _HEAD_BYTES + length
        self._buffer = data[at:]
        return b"".join(passed), farewells

    def _is_alien(self, head: bytes) -> bool:
        """Say so as soon as it shows, before the whole head of a frame is there."""
        if len(head) >= _LENGTH_BYTES and int.from_bytes(head[:_LENGTH_BYTES], "big") > _LONGEST:
            return True
        return self._is_first and len(head) > _TYPE_AT and head[_TYPE_AT] not in (_SETTINGS, _GOAWAY)


def _read(payload: bytes) -> Farewell:
    last, code = _FIELDS.unpack_from(payload)
    return Farewell(last & 0x7FFFFFFF, code, payload[_FIELDS.size : _FIELDS.size + MAX_WORDS])
