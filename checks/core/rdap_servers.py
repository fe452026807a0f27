"""Where registries are asked: IANA's list (RFC 9224), read once a day by whoever needs it first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

from .clock import monotonic_ns
from .failures import DeadlinePassed
from .rdap import read_bootstrap

BOOTSTRAP_URL = "https://data.iana.org/rdap/dns.json"
KEPT_NS = 86_400 * 1_000_000_000
RETRY_NS = 3_600 * 1_000_000_000  # from a vain attempt at renewing the list to the next

Read = Callable[[str], Awaitable[bytes]]


class Servers:
    """The list behind one URL, kept for a day; while it cannot be renewed, the old one serves."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._known: Mapping[str, str] = {}
        self._until_ns = 0

    async def get(self, read: Read) -> Mapping[str, str]:
        """Return services by top level domain. Raises ValueError, or what `read` raises, if none are known."""
        if monotonic_ns() < self._until_ns:
            return self._known
        try:
            found = read_bootstrap(await read(self._url))
        except Exception as error:
            if not self._known:
                raise
            self._until_ns = monotonic_ns() + RETRY_NS
            if isinstance(error, DeadlinePassed):  # comes once: from here on nothing would end the run
                raise
        else:
            self._known, self._until_ns = found, monotonic_ns() + KEPT_NS
        return self._known


@lru_cache(maxsize=64)
def servers_of(url: str) -> Servers:
    """Return the list behind a URL, the same for all probes of this process."""
    return Servers(url)
