"""The report as data: the published shape of `prober report --format json`, from which every other format is made.

Stored with each closed revision, so a report can be rendered again in any format and language. Codes, not words,
stand here; words are chosen when it is rendered. Instants are RFC 3339 texts with the offset of the contract's zone.
Every rational is written as numerator and denominator; `text` is truncated toward zero. Additions get a default:
documents of before must stay readable.
"""

from __future__ import annotations

from typing import Any

import msgspec

from reports.shapes import Bounds as Bounds
from reports.shapes import Number as Number
from reports.shapes import Ratio as Ratio
from reports.shapes import Seconds as Seconds
from reports.shapes import Shape as Shape

VERSION = "1"


class Period(Shape, frozen=True, kw_only=True, rename={"from_": "from"}):
    """What the figures cover: [from, to) in the contract's zone, `seconds` long."""

    from_: str
    to: str
    seconds: int
    zone: str
    label: str
    """Such as 2026-03, 2026-Q1, 2026, or two dates."""
    unit: str = "month"
    part: int = 1
    """A change of the contract in mid-period splits it into `parts`, each with figures of its own."""
    parts: int = 1
    as_of: str | None = None
    """While the period runs: up to where the figures reach."""


class Brand(Shape, frozen=True, kw_only=True):
    """Whose report it is: what stands at its head and foot."""

    name: str = ""
    logo: str | None = None
    """A `data:` URL of an image."""
    colour: str = "#1d4ed8"
    footer: str = ""


class Method(Shape, frozen=True, kw_only=True):
    """How it is counted, and the options as texts."""

    name: str
    options: dict[str, str] = {}
    preset: str | None = None


class Statistics(Shape, frozen=True, kw_only=True):
    """The second line: one-sided Clopper-Pearson bounds at `confidence` on the share of failed trials."""

    applies: bool
    why_not: str | None = None
    """A code if it does not apply: `fixed_schedule`, `no_trials`, `off`, `mixed`, `imported`."""
    confidence: str = "0.95"
    schedule: str = ""
    trials: int = 0
    bad: int = 0
    lower: str = ""
    """Of the share that failed, as a decimal rounded down."""
    upper: str = ""
    """As a decimal rounded up."""
    finding: str | None = None
    weakens: bool = False
    """Whether the headline finding is the weaker of the two, by contract."""


