"""Objectives of Pyrra, `pyrra.dev/v1alpha1` ServiceLevelObjective: one document a contract.

Format: github.com/pyrra-dev/pyrra, kubernetes/api/v1alpha1. An indicator there is one gauge that is 0 or 1, or two
counters, each a plain selector: what needs more than that is approximated, with a note.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from .decimals import length, text
from .indicator import FAILED, USABLE
from .objective import LEAST_FAILED, Objective

Document: TypeAlias = dict[str, Any]  # Any: an object as Pyrra reads it


def documents(objectives: Sequence[Objective]) -> tuple[list[object], list[str]]:
    """Return a document for each contract, and what Pyrra's rules will not be like."""
    taken: dict[str, str] = {}
    made = [_document(objective, _named(objective.name, taken)) for objective in objectives]
    return list(made), [note for objective in objectives for note in _notes(objective)]


def _document(objective: Objective, name: str) -> Document:
    claim = text(objective.contract.claim * 100)
    return {
        "apiVersion": "pyrra.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {
            "name": name,
            "labels": {
                "pyrra.dev/contract": _label(objective.name),
                "pyrra.dev/service": _label(objective.service),
            },
        },
        "spec": {
            "description": f"{objective.contract.title}: {claim}% of {objective.service}",
            "target": claim,
            "window": length(objective.period_us),
            "indicator": _indicator(objective),
            "alerting": {
                "name": "ContractBudgetBurns",
                "absentName": "ContractUnmeasured",
                "severities": {
                    "absent": "ticket",
                    "fastBurn": "page",
                    "mediumBurn": "page",
                    "slowBurn": "ticket",
                    "longTermBurn": "ticket",
                },
            },
        },
    }


def _indicator(objective: Objective) -> Document:
    if _is_gauge(objective):
        return {"bool_gauge": {"metric": objective.indicator.parts[0].gauge}}
    of = objective.indicator.matchers
    return {
        "ratio": {
            "errors": {"metric": f"prober_results_total{{{of},{FAILED}}}"},
            "total": {"metric": f"prober_results_total{{{of},{USABLE}}}"},
        }
    }


def _is_gauge(objective: Objective) -> bool:
    found = objective.indicator
    return found.kind == "state" and len(found.parts) == 1


def _notes(objective: Objective) -> Iterator[str]:
    found, name = objective.indicator, objective.name
    if found.kind == "state" and not _is_gauge(objective):
        yield f"{name}: weights are not applied: the share of failed results stands for them"
    elif found.kind == "attempts" and len(found.parts) > 1:
        yield f"{name}: weights are not applied"
    elif found.kind == "minutes":
        yield f"{name}: minutes are not judged: the share of failed results stands for them"
    if found.ignored:
        yield f"{name}: ignored failures are counted as failures"
    if objective.needs_failures:
        yield (
            f"{name}: Pyrra cannot ask for {LEAST_FAILED} failed results in the short window: one failed run can set "
            "its alert off"
        )
    if not objective.budget:
        yield f"{name}: a target of 100 leaves Pyrra's budget at 0, which its pages divide by; its alerts work"


def _named(name: str, taken: dict[str, str]) -> str:
    """Return a name as Kubernetes takes it, that no other contract has."""
    plain = re.sub("[^a-z0-9-]", "-", name).strip("-") or "contract"
    numbers = ("", *(f"-{number}" for number in range(2, 10_000)))
    found = next(each for each in (f"{plain[:58]}{number}" for number in numbers) if each not in taken)
    taken[found] = name
    return found


def _label(value: str) -> str:
    """Return a value as Kubernetes takes it in a label."""
    return re.sub("[^A-Za-z0-9_.-]", ".", value)[:63].strip("-_.")
