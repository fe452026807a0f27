"""The past as the own API shows it: results, states, availability, gaps. Units as in `shapes`."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from reports.availability import Availability
from reports.ratio import measured_text, percent_text

from .shapes import FailureShape, Shape


class ExpectationShape(Shape, frozen=True, kw_only=True):
    """One thing that was asked of the target, what was seen, and whether it held."""

    what: str
    expected: str
    seen: str
    held: bool


class DetailShape(Shape, frozen=True, kw_only=True):
    """A result that was kept in full: everything but a plain pass, and the first pass after trouble."""

    phases_us: dict[str, int]
    failures: list[FailureShape]
    facts: dict[str, Any]  # Any: JSON that depends on the kind
    expectations: list[ExpectationShape]
    lag_us: int
    agent: str
    config_digest: str


class ResultShape(Shape, frozen=True, kw_only=True):
    """One result. `started_us` is known to 5 milliseconds where `started_exact` is false."""

    probe: str
    region: str
    series: int
    slot: int
    due_us: int  # when the slot was due
    kind: str  # scheduled, retry, recheck
    outcome: str
    started_us: int
    started_exact: bool
    duration_us: int
    agent: str | None  # who ran it; null where that is not known
    detail: DetailShape | None


class ResultsShape(Shape, frozen=True, kw_only=True):
    """One page, newest first; `after` asks for the next page, null at the end."""

    results: list[ResultShape]
    after: str | None


class StandingShape(Shape, frozen=True, kw_only=True):
    """Where a subject stands now: `probe:NAME`, `service:NAME` or `region:PROBE@REGION`."""

    subject: str
    state: str
    since_us: int
    because: str


class ChangeShape(Shape, frozen=True, kw_only=True):
    """A change of state: true since `at_us`, known at `noted_us`.

    Late results may revise the past: then `revision` says with which revision a change came (0: it was seen live), and
    `withdrawn` which one no longer holds it true (0: it stands).
    """

    subject: str
    before: str
    after: str
    at_us: int
    noted_us: int
    because: str
    revision: int
    withdrawn: int


class StatesShape(Shape, frozen=True, kw_only=True):
    """Where things stand, and the newest changes first."""

    states: list[StandingShape]
    changes: list[ChangeShape]


class GapShape(Shape, frozen=True, kw_only=True):
    """Slots without a result, both ends included, and why. The instants span the slots."""

    probe: str
    region: str
    series: int
    first_slot: int
    last_slot: int
    slots: int
    from_us: int
    to_us: int
    reason: str


class GapsShape(Shape, frozen=True, kw_only=True):
    """The newest gaps first; of a window the oldest first, series by series, and no slot twice.

    `after` asks for the next page of a window, null at the end.
    """

    gaps: list[GapShape]
    after: str | None = None


class SeriesShape(Shape, frozen=True, kw_only=True):
    """One probe in one region on one grid. Slots `first_slot` to `last_slot` are accounted for; null: none yet."""

    series: int
    probe: str
    region: str
    interval_us: int
    schedule: str
    regions: list[str]
    created_us: int
    first_slot: int | None
    last_slot: int | None


class SeriesListShape(Shape, frozen=True, kw_only=True):
    """Every series that there ever was, by its number."""

    series: list[SeriesShape]


class SlotShape(Shape, frozen=True, kw_only=True):
    """When a slot was due."""

    slot: int
    due_us: int


class SlotsShape(Shape, frozen=True, kw_only=True):
    """The slots of a series that were due in a window, oldest first; `after` asks for the next page."""

    series: int
    slots: list[SlotShape]
    after: str | None


class RatioShape(Shape, frozen=True, kw_only=True):
    """An exact ratio, and as a percentage without its sign, truncated toward zero.

    The text of a measured 1 is "no down time seen" while down time is possible: 100 is for where none is.
    """

    num: int
    den: int
    text: str


class DownShape(Shape, frozen=True, kw_only=True):
    """Down time: surely, as measured, and at most."""

    sure_us: int
    measured_us: int
    possible_us: int


class WindowShape(Shape, frozen=True, kw_only=True):
    """The figures of one window. Without data every ratio but the coverage is null."""

    from_us: int
    to_us: int
    lowest: RatioShape | None
    measured: RatioShape | None
    highest: RatioShape | None
    coverage: RatioShape
    down: DownShape
    unknown_us: int


class AwaitedShape(Shape, frozen=True, kw_only=True):
    """A region whose results from an instant on are still to come."""

    region: str
    since_us: int


class AvailabilityShape(Shape, frozen=True, kw_only=True):
    """A subject's windows: 1h, 24h, 7d, 30d, 90d and month; none while `ready` is false.

    Figures up to `settled_us` are final. They are provisional while windows end later and results are awaited.
    """

    subject: str
    ready: bool
    settled_us: int | None
    provisional: bool
    awaited: list[AwaitedShape]
    windows: dict[str, WindowShape]


def ratio_shape(ratio: Fraction, text: str | None = None) -> RatioShape:
    """Return a ratio in its shape; `text` where it is not the plain percentage."""
    return RatioShape(num=ratio.numerator, den=ratio.denominator, text=text or percent_text(ratio))


def window_shape(figures: Availability) -> WindowShape:
    """Return the figures of a window in their shape."""
    lowest, measured, highest = figures.lowest, figures.measured, figures.highest
    return WindowShape(
        from_us=figures.window.start_us,
        to_us=figures.window.end_us,
        lowest=None if lowest is None else ratio_shape(lowest),
        measured=None if measured is None else ratio_shape(measured, measured_text(figures)),
        highest=None if highest is None else ratio_shape(highest),
        coverage=ratio_shape(figures.coverage),
        down=DownShape(sure_us=figures.sure_us, measured_us=figures.down_us, possible_us=figures.possible_us),
        unknown_us=figures.unknown_us,
    )
