"""Several blocks of one name: versions of a contract, each with its own time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.configs import faults_of, loaded

BASE = "probes: [{name: web, tcp: {address: 'x:1'}}]\nservices: [{name: shop, probes: [web]}]\ncontracts:\n"


def versions(*spans: str) -> str:
    """Return a file with one contract of many versions, the first on line 4; a span is what stands in `effective`."""
    rows = [f"  - {{name: gold, service: shop, claim: '99%', effective: {{{span}}}}}\n" for span in spans]
    return BASE + "".join(rows)


@pytest.mark.parametrize(
    "spans",
    [
        ("to: 2026-07-01", "from: 2026-07-01"),
        ("from: 2026-07-01", "to: 2026-07-01"),
        (
            "from: 2026-01-01, to: 2026-02-01",
            "from: 2026-03-01, to: 2026-04-01",
            "from: 2026-02-01, to: 2026-03-01",
        ),
    ],
)
def test_versions_that_only_touch_are_taken(spans: tuple[str, ...]) -> None:
    assert faults_of(versions(*spans)) == []


@pytest.mark.parametrize(
    ("spans", "second", "first"),
    [
        (("to: 2026-07-02", "from: 2026-07-01"), 5, 4),
        (("from: 2026-07-01", "to: 2026-07-02"), 5, 4),
        (("", "from: 2026-07-01"), 5, 4),
        (("from: 2026-07-01", "from: 2027-07-01"), 5, 4),
        (("to: 2026-07-01", "to: 2025-07-01"), 5, 4),
        (("from: 2026-01-01, to: 2026-12-01", "from: 2026-02-01, to: 2026-02-02"), 5, 4),
        (("from: 2026-01-01, to: 2026-12-01", "to: 2026-01-01", "from: 2026-11-30"), 6, 4),
        (("from: 2026-03-01", "to: 2026-02-01", "from: 2026-02-01, to: 2026-03-02"), 6, 4),
        (("", ""), 5, 4),
    ],
)
def test_versions_that_overlap_are_refused_naming_both_lines(
    spans: tuple[str, ...], second: int, first: int
) -> None:
    number = second - 4
    assert faults_of(versions(*spans)) == [
        f"probes.yaml:{second}:12: contracts.{number}.name: two versions of 'gold' hold at the same time (the other is "
        f"on line {first}; end the older one with effective: {{to: ...}} where the newer one begins)"
    ]


def test_an_effective_span_that_cannot_be_read_is_told_once() -> None:
    (found,) = faults_of(versions("to: tomorrow", "from: 2026-07-01"))
    assert "contracts.0.effective.to: expected a date" in found
    (found,) = faults_of(versions("from: 2026-07-01, to: 2026-06-01", "from: 2026-06-15"))
    assert "contracts.0.effective: to is not after from" in found


def test_versions_may_differ_in_everything_but_their_name() -> None:
    text = (
        BASE
        + "  - {name: gold, service: shop, claim: '99%', customers: [acme], effective: {to: 2026-07-01}}\n"
        "  - {name: gold, services: [shop], claim: '99.9%', timezone: Asia/Tokyo, effective: {from: 2026-07-01}}\n"
        "customers: [{name: acme}]\n"
    )
    old, new = loaded(text).contracts
    assert (old.customers, new.customers) == (("acme",), ())
    assert old.service_names == new.service_names == ("shop",)


@given(
    st.lists(
        st.tuples(st.integers(1, 12), st.integers(1, 12)).filter(lambda s: s[0] < s[1]),
        min_size=1,
        max_size=4,
    )
)
def test_versions_are_refused_exactly_if_two_share_a_day(spans: list[tuple[int, int]]) -> None:
    days = [f"from: 2026-{first:02}-01, to: 2026-{last:02}-01" for first, last in spans]
    shared = any(max(a[0], b[0]) < min(a[1], b[1]) for n, a in enumerate(spans) for b in spans[n + 1 :])
    assert bool(faults_of(versions(*days))) == shared
