"""One look of the smtp, imap, pop3 and ftp checks at a server of text, with the test authority trusted."""

from __future__ import annotations

from typing import Any

from support.certs import certificates
from support.looks import USUAL, Setting, look
from support.tcp_peer import Behaviour, TcpPeer, tcp_peer

from checks.core.check import Check, load_kinds
from checks.core.result import Result


def check(
    kind: str, address: str, **options: Any
) -> Check[Any]:  # Any: options as a configuration file has them
    """Make the check of a kind."""
    trusted = {"tls": {"ca_file": str(certificates().ca_file)}} if options.get("security") != "none" else {}
    made = load_kinds()[kind]
    return made(made.options_type.model_validate({"address": address, **trusted, **options}))


async def ask(
    kind: str, behaviour: Behaviour, setting: Setting = USUAL, *, implicit: bool = False, **options: Any
) -> tuple[Result, TcpPeer]:
    """Look once at a server; return the peer too, for what it was told."""
    context = certificates().valid.server_context() if implicit else None
    if implicit:
        options["security"] = "implicit"
    async with tcp_peer(behaviour, tls=context) as peer:
        return await look(check(kind, peer.address, **options), setting), peer
