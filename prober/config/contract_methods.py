"""How availability is counted, as a contract writes it: the method with its keys.

Here: the shape of each method. Not here: any figure (`reports`), nor whether a method suits the rest of its contract
(`contract_limits`).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from checks.core.failures import Code
from checks.core.schema import Section
from checks.core.values import DurationUs, at_least

from .contract_terms import Percent
from .faults import did_you_mean, quote
from .terms import text_as, wrong

MAX_WEIGHTS = 1_000
MAX_MINUTES_IN_A_ROW = 1_440
"""A day: a run of down minutes that counts must fit the shortest window, `rolling 1d`."""

_BARE_METHODS = ("time", "requests")
_OURS = "agent_"
_WEIGHT = "expected a number such as 3 or 0.25"


def _number(text: str) -> Fraction:
    if not (text.isascii() and text.replace(".", "", 1).isdigit() and len(text) <= 20):
        raise wrong(_WEIGHT)
    return Fraction(Decimal(text))


def _read_number(value: object) -> Fraction:
    whole = isinstance(value, int) and not isinstance(value, bool)
    number: Fraction = text_as(str(value) if whole else value, _number, _WEIGHT)
    if number <= 0:
        raise wrong("must be more than zero")
    return number


def _write_number(number: Fraction) -> str:
    return f"{Decimal(number.numerator) / Decimal(number.denominator):f}"


def _failure_code(text: str) -> str:
    codes = [code.value for code in Code]
    if text not in codes:
        raise wrong("not a failure code", did_you_mean(text, codes))
    if text.startswith(_OURS):
        raise wrong(
            f"{quote(text)} is the prober's own trouble", "such a run is void, it is never an attempt"
        )
    return text


Threshold = Annotated[
    Percent,
    BeforeValidator(lambda value: "100%" if value == "all" else value),
    WithJsonSchema({"type": "string", "examples": ["5%", "all"]}),
]
Number = Annotated[
    Fraction,
    PlainValidator(_read_number),
    PlainSerializer(_write_number, return_type=str, when_used="json"),
    WithJsonSchema(
        {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "pattern": "^[0-9.]+$"}]}
    ),
]
"""An exact number above zero: a whole one as it is, `0.25` in quotes."""
FailureCode = Annotated[
    str,
    PlainValidator(
        lambda value: text_as(value, _failure_code, "expected a failure code such as http_status")
    ),
    WithJsonSchema({"type": "string", "examples": ["http_status"]}),
]
Ignored = Annotated[tuple[FailureCode, ...], Field(max_length=len(Code))]


class NoKnobs(Section):
    """A method without keys of its own."""


class Requests(Section):
    """Good attempts over all attempts."""

    ignore: Ignored = ()
    """Failure codes (docs/checks.md) that are no attempt: neither good nor bad."""


class Minutes(Section):
    """A minute is down if more than a share of its attempts failed."""

    threshold: Threshold
    """The share of failed attempts that a minute may have; `all`: every attempt must have failed."""
    min_attempts: Annotated[StrictInt, Field(ge=1, le=100_000)] = 1
    """A minute with fewer attempts is unknown."""


class Periods(Section):
    """Only so many down minutes in a row count, then all of them."""

    minutes: Annotated[StrictInt, Field(ge=1, le=MAX_MINUTES_IN_A_ROW)]
    """How many minutes in a row make a down time."""
    threshold: Threshold = Fraction(1)
    """As in `minutes`."""
    min_attempts: Annotated[StrictInt, Field(ge=1, le=100_000)] = 1
    """As in `minutes`."""
    unknown: Literal["break", "bridge", "worst"] = "break"
    """What an unknown minute inside a run does."""
    good_minutes: Annotated[StrictInt, Field(ge=1, le=MAX_MINUTES_IN_A_ROW)] = 1
    """How many good minutes in a row end a down time."""


class Slices(Section):
    """The mean of the error rates of equal slices of time."""

    length_us: Annotated[DurationUs, at_least("1s")] = Field(alias="length")
    """The length of a slice; no longer than the window."""
    empty: Literal["zero", "skip", "unknown"] = "zero"
    """What a slice without attempts counts as: no errors, nothing, or unknown."""
    ignore: Ignored = ()
    """As in `requests`."""


class Weighted(Section):
    """Down time weighted by region, by probe or by service."""

    by: Literal["regions", "probes", "services"]
    """What the weights belong to."""
    weights: Annotated[dict[str, Number], Field(min_length=1, max_length=MAX_WEIGHTS)]
    """The weight of each, more than zero; exact, `0.25` in quotes."""


class Method(Section):
    """How availability is counted; exactly one key."""

    time: NoKnobs | None = None
    """Down time over the whole."""
    requests: Requests | None = None
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


def read_method(value: object) -> object:
    """Turn the name of a method that needs no keys into its mapping; anything else is left to the model."""
    if isinstance(value, str):
        if value in _BARE_METHODS:
            return {value: {}}
        if value in Method.model_fields:
            raise wrong(f"the method {value} needs keys", f"such as method: {{{value}: {{...}}}}")
        raise wrong("not a method", did_you_mean(value, list(Method.model_fields)))
    return value


MethodText = Annotated[
    Method,
    BeforeValidator(read_method, json_schema_input_type=Method | Literal["time", "requests"]),
]
