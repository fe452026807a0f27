"""One look of the tls check at a server, and a chain of three that most tests show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.looks import Setting, look
from support.tcp_peer import Behaviour, TcpPeer, tcp_peer
from support.tls_peer import Signed, leaf_of

from checks.core.resolver_config import ResolverConfig
from checks.core.result import Result
from checks.tls import TlsCheck, TlsCheckOptions

ROOT = Signed("root", end_days=3650)
MIDDLE = Signed("middle", ROOT, end_days=3000)
LEAF = leaf_of(MIDDLE)
HOSTS = ResolverConfig(servers=(), hosts={"peer.test": ("127.0.0.1",)})
USUAL = Setting(resolver=HOSTS)


def check(peer: TcpPeer, ca_file: Path, **options: Any) -> TlsCheck:
    """Make the check of a peer as peer.test, which `ca_file` vouches for."""
    made = {"address": f"peer.test:{peer.port}", "ca_file": str(ca_file), **options}
    return TlsCheck(TlsCheckOptions.model_validate(made))


async def see(behaviour: Behaviour, ca_file: Path, setting: Setting = USUAL, **options: Any) -> Result:
    """Look once at a server."""
    async with tcp_peer(behaviour) as peer:
        return await look(check(peer, ca_file, **options), setting)
