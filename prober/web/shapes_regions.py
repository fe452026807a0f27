"""Regions and their agents as the own API shows them. Units as in `shapes`."""

from __future__ import annotations

from .shapes import AgentShape, LastShape, Shape
from .shapes_past import RatioShape


class ShareShape(Shape, frozen=True, kw_only=True):
    """So many of so many since the daemon's start; the ratio is null where there were none."""

    count: int
    total: int
    ratio: RatioShape | None


class RegionProbeShape(Shape, frozen=True, kw_only=True):
    """A probe as the region sees it."""

    probe: str
    state: str
    since_us: int
    because: str
    last: LastShape | None


class TroubleShape(Shape, frozen=True, kw_only=True):
    """What is wrong with our own sight, in words; `grave` where a region or an agent tells nothing."""

    region: str | None
    agent: str | None
    words: str
    grave: bool


class WatchShape(Shape, frozen=True, kw_only=True):
    """A region, its agents and everything that it sees."""

    name: str
    title: str
    local: bool
    mode: str  # share: its agents share the probes; all: each runs all of them
    standing: str  # the gravest that is known of it: cut_off, silent, no_agent, alone, waiting, or sound
    agents: list[AgentShape]
    watermark_us: int | None  # all of its results that began before are on record
    lag_us: int | None  # how long ago that is
    silent: bool  # nothing was delivered for longer than its probes may be silent
    cut_off: bool  # its canaries could not be reached when they were asked
    asked_us: int | None
    evidence: list[str]
    alone: list[str]  # probes that it alone sees failing
    alone_since_us: int | None
    void: ShareShape  # of its scheduled results
    missed: ShareShape  # of its slots, but for those that were paused
    probes: list[RegionProbeShape]


class RegionsShape(Shape, frozen=True, kw_only=True):
    """All regions, in the order of the file, and what is wrong with them, the gravest first."""

    now_us: int
    all_silent_since_us: int | None
    settled_us: int | None
    revisions: int  # how often late results changed what was said of states, since the daemon's start
    troubles: list[TroubleShape]
    regions: list[WatchShape]


class AsideBatchShape(Shape, frozen=True, kw_only=True):
    """A batch that was not taken, and why."""

    agent: str
    region: str
    epoch: int
    sequence: int
    noted_us: int
    reason: str
    bytes: int


class AsideShape(Shape, frozen=True, kw_only=True):
    """The newest batches that are kept aside, newest first."""

    batches: list[AsideBatchShape]


class ForgottenShape(Shape, frozen=True, kw_only=True):
    """The key of an agent is no longer pinned: the next one that comes by this name is taken in anew."""

    agent: str
    forgotten: bool
