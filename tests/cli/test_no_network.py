"""The screen of a daemon whose region has no network: that is said on top, and nothing of the targets."""

from __future__ import annotations

import pytest

from prober.cli.answers import FailureAnswer, LastAnswer, ProbeAnswer, RegionAnswer
from prober.cli.board import without_network


def probe(*regions: str) -> ProbeAnswer:
    """Return a probe; each region is `name=code`, with `pass` for a good result and `none` before the first."""
    pairs = [region.split("=") for region in regions]
    seen = [RegionAnswer(region=name, state="unknown", last=_last(code)) for name, code in pairs]
    return ProbeAnswer(name="web", state="unknown", since_us=0, because="no result yet", regions=seen)


def _last(code: str) -> LastAnswer | None:
    if code == "none":
        return None
    failure = None if code == "pass" else FailureAnswer(code=code, detail="no route to that network")
    return LastAnswer(
        outcome="pass" if failure is None else "void", started_us=1, duration_us=1, failure=failure
    )


def test_a_region_without_a_network_is_named_with_the_reason() -> None:
    (said,) = without_network(
        [probe("fra=agent_no_route", "iad=pass"), probe("fra=agent_resolver", "iad=pass")]
    )
    assert said == "region fra has no network and says nothing of its targets: no route to that network"


@pytest.mark.parametrize("other", ["pass", "timeout_headers", "agent_memory"])
def test_one_probe_that_says_otherwise_clears_the_network(other: str) -> None:
    assert without_network([probe("fra=agent_no_route"), probe(f"fra={other}")]) == []


def test_a_probe_that_has_not_run_says_nothing_either_way() -> None:
    assert without_network([probe("fra=none")]) == []
    assert len(without_network([probe("fra=none"), probe("fra=agent_no_route")])) == 1
