"""The `probes` and `defaults` sections: what is watched, how often, from where, when it counts as down.

Here: the keys that every probe has, and how a kind's block joins them. Not here: what kinds have (`checks`).
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal

from pydantic import Field, PlainSerializer, PlainValidator, StrictInt, WithJsonSchema, create_model

from checks.core.check import KINDS, Options, load_kinds
from checks.core.schema import Section
from checks.core.values import DurationUs, at_least, at_most, format_duration, parse_duration

from .terms import DownWhen, Labels, Name, Title, text_as, wrong

NEVER_US = 0
"""What `recheck: never` becomes while it is merged; resolved probes have None."""

Interval = Annotated[DurationUs, at_least("100ms"), at_most("1d")]
Timeout = Annotated[DurationUs, at_least("1ms"), at_most("10m")]
Schedule = Literal["stratified", "fixed", "round"]
_SOME_REGIONS = "expected all, or a list of region names"


def _regions(value: object) -> tuple[str, ...]:
    if value == "all":
        return ()
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise wrong(_SOME_REGIONS)
    if not value:
        raise wrong("the list of regions is empty", "write all, or name one")
    return tuple(value)


def _recheck(value: object) -> int:
    expected = "expected a duration such as 5s, or never"
    try:
        recheck_us: int = text_as(
            value, lambda text: NEVER_US if text == "never" else parse_duration(text), expected
        )
    except ValueError:
        raise wrong(expected) from None
    if value != "never" and recheck_us < parse_duration("500ms"):
        raise wrong("must be at least 500ms", "write never to switch rechecks off")
    return recheck_us


RegionNames = Annotated[
    tuple[str, ...],
    PlainValidator(_regions),
    WithJsonSchema(
        {"anyOf": [{"const": "all"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
    ),
]
"""The regions by name; empty for all of them."""

Recheck = Annotated[
    int,
    PlainValidator(_recheck),
    PlainSerializer(lambda us: format_duration(us) if us else "never", return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["5s", "never"]}),
]


class ConfirmBlock(Section):
    """Whether a failure is tried again at once before it is believed."""

    retries: Annotated[StrictInt, Field(ge=0, le=5)] | None = None
    """How many more tries follow a failed run, from 0 to 5. They are flagged and stay out of every figure."""
    after_us: Annotated[DurationUs, at_most("1m")] | None = Field(default=None, alias="after")
    """The pause before each of them."""


class DefaultsBlock(Section):
    """What a probe does unless it says otherwise."""

    interval_us: Interval | None = Field(default=None, alias="interval")
    """The length of a slot: each region runs the check once in each. Built in: 30s."""
    timeout_us: Timeout | None = Field(default=None, alias="timeout")
    """How long one run may take; it may be longer than the interval. Built in: 10s."""
    regions: RegionNames | None = None
    """`all`, or a list of regions. Built in: all."""
    schedule: Schedule | None = None
    """`stratified`: each region at a random instant of its own share of the slot; `fixed`: the same instants
    in every slot; `round`: all regions at one random instant. Built in: stratified."""
    confirm: ConfirmBlock | None = None
    """Immediate retries. Built in: {retries: 1, after: 2s}."""
    recheck_us: Recheck | None = Field(default=None, alias="recheck")
    """The faster pace while a probe is failing, or `never`. Built in: 5s."""
    down_when: DownWhen | None = None
    """How many regions must see it fail: `any`, `majority`, `all`, a count, `2 of 3`. Built in: majority. Regions
    that are silent have no vote."""
    min_regions: Annotated[StrictInt, Field(ge=1, le=1_000)] | None = None
    """With fewer regions that are not silent the probe is UNKNOWN. Built in: more than half of its regions; 1 for
    `any`; the count where `down_when` is one."""


class ProbeFields(DefaultsBlock):
    """One probe. Beside these keys it has exactly one key that is a kind of check."""

    name: Name
    """The name that services, pages and metrics use; never change it, the history hangs on it."""
    title: Title | None = None
    """The name that people see; the probe's name if absent."""
    group: Title | None = None
    """A heading that gathers probes on internal pages."""
    labels: Labels = Field(default_factory=dict)
    """Further labels for `prober_probe_info`; at most 16."""


def probe_model() -> type[ProbeFields]:
    """Return the model of a probe with a key for every known kind of check."""
    load_kinds()
    return _with_kinds(tuple(sorted((kind, check.options_type) for kind, check in KINDS.items())))


@cache
def _with_kinds(kinds: tuple[tuple[str, type[Options]], ...]) -> type[ProbeFields]:
    # Any: create_model takes its fields as keywords whose names are not known here.
    fields: dict[str, Any] = {
        kind: (options | None, Field(default=None, description=f"Watch it with the `{kind}` check."))
        for kind, options in kinds
    }
    return create_model("Probe", __base__=ProbeFields, __doc__=ProbeFields.__doc__, **fields)


BUILT_IN = DefaultsBlock.model_validate(
    {
        "interval": "30s",
        "timeout": "10s",
        "regions": "all",
        "schedule": "stratified",
        "confirm": {"retries": 1, "after": "2s"},
        "recheck": "5s",
        "down_when": "majority",
    }
)
"""What holds where neither the probe nor `defaults` says anything."""

SELDOM = DefaultsBlock.model_validate(
    {"interval": "6h", "recheck": "never", "confirm": {"retries": 1, "after": "1m"}}
)
"""What goes before `defaults` for kinds that ask somebody who limits how often he is asked."""
