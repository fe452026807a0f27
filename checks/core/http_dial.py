"""Which of the addresses behind a name the connections of an HTTP run go to."""

from __future__ import annotations

from .addresses import Reach, note, open_link
from .http_session import Dial, dial
from .link import Address, Link, connect
from .resolve import FamilyRule
from .watch import Watch


async def dial_any(watch: Watch, host: str, port: int, family: FamilyRule) -> Link:
    """Connect to any address of the host, one after the other."""
    return await open_link(watch, Reach(host=host, port=port, family=family, addresses="any"))


def toward(home: str, address: Address) -> Dial:
    """Return what connects to this address for the host `home`, redirects within it included, and to the first one
    for any other host."""

    async def dial_here(watch: Watch, host: str, port: int, family: FamilyRule) -> Link:
        if host != home:
            return await dial(watch, host, port, family)
        here = Address(address.host, port, address.family)
        note(watch, here)
        return await connect(watch, here)

    return dial_here
