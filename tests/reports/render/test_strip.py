"""Drawings: every state has a shape of its own, every day its place, and the axis is true to the figures."""

from __future__ import annotations

import re
from fractions import Fraction
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.report_making import number
from support.report_samples import sample

from reports.document import Bounds, Day, Ratio, Seconds
from reports.render import strip

NONE = Seconds(lowest=number(0), measured=number(0), highest=number(0))
SVG = "{http://www.w3.org/2000/svg}"


def day(name: str, state: str = "up") -> Day:
    return Day(
        day=name,
        from_=f"{name}T00:00:00+00:00",
        to=f"{name}T23:59:59+00:00",
        seconds=86_400,
        down_seconds=NONE,
        unknown_seconds=number(0),
        excluded_seconds=number(0),
        state=state,
    )


def ratio(value: Fraction) -> Ratio:
    return Ratio(num=value.numerator, den=value.denominator, text="")


def at(lowest: Fraction, measured: Fraction, highest: Fraction, claim: Fraction) -> strip.Scale:
    bounds = Bounds(lowest=ratio(lowest), measured=ratio(measured), highest=ratio(highest))
    found = strip.scale(sample(availability=bounds, claim=ratio(claim)))
    assert found is not None
    return found


def test_every_state_has_a_shape_of_its_own() -> None:
    """Colour alone would be lost on many eyes and on paper."""
    shapes = {re.sub(r'(fill|stroke)="#[0-9a-f]+"', "", strip.shape(state)) for state in strip.STATES}
    assert len(shapes) == len(strip.STATES) == 6


def test_a_state_that_is_new_is_drawn_as_not_measured() -> None:
    assert strip.shape("elsewhere") == strip.shape("unknown")
    assert strip.states([day("2026-03-01", "elsewhere")]) == ["unknown"]


def test_a_month_is_one_row_with_a_cell_for_every_day() -> None:
    rows = strip.rows([day(f"2026-02-{number:02}") for number in range(1, 29)])
    assert [(row.month, row.columns) for row in rows] == [("2026-02", 28)]
    assert len(ElementTree.fromstring(rows[0].svg).findall(f"{SVG}g")) == 28


def test_days_stand_under_each_other_in_the_rows_of_their_months() -> None:
    rows = strip.rows([day("2026-01-30"), day("2026-01-31"), day("2026-02-01"), day("2026-02-02", "down")])
    assert [(row.month, row.columns) for row in rows] == [("2026-01", 31), ("2026-02", 31)]
    assert 'translate(580)" class="s-up"' in rows[0].svg
    assert 'translate(20)" class="s-down"' in rows[1].svg


def test_a_period_without_days_has_no_rows() -> None:
    assert strip.rows([]) == []


def test_a_tip_is_text_whatever_it_holds() -> None:
    (row,) = strip.rows([day("2026-03-01")], {"2026-03-01": "<script>&"})
    found = ElementTree.fromstring(row.svg).find(f"{SVG}g/{SVG}title")
    assert found is not None
    assert found.text == "<script>&"


def test_the_legend_names_what_occurs_in_one_order() -> None:
    assert strip.states([day("2026-03-01", "unknown"), day("2026-03-02"), day("2026-03-03", "down")]) == [
        "up",
        "down",
        "unknown",
    ]


fractions = st.fractions(0, 1, max_denominator=10**9)


@given(st.lists(fractions, min_size=3, max_size=3), fractions)
def test_the_axis_keeps_the_order_of_the_figures_and_holds_them_all(
    values: list[Fraction], claim: Fraction
) -> None:
    lowest, measured, highest = sorted(values)
    found = at(lowest, measured, highest, claim)
    assert 0 <= found.lowest <= found.measured <= found.highest <= 10_000
    assert 0 <= found.claim <= 10_000
    assert found.lowest >= found.claim or lowest < claim
    assert found.highest <= found.claim or highest > claim
    assert 0 <= found.left < found.right == 1


def test_no_data_has_no_axis() -> None:
    assert strip.scale(sample(availability=Bounds(lowest=None, measured=None, highest=None))) is None


@pytest.mark.parametrize("claim", [Fraction(999, 1000), Fraction(1), Fraction(0)])
@pytest.mark.parametrize("figure", [Fraction(1), Fraction(0), Fraction(9995, 10_000)])
def test_a_range_of_no_width_is_still_seen_and_inside(figure: Fraction, claim: Fraction) -> None:
    drawn = ElementTree.fromstring(strip.scale_svg(at(figure, figure, figure, claim), "backed"))
    (shown,) = [one for one in drawn.iter(f"{SVG}rect") if "a-range" in one.attrib["class"]]
    start, wide = (Fraction(shown.attrib[name].rstrip("%")) for name in ("x", "width"))
    assert wide >= Fraction(1, 2)
    assert 1 <= start <= 99 - wide


def test_an_unknown_finding_is_drawn_in_a_neutral_colour() -> None:
    places = at(Fraction(1), Fraction(1), Fraction(1), Fraction(1))
    assert strip.COLOURS["unknown"] in strip.scale_svg(places, "elsewhere")


@given(fractions, fractions)
def test_the_axis_begins_at_a_figure_with_few_digits(one: Fraction, claim: Fraction) -> None:
    length = 1 - at(one, one, one, claim).left
    assert str(length.numerator * (10**9 // length.denominator)).rstrip("0") in {"1", "2", "5"}
    assert length >= 1 - min(one, claim)
