"""Service credits: which share of the fee is due by the exact availability, and by when it must be claimed.

Exact: tiers are looked up by rational comparison, money is rounded once at the end, half to even, to the currency's
smallest unit. A credit rests on the bounds and never on the middle figure: where they lie in different tiers it is
a range. Not here: how availability is measured, nor words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import Final, Literal

from reports.contract import Contract, CreditTerms, CreditTier, Money
from reports.figures import Finding
from reports.zones import day_at

_DEFAULT_DIGITS: Final = 2
_DIGITS: Final = {
    digits: frozenset(names.split())
    for digits, names in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
}
"""Digits of the smallest unit where they are not two (ISO 4217, list one)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a credit table as published: availability from `low` to `high`, edges included or not."""

    low: Fraction
    high: Fraction
    low_in: bool = True
    high_in: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditResult:
    """What is due: `lowest` if all that is unknown was up, `highest` if it was down; equal where it is `exact`.

    Amounts are in `currency`, None where no fee is known. Notes are codes: `capped`, `below_minimum` (for at least one
    of the two), `depends_on_unproven` (the two differ, or the finding is not proven), `no_fee`, `no_data`, `running`.
    """

    kind: Literal["none", "exact", "range", "no_terms"]
    lowest: Decimal | None = None
    highest: Decimal | None = None
    currency: str | None = None
    lowest_share: Fraction | None = None
    highest_share: Fraction | None = None
    lowest_days: int | None = None
    highest_days: int | None = None
    claim_by: date | None = None
    must_be_claimed: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Due:
    """What is due at one availability."""

    share: Fraction
    days: int
    amount: Decimal | None
    notes: frozenset[str]

    @property
    def is_nothing(self) -> bool:
        return self.days == 0 and (self.share == 0 if self.amount is None else self.amount == 0)


_NOTHING = frozenset[str]()


def check_tiers(tiers: Sequence[CreditTier], claim: Fraction, more_than: bool = False) -> None:
    """Raise ValueError if a table of tiers has a hole or an overlap, or pays less for less; the text names where.

    Tiers may begin below the claim, for the promise and the credit are two thresholds, but must reach down to 0 and
    not above the claim.
    """
    ordered = sorted(tiers, key=lambda tier: tier.below, reverse=True)
    for tier in ordered:
        _check_tier(tier)
    for better, worse in pairwise(ordered):
        if worse.below == better.below:
            raise ValueError(f"credit tiers overlap: two begin below {_percent(better.below)} (keep one)")
        if worse.credit < better.credit:
            raise ValueError(
                f"credit tiers pay less for less: {_percent(better.credit)} below {_percent(better.below)}, but "
                f"{_percent(worse.credit)} below {_percent(worse.below)} (swap the credits)"
            )
    edges = [tier.below for tier in ordered[1:]] + [Fraction(0)]
    rows = [
        Row(low=edge if tier.from_ is None else tier.from_, high=tier.below)
        for tier, edge in zip(ordered, edges, strict=False)  # no tiers, no row
    ]
    check_rows(rows, claim, more_than)


def check_days(days_of_service: Sequence[tuple[Fraction, int]], claim: Fraction) -> None:
    """Raise ValueError if a table of (below, days) repeats itself, pays less for less, or begins above the claim."""
    for better, worse in pairwise(sorted(days_of_service, reverse=True)):
        if better[0] == worse[0] or worse[1] < better[1]:
            raise ValueError(
                f"days of service fall from {better[1]} below {_percent(better[0])} to {worse[1]} below "
                f"{_percent(worse[0])} (name each availability once, and more days for less)"
            )
    for below, days in days_of_service:
        if not 0 < below <= claim or days <= 0:
            raise ValueError(
                f"{days} days of service below {_percent(below)} (use at least 1 day, and at most {_percent(claim)})"
            )


def check_rows(rows: Sequence[Row], claim: Fraction, more_than: bool = False) -> None:
    """Raise ValueError if published lines leave availabilities without a tier, or give them two; the text names which.

    Each edge counts: "<= 99.9 and > 99.0" and "< 99.0" leave exactly 99.0 without a tier. The best line may end
    below the claim, but must not hold an availability that meets it.
    """
    ordered = sorted(rows, key=lambda row: (row.high, row.high_in), reverse=True)
    if not ordered:
        return
    best = ordered[0]
    if best.high > claim or (best.high == claim and best.high_in and not more_than):
        raise ValueError(
            f"credit tiers overlap the claim: {_row_text(best)} holds availabilities that meet {_percent(claim)}"
        )
    for better, worse in pairwise(ordered):
        if better.low > worse.high or (better.low == worse.high and not (better.low_in or worse.high_in)):
            raise ValueError(
                f"credit tiers have a hole: {_hole(better, worse)} lies between {_row_text(worse)} "
                f"and {_row_text(better)} (let one begin where the other ends)"
            )
        if better.low < worse.high or (better.low_in and worse.high_in):
            raise ValueError(f"credit tiers overlap: {_row_text(worse)} and {_row_text(better)}")
    last = ordered[-1]
    if last.low > 0 or not last.low_in:
        raise ValueError(f"credit tiers have a hole: nothing is said of less than {_row_text(last)}")


def share_of(tiers: Sequence[CreditTier], availability: Fraction) -> Fraction:
    """Return the credit of the tier that holds exactly this availability, 0 if none does. Tiers are checked ones."""
    held = [tier for tier in tiers if availability < tier.below]
    return min(held, key=lambda tier: tier.below).credit if held else Fraction(0)


def days_of(days_of_service: Sequence[tuple[Fraction, int]], availability: Fraction) -> int:
    """Return the days of service that are added at exactly this availability."""
    held = [(below, days) for below, days in days_of_service if availability < below]
    return min(held)[1] if held else 0


def credit(
    contract: Contract,
    lowest: Fraction | None,
    highest: Fraction | None,
    finding: Finding,
    end_us: int,
    *,
    fee: Money | None = None,
    hit: Fraction = Fraction(1),
    running: bool = False,
) -> CreditResult:
    """Return the credit of a period that ends at `end_us`, from its availability's bounds and the headline finding.

    `fee` is that of the period, else the contract's own; `hit` the share of it that the outage concerned. Without
    data, nothing is said to be due. Where the bounds alone would prove a miss but the finding is not proven, the
    credit begins at nothing.
    """
    terms = contract.credits
    if terms is None:
        return CreditResult(kind="no_terms")
    running_note = {"running"} if running else set[str]()
    if lowest is None or highest is None:
        return CreditResult(kind="none", notes=tuple(sorted({"no_data"} | running_note)))
    money = fee if fee is not None else contract.fee
    least, most = (_due(contract, terms, availability, money, hit) for availability in (highest, lowest))
    if finding is Finding.NOT_PROVEN and not least.is_nothing:
        least = _Due(
            Fraction(0), 0, None if money is None else _rounded(Fraction(0), money.currency), _NOTHING
        )
    kind = _kind(least, most)
    notes = least.notes | most.notes | running_note
    if kind == "range" or (finding is Finding.NOT_PROVEN and not most.is_nothing):
        notes |= {"depends_on_unproven"}
    if money is None and most.share:
        notes |= {"no_fee"}
    pays_days = bool(terms.days_of_service)
    return CreditResult(
        kind=kind,
        lowest=least.amount,
        highest=most.amount,
        currency=money.currency if money else None,
        lowest_share=least.share,
        highest_share=most.share,
        lowest_days=least.days if pays_days else None,
        highest_days=most.days if pays_days else None,
        claim_by=None if kind == "none" else claim_by(end_us, contract.zone, terms.claim_within_days),
        must_be_claimed=terms.must_be_claimed,
        notes=tuple(sorted(notes)),
    )


def claim_by(end_us: int, zone: str, within_days: int | None) -> date | None:
    """Return the last local date on which a period that ends at `end_us` can be claimed for; None without a deadline.

    15 days after a month that ends with 31 March (its end is the first instant of 1 April) is 15 April.
    """
    return None if within_days is None else day_at(end_us - 1, zone) + timedelta(days=within_days)


def minor_digits(currency: str) -> int:
    """Return how many decimals the smallest unit of a currency has (ISO 4217); 2 for one that is not listed."""
    return next((digits for digits, names in _DIGITS.items() if currency in names), _DEFAULT_DIGITS)


def _kind(least: _Due, most: _Due) -> Literal["none", "exact", "range"]:
    if most.is_nothing:
        return "none"
    is_same = least.share == most.share if most.amount is None else least.amount == most.amount
    return "exact" if is_same and least.days == most.days else "range"


def _due(
    contract: Contract, terms: CreditTerms, availability: Fraction, fee: Money | None, hit: Fraction
) -> _Due:
    wanted = max(share_of(terms.tiers, availability), _proportional(contract, terms, availability)) * hit
    share = min(wanted, terms.cap)
    notes = {"capped"} if share < wanted else set[str]()
    amount = None
    if fee is not None:
        exact = Fraction(fee.amount) * share
        if 0 < exact <= Fraction(terms.minimum):
            notes.add("below_minimum")
            exact = Fraction(0)
        amount = _rounded(exact, fee.currency)
    return _Due(share, days_of(terms.days_of_service, availability), amount, frozenset(notes))


def _proportional(contract: Contract, terms: CreditTerms, availability: Fraction) -> Fraction:
    """Return multiple x down time / N where the claim is missed."""
    is_met = availability > contract.claim if contract.more_than else availability >= contract.claim
    return Fraction(0) if terms.multiple is None or is_met else terms.multiple * (1 - availability)


def _rounded(amount: Fraction, currency: str) -> Decimal:
    digits = minor_digits(currency)
    return Decimal(round(amount * 10**digits)).scaleb(-digits)  # round() takes halves to the even one


def _check_tier(tier: CreditTier) -> None:
    low = Fraction(0) if tier.from_ is None else tier.from_
    if not 0 <= low < tier.below <= 1:
        raise ValueError(
            f"a credit tier from {_percent(low)} to {_percent(tier.below)} holds nothing "
            "(use 0 % <= from < below <= 100 %)"
        )
    if tier.credit <= 0:
        raise ValueError(f"the credit tier below {_percent(tier.below)} pays nothing (leave it out)")


def _hole(better: Row, worse: Row) -> str:
    if better.low == worse.high:
        return f"exactly {_percent(better.low)}"
    above = "from" if not worse.high_in else "above"
    return f"{above} {_percent(worse.high)} to {_percent(better.low)}"


def _row_text(row: Row) -> str:
    return (
        f"{'[' if row.low_in else '('}{_percent(row.low)}, {_percent(row.high)}{']' if row.high_in else ')'}"
    )


def _percent(share: Fraction) -> str:
    """Return a share as a percentage, exactly: as a decimal if it has one."""
    percent = share * 100
    rest = percent.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{percent.numerator}/{percent.denominator} %"
    return f"{(Decimal(percent.numerator) / percent.denominator).normalize():f} %"
