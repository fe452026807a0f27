"""Through a proxy: http is asked of it, https is tunnelled, and the proxy's trouble is named as the proxy's."""

from __future__ import annotations

import pytest
from support import http_answers as answers
from support.certs import certificates
from support.http_checks import codes, look
from support.http_peer import http_peer
from support.http_proxy import http_proxy
from support.ports import free_port
from support.tcp_peer import garbage, refused, silence, tcp_peer

MADE = certificates()
TRUST = {"ca_file": str(MADE.ca_file)}


async def test_http_is_asked_of_the_proxy_by_its_whole_url() -> None:
    async with (
        http_peer({"/a": answers.plain()}) as peer,
        http_proxy(routes={"shop.test:80": (peer.host, peer.port)}) as proxy,
    ):
        result = await look("http://shop.test/a?q=1", proxy=proxy.url)
    assert (result.outcome, result.facts["proxy"], result.facts["address"]) == (
        "pass",
        f"{proxy.host}:{proxy.port}",
        "127.0.0.1",
    )
    assert proxy.requests[0].target == "http://shop.test/a?q=1"
    assert (peer.requests[0].target, peer.requests[0].header("host")) == ("/a?q=1", "shop.test")


async def test_https_goes_through_a_tunnel_whose_opening_counts_as_connect() -> None:
    async with http_peer({"/": answers.plain()}, tls=MADE.valid.server_context()) as peer:
        routes = {"peer.test:443": (peer.host, peer.port)}
        async with http_proxy(credentials="me:pass", routes=routes) as proxy:
            url = proxy.url.replace("//", "//me:pass@")
            result = await look("https://peer.test/", proxy=url, tls=TRUST, auth={"bearer": "t0ken"})
    assert codes(result) == []
    assert list(result.phases_us) == ["connect", "tls", "send", "wait", "transfer"]
    assert (proxy.requests[0].method, proxy.requests[0].target) == ("CONNECT", "peer.test:443")
    assert proxy.requests[0].header("authorization") is None
    assert peer.requests[0].header("proxy-authorization") is None


async def test_a_redirect_from_http_to_https_changes_to_a_tunnel() -> None:
    async with (
        http_peer({"/": answers.plain()}, tls=MADE.valid.server_context()) as secure,
        http_peer({"/": answers.redirect("https://peer.test/")}) as plain,
        http_proxy(
            routes={"peer.test:80": (plain.host, plain.port), "peer.test:443": (secure.host, secure.port)}
        ) as proxy,
    ):
        result = await look("http://peer.test/", proxy={"url": proxy.url}, tls=TRUST)
    assert (codes(result), [request.method for request in proxy.requests]) == ([], ["GET", "CONNECT"])


@pytest.mark.parametrize("url", ["http://peer.test/", "https://peer.test/"])
async def test_a_proxy_that_wants_other_credentials_refuses(url: str) -> None:
    async with http_proxy(credentials="me:pass") as proxy:
        result = await look(url, proxy=proxy.url)
        wrong = await look(url, proxy=proxy.url.replace("//", "//me:wrong@"))
    assert (codes(result), codes(wrong)) == (["proxy_refused"], ["proxy_refused"])
    assert "407" in result.failures[0].detail
    assert "wrong" not in str(wrong)


async def test_a_target_that_the_proxy_cannot_reach() -> None:
    async with http_proxy(routes={"peer.test:443": ("127.0.0.1", free_port())}) as proxy:
        result = await look("https://peer.test/", proxy=proxy.url)
    assert (codes(result), "502" in result.failures[0].detail) == (["proxy_refused"], True)


async def test_a_proxy_that_is_down_silent_or_no_proxy() -> None:
    with refused() as peer:
        down = await look("http://peer.test/", proxy=f"http://{peer.address}")
    assert [(each.code, each.detail.startswith("the proxy")) for each in down.failures] == [
        ("proxy_refused", True)
    ]
    async with tcp_peer(silence) as peer:
        silent = await look("https://peer.test/", proxy=f"http://{peer.address}", timeout_us=100_000)
    async with tcp_peer(garbage(b"SSH-2.0\r\n")) as peer:
        nonsense = await look("https://peer.test/", proxy=f"http://{peer.address}")
    assert (codes(silent), codes(nonsense)) == (["connect_timeout"], ["proxy_refused"])
    assert list(silent.phases_us) == ["connect"]
