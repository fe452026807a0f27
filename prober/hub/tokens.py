"""Whose token is it? From what an agent shows to the region that it may report for. Pure; never tells a token.

Only the SHA-256 of tokens is known here. A region has as many as its configuration names, so that one can be
replaced while the other still works; one that a new configuration no longer names is no longer worth anything.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from prober.config import Region

MAX_TOKEN_CHARACTERS = 1_024  # what is longer is not looked at


@dataclass(frozen=True, slots=True)
class Access:
    """What a token opens: one region. `digest` is the token's hash, to see later whether it still is."""

    region: str
    digest: bytes = field(repr=False)


class Tokens:
    """The tokens of one configuration."""

    def __init__(self, regions: Iterable[Region]) -> None:
        named = [(bytes.fromhex(text), region.name) for region in regions for text in region.token_sha256]
        owners = Counter(digest for digest, _ in named)
        # A token that two regions name says nothing of where its agent is.
        self._entries = [(digest, region) for digest, region in named if owners[digest] == 1]
        self.ambiguous = sorted({region for digest, region in named if owners[digest] > 1})

    def find(self, token: str) -> Access | None:
        """Return what a token opens; the time it takes tells nothing of the tokens that there are."""
        shown = hashlib.sha256(token[:MAX_TOKEN_CHARACTERS].encode(errors="surrogatepass")).digest()
        found: Access | None = None
        for digest, region in self._entries:
            if hmac.compare_digest(digest, shown):
                found = Access(region, digest)
        return found if len(token) <= MAX_TOKEN_CHARACTERS else None

    def still_opens(self, access: Access) -> bool:
        """Say whether what a token opened before is still open to it."""
        return any(
            hmac.compare_digest(digest, access.digest) and region == access.region
            for digest, region in self._entries
        )
