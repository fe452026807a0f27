"""The page of months: twelve for every service, bounds beside figures, no data where there is none."""

from __future__ import annotations

import re
import time
from pathlib import Path

from support.asking import public
from support.months import CONTRACTS, NOW_US, Months, months

from prober.accounts.months import Months as Kept
from prober.site.render import uptime_html
from prober.site.uptime import uptime_page

MAX_PAGE_SECONDS = 0.05


def cells(html: str, title: str) -> list[str]:
    """Return the months of a service as texts."""
    (part,) = re.findall(rf"<h3>{title}</h3>\s*<ol class=\"months\">(.*?)</ol>", html, re.DOTALL)
    plain = part.replace("\N{NO-BREAK SPACE}", " ")
    return [" ".join(re.sub("<[^>]+>", " ", one).split()) for one in re.findall("<li.*?</li>", plain)]


def keeper(made: Months) -> Kept:
    """Return what works months out, without a listener."""
    return Kept(lambda: made.office.accounts, made.store, made.now_us)


async def test_every_service_has_its_last_twelve_months(tmp_path: Path) -> None:
    async with months(tmp_path) as made, public(made, made.now_us) as site:
        heard = await site.ask("/uptime")
    shop = cells(heard.text, "Web shop")
    assert len(shop) == 12
    assert (shop[0], shop[8]) == ("Apr 2025 no data", "Dec 2025 no data")
    assert re.fullmatch(r"Jan 2026 99\.7\d\d % 70\.\d+ to 99\.\d+ %, 70\.\d+ % measured", shop[9])
    assert shop[10] == "Feb 2026 100 % exact"
    assert re.fullmatch(r"Mar 2026 99\.928 % 99\.\d+ to 99\.\d+ %, so far", shop[11])
    assert cells(heard.text, "Names")[11] == "Mar 2026 100 % exact, so far"
    assert heard.headers["Cache-Control"] == "public, max-age=5"
    assert "http-equiv" not in heard.text
    assert "<script" not in heard.text


async def test_a_promise_stands_with_what_became_of_it(tmp_path: Path) -> None:
    async with months(tmp_path) as made, public(made, made.now_us) as site:
        text = (await site.ask("/uptime")).text.replace("\N{NO-BREAK SPACE}", " ")
    text = " ".join(re.sub("<[^>]+>", " ", text).split())
    assert "Availability of the shop: 99.9 % a month promised ▲ Not proven so far March 2026, up to" in text
    assert re.search(r"January 2026 ✗ Broken 99\.7\d\d % February 2026 ✓ Backed 100 %", text)


async def test_until_months_are_worked_out_the_page_says_so_and_renews_itself(tmp_path: Path) -> None:
    async with months(tmp_path) as made:
        html = uptime_html(uptime_page(made.view, made.office.shown, keeper(made), NOW_US)).decode()
    assert cells(html, "Mail")[11] == "Mar 2026 not worked out yet"
    assert '<meta http-equiv="refresh" content="15">' in html


async def test_the_page_costs_little(tmp_path: Path) -> None:
    async with months(tmp_path, contracts=CONTRACTS) as made:
        kept = keeper(made)
        await kept.round()
        for _ in range(2):  # templates are loaded by the first
            began = time.process_time()
            uptime_html(uptime_page(made.view, made.office.shown, kept, NOW_US))
        assert time.process_time() - began < MAX_PAGE_SECONDS
