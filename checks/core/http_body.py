"""The body of a response as expectations see it: decoded from its content encoding, as bytes and as text.

Every step is bounded by the body limit, so that a few kilobytes cannot become gigabytes.
"""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import Literal

from .failures import Code, Stop
from .http_response import Response
from .quote import printable, quoted

Coding = Literal["gzip", "br", "deflate", "identity"]
"""Content codings that are understood."""
MAX_NAMES = 100  # bytes of a Content-Encoding that are shown
MAX_CONTENT_TYPE = 200  # bytes of the header that are looked at
MAX_ENCODINGS = 3  # one in another
MAX_MEMBERS = 64  # gzip members of one body; each costs a copy of what follows it
_PIECE = 256 * 1024  # bytes decoded at a time
_GZIP, _RAW_DEFLATE, _ZLIB = 16 + zlib.MAX_WBITS, -zlib.MAX_WBITS, zlib.MAX_WBITS
_CHARSET = re.compile(rb"charset\s*=\s*\"?([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)
# Only these are decoded: the name comes from the target, and some of Python's codecs are slow or no charsets.
_CHARSETS = re.compile(
    r"utf-?8|us-ascii|(iso-?8859|windows-?125|cp125)[0-9-]*|utf-16(le|be)?|shift_jis|euc-(jp|kr)|gbk|gb2312|gb18030|big5"
    r"|koi8-[ru]"
)


class Content:
    """A decoded body. Text is made when it is first asked for. One that `hides` is not shown to people."""

    __slots__ = ("_charset", "_text", "hides", "raw")

    def __init__(self, raw: bytes, charset: str = "utf-8") -> None:
        self.raw = raw
        self._charset = charset
        self._text: str | None = None
        self.hides = False

    def quoted(self, part: bytes | str | None = None) -> str:
        """Return the start of the body, or a part of it, as people are shown it."""
        if self.hides:
            return f"{len(self.raw)} bytes, not shown because a secret is taken from them"
        return quoted(self.raw if part is None else part)

    @property
    def text(self) -> str:
        """The body as text; what cannot be decoded is replaced."""
        if self._text is None:
            try:
                self._text = self.raw.decode(self._charset, "replace")
            except LookupError:
                self._text = self.raw.decode("utf-8", "replace")
        return self._text

    @property
    def is_ascii_compatible(self) -> bool:
        """Whether ASCII text is found among the raw bytes as it is."""
        return not self._charset.startswith("utf-16")


def decode(response: Response, limit: int) -> Content:
    """Return the body, decoded. Raises `Stop` when it cannot be, or when it is longer than the limit (in bytes)."""
    raw = response.body()
    if encodings := response.every(b"content-encoding"):
        raw = _undone(raw, _layers(b",".join(encodings)), limit)
    return Content(raw, _charset((response.first(b"content-type") or b"")[:MAX_CONTENT_TYPE]))


def encoding_of(response: Response) -> str:
    """Return the codings that the response says it has, in the order of their use, or `identity`."""
    layers = _layers(b",".join(response.every(b"content-encoding"))[:MAX_NAMES])
    return ", ".join(printable(b"gzip" if name == b"x-gzip" else name) for name in layers) or "identity"


def _layers(encodings: bytes) -> list[bytes]:
    names = [name.strip().lower() for name in encodings.split(b",")]
    return [name for name in names if name not in (b"", b"identity")]


def _undone(raw: bytes, layers: list[bytes], limit: int) -> bytes:
    if len(layers) > MAX_ENCODINGS:
        raise Stop(Code.HTTP_ENCODING, f"the body is encoded {len(layers)} times over")
    for name in reversed(layers):
        raw = _decoded(raw, name, limit)
    return raw


def _decoded(raw: bytes, encoding: bytes, limit: int) -> bytes:
    if not raw:
        return raw
    if encoding in (b"gzip", b"x-gzip"):
        return _inflate(raw, _GZIP, limit)
    if encoding == b"deflate":
        # The name means zlib's format, but some servers send it without the wrapping.
        return _inflate(raw, _ZLIB if _has_zlib_head(raw) else _RAW_DEFLATE, limit)
    if encoding == b"br":
        return _unbrotli(raw, limit)
    raise Stop(Code.HTTP_ENCODING, f"the body is encoded as {quoted(encoding)}, which is not understood here")


def _has_zlib_head(raw: bytes) -> bool:
    return len(raw) > 1 and raw[0] & 0x0F == 8 and (raw[0] << 8 | raw[1]) % 31 == 0


def _inflate(raw: bytes, form: int, limit: int) -> bytes:
    parts: list[bytes] = []
    room = limit
    while raw:
        if len(parts) == MAX_MEMBERS:
            raise Stop(Code.HTTP_ENCODING, f"the body has more than {MAX_MEMBERS} gzip members")
        machine = zlib.decompressobj(form)
        try:
            part = machine.decompress(raw, room + 1)
        except zlib.error as error:
            raise Stop(Code.HTTP_ENCODING, f"the body does not decode: {error}") from None
        room -= len(part)
        parts.append(part)
        if room < 0:
            raise Stop(Code.BODY_LIMIT, f"the decoded body is longer than the limit of {limit} bytes")
        if not machine.eof:
            raise Stop(Code.HTTP_ENCODING, "the encoded body ends too early")
        # Several gzip members make one body; anything else after the end is padding.
        raw = machine.unused_data if form == _GZIP and machine.unused_data.startswith(b"\x1f\x8b") else b""
    return b"".join(parts)


def _unbrotli(raw: bytes, limit: int) -> bytes:
    import brotli  # type: ignore[import-untyped]  # it has no types of its own

    machine = brotli.Decompressor()
    parts: list[bytes] = []
    room, data = limit, raw
    try:
        while not machine.is_finished():
            part = machine.process(data, output_buffer_limit=_PIECE)
            if not part and not data and machine.can_accept_more_data():
                raise Stop(Code.HTTP_ENCODING, "the encoded body ends too early")
            data = b""
            room -= len(part)
            if room < 0:
                raise Stop(Code.BODY_LIMIT, f"the decoded body is longer than the limit of {limit} bytes")
            parts.append(part)
    except brotli.error:
        raise Stop(Code.HTTP_ENCODING, "the body does not decode: it is no brotli stream") from None
    return b"".join(parts)


@lru_cache(maxsize=1024)
def _charset(content_type: bytes) -> str:
    match = _CHARSET.search(content_type)
    name = match[1].decode("ascii").lower() if match else "utf-8"
    return name if _CHARSETS.fullmatch(name) else "utf-8"
