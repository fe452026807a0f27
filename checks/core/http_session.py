"""How one run speaks HTTP: connections, proxies, TLS, the choice of a version, cookies carried from hop to hop.

`Transport` is made once for a probe, `Session` once for a run. A session sends a prepared request and hands back a
reply whose head has been read; the body is read if somebody wants it. Nothing of the answer is judged here but what
must be known before a request is sent: whether the certificate is to be trusted.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .addresses import note
from .certificates import CertificateFacts
from .failures import Code, Stop
from .http_exchange import Http1Reply, Reply, WantsHttp1
from .http_options import Redirects
from .http_proxy import Proxies, Proxy, open_tunnel, through
from .http_redirect import next_message, next_url
from .http_request import Hop, Message, build_hop, connect_request
from .http_response import Http1Response, Response
from .http_url import HttpUrl
from .link import Address, Link, connect
from .resolve import FamilyRule, address_of, resolve
from .result import Fact
from .schema import unusable
from .tls import TlsOptions, layer_for
from .watch import Watch

if TYPE_CHECKING:
    from .http_cookies import Jar

PROXY_AUTHENTICATION_REQUIRED = 407
DEFAULT_BODY_LIMIT = 10 * 1024 * 1024  # bytes
Version = Literal["any", "1.1", "2", "3"]
Dial = Callable[[Watch, str, int, FamilyRule], Awaitable[Link]]
"""Opens a connection to a host and port; leaves the facts `address` and `family`. Raises `Stop`."""
JudgeCertificate = Callable[[Watch, CertificateFacts | None], None]
_OFFERS: dict[str, tuple[bytes, ...]] = {
    "any": (b"h2", b"http/1.1"), "1.1": (b"http/1.1",), "2": (b"h2",),
}  # fmt: skip
_H2 = b"h2"


def dial(watch: Watch, host: str, port: int, family: FamilyRule) -> Awaitable[Link]:
    """Connect to the one address that the family rule gives."""
    address = address_of(host, port, family)
    if address is None:
        return _dial_by_name(watch, host, port, family)
    note(watch, address)
    return connect(watch, address)


async def _dial_by_name(watch: Watch, host: str, port: int, family: FamilyRule) -> Link:
    return await connect(watch, await locate(watch, host, port, family))


async def locate(watch: Watch, host: str, port: int, family: FamilyRule) -> Address:
    """Return the address of a host, and state it in the facts."""
    address = await resolve(watch, host, port, family)
    note(watch, address)
    return address


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """How the requests of a probe travel, whatever they ask for.

    `home` is the URL whose origin gets the private headers, and whose host the names and keys of `tls` are for.
    """

    home: HttpUrl
    tls: TlsOptions
    elsewhere: TlsOptions  # for every other host
    family: FamilyRule = "any"
    version: Version = "1.1"
    proxies: Proxies | None = None
    cookies: bool = True
    body_limit: int = DEFAULT_BODY_LIMIT
    dial: Dial = dial

    def hop(self, url: HttpUrl, message: Message) -> Hop:
        """Prepare a request; one to the same URL can be kept and sent again by every run."""
        proxy = None if self.proxies is None else self.proxies.choose(url)
        return build_hop(url, message, self.home, None if proxy is None or url.secure else proxy.headers)


def tls_elsewhere(options: TlsOptions) -> TlsOptions:
    """Return the TLS options for hosts other than the probe's own: no server name, no client certificate."""
    if options.server_name is None and options.certificate is None:
        return options
    return options.model_copy(update={"server_name": None, "certificate": None, "key": None})


def check_version(version: Version, url: HttpUrl, *, has_proxy: bool) -> None:
    """Raise a validation error for a version that cannot be spoken to that URL from here."""
    if version == "2" and has_proxy and not url.secure:
        raise unusable("HTTP/2 goes through a proxy for https URLs only", "use an https URL, or version 1.1")
    if version != "3":
        return
    if not url.secure:
        raise unusable("HTTP/3 is spoken to https URLs only", "write https://")
    if has_proxy:
        raise unusable("HTTP/3 does not go through a proxy", "leave out proxy, or the version")
    if importlib.util.find_spec("aioquic") is None:
        raise unusable("HTTP/3 needs the extra http3", "pip install 'uptime-prober[http3]'")