class ExcludedWindow(Shape, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One window that was asked to be taken out, counted or not."""

    title: str
    kind: str
    """`maintenance`, `force_majeure`, `customer`, `third_party`, `other`."""
    from_: str
    to: str
    counted: bool
    counted_seconds: Number
    reason: str
    """A code, such as `counted`, `partly_cap`, `late_notice`, `cap_used`, `not_agreed`."""
    rule: str = "shrink"
    announced: str | None = None
    logged: str | None = None
    approved_by: str | None = None
    text: str = ""
    down_seconds: Number | None = None
    """Measured down time inside what was counted."""
    approved: str | None = None
    """When it was approved."""


class Excluded(Shape, frozen=True, kw_only=True):
    """Time that is not counted: outside service hours, and the windows."""

    seconds: Number
    outside_hours_seconds: Number
    windows: list[ExcludedWindow] = []
    overrun_seconds: Number = Number(num=0, den=1)
    """Measured down time that went on after an announced end: it counts."""


class Slots(Shape, frozen=True, kw_only=True):
    """What became of the scheduled slots of the period."""

    total: int
    good: int
    bad: int
    void: int
    missed: dict[str, int] = {}


class Coverage(Shape, frozen=True, kw_only=True):
    """How much of the eligible time was measured."""

    ratio: Ratio
    measured_seconds: Number
    unknown_seconds: Number
    slots: Slots
    gaps: list[dict[str, Any]] = []
    """The longest unknown times: {from, to, seconds}."""


class Advice(Shape, frozen=True, kw_only=True):
    """Whether this set-up could back the claim in a perfect period, and what would if not."""

    possible: bool
    best: Ratio | None = None
    """The lowest bound of a perfect period."""
    reasons: list[str] = []
    """Codes with their values: {code} {key=value}..."""
    needs: list[str] = []
    risks: list[str] = []
    """What may go wrong in a period that is not perfect."""


class Burn(Shape, frozen=True, kw_only=True):
    """Burn rate over a pair of windows: 1 spends the budget exactly in the period."""

    long: str
    short: str
    factor: str
    long_rate: str | None
    short_rate: str | None
    firing: bool


class Budget(Shape, frozen=True, kw_only=True):
    """The error budget in seconds (of attempts where the method counts those): `unit` says which."""

    unit: str
    total: Number
    spent: Seconds
    left: Seconds
    """`lowest` is what is left for sure: it may be below zero."""
    lost_since: str | None = None
    """From when on no future can save the claim in this period."""
    burns: list[Burn] = []
    forecast: Bounds | None = None
    """While the period runs: worst and best possible figure at its end."""


class Credit(Shape, frozen=True, kw_only=True):
    """What is due, by the exact figure: never from the middle one alone."""

    kind: str
    """`none`, `exact`, `range`, `no_terms`."""
    lowest: str | None = None
    """An amount, or days of service; null where no fee is known."""
    highest: str | None = None
    currency: str | None = None
    lowest_share: Ratio | None = None
    highest_share: Ratio | None = None
    lowest_days: int | None = None
    highest_days: int | None = None
    claim_by: str | None = None
    """A date."""
    must_be_claimed: bool = False
    notes: list[str] = []
    """Codes: `capped`, `below_minimum`, `depends_on_unproven`, `no_fee`, `running`."""


class Latency(Shape, frozen=True, kw_only=True):
    """Exact percentiles (nearest rank) of the scheduled results that passed, in microseconds."""

    probe: str
    region: str | None
    """Null: all regions together."""
    count: int
    median_us: int | None
    p95_us: int | None
    p99_us: int | None


class Objective(Shape, frozen=True, kw_only=True):
    """At least `share` within `within_us`: exact counters, what is unknown as bounds."""

    share: Ratio
    within_us: int
    good: int
    total: int
    unknown: int
    availability: Bounds
    finding: str


class Day(Shape, frozen=True, kw_only=True, gc=False, rename={"from_": "from"}):
    """One local day of the period."""

    day: str
    from_: str
    to: str
    seconds: int
    down_seconds: Seconds
    unknown_seconds: Number
    excluded_seconds: Number
    state: str
    """`up`, `down`, `possible`, `unknown`, `excluded`, `future`."""


class OutageRegion(Shape, frozen=True, kw_only=True):
    """What one region saw of an outage: failed scheduled runs, and the codes of why, most frequent first."""

    probe: str
    region: str
    failed: int
    codes: list[str]


class Outage(Shape, frozen=True, kw_only=True, rename={"from_": "from"}):
    """One measured outage, cut to the period; `counted_seconds` is what is left of it after exclusions."""

    number: int
    from_: str
    to: str
    seconds: Seconds
    bracket_from: str
    bracket_to: str
    counted_seconds: Number
    began_before: bool = False
    goes_on: bool = False
    probes: list[str] = []
    regions: list[OutageRegion] = []
    codes: list[str] = []
    detail: str = ""
    """What the first failure said, in words; only in reports for the provider itself."""
    results: str = ""
    """The path, below the internal listener, of the results that it rests on."""
    incident: str | None = None


class Past(Shape, frozen=True, kw_only=True, rename={"from_": "from"}):
    """An earlier period, from its closed report where there is one."""

    label: str
    from_: str
    to: str
    finding: str | None
    """Null: no data."""
    availability: Bounds
    claim: Ratio
    closed: bool = False
    revision: int = 0


class Assumption(Shape, frozen=True, kw_only=True):
    """Something the bounds rest on, by code, with its values as texts."""

    code: str
    values: dict[str, str] = {}


class Done(Shape, frozen=True, kw_only=True):
    """What was done since."""

    on: str
    text: str


class Imported(Shape, frozen=True, kw_only=True):
    """History that was not measured here but imported; nothing of it can be signed as measured."""

    used: bool = False
    results: int = 0
    sources: list[str] = []
    until: str | None = None


class Provenance(Shape, frozen=True, kw_only=True):
    """From what, and by what, it was made."""

    software: str
    configuration: str
    """Digest of the configuration, SHA-256."""
    contract: str
    """Digest of the contract's text."""
    results: str
    """Digest of the evidence that the figures rest on."""
    tzdata: str
    made: str
    revision: int = 0
    """0: not closed."""
    digest: str | None = None
    """SHA-256 of this document in canonical form without this field."""
    supersedes: str | None = None
    """Digest of the revision before."""
    late: str | None = None
    """Why it was closed or revised: `watermark`, `deadline`, `late_results`."""
    watched: str | None = None
    """Of a closed report: digest of what was looked at (probes, regions, gaps). Digests of results can be compared
    where it is the same."""


class ContractReport(Shape, frozen=True, kw_only=True):
    """One contract, one customer (null: the provider's own view), one period or part of it."""

    version: str = VERSION
    contract: str
    title: str
    customer: str | None
    customer_title: str | None
    brand: Brand = Brand()
    service: str
    service_title: str
    services: list[str] = []
    public: bool = False
    period: Period
    effective_from: str | None = None
    effective_to: str | None = None
    method: Method
    denominator: str
    eligible_seconds: Number
    """The part of the period that is not excluded."""
    claim: Ratio
    more_than: bool = False
    finding: str
    """`backed`, `broken`, `not_proven`."""
    no_data: bool = False
    availability: Bounds
    without_exclusions: Bounds
    """The same figure with no maintenance or other exclusion taken out."""
    by_rule: Ratio | None = None
    """The second figure, where the contract has a rule for unknown time other than bounds."""
    unknown_rule: str = "bounds"
    quorum: str = "regional"
    unit: str = "us"
    down_seconds: Seconds
    """Of time; where the method counts attempts, of the time line beside it."""
    attempts: Seconds | None = None
    """Lost attempts, or slices, of `attempts_total`, where the method counts those."""
    attempts_total: Number | None = None
    coverage: Coverage
    smallest_sure_outage_seconds: Number | None
    statistics: Statistics
    advice: Advice
    budget: Budget | None
    excluded: Excluded
    credit: Credit
    latency: list[Latency] = []
    objectives: list[Objective] = []
    days: list[Day] = []
    outages: list[Outage] = []
    outages_total: int = 0
    """Of which `outages` lists the longest, where there are very many."""
    past: list[Past] = []
    promise: str = ""
    actions: list[Done] = []
    titles: dict[str, str] = {}
    """Names of probes and regions as people know them: `probe:NAME` and `region:NAME` to title."""
    imported: Imported = Imported()
    assumptions: list[Assumption] = []
    provenance: Provenance


def schema() -> dict[str, Any]:
    """Return the JSON Schema of one contract's report."""
    found: dict[str, Any] = msgspec.json.schema(ContractReport)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}
