"""Promises on the public listener: what is public is told in a line, and nothing else of contracts ever is."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from support.asking import public
from support.months import CONTRACTS, SECRETS, months
from support.served import NOW_US as SCENE_US
from support.served import crowd, sample

from prober.accounts.live import Shown
from prober.site.page import page
from prober.site.render import status_page
from prober.site.sla import by_component, promises

PATHS = (
    "/", "/uptime", "/badge/shop.svg", "/badge/shop.json", "/badge/shop.svg?figure=contract",
    "/badge/shop.json?figure=contract", "/badge/shop.json?figure=uptime", "/badge/mail.svg", "/badge/mail.json",
    "/badge/mail.json?figure=contract", "/badge/names.json?figure=contract", "/api/v2/summary.json",
    "/api/v2/components.json", "/badge/acme.json", "/contracts", "/contracts/shop-gold", "/api/v1/contracts",
    "/api/v1/closed", "/metrics",
)  # fmt: skip
BOTH = CONTRACTS.replace('    claim: "99.5%"\n', '    claim: "99.5%"\n    public: true\n').replace(
    "service: mail", "service: shop"
)
EARLIER = """\
contracts:
  - {name: shop, title: Shop, service: shop, claim: "42%", effective: {to: 2026-02-01}}
  - {name: shop, title: Shop, service: shop, claim: "99.9%", public: true, effective: {from: 2026-02-01}}
"""
MAX_PAGE_SECONDS = 0.05


def words(html: str) -> str:
    """Return the text of a page, in one line."""
    return " ".join(re.sub("<[^>]+>", " ", html.replace("\N{NO-BREAK SPACE}", " ")).split())


async def test_a_service_with_a_public_contract_has_a_line_with_promise_finding_bounds_and_budget(
    tmp_path: Path,
) -> None:
    async with months(tmp_path) as made, public(made, made.now_us) as site:
        html = (await site.ask("/")).text
    (line,) = re.findall('<p class="promise">(.*?)</p>', html, re.DOTALL)
    assert words(line) == (
        "99.9 % a month promised ▲ Not proven so far March 2026: 99.928 % (99.893 to 99.955 %) · "
        "20 of 44.5 allowed minutes of down time used, 24.5 left, 14.5 of them surely · earlier"
    )
    (ids,) = re.findall('href="/uptime#([a-z0-9]+)"', line)
    assert f'<details id="{ids}"' in html


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_else_of_contracts_is_public(tmp_path: Path, path: str) -> None:
    """Neither other contracts, nor customers, fees, exclusions and who approved them, nor credits."""
    async with months(tmp_path) as made, public(made, made.now_us) as site:
        text = (await site.ask(path)).text
    assert [secret for secret in SECRETS if secret in words(text) or secret in text] == []


async def test_the_secrets_are_really_told_where_they_may_be(tmp_path: Path) -> None:
    """Else the test above would pass by misspelling them."""
    async with months(tmp_path) as made:
        shown = (
            "".join(str(part) for parts in made.office.shown.reports.values() for part in parts)
            + (tmp_path / "probes.yaml").read_text()
        )
    assert [
        secret for secret in SECRETS if secret not in shown and secret.replace(" ", "") not in shown
    ] == []


async def test_several_promises_are_told_by_their_titles(tmp_path: Path) -> None:
    async with months(tmp_path, contracts=BOTH) as made, public(made, made.now_us) as site:
        html = (await site.ask("/")).text
        ambiguous = await site.ask("/badge/shop.json?figure=contract")
    lines = [words(line) for line in re.findall('<p class="promise">(.*?)</p>', html, re.DOTALL)]
    assert [line.partition(":")[0] for line in lines] == ["Availability of the shop", "Mail behind doors"]
    assert ambiguous.status == 404


async def test_periods_from_before_a_contract_was_public_stay_private(tmp_path: Path) -> None:
    async with months(tmp_path, contracts=EARLIER) as made, public(made, made.now_us) as site:
        text = words((await site.ask("/uptime")).text)
    assert "February 2026 ✓ Backed" in text
    assert "January 2026" not in text


def test_without_figures_nothing_is_promised() -> None:
    assert promises(None) == promises(Shown()) == ()
    assert by_component(()) == {}


async def test_the_page_costs_little_with_a_promise(tmp_path: Path) -> None:
    """One service with 85 days behind it, and what was promised of it."""
    scene = crowd(1)
    async with months(tmp_path) as made:
        told = {"service:service-0": by_component(promises(made.office.shown))["service:shop"]}
    for _ in range(2):  # templates are loaded by the first
        began = time.process_time()
        html = status_page(page(scene.view, scene.history, SCENE_US, told))
    assert time.process_time() - began < MAX_PAGE_SECONDS
    assert b"99.9\xc2\xa0% a month promised" in html


async def test_a_site_without_an_office_promises_nothing() -> None:
    async with public(sample()) as site:
        assert "promised" not in (await site.ask("/")).text
        uptime = await site.ask("/uptime")
    assert uptime.status == 200
    assert "not worked out yet" in uptime.text
