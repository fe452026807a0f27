"""The `contracts` section: what was promised, to whom, and how it is counted.

Here: the shape of a contract. Not here: any figure (`reports`).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from checks.core.schema import Section
from checks.core.values import DurationUs, at_least

from .contract_terms import Day, Denominator, DenominatorText, Hours, Percent, Window, WindowText, Zone
from .faults import did_you_mean
from .terms import Name, Title, text_as, wrong

MAX_WEIGHTS = 1_000
MAX_TIERS = 20

_BARE_METHODS = ("time", "requests")


def _weight(text: str) -> Fraction:
    if not (text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 20):
        raise wrong("expected a weight such as 3 or 0.25")
    return Fraction(Decimal(text))


def _read_weight(value: object) -> Fraction:
    whole = isinstance(value, int) and not isinstance(value, bool)
    weight: Fraction = text_as(str(value) if whole else value, _weight, "expected a weight such as 3 or 0.25")
    if weight <= 0:
        raise wrong("a weight is more than zero")
    return weight


Threshold = Annotated[
    Percent,
    BeforeValidator(lambda value: "100%" if value == "all" else value),
    WithJsonSchema({"type": "string", "examples": ["5%", "all"]}),
]
Weight = Annotated[
    Fraction,
    PlainValidator(_read_weight),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9.]+$"}]}
    ),
]


class NoKnobs(Section):
    """A method without keys of its own."""


class Minutes(Section):
    """A minute is down if more than a share of its attempts failed."""

    threshold: Threshold
    """The share of failed attempts that a minute may have; `all`: every attempt must have failed."""
    min_attempts: Annotated[StrictInt, Field(ge=1, le=100_000)] = 1
    """A minute with fewer attempts is unknown."""


class Periods(Section):
    """Only so many down minutes in a row count, then all of them."""

    minutes: Annotated[StrictInt, Field(ge=1, le=1_440)]
    """How many minutes in a row make a down time."""
    threshold: Threshold = Fraction(1)
    """As in `minutes`."""
    min_attempts: Annotated[StrictInt, Field(ge=1, le=100_000)] = 1
    """As in `minutes`."""
    unknown: Literal["break", "bridge", "worst"] = "break"
    """What an unknown minute inside a run does."""
    good_minutes: Annotated[StrictInt, Field(ge=1, le=1_440)] = 1
    """How many good minutes in a row end a down time."""


class Slices(Section):
    """The mean of the error rates of equal slices of time."""

    length_us: Annotated[DurationUs, at_least("1s")] = Field(alias="length")
    """The length of a slice."""
    empty: Literal["zero", "skip", "unknown"] = "zero"
    """What a slice without attempts counts as: no errors, nothing, or unknown."""


class Weighted(Section):
    """Down time weighted by region or by probe."""

    by: Literal["regions", "probes"]
    """What the weights belong to."""
    weights: Annotated[dict[str, Weight], Field(min_length=1, max_length=MAX_WEIGHTS)]
    """The weight of each, more than zero; exact, `0.25` in quotes."""


class Method(Section):
    """How availability is counted; exactly one key."""

    time: NoKnobs | None = None
    """Down time over the whole."""
    requests: NoKnobs | None = None
    """Good attempts over all attempts."""
    minutes: Minutes | None = None
    """Down minutes, judged one by one."""
    periods: Periods | None = None
    """Down minutes that come in runs."""
    slices: Slices | None = None
    """The mean of the slices' error rates."""
    weighted: Weighted | None = None
    """Down time, weighted."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Method:
        if len(self.model_fields_set) != 1 or self.name == "":
            raise wrong("a method is exactly one of time, requests, minutes, periods, slices, weighted")
        return self

    @property
    def name(self) -> str:
        """The method's key."""
        return next((name for name in type(self).model_fields if getattr(self, name) is not None), "")


