"""What `prober regions` needs of the daemon's answers; keys that it does not know are passed over.

Units as in `answers`.
"""

from __future__ import annotations

from .answers import Answer, LastAnswer, RatioAnswer


class ClockAnswer(Answer, frozen=True, kw_only=True):
    """How far an agent's clock is ahead, and how far off that may be."""

    offset_us: int
    error_us: int


class SpoolAnswer(Answer, frozen=True, kw_only=True):
    """What waits on an agent's disk, and what it gave up."""

    results: int
    dropped_results: int


class RemoteAnswer(Answer, frozen=True, kw_only=True):
    """An agent of a region."""

    name: str
    remote: bool
    standing: str
    seen_us: int | None
    lag_us: int | None
    clock: ClockAnswer | None
    spool: SpoolAnswer | None


class ShareAnswer(Answer, frozen=True, kw_only=True):
    """So many of so many."""

    count: int
    ratio: RatioAnswer | None


class SeenAnswer(Answer, frozen=True, kw_only=True):
    """A probe as the region sees it."""

    probe: str
    state: str
    since_us: int
    because: str
    last: LastAnswer | None


class WatchAnswer(Answer, frozen=True, kw_only=True):
    """A region."""

    name: str
    standing: str
    agents: list[RemoteAnswer]
    lag_us: int | None
    void: ShareAnswer
    missed: ShareAnswer
    probes: list[SeenAnswer]


class TroubleAnswer(Answer, frozen=True, kw_only=True):
    """One sentence on what is wrong; `grave` where a region or an agent tells nothing."""

    words: str
    grave: bool


class RegionsAnswer(Answer, frozen=True, kw_only=True):
    """All regions."""

    now_us: int
    troubles: list[TroubleAnswer]
    regions: list[WatchAnswer]


class ForgottenAnswer(Answer, frozen=True, kw_only=True):
    """The key of an agent is no longer pinned."""

    agent: str
