"""A target that echoes what it was sent does not get a probe's secrets into results."""

from __future__ import annotations

import msgspec
import pytest
from support.http_answers import plain
from support.http_checks import look
from support.http_peer import http_peer

from checks.core.masking import secrets_of
from checks.http import HttpOptions
from checks.tcp import TcpOptions

SECRET = "correct-horse"


TRAVELLING = "YW15OmNvcnJlY3QtaG9yc2U="  # amy:correct-horse


@pytest.mark.parametrize(
    ("options", "echoed"),
    [
        ({"auth": {"bearer": SECRET}}, SECRET),
        ({"auth": {"basic": {"username": "amy", "password": SECRET}}}, SECRET),
        ({"auth": {"basic": {"username": "amy", "password": SECRET}}}, TRAVELLING),
        ({"headers": {"X-Api-Key": SECRET}}, SECRET),
        ({"body": SECRET, "method": "POST"}, SECRET),
        ({}, SECRET),
    ],
    ids=["bearer", "password", "basic", "header", "body", "query"],
)
async def test_an_echoed_secret_is_masked(options: dict[str, object], echoed: str) -> None:
    async with http_peer({"/": plain(f"you sent {echoed}".encode())}) as peer:
        url = peer.url("/") + ("" if options else f"?token={SECRET}&page=2")
        result = await look(url, expect={"body": {"contains": "not there at all"}}, **options)
    assert result.outcome == "fail"
    assert '"you sent ***"' in result.failures[0].detail
    assert echoed not in msgspec.json.encode(result).decode()


def test_what_a_dialogue_sends_is_a_secret_and_so_is_the_credential_as_it_travels() -> None:
    tcp = TcpOptions.model_validate({"address": "a:1", "dialogue": [{"send": f"AUTH {SECRET}\r\n"}]})
    assert secrets_of(tcp) == (f"AUTH {SECRET}",)
    http = HttpOptions.model_validate(
        {"url": "http://a/?k=abcd%20e&s=1", "auth": {"basic": {"username": "amy", "password": SECRET}}}
    )
    assert set(secrets_of(http)) == {SECRET, TRAVELLING, "abcd%20e", "abcd e"}
