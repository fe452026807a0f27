"""The `domain` check against a registry's service on loopback."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from support.http_answers import plain
from support.http_peer import Answer, http_peer
from support.looks import BRIEF, USUAL, Setting, look
from support.ports import held_port
from support.rdap_answers import rdap, registration

from checks.core import rdap as reading
from checks.core.rdap_servers import Servers, servers_of
from checks.core.result import Outcome, Result
from checks.domain import DomainCheck, DomainOptions

PATH = "/domain/shop.example"


def check(server: str | None, **options: Any) -> DomainCheck:  # Any: options as a configuration file has them
    return DomainCheck(DomainOptions.model_validate({"name": "shop.example", "server": server, **options}))


async def ask(answer: Answer, setting: Setting = USUAL, **options: Any) -> Result:
    async with http_peer({PATH: answer}) as peer:
        return await look(check(peer.url(""), **options), setting)


def codes(result: Result) -> list[str]:
    return [failure.code for failure in result.failures]


async def test_what_the_registry_says_is_kept() -> None:
    result = await ask(rdap(registration()))
    assert (result.outcome, result.failures) == (Outcome.PASS, ())
    assert list(result.phases_us) == ["connect", "send", "wait", "transfer"]
    assert result.facts["registered"] == 981173106
    assert result.facts["nameservers"] == ["ns1.shop.example", "ns2.shop.example"]
    assert result.facts["registrar"] == "Example Registrar Ltd"
    assert result.facts["status"] == ["active", "client transfer prohibited"]


@pytest.mark.parametrize(
    ("days", "outcome", "code"),
    [
        (30.01, Outcome.PASS, []),
        (29.99, Outcome.WARN, ["domain_expiring"]),
        (0.01, Outcome.WARN, ["domain_expiring"]),
        (-0.01, Outcome.FAIL, ["domain_expired"]),
    ],
)
async def test_the_days_left_are_judged(days: float, outcome: Outcome, code: list[str]) -> None:
    result = await ask(rdap(registration(days)))
    assert (result.outcome, codes(result)) == (outcome, code)


@pytest.mark.parametrize(("days", "outcome"), [(7.01, Outcome.WARN), (6.99, Outcome.FAIL)])
async def test_too_few_days_can_be_a_failure(days: float, outcome: Outcome) -> None:
    result = await ask(rdap(registration(days)), expect={"fail_days": 7})
    assert result.outcome is outcome


@pytest.mark.parametrize(
    "status",
    ["server hold", "client hold", "redemption period", "pending delete", "clientHold", "Client Hold"],
)
async def test_a_state_in_which_a_domain_is_not_served_fails(status: str) -> None:
    result = await ask(rdap(registration(status=["active", status])))
    assert codes(result) == ["domain_status"]


@pytest.mark.parametrize(
    ("expect", "code"),
    [
        ({"nameservers": ["NS1.shop.example.", "ns2.shop.example"]}, []),
        ({"nameservers": ["ns1.shop.example"]}, ["domain_status"]),
        ({"registrar": "example registrar"}, []),
        ({"registrar": "Other"}, ["domain_status"]),
    ],
)
async def test_name_servers_and_registrar_can_be_expected(expect: Any, code: list[str]) -> None:
    assert codes(await ask(rdap(registration()), expect=expect)) == code


async def test_a_domain_that_is_not_registered_fails() -> None:
    assert codes(await ask(rdap({"errorCode": 404}, status=404))) == ["domain_missing"]


@pytest.mark.parametrize(
    "answer",
    [
        plain(b"<html>"),
        plain(b"[]"),
        plain(b"[" * 5_000),
        rdap(registration(objectClassName="entity")),
        rdap(registration(events=None)),
        rdap(registration(events=[{"eventAction": "expiration", "eventDate": "soon"}])),
        rdap(registration(events={"a": 1})),
    ],
)
async def test_an_answer_without_an_end_cannot_be_judged(answer: Answer) -> None:
    assert codes(await ask(answer)) == ["rdap_malformed"]


@pytest.mark.parametrize("answer", [plain(b"", status=429), plain(b"", status=503)])
async def test_a_registry_that_does_not_answer_says_nothing_of_the_domain(answer: Answer) -> None:
    result = await ask(answer)
    assert (result.outcome, codes(result)) == (Outcome.VOID, ["agent_registry"])


async def test_a_registry_that_is_away_or_silent_says_nothing_of_the_domain() -> None:
    with held_port() as held:
        refused = await look(check(f"http://127.0.0.1:{held.getsockname()[1]}"))

    async def mute(exchange: Any) -> None:
        await exchange.reader.read()

    silent = await ask(mute, BRIEF)
    for result in (refused, silent):
        assert (result.outcome, codes(result)) == (Outcome.VOID, ["agent_registry"])


async def test_the_registry_is_found_by_the_longest_entry_of_the_list() -> None:
    routes = {"/co" + PATH: rdap(registration())}
    async with http_peer(routes) as peer:
        services = [[["example"], [peer.url("/co/")]], [["test"], ["ftp://nowhere"]]]
        peer.routes["/dns.json"] = rdap({"services": services})
        bootstrap = peer.url("/dns.json")
        first = await look(check(None, bootstrap=bootstrap))
        again = await look(check(None, bootstrap=bootstrap))
        unknown = await look(check(None, bootstrap=bootstrap, name="shop.test"))
    assert (first.outcome, again.outcome) == (Outcome.PASS, Outcome.PASS)
    assert [request.path for request in peer.requests].count("/dns.json") == 1
    assert (unknown.outcome, codes(unknown)) == (Outcome.VOID, ["agent_unsupported"])


def test_the_longest_entry_counts() -> None:
    servers = {"example": "a", "co.example": "b"}
    assert reading.server_for("shop.co.example", servers) == "b"
    assert reading.server_for("shop.example", servers) == "a"
    assert reading.server_for("co.example", servers) == "a"
    assert reading.server_for("example", servers) is None


@pytest.mark.parametrize("newer", [b"broken", b'{"services": []}'])
async def test_a_list_that_cannot_be_renewed_serves_on(newer: bytes) -> None:
    answers = [b'{"services": [[["example"], ["https://a"]]]}', newer]
    servers = Servers("")

    async def read(_url: str) -> bytes:
        return answers.pop(0)

    assert await servers.get(read) == {"example": "https://a"}
    servers._until_ns = 0
    assert await servers.get(read) == {"example": "https://a"}
    assert answers == []


async def test_a_list_that_is_renewed_in_vain_up_to_the_deadline_ends_the_run_and_serves_the_next() -> None:
    async def mute(exchange: Any) -> None:
        await exchange.reader.read()

    async with http_peer({PATH: rdap(registration())}) as peer:
        peer.routes["/dns.json"] = rdap({"services": [[["example"], [peer.url("/")]]]})
        bootstrap = peer.url("/dns.json")
        assert (await look(check(None, bootstrap=bootstrap))).outcome is Outcome.PASS
        servers_of(bootstrap)._until_ns = 0
        peer.routes["/dns.json"] = mute
        asked = len(peer.requests)
        vain = await look(check(None, bootstrap=bootstrap), BRIEF)
        assert (vain.outcome, codes(vain), len(peer.requests)) == (
            Outcome.VOID,
            ["agent_registry"],
            asked + 1,
        )
        assert (await look(check(None, bootstrap=bootstrap), BRIEF)).outcome is Outcome.PASS


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"name": "localhost"}, "not a registered domain"),
        ({"name": "https://shop.example/"}, "not a registered domain"),
        ({"server": "rdap.example"}, "starts with http"),
        ({"expect": {"days": 5, "fail_days": 6}}, "fail_days is more than days"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        DomainOptions.model_validate({"name": "shop.example", **options})


def test_a_name_of_any_script_is_asked_for_in_ascii() -> None:
    assert check("https://rdap.example", name="Münze.Example.")._name == "xn--mnze-0ra.example"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["events", "eventAction", "eventDate", "status", "entities", "roles", "vcardArray",
                         "nameservers", "ldhName", "services", "expiration"]), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_answer_is_read_or_refused(data: bytes) -> None:
    for read in (reading.read_registration, reading.read_bootstrap):
        try:
            read(data)
        except ValueError:
            continue
