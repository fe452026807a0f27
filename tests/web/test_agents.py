"""The agents' listener: who may open a link, what others are told, limits on guessing, TLS and its renewal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from support.certs import certificates
from support.configs import loaded
from support.ports import free_port

from prober import wire
from prober.config import Config, load
from prober.hub.remote import Link
from prober.hub.tokens import Access
from prober.web.agents import MAX_MESSAGE_BYTES, PATH, agents_app
from prober.web.listener import ListenError, serve
from prober.web.reception import Reception
from prober.web.tls import Certificate, CertificateError

RIGHT, WRONG = "0123456789abcdef-right", "0123456789abcdef-wrong"


@dataclass(slots=True)
class FakeGate:
    """Lets in who has the right token, and echoes what comes."""

    full: bool = False
    fails: bool = False
    served: list[tuple[str, str]] = field(default_factory=list)  # region and address
    heard: list[bytes | None] = field(default_factory=list)
    idle_seconds: float = 10.0

    def find(self, token: str) -> Access | None:
        if self.fails:
            raise RuntimeError(f"planted with {token}")
        return Access("fra", b"digest") if token == RIGHT else None

    def why_not(self, _region: str) -> str:
        return "the house is full" if self.full else ""

    async def serve(self, link: Link, access: Access) -> None:
        self.served.append((access.region, link.address))
        while (data := await link.receive(self.idle_seconds)) is not None:
            self.heard.append(data)
            if data:
                await link.send(data)
        self.heard.append(None)
        await link.close("the end")


@dataclass(slots=True)
class Bench:
    """A listener and what came to it."""

    url: str
    gate: FakeGate
    session: aiohttp.ClientSession
    seconds: float = 0.0

    async def ask(
        self, path: str = PATH, token: str | None = RIGHT, **headers: str
    ) -> tuple[int, Any, Mapping[str, str]]:
        """Ask as who does not want to link; returns status, the body's JSON, headers."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        async with self.session.get(self.url.rstrip("/") + path, headers=sent) as answer:
            return answer.status, json.loads(await answer.text()), dict(answer.headers)

    def link(self, token: str = RIGHT, **more: Any) -> Any:
        """Open a link."""
        headers = {"Authorization": f"Bearer {token}"}
        return self.session.ws_connect(self.url.rstrip("/") + PATH, headers=headers, **more)


@contextlib.asynccontextmanager
async def bench(
    started: asyncio.Event | None = None, behind_proxy: bool = False, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Bench]:
    async with aiohttp.ClientSession() as session:
        made = Bench("", FakeGate(), session)
        app = agents_app(made.gate, started, behind_proxy, lambda: made.seconds)
        listener = await serve(app, "127.0.0.1", 0, tls)
        made.url = listener.url
        try:
            yield made
        finally:
            await listener.close()


# Who comes in.


async def test_who_shows_a_token_gets_a_link_of_its_region() -> None:
    async with bench() as it, it.link() as link:
        await link.send_bytes(b"hello")
        assert (await link.receive()).data == b"hello"
        assert it.gate.served == [("fra", "127.0.0.1")]


@pytest.mark.parametrize("token", [WRONG, None, "", RIGHT + "x", RIGHT[:-1]])
async def test_who_shows_none_is_told_so_in_words_and_the_token_is_not_repeated(token: str | None) -> None:
    async with bench() as it:
        status, said, headers = await it.ask(token=token)
        assert (status, "token" in said["error"], bool(said["hint"])) == (401, True, True)
        assert (WRONG in str(said), headers["Server"], it.gate.served) == (False, "prober", [])


async def test_a_token_that_is_not_shown_as_a_bearer_s_is_none() -> None:
    async with bench() as it:
        assert (await it.ask(token=None, Authorization=f"Basic {RIGHT}"))[0] == 401
        assert (await it.ask(token=None, X_Token=RIGHT))[0] == 401
        assert (await it.ask(path=f"{PATH}?token={RIGHT}", token=None))[0] == 401


async def test_who_asks_for_no_link_is_told_that_this_is_one() -> None:
    async with bench() as it:
        status, said, headers = await it.ask()
        assert (status, headers["Upgrade"], "WebSocket" in said["error"]) == (426, "websocket", True)


async def test_a_hub_that_starts_or_is_full_asks_to_come_again() -> None:
    started = asyncio.Event()
    async with bench(started) as it:
        status, said, headers = await it.ask()
        assert (status, said["error"], headers["Retry-After"]) == (503, "the hub is starting", "5")
        started.set()
        it.gate.full = True
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await it.link()
        assert refused.value.status == 503


