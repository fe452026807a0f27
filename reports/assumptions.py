"""What the bounds rest on, and the options of the method, as codes with their values as texts. Pure."""

from __future__ import annotations

from collections.abc import Collection

from reports.contract import Contract, Method, Minutes, Periods, Requests, Slices, Time, Weighted
from reports.document import Assumption
from reports.telling import exact


def method_options(contract: Contract) -> dict[str, str]:
    """Return the options of a contract's counting: shares as percentages, lengths in microseconds."""
    fixed_us = contract.denominator.length_us
    return _options(contract.method) | ({"denominator_us": str(fixed_us)} if fixed_us else {})


def _options(method: Method) -> dict[str, str]:
    if isinstance(method, Minutes):
        return {"threshold": exact(method.threshold).text, "min_attempts": str(method.min_attempts)}
    if isinstance(method, Periods):
        return {
            "minutes": str(method.minutes),
            "threshold": exact(method.threshold).text,
            "min_attempts": str(method.min_attempts),
            "unknown": method.unknown,
            "good_minutes": str(method.good_minutes),
        }
    if isinstance(method, Slices):
        ignored = {"ignored": ", ".join(sorted(method.ignored))} if method.ignored else {}
        return {"length_us": str(method.length_us), "empty": method.empty, **ignored}
    if isinstance(method, Weighted):
        weights = ", ".join(f"{name} {weight}" for name, weight in method.weights)
        return {"by": method.by, "weights": weights}
    if isinstance(method, Requests) and method.ignored:
        return {"ignored": ", ".join(sorted(method.ignored))}
    return {}


def assumptions(
    contract: Contract, intervals: Collection[int], *, uses_own_period: bool = True
) -> list[Assumption]:
    """Return what must hold for the true figure to lie within the bounds; `intervals` are those it was measured at."""
    gaps = {contract.gap_of(interval_us) for interval_us in intervals}
    found = [
        Assumption(code=code, values={"gap_us": str(gap_us)})
        for gap_us in sorted(gaps)
        for code in ("persistence", "no_hidden_outage")
    ]
    if contract.quorum == "pooled":
        found.append(Assumption(code="pooled_everywhere"))
    if isinstance(contract.method, Time | Weighted):
        found.append(Assumption(code="edges_in_the_middle"))
    else:
        found.append(Assumption(code="attempts_when_due"))
    clock_us = contract.clock_error_us
    found.append(
        Assumption(code="clock_error", values={"error_us": str(clock_us)})
        if clock_us
        else Assumption(code="clocks_exact")
    )
    if not uses_own_period:
        found.append(Assumption(code="other_period"))
    return found
