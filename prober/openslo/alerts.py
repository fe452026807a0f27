"""Alert policies and conditions for the burn rates of `prober.rules`, shared by all objectives that have the same ones.

A condition of OpenSLO has one window; ours have two. It gets the long one, and breaches for as long as the short one
before it alerts. Two failed results cannot be asked for. `prober rules` says both exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prober.rules.decimals import decimal, text
from prober.rules.objective import Alarm, Objective

from .budgeting import Words
from .words import MADE, VERSION, named, noted, shorthand

_MADE = {MADE: noted("prober export")}


def policies_of(found: Objective) -> list[str]:
    """Return the names of the alert policies of an objective."""
    return [_name(alarm) for alarm in found.alarms]


def alert_documents(objectives: Iterable[Objective]) -> Iterator[Words]:
    """Yield every condition and policy once, then whom they tell."""
    alarms = {_name(alarm): alarm for found in objectives for alarm in found.alarms}
    for name, alarm in alarms.items():
        yield from _documents(name, alarm)
    for severity in dict.fromkeys(alarm.severity for alarm in alarms.values()):
        yield _document("AlertNotificationTarget", f"prober-{severity}", {"target": severity})


def _documents(name: str, alarm: Alarm) -> Iterator[Words]:
    condition = {
        "kind": "burnrate",
        "op": "gt",
        "threshold": decimal(alarm.factor),
        "lookbackWindow": shorthand(alarm.long_us),
        "alertAfter": shorthand(alarm.short_us),
    }
    yield _document("AlertCondition", name, {"severity": alarm.severity, "condition": condition})
    policy = {
        "alertWhenBreaching": True,
        "conditions": [{"conditionRef": name}],
        "notificationTargets": [{"targetRef": f"prober-{alarm.severity}"}],
    }
    yield _document("AlertPolicy", name, policy)


def _document(kind: str, name: str, spec: Words) -> Words:
    return {
        "apiVersion": VERSION,
        "kind": kind,
        "metadata": {"name": name, "annotations": _MADE},
        "spec": spec,
    }


def _name(alarm: Alarm) -> str:
    return named(f"burns-{alarm.severity}-{shorthand(alarm.long_us)}-{text(alarm.factor)}")
