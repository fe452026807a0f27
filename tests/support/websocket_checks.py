"""Running the websocket check in tests: one look at a URL, or at a raw server. Servers live in websocket_peer.py."""

from __future__ import annotations

from typing import Any

from support.looks import USUAL, Setting, look
from support.tcp_peer import Behaviour, tcp_peer

from checks.core.result import Result
from checks.websocket import WebSocketCheck, WebSocketOptions


def check(url: str, **options: Any) -> WebSocketCheck:  # Any: options as a configuration file has them
    return WebSocketCheck(WebSocketOptions.model_validate({"url": url, **options}))


async def talk(url: str, *steps: dict[str, Any], setting: Setting = USUAL, **options: Any) -> Result:
    return await look(check(url, dialogue=list(steps), **options), setting)


async def attack(
    behaviour: Behaviour, *steps: dict[str, Any], setting: Setting = USUAL, **options: Any
) -> Result:
    """Hold a dialogue with a raw server."""
    async with tcp_peer(behaviour) as peer:
        return await talk(f"ws://{peer.address}/", *steps, setting=setting, **options)


def detail(result: Result) -> str:
    assert result.failure is not None
    return result.failure.detail


HEAR = {"expect": "hello"}
