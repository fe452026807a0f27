"""The `heartbeat` kind: a job calls us when it has run. No agent looks; the hub judges calls and their absence.

Here: the options and what the kind declares. Not here: the rules (`prober/hub/rhythm.py`), the addresses that are
called (`prober/web/ping.py`).
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from .core.check import Check, Options
from .core.failures import Code, Stop, codes_of
from .core.schema import unusable
from .core.values import DurationUs, Secret, at_least, at_most, format_duration
from .core.watch import Watch

MIN_TOKEN_CHARACTERS, MAX_TOKEN_CHARACTERS = 16, 128
_TOKEN = re.compile("[A-Za-z0-9_-]*")


def _usable_token(token: Secret) -> Secret:
    text = token.reveal()
    hint = "make one with: openssl rand -hex 32"
    if not MIN_TOKEN_CHARACTERS <= len(text) <= MAX_TOKEN_CHARACTERS:
        raise unusable(
            f"a token has from {MIN_TOKEN_CHARACTERS} to {MAX_TOKEN_CHARACTERS} characters, as it is part of a URL",
            hint,
        )
    if not _TOKEN.fullmatch(text):
        raise unusable("a token has letters, digits, - and _ only, as it is part of a URL", hint)
    return token


class HeartbeatOptions(Options):
    """A job that calls `/ping/TOKEN` each time it has run; a call that does not come is a failure.

    There is no cron expression: say how long a period is, and let `grace` cover what varies.
    """

    token: Annotated[Secret, AfterValidator(_usable_token)]
    """What names this job in the URL it calls: from 16 to 128 letters, digits, `-` and `_`; no other probe has it."""
    period_us: Annotated[DurationUs, at_least("1s"), at_most("92d")] = Field(alias="period")
    """The longest time from one success to the next, such as 1h or 1d; also the length of a slot."""
    grace_us: Annotated[DurationUs, at_most("92d")] = Field(default=60_000_000, alias="grace")
    """How much later than that a call may come. Default: 1m."""
    max_runtime_us: Annotated[DurationUs, at_least("1s"), at_most("92d")] | None = Field(
        default=None, alias="max_runtime"
    )
    """How long after `/start` the job may take to succeed; not limited if absent."""
    methods: Annotated[tuple[Literal["GET", "HEAD", "POST"], ...], Field(min_length=1, max_length=3)] = (
        "GET",
        "HEAD",
        "POST",
    )
    """HTTP methods that count as a call. Without GET and HEAD nobody calls by opening a link by mistake."""


class HeartbeatCheck(Check[HeartbeatOptions], kind="heartbeat"):
    """Is called by the job it watches, and fails when a call is missing or says so."""

    passive = True
    phases = ("run",)
    codes = codes_of("heartbeat")

    @property
    def target(self) -> str:
        """How often a call is due; the token stays secret."""
        options = self.options
        period, grace = format_duration(options.period_us), format_duration(options.grace_us)
        return f"called every {period}, {grace} grace"

    async def look(self, watch: Watch) -> None:
        """Look at nothing: whoever asks is told so, as trouble of our own."""
        raise Stop(Code.AGENT_UNSUPPORTED, "a heartbeat is called by its job, there is nothing to look at")