class Session:
    """One run's use of a transport. Every request has a connection of its own.

    `pinned`, if set, is the address used for host and port of the transport's home, in place of looking it up.
    """

    __slots__ = ("_entry", "_hops", "_jar", "_judge", "_judged", "_last", "pinned", "transport", "watch")

    def __init__(
        self, watch: Watch, transport: Transport, judge_certificate: JudgeCertificate | None = None
    ) -> None:
        """`judge_certificate` is asked after every handshake, beside the judgement of trust."""
        self.watch = watch
        self.transport = transport
        self._judge = judge_certificate
        self._judged: CertificateFacts | None = None  # the certificate that was judged last
        self.pinned: Address | None = None
        self._last: tuple[Hop, Response] | None = None
        self._jar: Jar | None = None
        self._hops: list[Fact] = []
        self._entry: dict[str, Fact] = {}  # of the hop under way, from the second on

    def go_on(
        self, watch: Watch, transport: Transport, judge_certificate: JudgeCertificate | None = None
    ) -> None:
        """Go on in another part of the run, by another transport; cookies and hops are kept."""
        if self._last is not None and not self._hops:  # while the facts are those of the first request
            self._begin_entry(self._last[0])
            self._fill_entry(self._last[1])
        self.watch, self.transport, self._judge, self._judged = watch, transport, judge_certificate, None

    def send(self, hop: Hop, *, keep_body: bool = False) -> Awaitable[Reply | None]:
        """Send a request and read the head of its answer; the caller closes the reply.

        None says that the certificate is not to be trusted with a request, which the watch has recorded. Raises
        `Stop`; nothing is left open then.
        """
        if self._last is not None:
            hop = self._follow_up(hop)
        version = self.transport.version
        if version == "any" and hop.url.secure:
            return self._send_as_agreed(hop, keep_body)
        return self._send(hop, keep_body, version)

    async def _send_as_agreed(self, hop: Hop, keep_body: bool) -> Reply | None:
        try:
            return await self._send(hop, keep_body, "any")
        except WantsHttp1:
            pass
        return await self._send(hop, keep_body, "1.1")

    async def _send(self, hop: Hop, keep_body: bool, version: Version) -> Reply | None:
        transport, url = self.transport, hop.url
        proxy = None if transport.proxies is None else transport.proxies.choose(url)
        reply: Reply | None
        if version == "3":
            reply = await self._open_quic(url, hop.message.method, keep_body)
        else:
            if proxy is None:
                address = None if self.pinned is None else self._pin(url)
                if address is None:
                    link = await transport.dial(self.watch, url.host, url.port, transport.family)
                else:
                    link = await connect(self.watch, address)
            else:
                link, hop = await self._connect_through(proxy, hop)
            if url.secure:
                reply = await self._open(link, hop, keep_body, version)
            else:
                reply = self._reply(link, hop, keep_body, _H2 if version == "2" else b"")
        if self._hops:
            self._fill_entry(None)
        if reply is None:
            return None
        try:
            await reply.send(hop)
            if (
                proxy is not None
                and reply.response.status == PROXY_AUTHENTICATION_REQUIRED
                and not url.secure
            ):
                self.watch.leave()
                raise _unwelcome(proxy)
        except BaseException:
            reply.close()
            raise
        self._last = (hop, reply.response)
        if self._hops:
            self._fill_entry(reply.response)
        return reply

    async def _open(self, link: Link, hop: Hop, keep_body: bool, version: Version) -> Reply | None:
        """Shake hands; return an exchange ready to send, None where the certificate is not to be trusted."""
        if self._hops:
            self._fill_entry(None)
        try:
            protocol = await self._secure(link, hop.url, version)
        except BaseException:
            link.close()
            raise
        if self.watch.failed:
            link.close()
            return None
        return self._reply(link, hop, keep_body, protocol)

    def _reply(self, link: Link, hop: Hop, keep_body: bool, protocol: bytes) -> Reply:
        made = Response if protocol == _H2 else Http1Response
        bodiless = hop.message.method == "HEAD"
        response = made(body_limit=self.transport.body_limit, keep_body=keep_body, bodiless=bodiless)
        if isinstance(response, Http1Response):
            return Http1Reply(self.watch, link, response)
        from .http2 import Http2Reply  # loaded by those who meet it

        return Http2Reply(self.watch, link, response)

    async def _open_quic(self, url: HttpUrl, method: str, keep_body: bool) -> Reply | None:
        from .http3 import open_reply

        if not url.secure:
            raise Stop(Code.HTTP_VERSION, f"HTTP/3 cannot be spoken to {url.scheme}://{url.authority}")
        address = self._pin(url) or await locate(self.watch, url.host, url.port, self.transport.family)
        response = Response(
            body_limit=self.transport.body_limit, keep_body=keep_body, bodiless=method == "HEAD"
        )
        return await open_reply(self.watch, address, url, self.tls_for(url), response, self._judge)

    def _pin(self, url: HttpUrl) -> Address | None:
        home, address = self.transport.home, self.pinned
        if address is None or (url.host, url.port) != (home.host, home.port):
            return None
        note(self.watch, address)
        return address

    def tls_for(self, url: HttpUrl) -> TlsOptions:
        """Return the TLS options that hold for a host."""
        home = self.transport.home
        return self.transport.tls if url.host == home.host else self.transport.elsewhere

    async def _connect_through(self, proxy: Proxy, hop: Hop) -> tuple[Link, Hop]:
        """Connect by a proxy; return the request as it then has to be sent. The stage of a tunnel is `connect`."""
        watch, url, family = self.watch, hop.url, self.transport.family
        watch.facts["proxy"] = proxy.url.address
        aim = None
        if proxy.resolves:
            watch.place.admit(url.host)  # a name the proxy looks up; what is an address is judged here
        else:
            aim = await locate(watch, url.host, url.port, family)
            watch.place.admit(aim.host)
        try:
            link = await dial(watch, proxy.url.host, proxy.url.port, "any" if aim else family)
        except Stop as stop:
            raise through(stop, proxy.url) from None
        if aim is not None:  # what is stated is the target's address, which is told to the proxy
            note(watch, aim)
        where = url.address if aim is None else str(aim)
        if not url.secure:
            return link, hop if aim is None else hop.changed(line=f"{url.scheme}://{where}{url.target}")
        try:
            await open_tunnel(watch, link, connect_request(where, proxy.connect_headers), proxy.url)
        except BaseException:
            link.close()
            raise
        return link, hop

    async def _secure(self, link: Link, url: HttpUrl, version: Version) -> bytes:
        """Shake hands, judge the certificate, and return the protocol that was agreed on."""
        watch = self.watch
        layer = layer_for(self.tls_for(url), url.host, _OFFERS[version])
        try:
            await link.start_tls(layer)
        except Stop as stop:
            if version == "2" and "application protocol" in stop.detail:
                raise Stop(Code.HTTP_VERSION, f"the target does not speak HTTP/2: {stop.detail}") from None
            raise
        leaf = layer.judge(watch)
        if self._judge is not None and (leaf is None or leaf != self._judged):
            self._judged = leaf  # said once, however many requests of the run go there
            self._judge(watch, leaf)
        agreed = layer.protocol
        if version == "2" and agreed != _H2 and not watch.failed:
            raise Stop(Code.HTTP_VERSION, "the target does not speak HTTP/2 (it agreed to none by ALPN)")
        return agreed

    def _follow_up(self, hop: Hop) -> Hop:
        """Begin a further request of the run: keep the cookies of the answer before, and add those that belong."""
        before, response = self._last or (hop, None)
        if not self._hops:
            self._begin_entry(before)
            self._fill_entry(response)
        self._begin_entry(hop)
        if not self.transport.cookies or response is None:
            return hop
        if self._jar is None:
            from .http_cookies import Jar

            self._jar = Jar()
        self._jar.keep(before.url, response)
        return self._jar.added(hop)

    def _begin_entry(self, hop: Hop) -> None:
        self._entry = {"url": hop.shown}
        self._hops.append(self._entry)
        self.watch.facts["hops"] = self._hops

    def _fill_entry(self, response: Response | None) -> None:
        facts = self.watch.facts
        self._entry["address"] = facts.get("address")
        self._entry["family"] = facts.get("family")
        if response is not None:
            self._entry["status"] = response.status
            self._entry["version"] = response.version


def _unwelcome(proxy: Proxy) -> Stop:
    return Stop(Code.PROXY_REFUSED, f"the proxy {proxy.url.address} wants other credentials (407)")


async def fetch(session: Session, hop: Hop, redirects: Redirects | None = None) -> Response | None:
    """Send a request, follow redirects by the usual rules, and return the response with its body.

    None says that a certificate was not to be trusted, which the watch has recorded. Raises `Stop`.
    """
    rules = Redirects() if redirects is None else redirects
    followed = 0
    while True:
        reply = await session.send(hop, keep_body=True)
        if reply is None:
            return None
        try:
            url = next_url(hop.url, reply.response, rules, followed)
            if url is None:
                await reply.read_body()
                return reply.response
            reply.skip_body()
        finally:
            reply.close()
        hop = session.transport.hop(url, next_message(hop.message, reply.response.status))
        followed += 1