async def test_the_listener_says_what_it_is_and_has_nothing_else() -> None:
    async with bench() as it:
        status, said, headers = await it.ask("/agent/v1/", token=None)
        assert (status, said["wire"], PATH in said["what"]) == (200, wire.VERSION, True)
        assert headers["X-Content-Type-Options"] == "nosniff"
        for path in ("/", "/metrics", "/api/v1/status", "/agent/v1/other", "/probe"):
            status, said, _ = await it.ask(path)
            assert (status, PATH in said["hint"]) == (404, True)
        async with it.session.post(it.url + PATH[1:]) as answer:
            assert (answer.status, "error" in await answer.json()) == (405, True)


# Limits.


async def test_after_ten_wrong_tokens_an_address_has_to_wait_and_who_has_the_right_one_has_not() -> None:
    async with bench() as it:
        statuses = [(await it.ask(token=WRONG))[0] for _ in range(100)]
        assert statuses == [401] * 10 + [429] * 90
        assert (await it.ask())[0] == 426  # let in as far as it goes
        it.seconds += 1.0
        assert [(await it.ask(token=WRONG))[0] for _ in range(2)] == [401, 429]


async def test_behind_a_proxy_each_client_has_its_own_limit_by_what_the_proxy_adds() -> None:
    async with bench(behind_proxy=True) as it:
        for number in range(12):  # what the client itself claims is not looked at
            status, _, _ = await it.ask(token=WRONG, X_Forwarded_For=f"198.51.100.{number}, 192.0.2.7")
        assert status == 429
        assert (await it.ask(token=WRONG, X_Forwarded_For="192.0.2.7, 192.0.2.8"))[0] == 401


async def test_where_no_proxy_is_declared_nobody_gets_a_limit_of_his_own_by_claiming_so() -> None:
    async with bench() as it:
        statuses = [
            (await it.ask(token=WRONG, X_Forwarded_For=f"198.51.100.{number}"))[0] for number in range(12)
        ]
        assert statuses[-1] == 429


async def test_links_of_one_token_are_limited_too(monkeypatch: pytest.MonkeyPatch) -> None:
    async with bench() as it:
        statuses = [(await it.ask())[0] for _ in range(31)]
        assert statuses == [426] * 30 + [429]


@pytest.mark.parametrize(
    ("length", "is_taken"), [(MAX_MESSAGE_BYTES - 1, True), (MAX_MESSAGE_BYTES + 1, False)]
)
async def test_a_message_has_a_limit(length: int, is_taken: bool) -> None:
    async with bench() as it, it.link(max_msg_size=2 * MAX_MESSAGE_BYTES) as link:
        with contextlib.suppress(ConnectionError):  # it is cut while the rest is on its way
            await link.send_bytes(bytes(length))
        answer = await link.receive(5)
        assert (answer.type is aiohttp.WSMsgType.BINARY) is is_taken
        assert it.gate.heard == ([bytes(length)] if is_taken else [None])


async def test_messages_are_not_compressed_on_the_way() -> None:
    """Batches are packed already, and what would be unpacked here has no limit of its own."""
    async with bench() as it, it.link(compress=15) as link:
        assert link.compress == 0


async def test_pings_are_answered_and_are_a_sign_of_life() -> None:
    async with bench() as it:
        it.gate.idle_seconds = 0.5
        async with it.link(autoping=False) as link:
            for _ in range(4):
                await link.ping(b"there?")
                answer = await link.receive(5)
                assert (answer.type, answer.data) == (aiohttp.WSMsgType.PONG, b"there?")
                await asyncio.sleep(0.2)
            assert (await link.receive(5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)
        assert it.gate.heard == [b""] * 4 + [None]


async def test_text_is_none_of_our_messages_and_ends_the_link() -> None:
    async with bench() as it, it.link() as link:
        await link.send_str("hello")
        assert (await link.receive(5)).type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED)


async def test_an_error_of_ours_shows_nothing_of_itself(caplog: pytest.LogCaptureFixture) -> None:
    async with bench() as it:
        it.gate.fails = True
        status, said, _ = await it.ask()
        assert (status, said["error"]) == (500, "an error of our own")
        assert RIGHT not in caplog.text + str(said)


# TLS.


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates().ca_file)


