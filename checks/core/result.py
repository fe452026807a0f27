"""What one run of a check saw: values only, no behaviour beyond reading them."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

# What a target told us about itself: bounded, safe to show, JSON by nature. Any: the decoder takes no recursive type.
Fact = str | int | float | bool | None | list[Any] | dict[str, Any]


class Outcome(StrEnum):
    """PASS; WARN (passed, but slow or soon expiring); FAIL; VOID (our own side could not tell)."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    VOID = "void"


class Failure(msgspec.Struct, frozen=True, array_like=True):
    """One reason: a code of the closed list and a detail for people."""

    code: str
    detail: str


class Expectation(msgspec.Struct, frozen=True, array_like=True):
    """One thing that was asked of the target, what was seen, and whether it held."""

    what: str
    expected: str
    seen: str
    held: bool


class Result(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """One run. Instants are wall clock micro-seconds since the epoch; durations are micro-seconds.

    `duration_us` is the sum of `phases_us`; a phase that was not reached is absent. `lag_us` is the time that
    the agent itself was late within the run; it is not part of any phase measured by the kernel's clock.
    """

    outcome: Outcome
    started_us: int
    duration_us: int
    phases_us: dict[str, int]
    failures: tuple[Failure, ...] = ()
    facts: dict[str, Fact] = {}
    expectations: tuple[Expectation, ...] = ()
    lag_us: int = 0

    @property
    def failure(self) -> Failure | None:
        """Return the gravest failure, or None for a plain pass."""
        return self.failures[0] if self.failures else None
