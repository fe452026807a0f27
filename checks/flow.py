"""The `flow` check: several HTTP requests in one run, each with values that earlier answers gave.

Here: the options and the order of steps. A step's options, request and captures live in `core/flow_*.py`, the way to a
page and its judgement in `core/http_visit.py`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StrictBool, model_validator

from .core.check import Check, Options, looked
from .core.failures import Code, Stop, codes_of
from .core.flow_request import PreparedStep, headers_of
from .core.flow_steps import MAX_STEPS, FlowStep, check_steps, home_of, whole_url
from .core.http_judge import Judge
from .core.http_oauth import tokens_of
from .core.http_options import BodyLimit, HeadersField, Redirects, RedirectsField
from .core.http_proxy import Proxies, ProxyField
from .core.http_request import Hop
from .core.http_response import Response
from .core.http_session import Session, Transport, Version, check_version, tls_elsewhere
from .core.http_url import HttpUrl
from .core.http_visit import Page, Visit
from .core.resolve import FamilyRule
from .core.result import Fact, Outcome
from .core.thresholds import ConnectionLimits
from .core.tls import TlsOptions
from .core.values import SizeBytes
from .core.watch import Watch

_TOLD = ("status", "http_version", "redirects", "downgraded", "address", "family", "size")


class FlowOptions(Options):
    """Which requests to make, one after the other, and how they travel."""

    steps: Annotated[tuple[FlowStep, ...], Field(min_length=1, max_length=MAX_STEPS)]
    """The requests in their order (1 to 20); the first step that fails ends the run and is named."""
    headers: HeadersField = Field(default={})
    """Request headers by name for every step that does not set them itself (default: none). One that refers to values,
    such as `Authorization: Bearer {token}`, goes with the steps after those that capture them."""
    redirects: RedirectsField = Redirects()
    """Redirects of every step that does not say otherwise; `false` for short means not to follow."""
    tls: TlsOptions = TlsOptions()
    """TLS, for `https` URLs; server name and client certificate are for the hosts that the steps name themselves."""
    proxy: ProxyField | None = None
    """Forward proxy, as for `http` (default: none)."""
    version: Version = "any"
    """Version of HTTP, as for `http`."""
    cookies: StrictBool = True
    """Send the cookies that an answer sets with later requests of the run, where they belong (default: true)."""
    ip: FamilyRule = "any"
    """Which addresses to use, as for `http`."""
    body_limit: Annotated[SizeBytes, BodyLimit] = 10 * 1024 * 1024
    """Longest response body, before and after its content encoding is undone (default 10 MiB); a longer one fails with
    `body_limit`."""
    expect: ConnectionLimits = ConnectionLimits()
    """How long all steps together may take, and how many days the certificates of steps that do not say so themselves
    must have left."""

    @model_validator(mode="after")
    def _sensible(self) -> FlowOptions:
        check_steps(self.steps, self.headers)
        for step in self.steps:
            check_version(self.version, home_of(self.steps, step), has_proxy=self.proxy is not None)
        return self


class FlowCheck(Check[FlowOptions], kind="flow"):
    """Makes several HTTP requests in one run, with values and cookies carried from one to the next."""

    phases = ("authorize", "resolve", "connect", "tls", "send", "wait", "transfer")
    codes = codes_of("resolve", "connect", "tls", "connection", "timeout", "http", "proxy", "body", "json",
                     "expression", "oauth", "capture") | {Code.TLS_MISSING, Code.TLS_UNWANTED}  # fmt: skip

    @classmethod
    def cost_of(cls, options: FlowOptions) -> int:
        """Return the CPU of one run: that of a request, for every step."""
        return cls.cost_us * len(options.steps)

    def prepare(self) -> None:
        """Compile the expectations of every step."""
        options = self.options
        self._proxies = Proxies.of(options.proxy) if options.proxy is not None else None
        self._secrets_of_steps = frozenset(name for step in options.steps for name in step.secrets)
        known: set[str] = set()
        self._steps: list[PreparedStep] = []
        for step in options.steps:
            self._steps.append(self._prepared(step, known))
            known |= set(step.capture)

    def _prepared(self, step: FlowStep, known: set[str]) -> PreparedStep:
        options, expect = self.options, step.expect
        oauth2 = step.auth.oauth2 if step.auth is not None else None
        return PreparedStep(
            options=step,
            url=whole_url(step.url, options.steps[0].url),
            headers=headers_of(step, options.headers, known),
            secrets=self._secrets_of_steps,
            page=self._page(step),
            certificates=expect if expect.certificate_days is not None else options.expect,
            transport=self._transport(home_of(options.steps, step)),
            tokens=tokens_of(oauth2, self._proxies) if oauth2 is not None else None,
        )

    def _page(self, step: FlowStep) -> Page:
        judge = Judge(step.expect, hides_body=step.hides_body)
        return Page(
            judge=judge,
            redirects=step.redirects or self.options.redirects,
            body_limit=self.options.body_limit,
            keep_body=judge.needs_body or any(each.reads_body for each in step.capture.values()),
        )

    def _transport(self, home: HttpUrl) -> Transport:
        options = self.options
        return Transport(
            home=home,
            tls=options.tls,
            elsewhere=tls_elsewhere(options.tls),
            family=options.ip,
            version=options.version,
            proxies=self._proxies,
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
        self._answer: Response | None = None  # of the step under way
        self._seen: list[Fact] = []

    async def take(self, step: PreparedStep) -> None:
        """Take one step within a part of the run; the waterfall of the run is the sum of its steps."""
        watch, phases = self._watch, self._watch.phases_us
        part = watch.part()
        part.phases_us, part.facts = {}, {}
        self._answer = None
        self._session.go_on(part, step.transport, step.certificates.judge_certificate)
        await looked(part, self._ask(part, step))
        part.facts.pop("hops", None)  # the steps say as much
        self._seen.append(_summary(step, part))
        watch.take_in([(f"step {step.options.name}", part)])
        for stage, length_us in part.phases_us.items():
            phases[stage] = phases.get(stage, 0) + length_us
        watch.phases_us = phases
        watch.facts["steps"] = self._seen

    async def _ask(self, part: Watch, step: PreparedStep) -> None:
        asking = step.requests(self._values, self._where, part.conceal).asking(part)
        values: dict[str, str] = {}
        trouble: Stop | None = None
        try:
            await Visit(self._session, step.transport, asking, step.page, self._see).make()
        finally:  # its secrets are masked whatever becomes of the step
            if self._answer is not None:
                values, trouble = step.captured(self._answer, part.conceal)
        if part.failed:
            return
        if trouble is not None:
            raise trouble
        self._values.update(values)

    def _see(self, hop: Hop, response: Response) -> None:
        self._where, self._answer = hop.url, response


def _summary(step: PreparedStep, part: Watch) -> Fact:
    seen: dict[str, Fact] = {"name": step.options.name, "url": part.facts.get("final_url")}
    return {
        **seen,
        **{fact: part.facts[fact] for fact in _TOLD if fact in part.facts},
        "outcome": str(part.outcome),
        "duration_us": part.elapsed_us(),
        "phases_us": dict(part.phases_us),
    }