def files(folder: Path) -> tuple[Path, Path]:
    """A certificate and its key, to be changed."""
    leaf = certificates().root.issue("127.0.0.1")
    return (
        Path(shutil.copy(leaf.chain_file, folder / "hub.pem")),
        Path(shutil.copy(leaf.key_file, folder / "hub.key")),
    )


async def serial(url: str) -> int:
    """The serial number of the certificate that a listener shows."""
    port = int(url.rstrip("/").rpartition(":")[2])
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
    shown = writer.get_extra_info("peercert")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return int(shown["serialNumber"], 16)


async def test_a_link_is_encrypted_where_there_is_a_certificate(tmp_path: Path) -> None:
    certificate = Certificate(*files(tmp_path))
    async with bench(tls=certificate.context) as it:
        assert it.url.startswith("https://")
        async with it.link(ssl=trusting()) as link:
            await link.send_bytes(b"hello")
            assert (await link.receive()).data == b"hello"


async def test_no_tls_older_than_1_2_is_spoken(tmp_path: Path) -> None:
    context = Certificate(*files(tmp_path)).context
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


async def test_a_renewed_certificate_is_used_without_a_restart_and_a_bad_one_is_not(tmp_path: Path) -> None:
    chain, key = files(tmp_path)
    certificate = Certificate(chain, key)
    async with bench(tls=certificate.context) as it:
        first = await serial(it.url)
        chain_before = chain.read_bytes()
        files(tmp_path)
        certificate.renew()
        second = await serial(it.url)
        assert second != first
        chain.write_bytes(chain_before)  # only one of the two was renewed
        with pytest.raises(CertificateError, match="is not that of the certificate"):
            certificate.renew()
        assert await serial(it.url) == second


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            "missing certificate",
            "cannot read .*hub.pem: no such file or directory .*hint: listen.agents names it",
        ),
        ("missing key", "cannot read .*hub.key: no such file"),
        ("other key", "the key .*hub.key is not that of the certificate .*hub.pem"),
        ("no pem", "are not a certificate and its key .*hint: both are PEM"),
        ("encrypted", "hub.key is encrypted"),
    ],
)
def test_files_that_cannot_be_used_are_told_in_words(tmp_path: Path, spoil: str, words: str) -> None:
    chain, key = files(tmp_path)
    if spoil == "missing certificate":
        chain.unlink()
    elif spoil == "missing key":
        key.unlink()
    elif spoil == "other key":
        shutil.copy(certificates().root.issue("127.0.0.1").key_file, key)
    elif spoil == "no pem":
        chain.write_text("no certificate")
    else:
        key.write_bytes(encrypted(key.read_bytes()))
    with pytest.raises(CertificateError, match=words):
        Certificate(chain, key)


def encrypted(pem: bytes) -> bytes:
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    key = load_pem_private_key(pem, None)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"passphrase"))


# The reception of a daemon.


def configured(folder: Path, agents: str) -> Config:
    (folder / "probes.yaml").write_text(
        f"regions: {{fra: {{token: {RIGHT}}}}}\nprobes: [{{name: web, tcp: {{address: '127.0.0.1:9'}}}}]\n"
        f"listen: {{agents: {agents}}}\n"
    )
    return load(folder / "probes.yaml", {})


async def test_a_reception_without_a_listener_is_closed_and_harmless() -> None:
    reception = Reception(loaded("probes: [{name: web, tcp: {address: '127.0.0.1:9'}}]\n"))
    await reception.open(FakeGate(), asyncio.Event())
    reception.renew()
    assert reception.listener is None
    await reception.close()


@pytest.mark.parametrize(
    ("more", "scheme"),
    [("", "http"), (", behind_proxy: true", "http"), (", certificate: hub.pem, key: hub.key", "https")],
)
async def test_a_reception_listens_as_it_is_configured(tmp_path: Path, more: str, scheme: str) -> None:
    files(tmp_path)
    reception = Reception(configured(tmp_path, f'{{address: "127.0.0.1:{free_port()}"{more}}}'))
    await reception.open(FakeGate(), asyncio.Event())
    assert reception.listener is not None
    assert reception.listener.url.startswith(f"{scheme}://")
    await reception.close()


def test_a_reception_whose_certificate_is_missing_does_not_start(tmp_path: Path) -> None:
    config = configured(tmp_path, '{address: "127.0.0.1:1", certificate: hub.pem, key: hub.key}')
    with pytest.raises(ListenError, match="cannot read"):
        Reception(config)
