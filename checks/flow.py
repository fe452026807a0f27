"""The `flow` check: several HTTP requests in one run, each with values that earlier answers gave.

Here: the options and the order of steps. A step's request and captures live in `core/flow_steps.py` and
`core/flow_values.py`, how requests travel in `core/http_session.py`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, model_validator

from .core.check import Check, Options, looked
from .core.failures import codes_of
from .core.flow_steps import MAX_STEPS, FlowStep, PreparedStep, check_steps, home_of
from .core.flow_values import in_url
from .core.http_body import decode
from .core.http_judge import Judge
from .core.http_options import BodyLimit
from .core.http_proxy import Proxies, ProxyField
from .core.http_redirect import next_message, next_url
from .core.http_response import Response
from .core.http_session import Session, Transport, Version, check_version, tls_elsewhere
from .core.http_url import HttpUrl
from .core.resolve import FamilyRule
from .core.result import Fact, Outcome
from .core.thresholds import TimeLimits
from .core.tls import TlsOptions
from .core.values import SizeBytes
from .core.watch import Watch


class FlowOptions(Options):
    """Which requests to make, one after the other, and how they travel."""

    steps: Annotated[tuple[FlowStep, ...], Field(min_length=1, max_length=MAX_STEPS)]
    """The requests in their order; the first step that fails ends the run and is named."""
    tls: TlsOptions = TlsOptions()
    """TLS, for `https` URLs; server name and client certificate are for the hosts that the steps name themselves."""
    proxy: ProxyField | None = None
    """Forward proxy, as for `http` (default: none)."""
    version: Version = "any"
    """Version of HTTP, as for `http`."""
    cookies: StrictBool = True
    """Send the cookies that an answer sets with later requests of the run, where they belong."""
    ip: FamilyRule = "any"
    """Which addresses to use, as for `http`."""
    body_limit: Annotated[SizeBytes, BodyLimit] = 10 * 1024 * 1024
    """Longest response body, before and after its content encoding is undone; a longer one fails with `body_limit`."""
    expect: TimeLimits = TimeLimits()
    """How long all steps together may take."""

    @model_validator(mode="after")
    def _sensible(self) -> FlowOptions:
        check_steps(self.steps)
        for step in self.steps:
            check_version(self.version, home_of(self.steps, step), has_proxy=self.proxy is not None)
        return self


class FlowCheck(Check[FlowOptions], kind="flow"):
    """Makes several HTTP requests in one run, with values and cookies carried from one to the next."""

    phases = ("resolve", "connect", "tls", "send", "wait", "transfer")
    codes = codes_of("resolve", "connect", "tls", "connection", "timeout", "http", "proxy", "body", "json",
                     "expression", "capture")  # fmt: skip

    def prepare(self) -> None:
        """Compile the expectations of every step."""
        steps = self.options.steps
        proxies = Proxies.of(self.options.proxy) if self.options.proxy is not None else None
        secrets = frozenset(name for step in steps for name, each in step.capture.items() if each.secret)
        self._steps = [
            PreparedStep(
                options=step,
                judge=Judge(step.expect),
                transport=self._transport(home_of(steps, step), proxies),
                secrets=secrets,
            )
            for step in steps
        ]

    def _transport(self, home: HttpUrl, proxies: Proxies | None) -> Transport:
        options = self.options
        return Transport(
            home=home,
            tls=options.tls,
            elsewhere=tls_elsewhere(options.tls),
            family=options.ip,
            version=options.version,
            proxies=proxies,
            cookies=options.cookies,
            body_limit=options.body_limit,
        )

    @property
    def target(self) -> str:
        """The URL of the first step without the values of its query."""
        return self._steps[0].transport.home.shown()

    async def look(self, watch: Watch) -> None:
        """Take the steps until one fails."""
        walk = _Walk(watch, self._steps[0].transport)
        for step in self._steps:
            await walk.take(step)
            if watch.outcome in (Outcome.FAIL, Outcome.VOID):
                break
        else:
            self.options.expect.judge_time(watch)
        watch.facts["clock"] = "kernel" if watch.exact else "process"


class _Walk:
    """One run of a flow: what has been captured, and what the steps so far have seen."""

    def __init__(self, watch: Watch, transport: Transport) -> None:
        self._watch = watch
        self._session = Session(watch, transport)
        self._values: dict[str, str] = {}
        self._where = transport.home  # the URL that the step before ended at
        self._seen: list[Fact] = []

    async def take(self, step: PreparedStep) -> None:
        """Take one step within a part of the run; the waterfall of the run is the sum of its steps."""
        watch, phases = self._watch, self._watch.phases_us
        part = watch.part()
        part.phases_us, part.facts = {}, {}
        self._session.go_on(part, step.transport, step.judge.certificate)
        await looked(part, self._ask(part, step))
        self._seen.append(_summary(step, part))
        watch.take_in([(f"step {step.options.name}", part)])
        for stage, length_us in part.phases_us.items():
            phases[stage] = phases.get(stage, 0) + length_us
        watch.phases_us = phases
        watch.facts["steps"] = self._seen

    async def _ask(self, part: Watch, step: PreparedStep) -> None:
        hop = step.hop(self._values, self._where)
        redirects = 0
        while True:
            part.facts["final_url"] = hop.shown
            reply = await self._session.send(hop, keep_body=step.keeps_body)
            if reply is None:  # not to be trusted with a request
                return
            try:
                response = reply.response
                part.facts["status"], part.facts["http_version"] = response.status, response.version
                url = next_url(hop.url, response, step.options.redirects, redirects)
                if url is None:
                    self._where = hop.url
                    step.judge.head(part, response, secure=hop.url.secure)
                    await reply.read_body()
                    await self._finish(part, step, response)
                    return
                reply.skip_body()
            finally:
                reply.close()
            redirects += 1
            part.facts["redirects"] = redirects
            hop = step.transport.hop(url, next_message(hop.message, response.status))

    async def _finish(self, part: Watch, step: PreparedStep, response: Response) -> None:
        """Judge the rest of the answer, and take the values out of one that is right."""
        part.facts["size"] = response.size
        await step.judge.rest(part, response, step.transport.body_limit)
        if part.failed:
            return
        wanted = step.options.capture
        reads = any(each.reads_body for each in wanted.values())
        content = decode(response, step.transport.body_limit) if reads else None
        for name, each in wanted.items():
            value = each.find(name, response, content)
            self._values[name] = value
            if each.secret:
                for form in (value, in_url(value)):
                    part.conceal(form)


def _summary(step: PreparedStep, part: Watch) -> Fact:
    seen: dict[str, Fact] = {"name": step.options.name, "url": part.facts.get("final_url")}
    for fact in ("status", "http_version", "redirects", "address", "family", "size"):
        if fact in part.facts:
            seen[fact] = part.facts[fact]
    return {
        **seen,
        "outcome": str(part.outcome),
        "duration_us": part.elapsed_us(),
        "phases_us": dict(part.phases_us),
    }
