"""What a contract says and no rule of an alerting system can: told beside the rules, never left out in silence."""

from __future__ import annotations

from collections.abc import Iterator

from checks.core.values import format_duration
from reports.contract import Contract, Minutes, Periods


def unsaid(contract: Contract) -> tuple[str, ...]:
    """Return it in words, one sentence each; nothing for a contract that rules can follow."""
    return (*_method(contract), *_time(contract), *_rest(contract))


def _method(contract: Contract) -> Iterator[str]:
    method = contract.method
    if isinstance(method, Minutes | Periods):
        if contract.quorum == "regional":
            yield "the contract counts whole minutes; the rules count the seconds of the state"
        if method.min_attempts > 1:
            yield f"a minute with fewer than {method.min_attempts} attempts is unknown to the contract, and not here"
    if isinstance(method, Periods) and method.minutes > 1:
        yield f"runs of fewer than {method.minutes} down minutes do not count in the contract; here they do"


def _time(contract: Contract) -> Iterator[str]:
    if contract.maintenance is not None:
        yield "announced maintenance is not taken out: silence the alerts meanwhile"
    if contract.exclusions:
        yield "time excluded by agreement is not taken out"
    if contract.hours or contract.holidays:
        yield "service hours and holidays are not known to the rules: they hold at any time"
    if contract.denominator.rule == "fixed":
        yield f"the budget is a share of what was measured, not of {format_duration(contract.denominator.length_us)}"


def _rest(contract: Contract) -> Iterator[str]:
    if contract.unknown != "bounds":
        yield f"unknown time is left out of the ratio; the contract's rule for it, {contract.unknown}, is not applied"
    if contract.latency:
        yield "how fast runs are is in no rule"
