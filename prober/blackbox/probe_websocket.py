"""The websocket prober: the handshake, then messages to expect and to send."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.core.clock import monotonic_ns
from checks.core.failures import Code, Stop
from checks.core.http_response import Http1Response
from checks.core.http_url import HttpUrl
from checks.core.link import Address, Link, connect
from checks.core.quote import quoted
from checks.core.values import Secret
from checks.core.watch import Watch
from checks.core.websocket_request import (
    SWITCHING,
    build_request,
    fresh_key,
    judge_upgrade,
    parse_websocket_url,
)
from checks.websocket import read_head

from .expressions import search
from .http_target import USER_AGENT, authorization_of, read_file
from .probe import Probe
from .sight import WebsocketSeen
from .tls_seen import secure

if TYPE_CHECKING:
    from checks.core.websocket_talk import MessageTalk

    from .dialogue_options import QueryResponse, WebsocketProbe


class WebsocketProber(Probe):
    """Opens a WebSocket to the target."""

    prober = "websocket"
    _status = 0
    _upgraded = _regex_failed = False
    _processing_us: int | None = None

    def prepare(self) -> None:
        """Load wsproto ahead of the run, whose times it would bend."""
        import checks.core.websocket_talk  # noqa: F401

    def seen(self, watch: Watch) -> WebsocketSeen:
        """Return the answer to the handshake and what became of the dialogue."""
        return WebsocketSeen(status=self._status, upgraded=self._upgraded, regex_failed=self._regex_failed)

    def phases(self, watch: Watch) -> dict[str, int]:  # type: ignore[override]
        """Return the phases that were reached."""
        if self.lookup is None or self.lookup.address is None:
            return {}
        spent = watch.phases_us
        phases = {"resolve": self.lookup.took_us}
        if self._processing_us is not None:
            phases["processing"] = self._processing_us
            if "tls" in spent or "send" in spent:
                phases["connect"] = spent.get("connect", 0)
        if "dialogue" in spent:
            phases["transfer"] = spent["dialogue"]
        return phases

    async def probe(self, watch: Watch) -> None:
        """Resolve, connect, shake hands, talk; the connection is closed on every way out."""
        options = self.module.websocket
        try:
            url = parse_websocket_url(self.target)
        except ValueError as error:
            raise Stop(Code.RESOLVE_INVALID, f"the target is no URL: {error}") from None
        found = await self.find(
            watch, url.host, 0, options.preferred_ip_protocol, options.ip_protocol_fallback
        )
        began_ns = monotonic_ns()
        link = None
        try:
            link = await connect(watch, Address(found.host, url.port, found.family))
            early = await self._shake(watch, link, url)
        except BaseException:
            if link is not None:
                link.close()
            raise
        finally:
            spent = (monotonic_ns() - began_ns) // 1000
            self._processing_us = max(spent - watch.phases_us.get("connect", 0), 0)
        await self._talk(watch, link, early)

    async def _shake(self, watch: Watch, link: Link, url: HttpUrl) -> bytes:
        options = self.module.websocket
        if url.secure:
            # Exactly the handshake of HTTP/1.1 follows, so that no other protocol is offered.
            await secure(watch, link, options.http_config.tls_config, url.host)
        key = fresh_key()
        watch.enter("send")
        await link.send(build_request(url, headers_of(options), ()) + key + b"\r\n\r\n")
        watch.leave()
        watch.enter("wait")
        response = Http1Response(body_limit=0, keep_body=False, bodiless=True)
        try:
            early = await read_head(link, response)
        finally:
            self._status = response.status
            response.release()
        watch.leave(link.received_ns)
        if response.status != SWITCHING:
            raise Stop(Code.WEBSOCKET_REFUSED, f"the handshake was answered with {response.status}")
        judge_upgrade(response, key, ())
        self._upgraded = True
        self.say("the connection was upgraded")
        return early

    async def _talk(self, watch: Watch, link: Link, early: bytes) -> None:
        from checks.core.websocket_talk import MessageTalk  # wsproto is loaded where it is used

        talk = MessageTalk(watch, link, early)
        steps = self.module.websocket.query_response
        try:
            if steps:
                watch.enter("dialogue")
                await self._hold(talk, steps)
                watch.leave()
            await talk.close()
        except BaseException:
            self._regex_failed = bool(steps)
            watch.leave()
            raise
        finally:
            link.close()

    async def _hold(self, talk: MessageTalk, steps: tuple[QueryResponse, ...]) -> None:
        for number, step in enumerate(steps, 1):
            self.say("next step of the dialogue", step=number)
            text = (step.send or "").encode()
            if step.expect is not None:
                heard = await talk.hear()
                found = search(step.expect, heard.data)
                if found is None:
                    raise Stop(Code.DIALOGUE_MISMATCH, f"{heard} does not match {quoted(step.expect)}")
                text = found.filled(step.send or "")
            if text:
                self.say("sending a message", bytes=len(text))
                await talk.say_text(text.decode("utf-8", "replace"))


def headers_of(options: WebsocketProbe) -> list[tuple[str, str]]:
    """Return the headers of the handshake: credentials, then every value, secret and file. Raises `Stop`."""
    headers = [("User-Agent", USER_AGENT)]
    if (authorization := authorization_of(options.http_config)) is not None:
        headers.append(("Authorization", authorization))
    for name, given in options.headers.items():
        every: tuple[str | Secret, ...] = (*given.values, *given.secrets)
        texts = [each.reveal() if isinstance(each, Secret) else each for each in every]
        texts += [read_file(each).decode("utf-8", "replace").strip() for each in given.files]
        headers += [(name, text) for text in texts]
    return headers
