"""What the kinds that know a text protocol share: their options, and the course of a run.

A kind names its `Protocol`; greeting, list of capabilities, change to TLS and farewell follow from it.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from pydantic import Field, StringConstraints, field_validator, model_validator

from .address_options import AddressOptions
from .addresses import visit
from .check import Check
from .dialogue import Act, ChangeToTls, StartTls, Talk
from .failures import Code, Stop, codes_of
from .link import Link
from .patterns import Regex, compiled
from .quote import quoted
from .schema import unusable
from .text_protocols import LIMIT_BYTES, Protocol, has_capability
from .thresholds import ConnectionLimits, check_limits
from .tls import TlsOptions, layer_for
from .watch import Watch

Security = Literal["none", "starttls", "if_offered", "implicit"]
Capability = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class NamedExpect(ConnectionLimits):
    """What the service must say of itself, and the limits on time and certificate."""

    banner: Regex | None = None
    """A regular expression to be found in the greeting's text (its first 200 characters)."""
    capabilities: Annotated[tuple[Capability, ...], Field(max_length=50)] = ()
    """What must be among the capabilities that the service lists; those it lists over TLS, if it is asked again."""

    def judge_words(self, watch: Watch) -> None:
        """Compare greeting and capabilities with what is expected."""
        if self.banner is not None:
            seen = str(watch.facts.get("banner", ""))
            held = compiled(self.banner).search(seen) is not None
            watch.expect("banner", quoted(self.banner), quoted(seen), held, Code.DIALOGUE_MISMATCH)
        listed = watch.facts.get("capabilities")
        for wanted in self.capabilities:
            held = has_capability(listed, wanted)
            seen = "listed" if held else "not listed"
            watch.expect("capability", quoted(wanted), seen, held, Code.DIALOGUE_MISMATCH)


class NamedOptions(AddressOptions):
    """A service of text lines that greets, lists what it can, and speaks TLS if asked."""

    usual_port = 1  # which one it is, says the protocol

    address: Annotated[str, Field(min_length=1)]
    """`host`, `host:port`, or `[address]:port` for IPv6 (default port: the protocol's, by `security`)."""
    security: Security = "starttls"
    """How TLS comes in: `starttls` asks for it and fails with `tls_missing` where it is refused; `if_offered` asks
    only where it is listed; `implicit` speaks it from the first byte; `none` does without."""
    tls: TlsOptions = TlsOptions()
    """TLS, unless `security` is `none`."""
    expect: NamedExpect = NamedExpect()
    """What the service must say of itself, and the limits on time and certificate."""

    @field_validator("tls", mode="before")
    @classmethod
    def _no_switch(cls, value: object) -> object:
        if isinstance(value, bool):
            hint = "whether TLS is spoken says security: none, starttls, if_offered or implicit"
            raise unusable("expected a mapping of keys to values", hint)
        return value

    @model_validator(mode="after")
    def _fits(self) -> NamedOptions:
        if self.security == "none" and "tls" in self.model_fields_set:
            raise unusable("tls says nothing with security: none", "leave it out, or security")
        check_limits(self, speaks_tls=self.security != "none")
        return self


N_ = TypeVar("N_", bound=NamedOptions)


class NamedCheck(Check[N_], kind=None):
    """Connects, hears the greeting, asks for capabilities, changes to TLS, takes its leave."""

    phases = ("resolve", "connect", "tls", "dialogue")
    codes = codes_of("resolve", "connect", "tls", "connection", "dialogue") | {
        Code.TIMEOUT_SEND,
        Code.TLS_MISSING,
    }
    secure_scheme: ClassVar[str] = ""

    def protocol(self) -> Protocol:
        """Return the protocol as the options have it."""
        raise NotImplementedError

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `smtp://host[:port]` or `smtps://host[:port]` and their like."""
        scheme, _, rest = url.partition("://")
        options: dict[str, Any] = {"address": rest.removesuffix("/")}
        if scheme.lower() == cls.secure_scheme:
            options["security"] = "implicit"
        return options

    def prepare(self) -> None:
        """Put the steps together once."""
        options = self.options
        protocol = self.protocol()
        implicit = options.security == "implicit"
        self._reach = options.reach(protocol.secure_port if implicit else protocol.port)
        self._acts: tuple[Act, ...] = protocol.opening
        if options.security in ("starttls", "if_offered"):
            upgrade = Upgrade(protocol, options.security == "if_offered", self._change_to_tls)
            self._acts = (*protocol.opening, upgrade, *(Later(part) for part in protocol.again))
        self._farewell = protocol.farewell

    @property
    def target(self) -> str:
        """Host and port."""
        return self._reach.title

    async def look(self, watch: Watch) -> None:
        """Connect and talk; the link is closed on every way out."""
        await visit(watch, self._reach, self._talk)

    async def _talk(self, watch: Watch, link: Link) -> None:
        if self.options.security == "implicit" and not await self._change_to_tls(watch, link, False):
            return
        if not await Talk(watch, link, LIMIT_BYTES).hold(self._acts):
            return
        self.options.expect.judge_words(watch)
        self.options.expect.judge_time(watch)
        with suppress(Stop):  # whoever hangs up before our farewell has said all we asked for
            await link.send(self._farewell)

    async def _change_to_tls(self, watch: Watch, link: Link, open_line: bool) -> bool:
        layer = layer_for(self.options.tls, self._reach.host)
        await link.start_tls(layer, open_line=open_line)
        self.options.expect.judge_certificate(watch, layer.judge(watch))
        return not watch.failed


@dataclass(frozen=True, slots=True)
class Upgrade:
    """Ask for TLS and change to it; optionally only where it is offered."""

    protocol: Protocol
    optional: bool
    change: ChangeToTls

    @property
    def title(self) -> str:
        """The name of the step."""
        return self.protocol.upgrade.title

    async def perform(self, talk: Talk) -> bool:
        """Do it; False when the certificate is not to be trusted. Raises `Stop`."""
        offered = has_capability(talk.watch.facts.get("capabilities"), self.protocol.offer)
        if self.optional and not offered:
            return True
        await self.protocol.upgrade.do(talk)
        return await StartTls(self.title, self.change).perform(talk)


@dataclass(frozen=True, slots=True)
class Later:
    """A step that is done over TLS only."""

    part: Act

    @property
    def title(self) -> str:
        """The name of the step."""
        return self.part.title

    async def perform(self, talk: Talk) -> bool:
        """Do it if TLS is spoken."""
        return await self.part.perform(talk) if talk.link.tls is not None else True
