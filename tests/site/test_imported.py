"""Imported history on the public listener: what includes it says so, and so does what leaves it out."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
from support.asking import internal, public
from support.maintenance import us
from support.months import NOW_US as MONTHS_US
from support.months import Months, months
from support.served import NOW_US, sample

from prober.store.base import ImportedRow
from prober.store.importing import Importing
from reports.document import Imported

INCLUDED, LEFT_OUT = "includes imported history", "imported history is not in this figure"


def mark(made: Months) -> None:
    """Say of the figures that are shown that imported history is in them."""
    imported = Imported(used=True, results=9, sources=["secret.db"], until="2026-03-05T00:00:00Z")
    made.office.shown.reports = {
        name: tuple(msgspec.structs.replace(part, imported=imported) for part in parts)
        for name, parts in made.office.shown.reports.items()
    }


def line(html: str, title: str) -> str:
    """Return what the page says of a component, as text."""
    (part,) = re.findall(rf"<h3>{title}</h3>(.*?)</article>", html, re.DOTALL)
    return " ".join(re.sub("<[^>]+>", " ", part.replace("\N{NO-BREAK SPACE}", " ")).split())


def brought(at_us: int, probe: str) -> ImportedRow:
    """Return a result that was imported."""
    return ImportedRow(probe=probe, region="fra", at_us=at_us, duration_us=5, outcome="pass", code="", kind=0)


DAYS_US = 90 * 86_400_000_000


@pytest.mark.parametrize(("at_us", "is_told"), [(NOW_US - DAYS_US, True), (NOW_US - DAYS_US - 1, False)])
async def test_a_figure_of_ninety_days_says_that_it_leaves_imports_out_where_there_are_any(
    at_us: int, is_told: bool
) -> None:
    scene = sample()
    (probe,) = scene.view.services["shop"].service.probes[:1]
    scene.store.brought.append(brought(at_us, probe))
    async with public(scene) as site:
        html = (await site.ask("/")).text
        badge = (await site.ask("/badge/shop.json?figure=uptime")).json["message"]
        other = (await site.ask("/badge/downloads.json?figure=uptime")).json["message"]
    assert (LEFT_OUT in line(html, "Web shop")) is is_told
    assert LEFT_OUT not in line(html, "Downloads")
    assert badge.endswith(", without imported history") is is_told
    assert "imported" not in other


async def test_a_store_that_cannot_tell_of_imports_stops_no_page() -> None:
    scene = sample()
    scene.store.problem = "the disk is gone"
    async with public(scene) as site:
        assert (await site.ask("/")).status == 200


async def test_promises_that_include_imports_say_so_wherever_they_are_told(tmp_path: Path) -> None:
    async with months(tmp_path) as made:
        for is_marked in (False, True):
            if is_marked:
                mark(made)
            async with public(made, made.now_us) as site:
                told = [line((await site.ask(path)).text, "Web shop") for path in ("/", "/uptime")]
                badge = (await site.ask("/badge/shop.json?figure=contract")).json["message"]
            async with internal(made, made.now_us) as api:
                listed = (await api.ask("/api/v1/contracts")).json["contracts"]
                html = (await api.ask("/contracts")).text
            assert [INCLUDED in text for text in told] == [is_marked] * 2
            assert badge == "99.928 %, not proven so far" + (" (imported)" if is_marked else "")
            assert [one["current"]["imported"] for one in listed] == [is_marked] * 2
            assert html.count("partly imported") == (2 if is_marked else 0)
            assert "secret.db" not in "".join(told)


async def test_a_month_that_includes_imports_says_so(tmp_path: Path) -> None:
    async with months(tmp_path) as made:
        december = us("2025-12-10T00:00:00Z")
        with Importing(tmp_path / "prober.db", "secret.db", MONTHS_US) as importing:
            at = (december + number * 300_000_000 for number in range(288))
            assert importing.add([brought(at_us, "web") for at_us in at]) == []
            importing.finish("00" * 32)
        async with public(made, made.now_us) as site:
            html = (await site.ask("/uptime")).text
    cells = [" ".join(re.sub("<[^>]+>", " ", one).split()) for one in re.findall("<li.*?</li>", html)]
    assert [cell[:8] for cell in cells if INCLUDED in cell] == ["Dec 2025"]
    assert "secret.db" not in html
