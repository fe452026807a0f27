"""Public ids: stable as long as a name in the configuration stays, and telling nothing of it."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256

LENGTH = 12  # what clients of the Statuspage API have seen so far
_SIGNS = "0123456789abcdefghijklmnopqrstuvwxyz"


@lru_cache(maxsize=10_000)
def public_id(key: str) -> str:
    """Return 12 lower case letters and digits for a key such as `service:shop`; the first is a letter."""
    number = int.from_bytes(sha256(key.encode()).digest())
    number, place = divmod(number, 26)
    signs = [_SIGNS[10 + place]]  # so that it can also be the id of an element
    for _ in range(LENGTH - 1):
        number, place = divmod(number, len(_SIGNS))
        signs.append(_SIGNS[place])
    return "".join(signs)
