"""The quarter of tests/accounts/test_recomputation.py, looked at three times as often: some minutes of work."""

from __future__ import annotations

import pytest
from support.quarter_contracts import EVERY, lawyer, same_coverage, same_fractions, world

INTERVALS = (180, 150, 240)


@pytest.mark.e2e
@pytest.mark.parametrize(("name", "period"), EVERY)
def test_somebody_else_gets_the_same_fractions_from_a_dense_export(name: str, period: str) -> None:
    grids, told, known = world(INTERVALS)
    own = lawyer(grids, name, period, known)
    same_fractions(own, told[period][name])
    same_coverage(own, told[period][name])
