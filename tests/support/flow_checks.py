"""Running the flow check in tests: one run, its result. The servers it asks live in http_peer.py."""

from __future__ import annotations

from typing import Any

from support.http_checks import PATIENCE_US, RESOLVER, reactor

from checks.core.check import Place, run_once
from checks.core.result import Result
from checks.flow import FlowCheck, FlowOptions


def flow_check(*steps: dict[str, Any], **options: Any) -> FlowCheck:  # Any: options as a file has them
    """Make the check of these steps, which are called s1, s2 and so on unless they have names."""
    named = [{"name": f"s{number}", **step} for number, step in enumerate(steps, 1)]
    return FlowCheck(FlowOptions.model_validate({"steps": named, **options}))


async def flow_run(*steps: dict[str, Any], timeout_us: int = PATIENCE_US, **options: Any) -> Result:
    """Take the steps once. Nothing may be left open afterwards."""
    with reactor() as engine:
        place = Place(reactor=engine, timeout_us=timeout_us, resolver=RESOLVER, max_lag_ns=PATIENCE_US * 1000)
        result = await run_once(flow_check(*steps, **options), place)
        assert engine.channels == {}
        return result
