"""One look of the tcp check at a peer, with or without a dialogue."""

from __future__ import annotations

from typing import Any

from support.certs import certificates
from support.looks import USUAL, Setting, look
from support.tcp_peer import TcpPeer

from checks.core.result import Result
from checks.tcp import TcpCheck, TcpOptions

Dialogue = list[dict[str, Any]]  # steps as a configuration file has them

MAIL: Dialogue = [
    {"expect": "^220 "},
    {"send": "EHLO prober\r\n"},
    {"expect": "^250[ -]"},
    {"send": "STARTTLS\r\n"},
    {"expect": "^220 "},
    {"starttls": True},
    {"send": "EHLO prober\r\n"},
    {"expect": "^250 "},
]


def check(peer: TcpPeer, **options: Any) -> TcpCheck:
    """Make the check of a peer."""
    return TcpCheck(TcpOptions.model_validate({"address": peer.address, **options}))


def trusted(**options: Any) -> dict[str, Any]:
    """Return TLS options that trust the test authority."""
    return {"ca_file": str(certificates().ca_file), **options}


async def talk(peer: TcpPeer, *steps: dict[str, Any], setting: Setting = USUAL, **options: Any) -> Result:
    """Look once, with a dialogue of these steps."""
    return await look(check(peer, dialogue=list(steps), **options), setting)


def detail(result: Result) -> str:
    """Return the words of the gravest failure."""
    assert result.failure is not None
    return result.failure.detail
