"""The http prober's requests: redirects, what follows to the next host, methods, bodies, headers, credentials."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from support.blackbox_probes import Ran, module, run_probe
from support.http_answers import echo, plain, redirect, redirect_chain
from support.http_peer import Answer, Request, http_peer
from support.tcp_peer import refused

TEXT = b"a body\n"


async def probed(routes: Mapping[str, Answer] | Answer, path: str = "/", **options: Any) -> Ran:
    """Run a module against a server with these routes, or with this one answer."""
    given = routes if isinstance(routes, Mapping) else {path: routes}
    async with http_peer(given) as peer:
        return await run_probe(module("http", **options), peer.url(path))


async def sent(**options: Any) -> Request:
    """Return the one request that a module makes."""
    async with http_peer({"/": plain()}) as peer:
        ran = await run_probe(module("http", **options), peer.url())
        assert ran.success
        return peer.requests[0]


# --- redirects --------------------------------------------------------------------------------------------


async def test_a_redirect_is_followed_and_counted() -> None:
    ran = await probed({"/": redirect("/there"), "/there": plain(TEXT)})
    assert ran.success
    assert ran.value("probe_http_redirects") == 1
    assert ran.value("probe_http_status_code") == 200


@pytest.mark.parametrize(("listed", "right"), [([302], True), ([], False)])
@pytest.mark.parametrize("key", [{"follow_redirects": False}, {"no_follow_redirects": True}])
async def test_a_redirect_that_is_not_followed_is_the_answer(
    listed: list[int], right: bool, key: dict[str, bool]
) -> None:
    ran = await probed({"/": redirect("/there")}, valid_status_codes=listed, **key)
    assert ran.success is right
    assert ran.value("probe_http_redirects") == 1
    assert ran.value("probe_http_status_code") == 302


@pytest.mark.parametrize(("hops", "right", "count"), [(10, True, 10), (11, False, 11), (20, False, 11)])
async def test_ten_redirects_are_followed_and_the_eleventh_is_the_answer(
    hops: int, right: bool, count: int
) -> None:
    async with http_peer(redirect_chain(hops)) as peer:
        ran = await run_probe(module("http"), peer.url("/hop0"))
        assert ran.success is right
        assert ran.value("probe_http_redirects") == count
        assert ran.value("probe_http_status_code") == (200 if right else 302)
        assert len(peer.requests) == 11


async def test_a_redirect_that_leads_nowhere_has_no_answer() -> None:
    with refused() as dead:
        ran = await probed({"/": redirect(f"http://{dead.address}/")})
    assert ran.value("probe_http_redirects") == 1
    assert ran.value("probe_http_status_code") == 0
    assert ran.value("probe_http_duration_seconds", phase="processing") > 0


@pytest.mark.parametrize(
    ("status", "method"), [(301, "GET"), (302, "GET"), (303, "GET"), (307, "PUT"), (308, "PUT")]
)
async def test_the_method_after_a_redirect(status: int, method: str) -> None:
    async with http_peer({"/": redirect("/there", status=status), "/there": plain()}) as peer:
        await run_probe(module("http", method="PUT", body="data"), peer.url())
        assert peer.requests[1].method == method
        assert peer.requests[1].body == (b"data" if method == "PUT" else b"")


async def test_credentials_do_not_follow_to_another_host() -> None:
    async with (
        http_peer({"/": echo()}, host="127.0.0.2") as other,
        http_peer({"/": redirect(other.url())}) as peer,
    ):
        options = {"basic_auth": {"username": "u", "password": "secret"}, "headers": {"X-Mine": "kept"}}
        assert (await run_probe(module("http", **options), peer.url())).success
        assert peer.requests[0].header("authorization") is not None
        assert other.requests[0].header("authorization") is None
        assert other.requests[0].header("x-mine") == "kept"
        assert other.requests[0].header("host") == other.address


async def test_credentials_follow_to_another_port_of_the_same_host() -> None:
    async with http_peer({"/": plain()}) as other, http_peer({"/": redirect(other.url())}) as peer:
        options = {"authorization": {"credentials": "token"}}
        await run_probe(module("http", **options), peer.url())
        assert other.requests[0].header("authorization") == "Bearer token"


async def test_a_cookie_of_one_hop_is_sent_on_the_next() -> None:
    setting = plain(b"", status=302, headers=[("Set-Cookie", "a=b; Path=/"), ("Location", "/there")])
    async with http_peer({"/": setting, "/there": plain()}) as peer:
        assert (await run_probe(module("http"), peer.url())).success
        assert peer.requests[0].header("cookie") is None
        assert peer.requests[1].header("cookie") == "a=b"


async def test_a_redirect_to_a_refused_address_is_own_trouble() -> None:
    async with (
        http_peer({"/": plain()}, host="127.0.0.2") as inner,
        http_peer({"/": redirect(inner.url())}) as peer,
    ):
        refuses = lambda host: "not allowed" if host == "127.0.0.2" else None  # noqa: E731
        ran = await run_probe(module("http"), peer.url(), refuses=refuses)
        assert not ran.success
        assert (ran.sight.void or "").startswith("agent_forbidden")
        assert inner.requests == []


# --- what is sent -----------------------------------------------------------------------------------------


async def test_method_and_body_are_sent(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"from a file")
    first, second = await sent(method="POST", body="text"), await sent(method="POST", body_file=str(file))
    assert (first.method, first.body, second.body) == ("POST", b"text", b"from a file")


async def test_a_missing_body_file_fails_before_anything_is_asked() -> None:
    ran = await probed(plain(), body_file="/nowhere/at/all")
    assert not ran.success
    assert [each["phase"] for each in ran.labels("probe_http_duration_seconds")] == ["resolve"]


async def test_credentials_are_sent(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("p\n")
    basic = await sent(basic_auth={"username": "u", "password_file": str(tmp_path / "password")})
    bearer = await sent(authorization={"credentials": "token"})
    assert basic.header("authorization") == "Basic " + base64.b64encode(b"u:p").decode()
    assert bearer.header("authorization") == "Bearer token"


async def test_headers_are_sent(tmp_path: Path) -> None:
    (tmp_path / "value").write_text("of file\n")
    request = await sent(
        headers={"Host": "shop.test", "User-Agent": "mine", "Accept-Language": "de"},
        http_headers={
            "X-Values": {"values": ["one", "two"]},
            "X-Secret": {"secrets": ["hidden"]},
            "X-File": {"files": [str(tmp_path / "value")]},
        },
    )
    names = ("host", "user-agent", "accept-language", "x-values", "x-secret", "x-file")
    assert [request.header(name) for name in names] == ["shop.test", "mine", "de", "one", "hidden", "of file"]


async def test_the_usual_headers_name_target_and_program() -> None:
    async with http_peer({"/": plain()}) as peer:
        await run_probe(module("http"), peer.url())
        assert peer.requests[0].header("host") == peer.address
        assert (peer.requests[0].header("user-agent") or "").startswith("Blackbox-Exporter/")


async def test_the_callers_hostname_is_the_host_header() -> None:
    async with http_peer({"/": plain()}) as peer:
        await run_probe(module("http"), peer.url(), hostname="shop.test")
        assert peer.requests[0].header("host") == "shop.test"


async def test_secrets_stand_in_no_line_of_the_log() -> None:
    options = {"basic_auth": {"username": "u", "password": "hunter2-is-secret"}}
    ran = await probed({"/": redirect("/hunter2-is-secret")}, **options)
    assert not ran.said("hunter2")
