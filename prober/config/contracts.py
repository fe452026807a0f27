"""The `contracts` section: what was promised, to whom, and how it is counted.

Here: the shape of a contract. Not here: its methods and credits (modules of their own), what contradicts another key
(`contract_limits`), any figure (`reports`).
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StrictBool,
    StringConstraints,
    model_validator,
)

from checks.core.schema import Section
from checks.core.values import DurationUs, at_least, at_most

from .contract_credits import CreditTermsBlock, Tiers
from .contract_methods import Method, MethodText, NoKnobs
from .contract_terms import (
    Amount,
    Day,
    Denominator,
    DenominatorText,
    Hours,
    InstantUs,
    Percent,
    Window,
    WindowText,
    Zone,
)
from .presets import PresetName
from .probes import RegionNames
from .terms import Name, Prose, Title, wrong

MAX_SERVICES = 1_000
MAX_EXCLUSIONS = 1_000
MAX_HOLIDAYS = 1_000
MAX_OBJECTIVES = 20
MAX_ACTIONS = 100

# Pydantic takes its own tuple for a list when it writes what a plain validator has read.
_Regions = Annotated[RegionNames, PlainSerializer(list, return_type=list[str], when_used="json")]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=2_000)]


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
    hours: Hours | None = None
    """Only what lies in these hours of the week is excused; at any time if absent."""
    evidence: Literal["stated", "logged"] = "stated"
    """`stated`: the announcement counts from the instant that is stated; `logged`: from when it was on record here."""


class ExclusionBlock(Section):
    """Time taken out by agreement for another reason than maintenance. It counts once somebody has approved it."""

    title: Title
    """What happened."""
    kind: Literal["force_majeure", "customer", "third_party", "other"]
    """Whose fault it was, if anybody's."""
    start_us: InstantUs = Field(alias="start")
    """When it begins."""
    end_us: InstantUs = Field(alias="end")
    """When it ends."""
    reason: _Text
    """Why it is taken out; reports print it."""
    approved_by: Title | None = None
    """Who approved it; without it the exclusion is shown and does not count."""
    approved_us: InstantUs | None = Field(default=None, alias="approved")
    """When it was approved."""
    rule: Literal["shrink", "keep"] = "shrink"
    """As in `maintenance`."""

    @model_validator(mode="after")
    def _sound(self) -> ExclusionBlock:
        if self.end_us <= self.start_us:
            raise wrong("the end is not after the start")
        if self.approved_us is not None and self.approved_by is None:
            raise wrong("approved by nobody", "name somebody: approved_by")
        return self


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


class LatencyBlock(Section):
    """How fast most runs must be."""

    share: Annotated[Percent, AfterValidator(lambda share: _some(share, "a share"))]
    """The share of the passed scheduled runs that must be within the time."""
    within_us: Annotated[DurationUs, at_least("1ms"), at_most("10m")] = Field(alias="within")
    """The time they have."""


class ActionBlock(Section):
    """What was done since, for the report."""

    on: Day
    """The day it was done."""
    text: _Text
    """What was done."""


def _some(share: Fraction, what: str) -> Fraction:
    if not share:
        raise wrong(f"{what} of 0% promises nothing")
    return share


def _finish(schema: dict[str, Any]) -> None:  # Any: JSON
    """Say what required keys cannot: one of two spellings, and that a preset may bring the claim."""
    schema["required"] = [key for key in schema["required"] if key != "claim"]
    schema["allOf"] = [
        {"oneOf": [{"required": ["service"]}, {"required": ["services"]}]},
        {"anyOf": [{"required": ["claim"]}, {"required": ["preset"]}]},
    ]


class ContractBlock(Section):
    """An SLA: what was promised for a service, and how it is counted. Several blocks may have one name: they are its
    versions, and hold at different times."""

    model_config = ConfigDict(json_schema_extra=_finish)

    name: Name
    """The name that reports and the command line use."""
    title: Title | None = None
    """The name that reports print; the contract's name if absent."""
    preset: PresetName | None = None
    """Begin with the wording of a well-known provider ([presets](presets.md)); keys of your own replace the
    preset's."""
    service: str | None = None
    """The service that the promise is about."""
    services: Annotated[tuple[str, ...], Field(max_length=MAX_SERVICES)] = ()
    """Instead of `service`: several, for the method `weighted` by services."""
    regions: _Regions = ()
    """The regions whose sight counts; all of the probes' if absent."""
    customers: tuple[str, ...] = ()
    """The customers it was promised to."""
    claim: Annotated[Percent, AfterValidator(lambda claim: _some(claim, "a claim"))]
    """The promised availability, as text such as "99.95%": exact, never a float. Required, unless a preset gives it."""
    more_than: StrictBool = False
    """Whether the availability must be above the claim; else the claim itself is enough."""
    window: WindowText = Window("month")
    """What one figure covers: `month`, `quarter`, `year`, months from a day of theirs (`billing day 15`), or
    `rolling 30d`."""
    timezone: Zone = "UTC"
    """The zone that days and months are cut in."""
    method: MethodText = Method(time=NoKnobs())
    """How it is counted: `time`, `requests`, or a mapping with one of the methods."""
    denominator: DenominatorText = Denominator("period")
    """What down time is divided by: `period`, `eligible` (less exclusions), or a length such as `43200m` (not where
    attempts or slices are counted)."""
    unknown: Literal["bounds", "skip", "as_up", "as_down"] = "bounds"
    """What unmeasured time is; all but `bounds` are printed beside the bounds, never instead of them."""
    gap_us: Annotated[DurationUs, at_least("1s")] | None = Field(default=None, alias="gap")
    """Results further apart than this leave unknown time between them. Twice the interval if absent."""
    quorum: Literal["regional", "pooled"] = "regional"
    """`regional`: each region is judged, then they vote; `pooled`: all runs are one sequence."""
    clock_error_us: Annotated[DurationUs, at_most("1h")] = Field(default=0, alias="clock_error")
    """How wrong clocks may have been: the edges of outages are widened by this on either side."""
    statistics: Literal["beside", "weaker", "off"] = "beside"
    """Whether the statistical line stands beside the finding, may weaken it, or is left out."""
    hours: Hours | None = None
    """Service hours; time outside is not counted."""
    holidays: Annotated[tuple[Day, ...], Field(max_length=MAX_HOLIDAYS)] = ()
    """Days without service hours."""
    maintenance: MaintenanceRule | None = None
    """How announced maintenance is excused; not at all if absent."""
    exclusions: Annotated[tuple[ExclusionBlock, ...], Field(max_length=MAX_EXCLUSIONS)] = ()
    """Other time that was taken out by agreement."""
    credits: Tiers = ()
    """The credit table, from the highest availability to the lowest, without holes."""
    credit_terms: CreditTermsBlock | None = None
    """How credits are paid; or how they follow from the down time, without a table."""
    fee: Amount | None = None
    """What is paid for one window; the customer's fee if absent. Without any, credits are printed as shares."""
    latency: Annotated[tuple[LatencyBlock, ...], Field(max_length=MAX_OBJECTIVES)] = ()
    """How fast most runs must be."""
    effective: Effective = Effective()
    """From when to when it holds; always if absent."""
    public: StrictBool = False
    """Whether the status page and the public API show its figures."""
    promise: Prose | None = None
    """What was promised, in the contract's own words; reports print it."""
    actions: Annotated[tuple[ActionBlock, ...], Field(max_length=MAX_ACTIONS)] = ()
    """What was done since; reports print it."""

    @property
    def service_names(self) -> tuple[str, ...]:
        """The services that the promise is about, in the order of the file."""
        return self.services if self.service is None else (self.service,)
