"""Recording and alerting rules of Prometheus.

Three groups a contract: ratios over short windows at the pace of all rules, ratios over long windows every two minutes
(they cost more and move less), alerts. Labels are bounded: contract, service, severity. A ratio is computed from
counts over its whole window, never as a mean of ratios; without usable results there is none, and no alert of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any, TypeAlias

from .decimals import length, text
from .objective import DAY_US, HOUR_US, LEAST_FAILED, WINDOWS_US, Alarm, Objective, Severity

Rule: TypeAlias = dict[str, Any]  # Any: a rule as Prometheus reads it

ERRORS = "contract:prober_errors:ratio"
FAILED = "contract:prober_failed_results:increase"
UNMEASURED = "contract:prober_unmeasured_slots:ratio"
MINUTE = "contract:prober_bad_minute:bool"
OBJECTIVE = "contract:prober_objective:ratio"
BUDGET = "contract:prober_error_budget:ratio"

LONG_PACE = "2m"
"""How often long windows are looked at: no more than half of what Prometheus looks back for a sample."""
LONG_FROM_US = 6 * HOUR_US
MOST_UNMEASURED = "0.5"
"""Share of a schedule's slots without usable results from which on its alerts say too little."""
_FEWEST_SLOTS = 4


def documents(objectives: Sequence[Objective]) -> tuple[list[object], list[str]]:
    """Return the one document of a rule file, and no notes beside those that the objectives have."""
    return [{"groups": [group for each in objectives for group in _groups(each)]}], []


def _groups(objective: Objective) -> Iterator[Rule]:
    name = f"prober-contract-{objective.name}"
    short: list[Rule] = []
    long: list[Rule] = []
    for window_us in WINDOWS_US:
        (long if window_us >= LONG_FROM_US else short).extend(_recorded(objective, window_us))
    yield {"name": name, "rules": [*_constants(objective), *short]}
    yield {"name": f"{name}-long", "interval": LONG_PACE, "rules": long}
    yield {"name": f"{name}-alerts", "rules": [*_burns(objective), _unmeasured(objective), _lost(objective)]}


def _constants(objective: Objective) -> Iterator[Rule]:
    yield _record(objective, OBJECTIVE, f"vector({text(objective.contract.claim)})")
    yield _record(objective, BUDGET, f"vector({text(objective.budget)})")
    if objective.indicator.kind == "minutes":
        yield _record(objective, MINUTE, objective.indicator.minute())


def _recorded(objective: Objective, window_us: int) -> Iterator[Rule]:
    found, window = objective.indicator, length(window_us)
    minutes = f"{MINUTE}{_selector(objective)}"
    ratio = f"{found.bad(window, minutes)}\n/\n{found.total(window, minutes)}"
    yield _record(objective, f"{ERRORS}_{window}", ratio)
    if objective.needs_failures and any(alarm.short_us == window_us for alarm in objective.alarms):
        yield _record(objective, f"{FAILED}_{window}", found.failed(window))
    if window_us in (_unmeasured_us(objective), 30 * DAY_US):
        yield _record(objective, f"{UNMEASURED}_{window}", found.unmeasured(window))


def _burns(objective: Objective) -> Iterator[Rule]:
    severities: tuple[Severity, ...] = ("page", "ticket")
    for severity in severities:
        alarms = [alarm for alarm in objective.alarms if alarm.severity == severity]
        if alarms:
            yield _burn(objective, severity, alarms)


def _burn(objective: Objective, severity: Severity, alarms: Sequence[Alarm]) -> Rule:
    name, claim = objective.name, text(objective.contract.claim * 100)
    paces = ", or ".join(f"{_times(alarm.factor)} over {length(alarm.long_us)}" for alarm in alarms)
    fast = f"faster than evenly ({paces})" if objective.budget else "though there is none"
    return {
        "alert": "ContractBudgetBurns",
        "expr": "\nor\n".join(f"(\n  {_condition(objective, alarm)}\n)" for alarm in alarms),
        "labels": _labels(objective) | {"severity": severity},
        "annotations": {
            "summary": f"the error budget of contract {name} burns",
            "description": (
                f"{{{{ $value | humanizePercentage }}}} of {objective.service} was bad in the longer window, and it "
                f"still is. {claim}% are promised; the budget burns {fast}. "
                f"`prober report --contract {name}` tells what is left."
            ),
        },
    }


def _times(factor: Fraction) -> str:
    return f"{text(factor)} {'time' if factor == 1 else 'times'}"


def _condition(objective: Objective, alarm: Alarm) -> str:
    of, threshold = _selector(objective), text(alarm.threshold)
    long, short = length(alarm.long_us), length(alarm.short_us)
    parts = [f"{ERRORS}_{long}{of} > {threshold}", f"{ERRORS}_{short}{of} > {threshold}"]
    if objective.needs_failures:
        parts.append(f"{FAILED}_{short}{of} >= {LEAST_FAILED}")
    return "\n  and ".join(parts)


def _unmeasured(objective: Objective) -> Rule:
    """Return the alert on silence: what rests on few results, or on none, says nothing by itself."""
    window = length(_unmeasured_us(objective))
    series = f"{UNMEASURED}_{window}{_selector(objective)}"
    causes = [f"max({series}) > {MOST_UNMEASURED}", f"max(absent({series}))"]
    if state := objective.indicator.unknown_state:
        causes.append(f"max(avg_over_time({state}[{window}])) > {MOST_UNMEASURED}")
    return {
        "alert": "ContractUnmeasured",
        "expr": "\nor ".join(causes),
        "for": "10m",
        "labels": _labels(objective) | {"severity": "ticket"},
        "annotations": {
            "summary": f"the alerts of contract {objective.name} rest on too little",
            "description": (
                f"{{{{ $value | humanizePercentage }}}} of the last {window} of {objective.service} is unknown: what "
                "was not measured is neither good nor bad, and sets no alert off. `prober regions` and "
                "`prober status` show what is missing."
            ),
        },
    }


def _lost(objective: Objective) -> Rule:
    return {
        "alert": "ContractLost",
        "expr": f'max(prober_contract_lost{{contract="{objective.name}"}}) == 1',
        "labels": _labels(objective) | {"severity": "ticket"},
        "annotations": {
            "summary": f"the claim of contract {objective.name} is lost for this period",
            "description": (
                f"More of {objective.service} is surely lost than {text(objective.contract.claim * 100)}% allow, "
                f"whatever follows. `prober report --contract {objective.name}` shows every outage and what is due."
            ),
        },
    }


def _unmeasured_us(objective: Objective) -> int:
    """Return the shortest window from an hour on that holds some slots of every probe."""
    slowest_us = max(probe.interval_us for probe in objective.contract.probes())
    fitting = (us for us in WINDOWS_US if us >= max(HOUR_US, _FEWEST_SLOTS * slowest_us))
    return next(fitting, WINDOWS_US[-1])


def _record(objective: Objective, name: str, expression: str) -> Rule:
    return {"record": name, "expr": expression, "labels": _labels(objective)}


def _labels(objective: Objective) -> dict[str, str]:
    return {"contract": objective.name, "service": objective.service}


def _selector(objective: Objective) -> str:
    return f'{{contract="{objective.name}"}}'
