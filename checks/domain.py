"""The `domain` check: how long a domain's registration holds, asked of its registry in RDAP.

The registry is no target of ours: when it cannot be asked, the run says nothing of the domain (VOID).
"""

from __future__ import annotations

import time
from typing import Annotated, Any

from pydantic import Field, StrictInt, field_validator, model_validator

from .core import rdap
from .core.check import Check, Options
from .core.failures import Code, DeadlinePassed, Stop, codes_of
from .core.http_request import Message
from .core.http_session import Session, Transport, fetch, tls_elsewhere
from .core.http_url import parse_url
from .core.quote import printable
from .core.rdap_servers import BOOTSTRAP_URL, Servers, servers_of
from .core.resolve import FamilyRule
from .core.schema import Section, unusable
from .core.tls import TlsOptions
from .core.watch import Watch

DAY_SECONDS = 86_400
MAX_NAMESERVERS = 50
NOT_FOUND = 404
_HELD = ("server hold", "client hold", "redemption period", "pending delete", "inactive")


class DomainExpect(Section):
    """What the registration must be like."""

    days: Annotated[StrictInt, Field(ge=0, le=3650)] = 30
    """A registration with fewer whole days left gets a warning (`domain_expiring`)."""
    fail_days: Annotated[StrictInt, Field(ge=0, le=3650)] = 0
    """One with fewer whole days left than this fails (`domain_expired`); 0 is: only once it has expired."""
    status_absent: Annotated[tuple[str, ...], Field(max_length=50)] = _HELD
    """Statuses that the registration must not have (`domain_status`); those in which a domain is not served."""
    nameservers: Annotated[tuple[str, ...], Field(max_length=MAX_NAMESERVERS)] = ()
    """The name servers that the registry must have, no others (`domain_status`); any if empty."""
    registrar: Annotated[str, Field(min_length=1, max_length=255)] | None = None
    """A part of the registrar's name (`domain_status`): a domain that moves unasked is being stolen."""

    @model_validator(mode="after")
    def _ordered(self) -> DomainExpect:
        if self.fail_days > self.days:
            raise unusable("fail_days is more than days", "swap the two")
        return self


class DomainOptions(Options):
    """A domain whose registration must not run out. Registries limit how often they are asked: unless the probe itself
    says otherwise, it runs every 6h and without rechecks, whatever `defaults` say."""

    name: Annotated[str, Field(min_length=3, max_length=253)]
    """The registered domain, such as `shop.example`."""
    server: str | None = None
    """The RDAP service to ask (default: the one that IANA names for the top level domain)."""
    bootstrap: str = BOOTSTRAP_URL
    """Where IANA's list of RDAP services is read, once a day."""
    tls: TlsOptions = TlsOptions()
    """TLS towards the registry."""
    ip: FamilyRule = "any"
    """Address family towards the registry: `ip4` or `ip6` only; `prefer_ip4` or `prefer_ip6` with the other as
    fallback; or `any`, which takes IPv4 where the region has a route to it, else IPv6."""
    expect: DomainExpect = DomainExpect()
    """What the registration must be like."""

    @field_validator("name")
    @classmethod
    def _encodes(cls, value: str) -> str:
        ascii_name(value)
        return value

    @field_validator("server", "bootstrap")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                parse_url(value)
            except ValueError as error:
                raise unusable(str(error)) from None
        return value


