"""The `tcp` check: connect, on demand with TLS, and hold a dialogue."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from .core.address_options import AddressOptions
from .core.addresses import look_at_each, visit
from .core.check import Check
from .core.dialogue import MAX_UNUSED_BYTES, Talk, make_ready
from .core.dialogue_steps import MAX_STEPS, Step, check_references
from .core.failures import Code, DeadlinePassed, Stop, codes_of
from .core.link import Address, Link, connect
from .core.schema import unusable
from .core.thresholds import ConnectionLimits, check_limits
from .core.tls import TlsOptions, layer_for
from .core.values import SizeBytes
from .core.watch import Watch


class TcpOptions(AddressOptions):
    """A TCP port that must accept connections and, if asked, say and hear the right things."""

    address: Annotated[str, Field(min_length=1)]
    """`host:port`, or `[address]:port` for IPv6."""
    tls: bool | TlsOptions = False
    """Speak TLS from the first byte: `true`, or a block of TLS options. In a dialogue with a `starttls` step
    the block holds for that step instead."""
    dialogue: Annotated[tuple[Step, ...], Field(max_length=MAX_STEPS)] = ()
    """What to say and what to expect, step by step."""
    dialogue_limit: Annotated[SizeBytes, Field(ge=1, le=MAX_UNUSED_BYTES)] = MAX_UNUSED_BYTES
    """Bytes that may come without a match before the dialogue is broken off (`dialogue_limit`); at most 64KiB."""
    state: Literal["open", "refused", "closed"] = "open"
    """What the port must be: `open`; `refused`, turning connections away; or `closed`, refused, unreachable or
    silent up to the timeout. An open port that must not be is `connect_accepted`."""
    expect: ConnectionLimits = ConnectionLimits()
    """Limits on the time and on the certificate's days."""

    @model_validator(mode="after")
    def _fits(self) -> TcpOptions:
        starts = sum(step.starttls is not None for step in self.dialogue)
        if starts > 1:
            raise unusable("the dialogue has more than one starttls step", "TLS within TLS is not spoken")
        if starts and self.tls is True:
            raise unusable("tls: true speaks TLS from the first byte, before starttls", "leave tls out")
        check_references(self.dialogue)
        check_limits(self, speaks_tls=bool(self.tls or starts))
        if self.state != "open" and (self.tls or self.dialogue or self.addresses == "any"):
            words = f"a port that must be {self.state} has no tls, no dialogue and not addresses: any"
            raise unusable(words, "leave them out, or state")
        return self


class TcpCheck(Check[TcpOptions], kind="tcp"):
    """Connects; says and hears what the dialogue says; closes."""

    phases = ("resolve", "connect", "tls", "dialogue")
    codes = codes_of("resolve", "connect", "tls", "connection", "dialogue") | {
        Code.TIMEOUT_SEND,
        Code.CONNECT_ACCEPTED,
    }
    schemes = ("tcp",)

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `tcp://host:port`."""
        return {"address": url.partition("://")[2].removesuffix("/")}

    def prepare(self) -> None:
        """Take the options apart once."""
        options = self.options
        self._reach = options.reach(None)
        self._tls = options.tls if isinstance(options.tls, TlsOptions) else TlsOptions()
        self._tls_at_once = options.tls is not False and all(
            step.starttls is None for step in options.dialogue
        )
        self._acts = make_ready(options.dialogue, self._change_to_tls)

    @property
    def target(self) -> str:
        """Host and port."""
        return self.options.address

    async def look(self, watch: Watch) -> None:
        """Connect and talk; the link is closed on every way out."""
        if self.options.state == "open":
            return await visit(watch, self._reach, self._talk)
        return await look_at_each(watch, self._reach, self._try)

    async def _try(self, watch: Watch, address: Address) -> None:
        """Connect in the hope of a failure."""
        try:
            link = await connect(watch, address, self._reach.source)
        except (Stop, DeadlinePassed) as ended:
            watch.facts["state"] = state = self._state(watch, ended)
            if state not in ("refused", self.options.state):
                raise
            watch.leave()
            self.options.expect.judge_time(watch)
        else:
            link.close()
            watch.facts["state"] = "open"
            watch.expect("port", self.options.state, "open", False, Code.CONNECT_ACCEPTED)

    @staticmethod
    def _state(watch: Watch, ended: Stop | DeadlinePassed) -> str:
        if isinstance(ended, DeadlinePassed):
            return "stalled" if watch.is_stalled else "closed"
        if ended.code is Code.CONNECT_REFUSED:
            return "refused"
        return "agent" if ended.code.value.startswith("agent_") else "closed"

    async def _talk(self, watch: Watch, link: Link) -> None:
        if self._tls_at_once and not await self._change_to_tls(watch, link, False):
            return
        if self._acts and not await Talk(watch, link, self.options.dialogue_limit).hold(self._acts):
            return
        self.options.expect.judge_time(watch)

    async def _change_to_tls(self, watch: Watch, link: Link, open_line: bool) -> bool:
        layer = layer_for(self._tls, self._reach.host)
        await link.start_tls(layer, open_line=open_line)
        self.options.expect.judge_certificate(watch, layer.judge(watch))
        return not watch.failed
