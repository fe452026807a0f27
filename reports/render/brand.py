"""A customer's colour and logo, as far as they may be used: what is unsafe or hard to read is replaced or left out.

Contrast is the ratio of WCAG 2.2 (relative luminance of sRGB). A float may decide about a colour, never about a figure.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

INK, PAPER = "#1c2329", "#ffffff"
NIGHT_INK, NIGHT_PAPER = "#e7eaed", "#161b20"
READABLE = 4.5  # WCAG 2.2, 1.4.3, text of ordinary size
MAX_LOGO_BYTES = 1_000_000
KINDS = {"png": "png", "jpeg": "jpg", "jpg": "jpg", "gif": "gif", "webp": "webp", "svg+xml": "svg"}
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_LOGO = re.compile(r"data:image/([a-z+]+)((?:;[a-z0-9=-]+)*),(.*)", re.IGNORECASE | re.DOTALL)
_ESCAPED = re.compile(rb"%([0-9a-fA-F]{2})")
_STEPS = 20


def safe_colour(text: str) -> str | None:
    """Return a colour as `#rrggbb`; None if the text is none, whatever else it may hold."""
    if not _HEX.fullmatch(text):
        return None
    digits = text[1:].lower()
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == 3 else digits)


def _parts(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [
        part / 255 / 12.92 if part / 255 <= 0.04045 else ((part / 255 + 0.055) / 1.055) ** 2.4
        for part in _parts(colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours `#rrggbb`, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(colour: str, paper: str = PAPER, ink: str = INK) -> str:
    """Return the colour, or what is nearest to it on the way to the ink that can be read on the paper."""
    found = safe_colour(colour)
    if found is None:
        return ink
    for step in range(_STEPS + 1):
        mixed = _mix(found, ink, step)
        if contrast(mixed, paper) >= READABLE:
            return mixed
    return ink


def _mix(colour: str, ink: str, step: int) -> str:
    pairs = zip(_parts(colour), _parts(ink), strict=True)
    return "#" + "".join(f"{(a * (_STEPS - step) + b * step) // _STEPS:02x}" for a, b in pairs)


@dataclass(frozen=True, slots=True)
class Logo:
    """An image that was taken out of a `data:` URL: its kind as a file's ending, and its bytes."""

    kind: str
    data: bytes

    @property
    def url(self) -> str:
        """Return it as a `data:` URL in one plain form."""
        kind = {"jpg": "jpeg", "svg": "svg+xml"}.get(self.kind, self.kind)
        return f"data:image/{kind};base64,{base64.b64encode(self.data).decode()}"


def logo(url: str | None) -> Logo | None:
    """Return the image of a `data:` URL; None for no image, another address, an unknown kind, or one too large."""
    found = _LOGO.fullmatch(url or "")
    if found is None or len(found[3]) > MAX_LOGO_BYTES * 3 or found[1].lower() not in KINDS:
        return None
    data = _decoded(found[3], ";base64" in found[2].lower())
    return Logo(KINDS[found[1].lower()], data) if data and len(data) <= MAX_LOGO_BYTES else None


def _decoded(text: str, is_base64: bool) -> bytes | None:
    raw = _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), text.encode())
    try:
        return base64.b64decode(raw, validate=True) if is_base64 else raw
    except binascii.Error:
        return None
