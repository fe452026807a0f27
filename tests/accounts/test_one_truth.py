"""One contract, many readers: list, report, command line, pages, badge and metrics tell the same figures."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from support.asking import internal, public
from support.commands import prober_beside
from support.months import NOW_US, Months, months
from support.samples import value

from prober.accounts.plans import Wanted
from prober.cli.reporting import made_reports, rendered
from prober.metrics.text import ratio

BOUNDS = ("lowest", "measured", "highest")
DIGITS = 3  # that the pages print of this contract


@dataclass(frozen=True)
class Told:
    """What one reader was told, as it was told."""

    finding: str
    figures: tuple[str, ...]


def truncated(exact: dict[str, int], digits: int = DIGITS) -> str:
    """Return a ratio as a percentage, cut off, by arithmetic of this test's own."""
    scaled = exact["num"] * 10 ** (digits + 2) // exact["den"]
    return f"{scaled // 10**digits}.{scaled % 10**digits:0{digits}}"


def plain(html: str) -> str:
    """Return the text of a page in one line."""
    return " ".join(re.sub("<[^>]+>", " ", html.replace("\N{NO-BREAK SPACE}", " ")).split())


async def answers(made: Months) -> dict[str, str]:
    """Return what every address says, by address."""
    found = {}
    async with internal(made, made.now_us) as api, public(made, made.now_us) as site:
        for path in ("/api/v1/contracts", "/api/v1/contracts/shop-gold", "/contracts", "/contracts/shop-gold",
                     "/metrics", "/api/v1/contracts/shop-gold/report.md"):  # fmt: skip
            found[path] = (await api.ask(path)).text
        for path in ("/", "/uptime", "/badge/shop.json?figure=contract", "/badge/shop.svg?figure=contract"):
            found[path] = (await site.ask(path)).text
    return found


async def printed(made: Months) -> str:
    """Return what the command line prints of the running period at the same instant."""
    wanted = Wanted(contracts=("shop-gold",))
    reports, language = await made_reports(made.path, wanted, NOW_US)
    (data,) = rendered("json", reports, language, None, "provider").values()
    return data.decode()


def gauges(made: Months) -> dict[str, Any]:
    """Return the gauges of the contract."""
    of = {"contract": "shop-gold"}
    found: dict[str, Any] = {
        bound: value(made.exposition, "prober_contract_availability_ratio", **of, bound=bound)
        for bound in BOUNDS
    }
    found |= {
        f"left {bound}": value(made.exposition, "prober_contract_error_budget_seconds", **of, bound=bound)
        for bound in BOUNDS
    }
    findings = ("backed", "broken", "not_proven")
    found["finding"] = [
        name for name in findings if value(made.exposition, "prober_contract_finding", **of, finding=name)
    ]
    found["coverage"] = value(made.exposition, "prober_contract_coverage_ratio", **of)
    return found


async def test_all_readers_are_told_the_same(tmp_path: Path) -> None:
    async with months(tmp_path) as made:
        heard, said, told = await answers(made), await printed(made), gauges(made)
    assert said == heard["/api/v1/contracts/shop-gold"]
    report = json.loads(said)
    (listed,) = [
        one for one in json.loads(heard["/api/v1/contracts"])["contracts"] if one["name"] == "shop-gold"
    ]
    current = listed["current"]
    for part in ("availability", "claim", "finding", "period", "credit"):
        assert current[part] == report[part], part
    assert current["coverage"] == report["coverage"]["ratio"]
    for part in ("total", "spent", "left"):
        assert current["budget"][part] == report["budget"][part], part

    figures = report["availability"]
    for bound in BOUNDS:
        assert figures[bound]["text"] == truncated(figures[bound])
        assert told[bound] == float(ratio(Fraction(figures[bound]["num"], figures[bound]["den"])))
        left = report["budget"]["left"][bound]
        assert told[f"left {bound}"] == pytest.approx(float(Fraction(left["num"], left["den"])), abs=1e-6)
    assert told["finding"] == [report["finding"]] == ["not_proven"]
    assert told["coverage"] == 1

    lowest, measured, highest = (figures[bound]["text"] for bound in BOUNDS)
    for path in ("/contracts", "/", "/uptime"):
        text = plain(heard[path])
        assert "Not proven so far" in text, path
        assert f"{measured} %" in text, path
        assert f"{lowest} to {highest} %" in text, path
    for path in ("/contracts/shop-gold", "/api/v1/contracts/shop-gold/report.md"):
        for figure in (lowest, measured, highest):
            assert f"{figure} %" in plain(heard[path]), path
    broken, backed = [past for past in report["past"] if past["finding"] is not None]
    assert (broken["finding"], backed["finding"]) == ("broken", "backed")
    for past, word in ((broken, "January 2026 ✗ Broken"), (backed, "February 2026 ✓ Backed")):
        assert f"{word} {past['availability']['measured']['text']} %" in plain(heard["/uptime"])
    badge = json.loads(heard["/badge/shop.json?figure=contract"])
    assert badge["message"] == f"{measured} %, not proven so far"
    assert f": {badge['message']}</title>" in heard["/badge/shop.svg?figure=contract"]


async def test_a_finished_month_is_told_the_same_by_the_command_and_the_api(tmp_path: Path) -> None:
    """The command has another clock than the test's daemon: only when the report was made may differ."""
    arguments = ("report", "--contract", "shop-gold", "--month", "2026-02", "--json")
    async with months(tmp_path) as made:
        said = await prober_beside(*arguments, "--config", str(made.path), folder=tmp_path)
        async with internal(made, made.now_us) as api:
            heard = (await api.ask("/api/v1/contracts/shop-gold?month=2026-02")).text
    assert said.code == 0, said.err
    command, answer = json.loads(said.out), json.loads(heard)
    assert command["provenance"].pop("made") != answer["provenance"].pop("made")
    assert command == answer
