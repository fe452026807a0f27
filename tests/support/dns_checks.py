"""Running the dns check in tests: its usual question, shop.test A, and one look at one reply."""

from __future__ import annotations

from typing import Any

from support.dns_peer import DnsPeer, Reply, dns_peer
from support.looks import USUAL, Setting, look

from checks.core.result import Result
from checks.dns import DnsCheck, DnsOptions

SHOP = ("shop.test", "A")


def check(server: DnsPeer | str, **options: Any) -> DnsCheck:  # Any: options as a configuration file has them
    """Make the check of a server (a peer, or its address as text)."""
    address = server if isinstance(server, str) else server.address
    return DnsCheck(DnsOptions.model_validate({"name": "shop.test", "server": address, **options}))


async def ask(reply: Reply, setting: Setting = USUAL, **options: Any) -> Result:
    """Look once at a server that gives this reply."""
    async with dns_peer({("shop.test", options.get("type", "A").upper()): reply}) as peer:
        return await look(check(peer, **options), setting)
