"""Limits that checks of several kinds set on a run: how long it may take, how long its certificate must hold."""

from __future__ import annotations

import time
from typing import Annotated

from pydantic import Field, StrictInt, model_validator

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
        """Compare the phases so far with the limits; call it when the last stage has ended."""
        if self.within_us is None and self.warn_within_us is None:
            return
        took_us = watch.elapsed_us()
        seen = f"{took_us / 1000:.1f}ms"
        if self.within_us is not None:
            held = took_us <= self.within_us
            watch.expect("time", f"within {format_duration(self.within_us)}", seen, held, Code.TOO_SLOW)
        if self.warn_within_us is not None:
            held = took_us <= self.warn_within_us
            watch.prefer("time", f"within {format_duration(self.warn_within_us)}", seen, held, Code.SLOW)


class ConnectionLimits(TimeLimits):
    """The same, and how long the certificate of a TLS connection must hold."""

    certificate_days: Annotated[StrictInt, Field(ge=0, le=MAX_CERTIFICATE_DAYS)] | None = None
    """A certificate with fewer whole days left gets a warning (`tls_expiring`)."""

    def judge_certificate(self, watch: Watch, leaf: CertificateFacts | None) -> None:
        """Compare the days that the target's certificate has left with the limit."""
        if self.certificate_days is None or leaf is None:
            return
        days = leaf.days_left(time.time())
        expected, held = f"at least {self.certificate_days} days left", days >= self.certificate_days
        watch.prefer("certificate", expected, f"{days} days", held, Code.TLS_EXPIRING)