def _method(value: object) -> object:
    if isinstance(value, str):
        if value in _BARE_METHODS:
            return {value: {}}
        if value in Method.model_fields:
            raise wrong(f"the method {value} needs keys", f"such as method: {{{value}: {{...}}}}")
        raise wrong("not a method", did_you_mean(value, list(Method.model_fields)))
    return value


class MaintenanceRule(Section):
    """How announced maintenance is treated."""

    rule: Literal["shrink", "keep"] = "shrink"
    """`shrink`: out of the down time and of the whole; `keep`: out of the down time only."""
    notice_us: DurationUs | None = Field(default=None, alias="notice")
    """It counts only if it was announced this long before its start."""
    max_per_month_us: DurationUs | None = Field(default=None, alias="max_per_month")
    """At most this much of a month is excused."""
    max_per_year_us: DurationUs | None = Field(default=None, alias="max_per_year")
    """At most this much of a year is excused."""


class Tier(Section):
    """One step of the credit table."""

    below: Percent
    """The step holds if the availability is below this."""
    credit: Percent
    """The share of the fee that is given back."""


class Effective(Section):
    """From when to when a contract holds, in its own time zone."""

    from_day: Day | None = Field(default=None, alias="from")
    """The first day."""
    to_day: Day | None = Field(default=None, alias="to")
    """The first day that is no longer covered."""

    @model_validator(mode="after")
    def _ordered(self) -> Effective:
        if self.from_day and self.to_day and self.to_day <= self.from_day:
            raise wrong("to is not after from")
        return self


def _tiers(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    for above, below in pairwise(tiers):
        if below.below >= above.below:
            raise wrong("credit tiers go from the highest to the lowest availability, each once")
        if below.credit < above.credit:
            raise wrong("a lower availability cannot give a smaller credit")
    return tiers


def _claim(claim: Fraction) -> Fraction:
    if not claim:
        raise wrong("a claim of 0% promises nothing")
    return claim


class ContractBlock(Section):
    """An SLA: what was promised for a service, and how it is counted."""

    name: Name
    """The name that reports and the command line use."""
    title: Title | None = None
    """The name that reports print; the contract's name if absent."""
    service: str
    """The service that the promise is about."""
    customers: tuple[str, ...] = ()
    """The customers it was promised to."""
    claim: Annotated[Percent, AfterValidator(_claim)]
    """The promised availability, as text such as "99.95%": exact, never a float."""
    window: WindowText = Window("month")
    """What one figure covers: `month`, `quarter`, `year`, or `rolling 30d`."""
    timezone: Zone = "UTC"
    """The zone that days and months are cut in."""
    method: Annotated[
        Method, BeforeValidator(_method, json_schema_input_type=Method | Literal["time", "requests"])
    ] = Method(time=NoKnobs())
    """How it is counted: `time`, `requests`, or a mapping with one of the methods that have keys."""
    denominator: DenominatorText = Denominator("period")
    """What down time is divided by: `period`, `eligible` (less exclusions), or a length such as `43200m`."""
    unknown: Literal["bounds", "skip", "as_up", "as_down"] = "bounds"
    """What unmeasured time is; all but `bounds` are printed beside the bounds, never instead of them."""
    gap_us: Annotated[DurationUs, at_least("1s")] | None = Field(default=None, alias="gap")
    """Results further apart than this leave unknown time between them. Twice the interval if absent."""
    quorum: Literal["regional", "pooled"] = "regional"
    """`regional`: each region is judged, then they vote; `pooled`: all runs are one sequence."""
    hours: Hours | None = None
    """Service hours; time outside is not counted."""
    maintenance: MaintenanceRule | None = None
    """How announced maintenance is excused; not at all if absent."""
    credits: Annotated[tuple[Tier, ...], Field(max_length=MAX_TIERS), AfterValidator(_tiers)] = ()
    """The credit table, from the highest availability to the lowest."""
    effective: Effective = Effective()
    """From when to when it holds; always if absent."""
