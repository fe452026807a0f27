"""Credits: the exact tier, ranges instead of guesses, money to the smallest unit, and tables without holes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.contract import Contract, CreditTerms, CreditTier, Money, Time
from reports.credits import (
    CreditResult,
    Row,
    check_days,
    check_rows,
    check_tiers,
    claim_by,
    credit,
    minor_digits,
    share_of,
)
from reports.figures import Finding

CLAIM = Fraction("0.999")
APRIL_US = int(datetime(2026, 4, 1, tzinfo=UTC).timestamp()) * 1_000_000
FEE = Money(Decimal("2400.00"), "EUR")


def _tiers(*rows: tuple[str, str]) -> tuple[CreditTier, ...]:
    return tuple(CreditTier(below=_share(below), credit=_share(paid)) for below, paid in rows)


def _share(percent: str) -> Fraction:
    return Fraction(percent) / 100


TIERS = _tiers(("99.9", "10"), ("99.0", "25"), ("95", "100"))


def _contract(terms: CreditTerms | None, claim: Fraction = CLAIM, fee: Money | None = FEE) -> Contract:
    return Contract(
        name="gold", title="Gold", services=(), claim=claim, method=Time(), credits=terms, fee=fee, zone="UTC"
    )


def _credit(
    terms: CreditTerms | None,
    lowest: Fraction | str,
    highest: Fraction | str | None = None,
    finding: Finding = Finding.BROKEN,
    *,
    claim: Fraction = CLAIM,
    fee: Money | None = FEE,
    **rest: Fraction | bool,
) -> CreditResult:
    low = _share(lowest) if isinstance(lowest, str) else lowest
    high = _share(highest) if isinstance(highest, str) else highest
    return credit(_contract(terms, claim, fee), low, low if high is None else high, finding, APRIL_US, **rest)


def test_an_hour_of_a_month_pays_the_first_tier():
    found = _credit(CreditTerms(tiers=TIERS), Fraction(719, 720))
    assert (found.kind, str(found.lowest), str(found.highest)) == ("exact", "240.00", "240.00")
    assert (found.currency, found.lowest_share) == ("EUR", Fraction(1, 10))


@pytest.mark.parametrize(
    ("availability", "paid"),
    [
        ("99.9", "0.00"),
        ("99.899999999", "240.00"),
        ("99.0", "240.00"),
        ("98.999999999", "600.00"),
        ("95", "600.00"),
        ("94.999999999", "2400.00"),
        ("0", "2400.00"),
    ],
)
def test_a_tier_ends_at_its_exact_edge(availability: str, paid: str):
    assert str(_credit(CreditTerms(tiers=TIERS), availability).highest) == paid


def test_bounds_in_two_tiers_give_both_amounts():
    found = _credit(CreditTerms(tiers=TIERS), "98.99", "99.01")
    assert (found.kind, str(found.lowest), str(found.highest)) == ("range", "240.00", "600.00")
    assert (found.lowest_share, found.highest_share) == (Fraction(10, 100), Fraction(25, 100))
    assert found.notes == ("depends_on_unproven",)


def test_an_unproven_miss_pays_from_nothing_on():
    """The bounds lie in one tier, but the statistical line says that the miss is not proven."""
    found = _credit(CreditTerms(tiers=TIERS), "99.5", "99.6", Finding.NOT_PROVEN)
    assert (found.kind, str(found.lowest), str(found.highest)) == ("range", "0.00", "240.00")
    assert found.notes == ("depends_on_unproven",)


def test_bounds_on_both_sides_of_the_claim_pay_from_nothing_on():
    found = _credit(CreditTerms(tiers=TIERS), "99.8", "99.95", Finding.NOT_PROVEN)
    assert (found.kind, str(found.lowest), str(found.highest)) == ("range", "0.00", "240.00")


def test_a_claim_that_is_met_pays_nothing_and_has_no_deadline():
    found = _credit(CreditTerms(tiers=TIERS, claim_within_days=15), "99.95", "100", Finding.BACKED)
    assert (found.kind, str(found.lowest), found.claim_by, found.notes) == ("none", "0.00", None, ())


def test_a_missed_claim_above_the_first_tier_pays_nothing():
    """Promised are 99.99 %, but credits begin below 99.95 % (MuleSoft's terms)."""
    found = _credit(CreditTerms(tiers=_tiers(("99.95", "10"))), "99.97", claim=Fraction("0.9999"))
    assert (found.kind, str(found.highest)) == ("none", "0.00")


def test_outage_minutes_of_a_share_of_customers_pay_in_proportion():
    """100 min x 0.021 affected / 43,200 min is 7/144000 of the fee (Cloudflare's terms)."""
    availability = 1 - Fraction(100) * Fraction("0.021") / 43_200
    found = _credit(CreditTerms(multiple=Fraction(1)), availability, claim=Fraction(1))
    assert found.lowest_share == Fraction(7, 144_000)
    assert str(found.lowest) == "0.12"  # 2400 x 7 / 144000 = 0.11666...


def test_ten_times_the_fee_of_the_down_time():
    """Slack's terms, as the whole fee is the cap: 90 minutes of 30 days."""
    down = Fraction(90, 43_200)
    found = _credit(CreditTerms(multiple=Fraction(10)), 1 - down, claim=Fraction("0.9999"))
    assert (found.lowest_share, str(found.lowest)) == (10 * down, "50.00")
    met = _credit(CreditTerms(multiple=Fraction(10)), Fraction("0.9999"), claim=Fraction("0.9999"))
    assert met.kind == "none"


def test_a_yearly_fee_pays_a_twelfth_for_the_part_that_was_hit():
    """Percentage x fee / 12 x hit / all (MuleSoft's terms): 10 % of 1,000 for 3 of 8 vcores."""
    month = Money(Decimal(12_000) / 12, "USD")
    found = _credit(
        CreditTerms(tiers=_tiers(("99.95", "10"))),
        "99.9",
        claim=Fraction("0.9999"),
        fee=month,
        hit=Fraction(3, 8),
    )
    assert (str(found.lowest), found.lowest_share) == ("37.50", Fraction(3, 80))


def test_a_cap_bounds_the_credit_and_says_so():
    terms = CreditTerms(tiers=TIERS, cap=Fraction(1, 4))
    capped, free = _credit(terms, "90"), _credit(terms, "98")
    assert (str(capped.highest), capped.notes) == ("600.00", ("capped",))
    assert (str(free.highest), free.notes) == ("600.00", ())
    both = _credit(terms, "90", "98")
    assert (both.kind, both.notes) == ("exact", ("capped",))


@pytest.mark.parametrize(
    ("fee", "paid", "notes"), [("10.00", "0.00", ("below_minimum",)), ("10.10", "1.01", ())]
)
def test_an_amount_not_above_the_minimum_is_not_paid(fee: str, paid: str, notes: tuple[str, ...]):
    terms = CreditTerms(tiers=TIERS, minimum=Decimal(1))
    found = _credit(terms, "99.5", fee=Money(Decimal(fee), "USD"))
    assert (str(found.highest), found.notes) == (paid, notes)
    assert found.kind == ("exact" if notes == () else "none")


def test_without_a_fee_the_share_alone_is_told():
    found = _credit(CreditTerms(tiers=TIERS), "99.5", fee=None)
    assert (found.kind, found.lowest, found.lowest_share, found.notes) == (
        "exact",
        None,
        Fraction(1, 10),
        ("no_fee",),
    )


def test_a_customers_own_fee_goes_before_the_contracts():
    contract = _contract(CreditTerms(tiers=TIERS))
    found = credit(
        contract, _share("99.5"), _share("99.5"), Finding.BROKEN, APRIL_US, fee=Money(Decimal("99.95"), "USD")
    )
    assert (str(found.lowest), found.currency) == ("10.00", "USD")  # 9.995, half to the even digit


def test_days_of_service_are_told_in_days():
    terms = CreditTerms(days_of_service=((_share("99.9"), 3), (_share("99"), 7), (_share("95"), 15)))
    found = _credit(terms, "98.99", "99.01")
    assert (found.kind, found.lowest_days, found.highest_days) == ("range", 3, 7)
    assert [_credit(terms, availability).highest_days for availability in ("99.9", "95", "94.9")] == [
        0,
        7,
        15,
    ]
    assert _credit(terms, "99.9").kind == "none"


def test_no_terms_and_no_data_say_so_instead_of_an_amount():
    assert _credit(None, "50").kind == "no_terms"
    empty = credit(_contract(CreditTerms(tiers=TIERS)), None, None, Finding.NOT_PROVEN, APRIL_US)
    assert (empty.kind, empty.lowest, empty.highest, empty.notes) == ("none", None, None, ("no_data",))


def test_a_running_period_is_marked():
    assert _credit(CreditTerms(tiers=TIERS), "99.5", running=True).notes == ("running",)


@pytest.mark.parametrize(
    ("currency", "paid"),
    [("EUR", "0.12"), ("USD", "0.12"), ("JPY", "0"), ("KWD", "0.125"), ("CLF", "0.1250"), ("XXX", "0.12")],
)
def test_money_is_rounded_once_half_to_even_to_the_smallest_unit(currency: str, paid: str):
    found = _credit(CreditTerms(tiers=TIERS), "99.5", fee=Money(Decimal("1.25"), currency))
    assert (str(found.lowest), minor_digits(currency)) == (paid, len(paid.partition(".")[2]))


@pytest.mark.parametrize(
    ("zone", "end", "last"),
    [
        ("UTC", datetime(2026, 4, 1, tzinfo=UTC), date(2026, 4, 15)),
        ("Europe/Berlin", datetime(2026, 3, 31, 22, tzinfo=UTC), date(2026, 4, 15)),
        ("America/New_York", datetime(2026, 4, 1, 4, tzinfo=UTC), date(2026, 4, 15)),
        ("UTC", datetime(2026, 4, 1, 0, 0, 1, tzinfo=UTC), date(2026, 4, 16)),
    ],
)
def test_the_deadline_is_counted_from_the_periods_last_local_day(zone: str, end: datetime, last: date):
    assert claim_by(int(end.timestamp()) * 1_000_000, zone, 15) == last
    assert claim_by(int(end.timestamp()) * 1_000_000, zone, None) is None


def test_the_deadline_stands_beside_what_must_be_claimed():
    found = _credit(CreditTerms(tiers=TIERS, claim_within_days=10, must_be_claimed=True), "99.5")
    assert (found.claim_by, found.must_be_claimed) == (date(2026, 4, 10), True)


def test_zus_published_table_has_a_hole_between_two_digits():
    """ "99.0-99.89%", "95.0-98.99", "94.99 or lower": 98.995 % is in no tier."""
    rows = [
        Row(low=_share("99.0"), high=_share("99.89"), high_in=True),
        Row(low=_share("95.0"), high=_share("98.99"), high_in=True),
        Row(low=_share("0"), high=_share("94.99"), high_in=True),
    ]
    with pytest.raises(ValueError, match=r"hole: above 98\.99 % to 99 % lies"):
        check_rows(rows, CLAIM)
    with pytest.raises(ValueError, match=r"hole: above 94\.99 % to 95 % lies"):
        check_rows(rows[1:], CLAIM)


def test_githubs_published_table_has_no_tier_for_exactly_99():
    """10 % if <= 99.9 and > 99.0, 25 % if < 99.0; and exactly 99.9 both meets the claim and pays."""
    rows = [
        Row(low=_share("99.0"), high=_share("99.9"), low_in=False, high_in=True),
        Row(low=Fraction(0), high=_share("99.0")),
    ]
    with pytest.raises(ValueError, match=r"overlap the claim: \(99 %, 99\.9 %\] holds"):
        check_rows(rows, CLAIM)
    with pytest.raises(ValueError, match=r"hole: exactly 99 % lies"):
        check_rows(rows, CLAIM, more_than=True)


def test_the_same_tables_without_their_holes_are_taken():
    check_tiers(TIERS, CLAIM)
    check_tiers((), CLAIM)
    check_tiers(_tiers(("99.95", "10")), Fraction("0.9999"))
    check_rows([Row(low=Fraction(0), high=_share("99.9"), high_in=True)], CLAIM, more_than=True)


@pytest.mark.parametrize(
    ("low_in", "high_in", "says"), [(True, True, "overlap"), (False, False, "exactly 99 %")]
)
def test_an_edge_belongs_to_exactly_one_of_two_lines(low_in: bool, high_in: bool, says: str):
    def rows(low_in: bool, high_in: bool) -> list[Row]:
        return [
            Row(low=_share("99"), high=_share("99.9"), low_in=low_in),
            Row(low=Fraction(0), high=_share("99"), high_in=high_in),
        ]

    check_rows(rows(low_in, not low_in), CLAIM)
    with pytest.raises(ValueError, match=says):
        check_rows(rows(low_in, high_in), CLAIM)


def _tier(below: str, paid: str, from_: str | None = None) -> CreditTier:
    return CreditTier(
        below=_share(below), credit=_share(paid), from_=None if from_ is None else _share(from_)
    )


@pytest.mark.parametrize(
    ("tiers", "says"),
    [
        ((_tier("99.89", "10", "99.0"), _tier("98.99", "25")), r"hole: from 98\.99 % to 99 % lies"),
        (
            (_tier("99.9", "10", "98.5"), _tier("99.0", "25")),
            r"overlap: \[0 %, 99 %\) and \[98\.5 %, 99\.9 %\)",
        ),
        ((_tier("99.9", "10"), _tier("99.9", "25")), "overlap: two begin below 99.9 %"),
        ((_tier("99.9", "10", "95"),), r"hole: nothing is said of less than \[95 %, 99\.9 %\)"),
        ((_tier("99.95", "10"),), r"overlap the claim: \[0 %, 99\.95 %\)"),
        ((_tier("99.9", "25"), _tier("99", "10")), "pay less for less: 25 % below 99.9 %"),
        ((_tier("99.9", "0"),), "pays nothing"),
        ((_tier("90", "10", "95"),), "from 95 % to 90 % holds nothing"),
    ],
)
def test_a_table_with_a_fault_is_refused_by_name(tiers: tuple[CreditTier, ...], says: str):
    with pytest.raises(ValueError, match=says):
        check_tiers(tiers, CLAIM)


@pytest.mark.parametrize(
    "days", [((CLAIM, 3), (CLAIM, 7)), ((CLAIM, 7), (_share("99"), 3)), ((Fraction(1), 3),), ((CLAIM, 0),)]
)
def test_a_table_of_days_with_a_fault_is_refused(days: tuple[tuple[Fraction, int], ...]):
    with pytest.raises(ValueError, match="days of service"):
        check_days(days, CLAIM)


def test_a_sound_table_of_days_is_taken():
    check_days(((CLAIM, 3), (_share("99"), 7)), CLAIM)


@given(
    st.lists(st.fractions(0, 1), min_size=2, max_size=2),
    st.sampled_from([Finding.BACKED, Finding.BROKEN, Finding.NOT_PROVEN]),
)
def test_worse_bounds_never_pay_less(pair: list[Fraction], finding: Finding):
    worse, better = sorted(pair)
    terms = CreditTerms(tiers=TIERS, multiple=Fraction(2), cap=Fraction(1, 2))
    found = _credit(terms, worse, better, finding)
    assert found.lowest is not None
    assert found.highest is not None
    assert Decimal(0) <= found.lowest <= found.highest <= Decimal(1_200)
    assert share_of(TIERS, better) <= share_of(TIERS, worse)
