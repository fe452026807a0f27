"""Bodies of answers: compressed when it is asked for, not sent again when the reader has them.

Not here: what is in them.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b

from aiohttp import web

MIN_GZIP_BYTES = 1_000  # below, a header costs more than is saved
GZIP_WBITS = 31  # zlib's way to say: with a gzip header
PAGE_GZIP_LEVEL = 6


def weight_of(header: str, wanted: Iterable[str]) -> float:
    """Return the greatest weight (0 to 1) that an Accept or Accept-Encoding header gives to one of these names."""
    names, best = set(wanted), 0.0
    for part in header.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if name in names:
            best = max(best, _weight(parameters))
    return best


def _weight(parameters: Iterable[str]) -> float:
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        if key.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0
    return 1.0


def takes_gzip(request: web.BaseRequest) -> bool:
    """Say whether the reader takes gzip."""
    return weight_of(request.headers.get("Accept-Encoding", ""), ("gzip", "x-gzip")) > 0


def gzipped(body: bytes, level: int = PAGE_GZIP_LEVEL) -> bytes:
    """Return the body as gzip, the same bytes for the same body."""
    packer = zlib.compressobj(level, zlib.DEFLATED, GZIP_WBITS)
    return packer.compress(body) + packer.flush()


@dataclass(frozen=True, slots=True)
class Kept:
    """A finished body with its compressed twin and its tag, to be sent many times."""

    plain: bytes
    packed: bytes
    tag: str

    @classmethod
    def of(cls, body: bytes) -> Kept:
        """Finish a body; takes some milliseconds for a large one."""
        return cls(body, gzipped(body), blake2b(body, digest_size=10).hexdigest())

    def answer(self, request: web.BaseRequest, headers: Mapping[str, str]) -> web.Response:
        """Return the fitting response: packed, plain, or nothing but "not modified"."""
        is_packed = takes_gzip(request) and len(self.plain) >= MIN_GZIP_BYTES
        tag = f'"{self.tag}{"-gz" if is_packed else ""}"'
        sent = {**headers, "ETag": tag, "Vary": "Accept-Encoding"}
        if _knows(request.headers.get("If-None-Match", ""), tag):
            return web.Response(status=304, headers=sent)
        if is_packed:
            sent["Content-Encoding"] = "gzip"
        return web.Response(body=self.packed if is_packed else self.plain, headers=sent)


def _knows(header: str, tag: str) -> bool:
    known = [part.strip().removeprefix("W/") for part in header.split(",")]
    return tag in known or known == ["*"]
