"""What a contract gives back, as it is written: the table of credits and the terms around it.

Here: the shapes. Not here: holes in a table (`contract_limits`), which credit is due (`reports`).
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

from pydantic import AfterValidator, Field, StrictBool, StrictInt, model_validator

from checks.core.schema import Section

from .contract_methods import Number
from .contract_terms import Amount, Percent, WholeDaysUs, format_percent
from .terms import wrong

MAX_TIERS = 20
MAX_DAYS = 366


class Tier(Section):
    """One step of the credit table."""

    below: Percent
    """The step holds if the availability is below this."""
    from_: Percent | None = Field(default=None, alias="from")
    """And at least this, if it is written out: then it must be where the next step begins, and 0% in the last."""
    credit: Percent | None = None
    """The share of the fee that is given back."""
    days: Annotated[StrictInt, Field(ge=0, le=MAX_DAYS)] | None = None
    """Days of service that are added, for contracts that pay in time; instead of `credit`."""

    @model_validator(mode="after")
    def _one_kind(self) -> Tier:
        if (self.credit is None) == (self.days is None):
            raise wrong("a credit tier has credit or days, one of them")
        if self.from_ is not None and self.from_ >= self.below:
            raise wrong("from is not below below", f"below: is the upper edge, {format_percent(self.below)}")
        return self

    @property
    def due(self) -> object:
        """The credit or the days, to compare with those of another tier."""
        return self.credit if self.days is None else self.days


class CreditTermsBlock(Section):
    """How credits are paid."""

    cap: Percent | None = None
    """The largest share of the fee that is given back; 100% if absent."""
    minimum: Amount | None = None
    """An amount not above this is not paid; in the currency of the fee."""
    claim_within_us: WholeDaysUs | None = Field(default=None, alias="claim_within")
    """How long after the end of the window a credit can be claimed, in whole days."""
    must_be_claimed: StrictBool = False
    """Whether nothing is paid unless the customer asks for it."""
    multiple: Number | None = None
    """Instead of a table: so many times the fee for the down time, `10` or `"2.5"`."""


def check_table(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    """Return a table that goes down step by step and never gives less for less; pydantic's error otherwise."""
    if len({tier.days is None for tier in tiers}) > 1:
        raise wrong("credit tiers give credit or days, all of them the same")
    for above, below in pairwise(tiers):
        if below.below >= above.below:
            raise wrong("credit tiers go from the highest to the lowest availability, each once")
        if below.due < above.due:  # type: ignore[operator]  # both are shares, or both are days
            raise wrong("a lower availability cannot give a smaller credit")
    return tiers


Tiers = Annotated[tuple[Tier, ...], Field(max_length=MAX_TIERS), AfterValidator(check_table)]
