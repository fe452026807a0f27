"""A desk that has closed March of `support.measured`, and deliveries of it by a mail server on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.measured import APRIL, CONFIG, HOUR_US, MARCH, Desk, Measured, S, desk, down, measured, us
from support.smtp_peer import SmtpPeer

FINAL_US = APRIL + HOUR_US + 15 * S
OUTAGE = down((us("2026-03-10T06:00"), us("2026-03-10T16:00")))
ACME, BETA = "sla@acme.example", "ops@beta.example"
BOTH = "name: monthly, customers: all, customer_email: true, formats: [html, json]"


def text(port: int, *deliveries: str, mail: str = "") -> str:
    """Return the configuration with these deliveries by a server on loopback."""
    rows = "".join(f"    - {{{row}}}\n" for row in deliveries)
    server = f"mail: {{server: '127.0.0.1:{port}', from: reports@provider.example, tls: none, timeout: 1s{mail}}}\n"
    return f"{CONFIG}{server}reports:\n  deliver:\n{rows}"


@asynccontextmanager
async def closed(
    folder: Path, peer: SmtpPeer, *deliveries: str, mail: str = ""
) -> AsyncIterator[tuple[Desk, Measured]]:
    """Yield a desk that has closed March."""
    async with measured(folder) as store:
        one, _ = desk(store.store)
        config = one.take(text(peer.port, *deliveries, mail=mail), folder)
        await store.measure(config, MARCH, FINAL_US, OUTAGE)
        assert await one.at(FINAL_US) == 5
        yield one, store


def to(address: str, delivery: str = "monthly") -> str:
    """Return the target of an address."""
    return f"{delivery} mail:{address}"
