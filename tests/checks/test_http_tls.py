"""Over TLS the http check knows the certificate even when it is not trusted, and then asks for nothing."""

from __future__ import annotations

import pytest
from support import http_answers as answers
from support.certs import Leaf, by_server_name, certificates
from support.http_checks import codes, look
from support.http_peer import http_peer

MADE = certificates()
TRUST = {"ca_file": str(MADE.ca_file)}


async def _look(leaf: Leaf, **options: object) -> tuple[object, int]:
    async with http_peer({"/": answers.plain()}, tls=leaf.server_context()) as peer:
        result = await look(peer.url(), **{"tls": TRUST, **options})
        return result, len(peer.requests)


async def test_a_trusted_certificate_passes_with_facts_and_phases() -> None:
    result, requests = await _look(MADE.valid)
    assert (result.outcome, codes(result), requests) == ("pass", [], 1)
    assert list(result.phases_us) == ["connect", "tls", "send", "wait", "transfer"]
    assert result.facts["tls_version"] == "TLSv1.3"
    assert result.facts["certificate"]["days"] == 365
    assert result.facts["certificate"]["sans"] == ["localhost", "peer.test", "127.0.0.1"]


@pytest.mark.parametrize(
    ("leaf", "code"),
    [
        ("expired", "tls_expired"), ("not_yet_valid", "tls_not_yet_valid"), ("self_signed", "tls_self_signed"),
        ("wrong_host", "tls_hostname"), ("foreign", "tls_untrusted"), ("incomplete", "tls_untrusted"),
    ],
)  # fmt: skip
async def test_no_request_goes_to_who_is_not_trusted_but_the_certificate_is_known(
    leaf: str, code: str
) -> None:
    result, requests = await _look(getattr(MADE, leaf))
    assert (result.outcome, codes(result), requests) == ("fail", [code], 0)
    assert list(result.phases_us) == ["connect", "tls"]
    assert result.facts["certificate"]["sha256"]


async def test_without_verification_anything_is_asked() -> None:
    result, requests = await _look(MADE.expired, tls={"verify": False})
    assert (result.outcome, requests, result.facts["certificate"]["days"]) == ("pass", 1, -30)


@pytest.mark.parametrize(("days", "outcome", "expected"), [(14, "pass", []), (15, "warn", ["tls_expiring"])])
async def test_a_certificate_near_its_end_warns(days: int, outcome: str, expected: list[str]) -> None:
    result, _ = await _look(MADE.ending_in(14), expect={"certificate_days": days})
    assert (result.outcome, codes(result)) == (outcome, expected)


async def test_the_server_name_is_asked_for_and_looked_for() -> None:
    asked: list[str | None] = []
    context = by_server_name(MADE.valid, {"elsewhere.test": MADE.wrong_host}, asked)
    async with http_peer({"/": answers.plain()}, tls=context) as peer:
        named = await look(peer.url(), tls={**TRUST, "server_name": "elsewhere.test"})
        host = await look(peer.url(host="peer.test"), tls=TRUST)
        address = await look(peer.url(), tls=TRUST)
    assert (codes(named), codes(host), codes(address)) == ([], [], [])
    assert asked == ["elsewhere.test", "peer.test", None]


async def test_a_client_certificate_is_shown_to_its_host_only() -> None:
    client = {**TRUST, "certificate": str(MADE.client.chain_file), "key": str(MADE.client.key_file)}
    context = MADE.valid.server_context(client_ca=MADE.ca_file)
    async with http_peer({"/": answers.plain()}, tls=context) as strict:
        assert codes(await look(strict.url(), tls=client)) == []
        without = await look(strict.url(), tls=TRUST)
        start = answers.redirect(strict.url(host="localhost"))
        async with http_peer({"/": start}, tls=MADE.valid.server_context()) as peer:
            redirected = await look(peer.url(), tls=client)
    refusals = ("tls_alert", "connection_closed", "connection_reset")
    assert codes(without)[0] in refusals
    assert codes(redirected)[0] in refusals


async def test_a_missing_file_of_ours_is_void() -> None:
    result, requests = await _look(MADE.valid, tls={"ca_file": "/does/not/exist.pem"})
    assert (result.outcome, codes(result), requests) == ("void", ["agent_file"], 0)


async def test_large_bodies_come_whole_through_tls() -> None:
    body = bytes(range(256)) * 4096
    async with http_peer({"/": answers.plain(body + b"end")}, tls=MADE.valid.server_context()) as peer:
        result = await look(peer.url(), tls=TRUST, expect={"body": {"contains": "end"}})
    assert (codes(result), result.facts["size"]) == ([], len(body) + 3)
