"""The way to the hub: TLS and whom it trusts, proxies, and addresses as people write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.certs import certificates
from support.http_proxy import http_proxy
from support.links import address, opened, trouble
from support.ports import free_port
from support.tcp_peer import tcp_peer
from support.websocket_peer import echo, raw, websocket_peer

# --- TLS ---


async def test_a_hub_with_the_right_certificate_is_linked_to() -> None:
    made = certificates()
    async with (
        websocket_peer(echo, tls=made.valid.server_context()) as peer,
        opened(address(f"wss://localhost:{peer.port}", made.ca_file)) as open_one,
    ):
        await open_one.send(b"x" * 1_000_000)
        assert await open_one.receive() == b"x" * 1_000_000


async def test_a_certificate_of_a_stranger_is_refused_with_a_hint() -> None:
    made = certificates()
    async with websocket_peer(echo, tls=made.foreign.server_context()) as peer:
        own = await trouble(address(f"https://localhost:{peer.port}", made.ca_file))
        system = await trouble(address(f"https://localhost:{peer.port}"))
    assert own.lasting
    assert str(own).startswith("the hub's certificate is not trusted: ")
    assert own.hint == f"{made.ca_file} does not hold the authority that signed it"
    assert system.hint == "--ca-file names a file with the authority that signed it"


async def test_a_certificate_for_another_name_is_refused() -> None:
    made = certificates()
    async with websocket_peer(echo, tls=made.wrong_host.server_context()) as peer:
        for host in ("localhost", "127.0.0.1"):
            found = await trouble(address(f"https://{host}:{peer.port}", made.ca_file))
            assert str(found) == f"the hub's certificate is not for {host}"
            assert found.lasting


async def test_an_expired_certificate_is_refused() -> None:
    made = certificates()
    async with websocket_peer(echo, tls=made.expired.server_context()) as peer:
        found = await trouble(address(f"https://localhost:{peer.port}", made.ca_file))
    assert str(found) == "the hub's certificate is not trusted: certificate has expired"


async def test_tls_where_none_is_spoken_and_the_other_way_round() -> None:
    made = certificates()
    async with websocket_peer(echo) as peer:
        found = await trouble(address(f"https://localhost:{peer.port}", made.ca_file))
        assert str(found).startswith("no TLS with the hub at")
    async with websocket_peer(echo, tls=made.valid.server_context()) as peer:
        found = await trouble(address(f"http://localhost:{peer.port}"))
        assert str(found).endswith("is no hub")


async def test_a_ca_file_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").write_text("")
    for name, reason in (("none.pem", "no such file"), ("empty.pem", "it holds no certificate")):
        found = await trouble(address("https://127.0.0.1:1", tmp_path / name))
        assert str(found).startswith(f"{tmp_path / name} cannot be used: {reason}")
        assert found.lasting


async def test_a_ca_file_that_cannot_be_read_to_the_end_costs_a_try_and_not_the_agent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("prober.agent.dial.TLS_SECONDS", 0.05)
    path = tmp_path / "pipe.pem"
    os.mkfifo(path)
    found = await trouble(address("https://127.0.0.1:1", path))
    assert str(found) == f"{path} cannot be read in 0 s"
    assert not found.lasting
    with path.open("wb"):  # lets the thread go that still reads
        pass


# --- proxies ---


@pytest.mark.parametrize("secure", [False, True])
async def test_the_proxy_of_the_environment_is_gone_through(secure: bool) -> None:
    made = certificates()
    tls = made.valid.server_context() if secure else None
    async with websocket_peer(echo, tls=tls) as peer, http_proxy(credentials="me:pass word") as proxy:
        named = proxy.url.replace("//", "//me:pass%20word@")
        url = f"{'https' if secure else 'http'}://localhost:{peer.port}"
        async with opened(address(url, made.ca_file, named)) as open_one:
            await open_one.send(b"hello")
            assert await open_one.receive() == b"hello"
        assert [each.method for each in proxy.requests] == ["CONNECT"]
        assert "a-token" not in proxy.requests[0].head.decode()
        async with opened(address(url, made.ca_file, named, no_proxy="localhost")):
            pass
        assert len(proxy.requests) == 1


async def test_a_proxy_s_own_trouble_is_not_called_the_hub_s() -> None:
    async with http_proxy(credentials="me:secret-word") as proxy:
        found = await trouble(address("http://localhost:1", proxy=proxy.url))
        assert str(found) == "the proxy opened no tunnel to the hub: it answered 407"
        wrong = await trouble(
            address("http://localhost:1", proxy=proxy.url.replace("//", "//me:secret-word@"))
        )
        assert str(wrong) == "the proxy opened no tunnel to the hub: it answered 502"
    gone = await trouble(address("http://localhost:1", proxy=f"http://127.0.0.1:{free_port()}"))
    assert str(gone).startswith("the proxy cannot be reached at 127.0.0.1:")
    odd = await trouble(address("http://localhost:1", proxy="socks5://127.0.0.1:1"))
    assert odd.lasting
    async with tcp_peer(raw(lambda key: b"", close=True)) as peer:
        mute = await trouble(address("http://localhost:1", proxy=f"http://{peer.address}"))
    assert str(mute) == "the proxy opened no tunnel to the hub: it did not answer"


# --- addresses ---


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("hub.example", "http"),
        ("ftp://hub.example", "http"),
        ("https://user:secret@hub.example", "credentials"),
        ("https://hub.example/?token=x", "query"),
        ("https://", "host"),
    ],
)
def test_a_url_that_is_none_of_a_hub_is_refused(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        address(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hub.example:8443", "https://hub.example:8443"),
        ("wss://hub.example/", "https://hub.example"),
        ("WS://[2001:db8::1]:80/x/", "http://[2001:db8::1]/x"),
    ],
)
def test_a_url_of_a_hub_is_read(url: str, shown: str) -> None:
    assert address(url).shown() == shown
