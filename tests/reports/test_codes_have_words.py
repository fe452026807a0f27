"""Every code that a report can hold has words in every language: a new code without them fails here."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable
from pathlib import Path
from typing import get_args

import pytest

from checks.core.failures import Code
from prober.wire import Missed
from reports import assumptions, contract, counting, credits, exclusions, perfect, provable, trials
from reports.catalogue import PLACEHOLDER, languages
from reports.figures import Finding
from reports.words import load

ROOT = Path(__file__).resolve().parents[2]


def options(owner: type, name: str) -> tuple[str, ...]:
    """Return the texts that a field of a contract may have."""
    hints = inspect.get_annotations(owner, eval_str=True)
    return get_args(hints[name])


def written(module: object, pattern: str) -> set[str]:
    """Return what a pattern finds in the source of a module."""
    return set(re.findall(pattern, inspect.getsource(module)))  # type: ignore[arg-type]


def methods() -> set[str]:
    """Return the methods by name, weighted ones by what they weigh."""
    plain = {each.__name__.lower() for each in get_args(contract.Method)} - {"weighted"}
    return plain | {f"weighted_{by}" for by in options(contract.Weighted, "by")}


def advice(kind: str) -> set[str]:
    """Return the codes of advice as their one place of documentation lists them."""
    text = inspect.getdoc(provable.Provable) or ""
    reasons, needs, risks = re.split(r"\n\nNeeds,|\n\nRisks", text.partition("Reasons")[2])
    if kind == "reason":
        return set(re.findall(r"(?m)^ *([a-z]+(?:_[a-z]+)+)", reasons.partition("\n")[2]))
    return set(re.findall(r"`([a-z]+(?:_[a-z]+)+)", needs if kind == "need" else risks))


def named(owner: type, after: str) -> list[str]:
    """Return the codes in back-quotes that a docstring lists after a word."""
    return re.findall(r"`([a-z]+(?:_[a-z]+)*)`", (inspect.getdoc(owner) or "").partition(after)[2])


CODES: dict[str, Iterable[str]] = {
    "cause": [code.value for code in Code],
    "finding": [*(each.value for each in Finding), "no_data"],
    "finding_so_far": [*(each.value for each in Finding), "no_data"],
    "missed": [*(each.value for each in Missed), counting.NOT_BEGUN, counting.NO_RECORD],
    "reason": re.findall(r"(?m)^ {4}([a-z_]+)  ", inspect.getdoc(exclusions.Ruling) or ""),
    "exclusion": ["maintenance", *options(contract.Exclusion, "kind")],
    "exclusion_rule": options(contract.MaintenanceTerms, "rule"),
    "assumption": written(assumptions, r'code="([a-z_]+)"') | {"persistence", "no_hidden_outage"},
    "why_not": written(trials, r'return "([a-z_]+)"') | {"no_trials", "mixed", "composed"},
    "credit.note": re.findall(
        r"`([a-z]+(?:_[a-z]+)*)`", (inspect.getdoc(credits.CreditResult) or "").split("Notes")[1]
    ),
    "credit.sentence": [*options(credits.CreditResult, "kind"), "no_data"],
    "method": methods(),
    "option.periods.unknown": options(contract.Periods, "unknown"),
    "option.slices.empty": options(contract.Slices, "empty"),
    "denominator": options(contract.DenominatorRule, "rule"),
    "unknown_rule": options(contract.Contract, "unknown"),
    "unknown_rule_short": options(contract.Contract, "unknown"),
    "quorum": options(contract.Contract, "quorum"),
    "day": ["up", "down", "possible", "unknown", "excluded", "future"],
    "late": ["watermark", "deadline", "late_results"],
    "budget.unit": ["us", "attempts", "slices"],
    "advice.reason": advice("reason"),
    "advice.need": advice("need"),
    "advice.risk": advice("risk"),
}


@pytest.mark.parametrize("group", CODES)
def test_every_code_of_a_group_has_words(group: str) -> None:
    keys = set(load("en").messages)
    wanted = set(CODES[group])
    assert len(wanted) > 1, f"no codes found for {group}: has their list moved?"
    assert {code for code in wanted if f"{group}.{code}" not in keys} == set()


def test_no_cause_is_left_of_a_code_that_is_gone() -> None:
    held = {key.removeprefix("cause.") for key in load("en").messages if key.startswith("cause.")}
    assert held == {code.value for code in Code}


@pytest.mark.parametrize("language", languages())
def test_each_cause_is_one_sentence_of_its_own(language: str) -> None:
    found = {key: text for key, text in load(language).messages.items() if key.startswith("cause.")}
    assert all(text.endswith((".", "。")) for text in found.values())
    assert len(set(found.values())) == len(found)


def test_advice_asks_for_no_value_that_its_code_does_not_bring() -> None:
    """Codes are made as `code("name", key=value)`; the words may use those keys, without their units."""
    calls = []
    for module in (provable, perfect):
        source = inspect.getsource(module)
        calls += re.findall(r'code\(\s*"([a-z_]+)"((?:[^()]|\([^()]*\))*)\)', source)
    texts, checked = load("en").messages, 0
    for name, arguments in calls:
        brought = {key.removesuffix("_us") for key in re.findall(r"(\w+)=", arguments)}
        group = next(kind for kind in ("reason", "need", "risk") if f"advice.{kind}.{name}" in texts)
        if "**" not in arguments:
            assert set(PLACEHOLDER.findall(texts[f"advice.{group}.{name}"])) <= brought, name
            checked += 1
    assert checked > 4


def test_every_message_that_the_code_asks_for_by_its_whole_name_exists() -> None:
    keys, asked = set(load("en").messages), set[str]()
    for path in [*(ROOT / "reports").rglob("*.py")]:
        source = path.read_text(encoding="utf-8")
        asked |= set(re.findall(r'\b(?:say|message)\(\s*"([a-z_0-9.]+)"', source))
        asked |= {f"{key}.one" for key in re.findall(r'\bcount\("([a-z_.]+\.[a-z_.]+)"', source)}
        asked |= {f"column.{key}" for key in re.findall(r'\.column\("([a-z_0-9]+)"', source)}
        asked |= {f"label.{key}" for key in re.findall(r'\.fact\("([a-z_0-9]+)"', source)}
        asked |= {f"section.{key}" for key in re.findall(r'\.section\("([a-z_]+)"', source)}
    assert len(asked) > 100
    assert asked - keys == set()