class DomainCheck(Check[DomainOptions], kind="domain"):
    """Asks the registry of a domain when its registration ends, and in which state it is."""

    seldom = True
    phases = ("resolve", "connect", "tls", "send", "wait", "transfer")
    codes = codes_of("domain", "rdap")
    schemes = ("domain",)

    @classmethod
    def options_from_url(cls, url: str) -> dict[str, Any]:
        """Return the options for `domain:shop.example`."""
        return {"name": url.partition(":")[2].strip("/")}

    def prepare(self) -> None:
        """Take the options apart once."""
        self._name = ascii_name(self.options.name)

    @property
    def target(self) -> str:
        """The domain."""
        return self.options.name

    async def look(self, watch: Watch) -> None:
        """Find the registry, ask it, judge what it says."""
        try:
            await self._ask(watch)
        except DeadlinePassed:
            raise Stop(Code.AGENT_REGISTRY, "the registry did not answer in time") from None

    async def _ask(self, watch: Watch) -> None:
        server = self.options.server or await self._server(watch)
        watch.facts["server"] = printable(server, 255)
        status, data = await self._get(watch, rdap.question_url(server, self._name))
        if status == NOT_FOUND:
            raise Stop(Code.DOMAIN_MISSING, f"the registry knows no domain {self._name}")
        if status // 100 != 2:
            raise Stop(Code.AGENT_REGISTRY, f"the registry's service answered {status} (asked too often?)")
        try:
            registration = rdap.read_registration(data)
        except ValueError as error:
            raise Stop(Code.RDAP_MALFORMED, f"the registry's answer cannot be read: {error}") from None
        _note(watch, registration)
        self._judge(watch, registration, time.time())

    async def _server(self, watch: Watch) -> str:
        async def read(url: str) -> bytes:
            status, data = await self._get(watch, url)
            if status // 100 != 2:
                raise Stop(Code.AGENT_REGISTRY, f"the list of RDAP services answered {status}")
            return data

        servers: Servers = servers_of(self.options.bootstrap)
        try:
            found = rdap.server_for(self._name, await servers.get(read))
        except ValueError as error:
            raise Stop(Code.AGENT_REGISTRY, f"the list of RDAP services cannot be read: {error}") from None
        if found is None:
            top = self._name.rpartition(".")[2]
            raise Stop(Code.AGENT_UNSUPPORTED, f"no RDAP service is known for .{top} (name one as server)")
        return found

    async def _get(self, watch: Watch, url: str) -> tuple[int, bytes]:
        """Fetch from a registry; whatever goes wrong with it is no fault of the domain."""
        home = parse_url(url)
        transport = Transport(
            home=home,
            tls=self.options.tls,
            elsewhere=tls_elsewhere(self.options.tls),
            family=self.options.ip,
            body_limit=rdap.MAX_ANSWER_BYTES,
        )
        hop = transport.hop(home, Message(public=(("Accept", "application/rdap+json, application/json"),)))
        try:
            response = await fetch(Session(watch, transport), hop)
        except Stop as stop:
            if stop.code.value.startswith("agent_"):
                raise
            raise Stop(Code.AGENT_REGISTRY, f"{home.address} could not be asked: {stop.detail}") from None
        if response is None:
            raise Stop(Code.AGENT_REGISTRY, f"the certificate of {home.address} is not to be trusted")
        return response.status, response.body()

    def _judge(self, watch: Watch, registration: rdap.Registration, now: float) -> None:
        expect = self.options.expect
        _judge_end(watch, registration.expires, expect, now)
        statuses = {rdap.plain_status(status) for status in registration.statuses}
        for status in expect.status_absent:
            if rdap.plain_status(status) in statuses:
                watch.expect("status", f"not {status}", status, False, Code.DOMAIN_STATUS)
        if expect.nameservers:
            wanted = sorted({name.lower().rstrip(".") for name in expect.nameservers})
            held, seen = wanted == list(registration.nameservers), ", ".join(registration.nameservers)
            watch.expect(
                "nameservers", ", ".join(wanted), printable(seen or "none", 500), held, Code.DOMAIN_STATUS
            )
        if expect.registrar is not None:
            seen = registration.registrar or "not told"
            held = expect.registrar.lower() in seen.lower()
            watch.expect("registrar", expect.registrar, printable(seen, 255), held, Code.DOMAIN_STATUS)


def ascii_name(name: str) -> str:
    """Return a domain as registries know it, in lower case ASCII. Raises a validation error."""
    try:
        text = name.rstrip(".").encode("idna").decode("ascii").lower()
    except UnicodeError:
        text = ""
    if "." not in text or not all(part.replace("-", "").isalnum() for part in text.split(".")):
        raise unusable("not a registered domain", "such as shop.example, without scheme and path")
    return text


def _note(watch: Watch, registration: rdap.Registration) -> None:
    facts = watch.facts
    facts["expires"] = registration.expires
    facts["registered"] = registration.registered
    facts["status"] = [printable(status, 100) for status in registration.statuses[:20]]
    facts["nameservers"] = [printable(name, 255) for name in registration.nameservers[:20]]
    if registration.registrar is not None:
        facts["registrar"] = printable(registration.registrar, 255)


def _judge_end(watch: Watch, expires: int | None, expect: DomainExpect, now: float) -> None:
    if expires is None:
        raise Stop(Code.RDAP_MALFORMED, "the registry does not say when the registration ends")
    days = int((expires - now) // DAY_SECONDS)
    when = time.strftime("%Y-%m-%d", time.gmtime(expires))
    held = expires > now and days >= expect.fail_days
    words = f"at least {expect.fail_days} days left" if expect.fail_days else "not expired"
    seen = f"{days} days, until {when}" if expires > now else f"expired on {when}"
    watch.expect("registration", words, seen, held, Code.DOMAIN_EXPIRED)
    if held:
        enough = days >= expect.days
        watch.prefer("registration", f"at least {expect.days} days left", seen, enough, Code.DOMAIN_EXPIRING)
