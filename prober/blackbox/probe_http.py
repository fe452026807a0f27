"""The http prober: fetch, follow redirects, look at the last answer by the exporter's rules and in its order."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from types import MappingProxyType
from typing import Literal

from checks.core.failures import Code, DeadlinePassed, Stop
from checks.core.http_exchange import Reply
from checks.core.http_redirect import STATUSES
from checks.core.http_request import Hop
from checks.core.http_response import Response
from checks.core.http_session import Session, Transport, locate
from checks.core.http_url import HttpUrl, join_url
from checks.core.link import Link, connect
from checks.core.resolve import FamilyRule
from checks.core.watch import Watch

from . import http_rules as rules
from .http_body import MAX_BODY, Body, decoded_body, plain_body
from .http_target import (
    NoSuchHost,
    Target,
    message_of,
    pinned,
    read_target,
    redirected,
    server_name,
)
from .http_ways import proxies_of, token_of
from .probe import Probe, family_rule
from .sight import HttpSeen, Lookup
from .tls_seen import tls_options, tls_seen

MAX_REDIRECTS = 10
_COUNTED = 2**62  # a body that nobody looks at is counted and thrown away, however long it is
_UNCONNECTED = ("resolve", "connect", "tls")


class HttpProber(Probe):
    """Fetches the target."""

    prober = "http"
    _response: Response | None = None
    _reply: Reply | None = None
    _body = Body(b"", 0, None)
    _redirects = 0
    _asked = _followed = False
    _token: str | None = None  # of OAuth2
    _regex_failed = _cel_failed = False
    _before: Mapping[str, int] = MappingProxyType({})  # phases until the last request began
    _reached: Literal["nothing", "connection", "answer", "end"] = "nothing"  # by the last request
    _resolved_us = 0  # of the stage `resolve`, what belongs to the lookup that has its own figure

    def prepare(self) -> None:
        """Load libraries ahead of the run, whose times that would bend."""
        if self.module.http.enable_http2:
            import checks.core.http2
        if self.module.http.enable_http3:
            with suppress(ImportError):  # the run says so
                import checks.core.http3  # noqa: F401

    def seen(self, watch: Watch) -> HttpSeen:
        """Return what the last response had, zeros without one."""
        response = self._response
        return HttpSeen(
            asked=self._asked,
            status=response.status if response else 0,
            version=float(response.version) if response else 0,
            declared=_declared(response) if response else 0,
            body=self._body.length,
            redirects=self._redirects,
            followed=self._followed,
            secure=bool(response and self.tls),
            regex_failed=self._regex_failed,
            cel_failed=self._cel_failed if rules.has_cel_rules(self.module.http) else None,
            modified_s=rules.modified_s(response) if response else None,
        )

    def phases(self, watch: Watch) -> dict[str, int]:  # type: ignore[override]
        """Return the sums over all requests; of the last one only as far as it got."""
        spent, before = watch.phases_us, self._before
        counted = dict(before)
        if self._reached != "nothing":
            counted.update({name: spent.get(name, 0) for name in ("connect", "tls")})
        if self._reached in ("answer", "end"):
            counted.update({name: spent.get(name, 0) for name in ("send", "wait")})
        looked_up = self.lookup.took_us if self.lookup else 0
        later = spent.get("resolve", 0) - self._resolved_us if self._asked else 0
        transfer = spent.get("transfer", 0) - before.get("transfer", 0)
        return {
            "resolve": looked_up + later,
            "connect": counted.get("connect", 0),
            "tls": counted.get("tls", 0),
            "processing": counted.get("send", 0) + counted.get("wait", 0),
            "transfer": max(transfer, 1) if self._reached == "end" else 0,
        }

    async def probe(self, watch: Watch) -> None:
        """Look up, ask, follow, judge; every connection is closed on every way out."""
        options = self.module.http
        try:
            target = read_target(self.target, http3=options.enable_http3)
        except NoSuchHost:
            self.lookup = Lookup(1)
            raise
        url = target.url
        proxies = proxies_of(options)
        if proxies is None or not options.skip_resolve_phase_with_proxy:
            found = await self.find(
                watch, url.host, url.port, options.preferred_ip_protocol, options.ip_protocol_fallback
            )
            url = pinned(url, found.host)
        self._resolved_us = watch.phases_us.get("resolve", 0)
        message = message_of(options, target, self.hostname)
        self._asked = True
        if options.oauth2 is not None:
            self._token = await token_of(watch, options, proxies)
            message = message_of(options, target, self.hostname, self._token)
        session = Session(watch, self._transport(url, target.url))
        hop = session.transport.hop(url, message)
        if target.refused is not None:
            raise Stop(Code.CONNECT_ERROR, f"no port has the number {target.refused[:20]}")
        try:
            await self._follow(watch, session, hop, target)
        finally:
            if self._reply is not None:
                self._reply.close()

    def _transport(self, url: HttpUrl, named: HttpUrl) -> Transport:
        options = self.module.http
        config = tls_options(options.tls_config)
        name = server_name(options, named, self.hostname)
        return Transport(
            home=url,
            tls=config.model_copy(update={"server_name": name}),
            elsewhere=config.model_copy(update={"server_name": None}),
            family=family_rule(options.preferred_ip_protocol, True),  # `fallback` is for the first hop only
            version=_version(options.enable_http2, options.enable_http3),
            proxies=proxies_of(options),
            body_limit=_COUNTED,
            dial=self._dial,
        )

    async def _dial(self, watch: Watch, host: str, port: int, family: FamilyRule) -> Link:
        """Connect without a proxy. The target's own name comes here where its lookup was left to a proxy."""
        address = await locate(watch, host, port, family)
        self.found(host, address.host)
        return await connect(watch, address)

    async def _follow(self, watch: Watch, session: Session, hop: Hop, target: Target) -> None:
        while True:
            reply = await self._send(watch, session, hop)
            status = reply.response.status
            location = reply.response.first(b"location") if status in STATUSES else None
            if location is None or (status in (307, 308) and self.module.http.body_file):
                await self._finish(watch, session, hop, reply, is_read=True)
                return
            url = _next(hop.url, location)
            self._redirects += 1
            self.say("redirected", status=status, to=url.shown())
            if self._redirects > MAX_REDIRECTS or not self.module.http.follow_redirects:
                self.say("the redirect is not followed")
                await self._finish(watch, session, hop, reply, is_read=False)
                return
            reply.skip_body()
            reply.close()
            hop = self._next_hop(session, hop, url, location, status, target)
            self._followed = True

    async def _send(self, watch: Watch, session: Session, hop: Hop) -> Reply:
        self._before, self._reached = dict(watch.phases_us), "nothing"
        self._response, self.tls = None, None
        self.say("asking", level="debug", url=hop.url.shown(), method=hop.message.method)
        keeps = self._keeps_body()
        try:
            reply = await session.send(hop, keep_body=keeps)
        except (Stop, DeadlinePassed):
            if watch.stage not in _UNCONNECTED:
                self._reached = "answer" if self._has_begun(watch) else "connection"
            raise
        if reply is None:
            raise Stop(Code.TLS_UNTRUSTED, "nothing is asked of a target that is not trusted")
        self._reply, self._reached = reply, "answer"
        return reply

    def _has_begun(self, watch: Watch) -> bool:
        """Say whether the first byte of the last answer came."""
        spent = watch.phases_us.get("transfer")
        return watch.stage == "transfer" or (spent is not None and spent != self._before.get("transfer"))

    def _keeps_body(self) -> bool:
        options = self.module.http
        return bool(options.compression) or rules.has_body_rules(options) or rules.has_cel_rules(options)

    def _next_hop(
        self, session: Session, hop: Hop, url: HttpUrl, location: bytes, status: int, target: Target
    ) -> Hop:
        home = session.transport.home
        same_host = url.host in (home.host, target.url.host)
        is_relative = b"://" not in location.partition(b"?")[0] and not location.startswith(b"//")
        origin_kept = url.origin == home.origin and is_relative
        # Made anew: of the message before, the credentials may have been left out.
        whole = message_of(self.module.http, target, self.hostname, self._token)
        whole = replace(whole, method=hop.message.method, body=hop.message.body)
        return session.transport.hop(
            url, redirected(whole, status, same_host=same_host, keeps_host=origin_kept)
        )

    async def _finish(self, watch: Watch, session: Session, hop: Hop, reply: Reply, *, is_read: bool) -> None:
        """Judge the last response. `is_read`: its body is read; that of a refused redirect is not."""
        self._response, self._reached = reply.response, "end"
        if reply.tls is not None:
            self.tls = tls_seen(reply.tls, session.tls_for(hop.url))
        self._judge_head(watch, reply.response)
        late = None
        if is_read:
            late = await self._read(reply)
        else:
            reply.skip_body()
            unread = None if _declared(reply.response) == 0 else "the body of a refused redirect is not read"
            self._body = Body(b"", 0, unread)
        await self._judge_body(watch, is_read)
        self._judge_rest(watch, reply.response)
        if late is not None:
            raise late

    async def _read(self, reply: Reply) -> DeadlinePassed | None:
        """Read the body, as much as comes; a deadline is told once what has come was judged."""
        options, response = self.module.http, reply.response
        limit = options.body_size_limit
        if not options.compression or options.compression == "identity":
            response.limit = min(limit or _COUNTED, MAX_BODY if self._keeps_body() else _COUNTED)
        else:
            response.limit = MAX_BODY
        problem, late = None, None
        try:
            await reply.read_body()
        except Stop as stop:
            problem = stop.detail
        except DeadlinePassed as passed:
            problem, late = "the body did not end in time", passed
        data, size = response.body(), response.size
        if not options.compression or options.compression == "identity":
            self._body = plain_body(data, size, limit, problem)
        else:
            self._body = decoded_body(data, options.compression, limit, problem)
        return late

    def _judge_head(self, watch: Watch, response: Response) -> None:
        self.say("an answer came", status=response.status, version=response.version)
        options = self.module.http
        if (problem := rules.status_problem(options, response.status)) is not None:
            watch.fail(Code.HTTP_STATUS, problem)
        elif (problem := rules.header_problem(options, response)) is not None:
            self._regex_failed = True
            watch.fail(Code.HTTP_HEADER, problem)

    async def _judge_body(self, watch: Watch, is_read: bool) -> None:
        options, body = self.module.http, self._body
        if not watch.failed and rules.has_body_rules(options):
            problem = body.problem or rules.body_problem(options, body.data)
            if problem is not None:
                self._regex_failed = True
                watch.fail(Code.BODY_MISMATCH, problem)
        if not watch.failed and rules.has_cel_rules(options):
            problem = body.problem or await rules.cel_problem(watch, options, body.data)
            if problem is not None:
                self._cel_failed = True
                watch.fail(Code.EXPRESSION_MISMATCH, problem)
        if is_read and body.problem is not None:
            watch.fail(Code.HTTP_TRUNCATED, body.problem)

    def _judge_rest(self, watch: Watch, response: Response) -> None:
        options = self.module.http
        seen = rules.protocol(response.version)
        if options.valid_http_versions and seen not in options.valid_http_versions:
            watch.fail(Code.HTTP_VERSION, f"{seen}, expected {', '.join(options.valid_http_versions[:5])}")
        if options.fail_if_ssl and self.tls is not None:
            watch.fail(Code.TLS_UNWANTED, "the last answer came over TLS")
        if options.fail_if_not_ssl and self.tls is None and not watch.failed:
            watch.fail(Code.TLS_MISSING, "the last answer came without TLS")


def _version(http2: bool, http3: bool) -> Literal["any", "1.1", "3"]:
    if http3:
        if find_spec("aioquic") is None:
            raise Stop(
                Code.AGENT_UNSUPPORTED, "HTTP/3 needs the extra http3: pip install 'uptime-prober[http3]'"
            )
        return "3"
    return "any" if http2 else "1.1"


def _next(base: HttpUrl, location: bytes) -> HttpUrl:
    try:
        return join_url(base, location)
    except ValueError as error:
        raise Stop(Code.HTTP_REDIRECT_INVALID, f"a redirect cannot be followed: {error}") from None


def _declared(response: Response) -> int:
    """Return the length that the response announces, -1 if it leaves it open."""
    if response.declared is not None:
        return response.declared
    is_empty = response.status in (204, 304) or (
        response.version == "2" and response.complete and not response.size
    )
    return 0 if is_empty else -1
