"""Limits that checks of several kinds set on a run: how long it may take, how long its certificate must hold."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Protocol, TypeVar

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from .certificates import CertificateFacts
from .failures import Code
from .schema import Section, unusable
from .values import DurationUs, format_duration
from .watch import Watch

MAX_CERTIFICATE_DAYS = 3650


class TimeLimits(Section):
    """How long a run may take, all its phases together."""

    within_us: DurationUs | None = Field(default=None, alias="within")
    """A run that takes longer has failed (`too_slow`)."""
    warn_within_us: DurationUs | None = Field(default=None, alias="warn_within")
    """A run that takes longer passes with a warning (`slow`)."""

    @model_validator(mode="after")
    def _ordered(self) -> TimeLimits:
        if (
            self.within_us is not None
            and self.warn_within_us is not None
            and self.within_us < self.warn_within_us
        ):
            raise unusable("warn_within is longer than within", "swap the two")
        return self

    def judge_time(self, watch: Watch) -> None:
        """Compare the phases so far with the limits; call it when the last stage has ended.

        Fetching a token is left out (`authorize`): most runs find one in memory.
        """
        if self.within_us is None and self.warn_within_us is None:
            return
        self.judge_span(watch, "time", watch.elapsed_us() - watch.phases_us.get("authorize", 0))

    def judge_span(self, watch: Watch, what: str, took_us: int) -> None:
        """Compare one length of time with the limits."""
        seen = f"{took_us / 1000:.1f}ms"
        if self.within_us is not None:
            held = took_us <= self.within_us
            watch.expect(what, f"within {format_duration(self.within_us)}", seen, held, Code.TOO_SLOW)
        if self.warn_within_us is not None:
            held = took_us <= self.warn_within_us
            watch.prefer(what, f"within {format_duration(self.warn_within_us)}", seen, held, Code.SLOW)


def _within(value: object) -> object:
    return {"within": value} if isinstance(value, str) else value


class PhaseLimits(TimeLimits):
    """How long one phase may take, summed over redirects. One that was not reached is not judged."""

    @model_validator(mode="after")
    def _some(self) -> PhaseLimits:
        if self.within_us is None and self.warn_within_us is None:
            raise unusable("give within or warn_within", "such as 500ms, or {warn_within: 500ms}")
        return self


PhaseField = Annotated[PhaseLimits, BeforeValidator(_within, json_schema_input_type=str | PhaseLimits)]
"""Limits of one phase; a plain duration stands for `within`."""


Phase = TypeVar("Phase", bound=str)


def judge_phases(watch: Watch, limits: Mapping[Phase, PhaseLimits]) -> None:
    """Compare the phases that were reached with their limits; call it when the last stage has ended."""
    for phase, each in limits.items():
        if (took_us := watch.phases_us.get(phase)) is not None:
            each.judge_span(watch, f"time of {phase}", took_us)


class ConnectionLimits(TimeLimits):
    """Limits on the time, and on the days that the certificate of a TLS connection must have left."""

    certificate_days: Annotated[StrictInt, Field(ge=0, le=MAX_CERTIFICATE_DAYS)] | None = None
    """A certificate with fewer whole days left gets a warning (`tls_expiring`)."""

    def judge_certificate(self, watch: Watch, leaf: CertificateFacts | None) -> None:
        """Compare the days that the target's certificate has left with the limit."""
        if self.certificate_days is None or leaf is None:
            return
        days = leaf.days_left(time.time())
        expected, held = f"at least {self.certificate_days} days left", days >= self.certificate_days
        watch.prefer("certificate", expected, f"{days} days", held, Code.TLS_EXPIRING)


class Limited(Protocol):
    """Options of a kind that speaks TLS only if asked to, and whose answers may be limited."""

    @property
    def expect(self) -> ConnectionLimits:
        """The limits."""

    @property
    def model_fields_set(self) -> set[str]:
        """The options that were given."""


def check_limits(options: Limited, *, speaks_tls: bool) -> None:
    """Raise a validation error for an option that would do nothing: no TLS to judge, no dialogue to limit."""
    if options.expect.certificate_days is not None and not speaks_tls:
        raise unusable("certificate_days says nothing without TLS", "leave it out, or speak TLS")
    if "dialogue_limit" in options.model_fields_set and "dialogue" not in options.model_fields_set:
        raise unusable("dialogue_limit says nothing without a dialogue", "leave it out")
