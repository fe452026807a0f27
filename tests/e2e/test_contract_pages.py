"""Pages of contracts in a real browser: nothing blocked, nothing cut off, readable, complete without scripts."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest
from support.asking import internal, public
from support.months import months
from support.page_checks import CONTRAST

if TYPE_CHECKING:
    from playwright.async_api import Page

DESKTOP, PHONE = (1280, 900), (375, 812)
DEADLINE_MS = 15_000
MIN_CONTRAST = 4.5
Scheme = Literal["light", "dark"]
WIDER = "document.documentElement.scrollWidth"


@contextlib.asynccontextmanager
async def opened(
    url: str, size: tuple[int, int], scheme: Scheme, *, scripts: bool = True
) -> AsyncIterator[tuple[Page, list[str]]]:
    """Open a page in the system's Chromium, and yield it with what its console said."""
    api = pytest.importorskip("playwright.async_api", reason="missing component: playwright (hint: make e2e)")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("missing component: chromium (hint: make e2e as root on Debian installs it)")
    async with api.async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, java_script_enabled=scripts
        )
        page = await context.new_page()
        page.set_default_timeout(DEADLINE_MS)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        await page.goto(url)
        yield page, said
        await browser.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("path", ["contracts", "contracts/shop-gold", "contracts/mail-internal?language=de"])
async def test_internal_pages_fit_and_can_be_read(
    tmp_path: Path, path: str, size: tuple[int, int], scheme: Scheme
) -> None:
    async with (
        months(tmp_path) as made,
        internal(made, made.now_us) as api,
        opened(f"{api.url}{path}", size, scheme) as (page, said),
    ):
        assert await page.evaluate(WIDER) <= size[0]
        assert await page.evaluate(CONTRAST, MIN_CONTRAST) == []
        assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
@pytest.mark.parametrize("path", ["", "uptime"])
async def test_public_pages_with_promises_fit_and_can_be_read(
    tmp_path: Path, path: str, size: tuple[int, int], scheme: Scheme
) -> None:
    async with (
        months(tmp_path) as made,
        public(made, made.now_us) as site,
        opened(f"{site.url}{path}", size, scheme) as (page, said),
    ):
        assert await page.get_by_text("99.9\N{NO-BREAK SPACE}% a month promised").is_visible()
        assert await page.evaluate(WIDER) <= size[0]
        assert await page.evaluate(CONTRAST, MIN_CONTRAST) == []
        assert said == []


async def test_without_scripts_the_months_are_complete(tmp_path: Path) -> None:
    async with (
        months(tmp_path) as made,
        public(made, made.now_us) as site,
        opened(f"{site.url}uptime", PHONE, "light", scripts=False) as (page, _),
    ):
        assert await page.locator(".months li").count() == 3 * 12
        assert await page.get_by_text("February 2026").is_visible()


async def test_a_period_is_chosen_by_a_form_and_by_links_without_a_script(tmp_path: Path) -> None:
    async with (
        months(tmp_path) as made,
        internal(made, made.now_us) as api,
        opened(f"{api.url}contracts", DESKTOP, "light", scripts=False) as (page, said),
    ):
        await page.get_by_role("link", name="Availability of the shop").click()
        await page.get_by_role("heading", name="availability in March 2026").wait_for()
        await page.get_by_label("Period").select_option("2026-01")
        await page.get_by_label("Language").select_option("de")
        await page.get_by_role("button", name="Show").click()
        await page.get_by_role("heading", name="Januar 2026").wait_for()
        await page.get_by_role("link", name="2026-02 ›").click()
        await page.get_by_role("heading", name="Februar 2026").wait_for()
        assert "period=2026-02" in page.url
        assert "language=de" in page.url
        assert said == []


async def test_the_bar_is_not_printed(tmp_path: Path) -> None:
    async with (
        months(tmp_path) as made,
        internal(made, made.now_us) as api,
        opened(f"{api.url}contracts/shop-gold", DESKTOP, "light") as (page, _),
    ):
        bar = page.get_by_role("navigation")
        assert await bar.is_visible()
        await page.emulate_media(media="print")
        assert not await bar.is_visible()


async def test_a_badge_is_an_image(tmp_path: Path) -> None:
    async with (
        months(tmp_path) as made,
        public(made, made.now_us) as site,
        opened(f"{site.url}badge/shop.svg?figure=contract", DESKTOP, "light") as (page, said),
    ):
        sizes = await page.evaluate("[...document.querySelectorAll('text')].map(one => one.getBBox().width)")
        whole = await page.evaluate("document.documentElement.width.baseVal.value")
        assert sum(sizes) < whole
        assert said == []
