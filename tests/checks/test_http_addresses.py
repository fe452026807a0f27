"""The http check at every address behind a name."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError
from support.looks import Setting, codes, look
from support.tcp_peer import Behaviour, Conversation, tcp_peer

from checks.core.resolver_config import ResolverConfig
from checks.core.result import Outcome, Result
from checks.http import HttpCheck, HttpOptions

GOOD, OTHER, DEAD = "127.0.0.2", "127.0.0.3", "127.0.0.4"


def answering(answer: bytes) -> Behaviour:
    async def behave(conversation: Conversation) -> None:
        first = await conversation.line()
        while (await conversation.line()).strip():
            pass
        moved = b"HTTP/1.1 302 Found\r\nLocation: /to\r\nContent-Length: 0\r\n\r\n"
        await conversation.send(moved if first.startswith(b"GET /from ") else answer)

    return behave


OK = answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
BAD = answering(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")


async def see(port: int, rule: str, *addresses: str, path: str = "/") -> Result:
    made = HttpCheck(HttpOptions.model_validate({"url": f"http://shop.test:{port}{path}", "addresses": rule}))
    setting = Setting(resolver=ResolverConfig(servers=(), hosts={"shop.test": addresses}))
    return await look(made, setting)


async def test_any_goes_on_to_an_address_that_connects() -> None:
    async with tcp_peer(OK, host=GOOD) as peer:
        result = await see(peer.port, "any", DEAD, GOOD)
        first = await see(peer.port, "first", DEAD, GOOD)
    assert (result.outcome, result.facts["address"]) == (Outcome.PASS, GOOD)
    assert result.facts["tried"][0]["address"] == DEAD  # type: ignore[index,call-overload]
    assert codes(first) == ["connect_refused"]


async def test_all_fetches_from_each_address_redirects_included() -> None:
    async with tcp_peer(OK, host=GOOD) as peer, tcp_peer(BAD, host=OTHER, port=peer.port) as other:
        result = await see(peer.port, "all", GOOD, OTHER, path="/from")
        assert (len(peer.peers), len(other.peers)) == (2, 2)
    assert codes(result) == ["http_status"]
    assert result.failures[0].detail.startswith(f"{OTHER}: ")
    seen: Any = result.facts["addresses"]
    assert [(each["address"], each["outcome"], each["code"]) for each in seen] == [
        (GOOD, "pass", None), (OTHER, "fail", "http_status"),
    ]  # fmt: skip


@pytest.mark.parametrize("more", [{"proxy": "http://proxy.example:3128"}, {"version": "3"}])
def test_what_has_no_choice_of_addresses_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="addresses are not for"):
        HttpOptions.model_validate({"url": "https://a.example", "addresses": "all", **more})
