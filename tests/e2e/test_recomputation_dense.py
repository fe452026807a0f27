"""The quarter of tests/accounts/test_recomputation.py, looked at more often."""

from __future__ import annotations

import pytest
from support.quarter_contracts import EVERY, lawyer, same_coverage, same_fractions, world

INTERVALS = (360, 300, 480)


@pytest.mark.e2e
@pytest.mark.parametrize(("name", "period"), EVERY)
def test_somebody_else_gets_the_same_fractions_from_a_dense_export(name: str, period: str) -> None:
    grids, told, known = world(INTERVALS)
    own = lawyer(grids, name, period, known)
    same_fractions(own, told[period][name])
    same_coverage(own, told[period][name])
