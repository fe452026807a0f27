"""When slots are due."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.agent.grid import Grid

SEED = bytes(range(32))
REGIONS = ("fra", "iad", "sin")
T = 30_000_000


def grid(
    region: str = "fra", schedule: str = "stratified", regions: tuple[str, ...] = REGIONS, interval: int = T
) -> Grid:
    return Grid(SEED, "shop-web", region, regions, interval, schedule)


@given(slot=st.integers(0, 10**9), schedule=st.sampled_from(["stratified", "fixed", "round"]))
def test_due_lies_within_its_slot(slot: int, schedule: str) -> None:
    for region in REGIONS:
        each = grid(region, schedule)
        assert each.start_us(slot) <= each.due_us(slot) < each.start_us(slot + 1)
        assert each.slot_at(each.due_us(slot)) == slot


@given(slot=st.integers(0, 10**9), count=st.integers(1, 20))
def test_stratified_regions_have_a_share_each(slot: int, count: int) -> None:
    regions = tuple(f"r{index}" for index in range(count))
    shares = set()
    for region in regions:
        each = grid(region, regions=regions)
        shares.add((each.due_us(slot) - each.start_us(slot)) * count // T)
    assert shares == set(range(count))


def test_stratified_order_is_permuted_anew_in_every_slot() -> None:
    orders = Counter(
        tuple(sorted(REGIONS, key=lambda region: grid(region).due_us(slot))) for slot in range(600)
    )
    assert len(orders) == 6
    assert min(orders.values()) > 60


def test_stratified_instants_are_uniform_over_the_share() -> None:
    each = grid(regions=("fra",))
    tenths = Counter((each.due_us(slot) - each.start_us(slot)) * 10 // T for slot in range(2000))
    assert min(tenths.values()) > 140
    assert max(tenths.values()) < 260


def test_round_puts_all_regions_at_one_instant_that_moves() -> None:
    for slot in range(5):
        assert len({grid(region, "round").due_us(slot) for region in REGIONS}) == 1
    assert (
        len({grid("fra", "round").due_us(slot) - grid("fra", "round").start_us(slot) for slot in range(50)})
        == 50
    )


def test_fixed_keeps_even_offsets() -> None:
    offsets = {
        region: {
            grid(region, "fixed").due_us(slot) - grid(region, "fixed").start_us(slot) for slot in range(9)
        }
        for region in REGIONS
    }
    assert offsets == {"fra": {0}, "iad": {T // 3}, "sin": {2 * T // 3}}


def test_phases_of_probes_are_spread() -> None:
    phases = [Grid(SEED, f"probe-{index}", "fra", ("fra",), T).phase_us for index in range(1000)]
    tenths = Counter(phase * 10 // T for phase in phases)
    assert min(tenths.values()) > 60


def test_another_seed_is_another_grid_and_the_same_seed_the_same() -> None:
    other = Grid(bytes(32), "shop-web", "fra", REGIONS, T)
    assert other.due_us(7) - other.start_us(7) != grid().due_us(7) - grid().start_us(7)
    assert grid().due_us(7) == grid().due_us(7)


def test_due_instants_never_change_with_a_version_of_the_code() -> None:
    """Starts of stored slots are recomputed from the grid: these figures may never change."""
    assert [grid().due_us(slot) for slot in (0, 1, 59_843_000)] == list(PINNED)


PINNED = (24707833, 64318573, 1795290035036970)


@pytest.mark.parametrize("ahead", [0, 1])
def test_first_due_is_not_before_the_instant(ahead: int) -> None:
    each = grid()
    due = each.due_us(1000)
    assert each.first_due(due + ahead) == 1000 + ahead


def test_an_interval_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than nothing"):
        grid(interval=0)
