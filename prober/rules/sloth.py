"""Specifications of Sloth, `prometheus/v1`: one document a service, which Sloth makes its rules from.

Format: github.com/slok/sloth, pkg/prometheus/api/v1. Sloth takes its period and windows from its own command line, its
ratio of 30 days is a mean of ratios, and its queries are one ratio each: what does not fit is in the notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any, TypeAlias

from .decimals import decimal, length, text
from .objective import LEAST_FAILED, Objective

Document: TypeAlias = dict[str, Any]  # Any: a specification as Sloth reads it
WINDOW = "{{.window}}"
_NAME = re.compile("[A-Za-z0-9][-A-Za-z0-9_.]*[A-Za-z0-9]")


def documents(objectives: Sequence[Objective]) -> tuple[list[object], list[str]]:
    """Return a document for each service, and what Sloth's rules will not be like."""
    ordered = sorted(objectives, key=lambda each: each.service)
    made = [
        _document(service, list(same)) for service, same in groupby(ordered, key=lambda each: each.service)
    ]
    return list(made), list(_notes(objectives))


def _document(service: str, objectives: Sequence[Objective]) -> Document:
    return {
        "version": "prometheus/v1",
        "service": _named(service),
        "slos": [_slo(objective) for objective in objectives],
    }


def _slo(objective: Objective) -> Document:
    name, claim = objective.name, text(objective.contract.claim * 100)
    found: Document = {"name": _named(name), "objective": decimal(objective.contract.claim * 100)}
    found["description"] = f"{objective.contract.title}: {claim}% of {objective.service}"
    found["labels"] = {"contract": name}
    found["sli"] = {
        "events": {
            "error_query": objective.indicator.bad(WINDOW),
            "total_query": objective.indicator.total(WINDOW),
        }
    }
    found["alerting"] = {
        "name": "ContractBudgetBurns",
        "labels": {"contract": name, "service": objective.service},
        "annotations": {
            "summary": f"the error budget of contract {name} burns",
            "description": f"{claim}% are promised. `prober report --contract {name}` tells what is left.",
        },
        "page_alert": {"labels": {"severity": "page"}},
        "ticket_alert": {"labels": {"severity": "ticket"}},
    }
    return found


def _notes(objectives: Sequence[Objective]) -> Iterator[str]:
    periods = dict.fromkeys(objective.period_us for objective in objectives)
    for period_us in periods:
        days = length(period_us)
        names = ", ".join(each.name for each in objectives if each.period_us == period_us)
        if len(periods) > 1 or days != "30d":
            yield f"{names}: generate with --default-slo-period={days}, in a file of their own"
    for objective in objectives:
        if objective.needs_failures:
            yield (
                f"{objective.name}: Sloth cannot ask for {LEAST_FAILED} failed results in the short window: one "
                "failed run can set its page off"
            )
        if not objective.budget:
            yield f"{objective.name}: a budget of 0 makes Sloth's burn rates infinite; its alerts work"
    yield "all: Sloth's ratio of the whole period is a mean of five-minute ratios; `prober report` counts exactly"
    yield "all: nothing tells that too little was measured: keep the alert ContractUnmeasured of --format prometheus"


def _named(name: str) -> str:
    """Return a name as Sloth takes it: at least two characters, a letter or digit at both ends."""
    found = name.replace("+", ".").strip("-_.")
    return found if _NAME.fullmatch(found) else f"contract-{found}"
