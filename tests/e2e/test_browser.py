"""The public page in a real browser: nothing blocked, nothing cut off, renewed in place, complete without scripts."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

import pytest
from support.asking import internal, public
from support.regions import troubled
from support.served import NOW_US, SECOND_US, Scene, crowd, sample

from prober.hub.verdict import State
from prober.site import public_app
from prober.web.listener import serve

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

DESKTOP, PHONE = (1280, 900), (390, 844)
REFRESH_MS = 16_000  # a little more than the page waits
MIN_CONTRAST = 4.5
DEADLINE_MS = 15_000


@contextlib.asynccontextmanager
async def browser() -> AsyncIterator[Browser]:
    """Start the system's Chromium; skip when it or its driver is missing."""
    api = pytest.importorskip("playwright.async_api", reason="missing component: playwright (hint: make e2e)")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("missing component: chromium (hint: make e2e as root on Debian installs it)")
    async with api.async_playwright() as driver:
        # Chromium refuses to run as root inside its sandbox, and make e2e runs as root; the page is our own.
        started = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        try:
            yield started
        finally:
            await started.close()


@contextlib.asynccontextmanager
async def opened(
    url: str,
    size: tuple[int, int] = DESKTOP,
    scheme: Literal["light", "dark"] = "light",
    *,
    scripts: bool = True,
) -> AsyncIterator[tuple[Page, list[str]]]:
    """Open a page; yield it with the complaints of the console."""
    async with browser() as started:
        context: BrowserContext = await started.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, java_script_enabled=scripts
        )
        page = await context.new_page()
        page.set_default_timeout(DEADLINE_MS)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        if scripts:
            await page.clock.install()
        await page.goto(url)
        yield page, said
        await context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_the_page_is_shown_whole_and_nothing_is_blocked(
    size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    async with public(crowd(20)) as site, opened(site.url, size, scheme) as (page, said):
        assert await page.locator("h3").count() == 20
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        assert await page.locator(".banner").evaluate("one => getComputedStyle(one).borderRadius") == "12px"
        assert await page.locator("svg.bars").first.bounding_box() is not None
        assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_enough_contrast(scheme: Literal["light", "dark"]) -> None:
    async with public(sample()) as site, opened(site.url, DESKTOP, scheme) as (page, _):
        weak = await page.evaluate(_CONTRAST, MIN_CONTRAST)
    assert weak == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_the_page_of_regions_fits_and_can_be_read(
    size: tuple[int, int], scheme: Literal["light", "dark"]
) -> None:
    """It is internal and has no script; on a phone its tables become lists."""
    async with internal(troubled()) as api, opened(f"{api.url}regions", size, scheme) as (page, said):
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        tables = await page.locator(".stack").evaluate_all(
            "all => all.map(one => one.scrollWidth <= one.parentElement.clientWidth)"
        )
        assert tables == [True, True, True]
        assert await page.evaluate(_CONTRAST, MIN_CONTRAST) == []
        assert await page.get_by_text("✗ region sin is silent").is_visible()
        assert said == []


async def test_the_picture_is_dark_in_the_dark_scheme() -> None:
    async with public(sample()) as site, opened(site.url, DESKTOP, "dark") as (page, _):
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 23)"


async def test_the_page_renews_itself_in_place() -> None:
    """What the reader has unfolded stays so, and a changed sentence is announced."""
    scene, now = sample(), [NOW_US]
    async with public(scene, lambda: now[0]) as site, opened(site.url) as (page, said):
        mail = page.locator("article", has=page.get_by_role("heading", name="Mail"))
        await mail.locator("summary").click()
        _break_mail(scene)
        now[0] += SECOND_US
        await page.clock.fast_forward(REFRESH_MS)
        await page.get_by_text("2 of 7 services are down").first.wait_for()
        assert await mail.locator("details").get_attribute("open") is not None
        assert await page.locator("#live").text_content() == "2 of 7 services are down"
        assert await page.title() == "2 of 7 services are down · Example Shop status"
        assert said == []


def _break_mail(scene: Scene) -> None:
    scene.set_state("service:mail", State.DOWN)


async def test_a_page_that_cannot_be_renewed_says_so() -> None:
    listener = await serve(public_app(sample().served(), lambda: NOW_US), "127.0.0.1", 0)
    async with opened(listener.url) as (page, _):
        assert not await page.locator("#lost").is_visible()
        await listener.close()
        await page.clock.fast_forward(REFRESH_MS)
        await page.locator("#lost").wait_for(state="visible")


async def test_without_scripts_the_page_is_complete() -> None:
    async with public(sample()) as site, opened(site.url, scripts=False) as (page, _):
        assert await page.locator("#sentence").text_content() == "Checkout is down"
        assert await page.locator("article").count() == 7
        assert await page.get_by_role("row", name="Mirror in Asia").is_visible()


async def test_everything_can_be_reached_and_unfolded_by_keyboard() -> None:
    async with public(sample()) as site, opened(site.url) as (page, _):
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.tagName") == "SUMMARY"
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.parentElement.open") is True


_CONTRAST = """(least) => {
  const channel = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const parse = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => 0.2126 * channel(c[0] / 255) + 0.7152 * channel(c[1] / 255) + 0.0722 * channel(c[2] / 255);
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] > 0) return colour;
    }
    return [255, 255, 255];
  };
  const weak = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const one = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || one.closest("script,svg,.hide,[hidden]")) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < least) weak.push(walker.currentNode.textContent.trim() + " " + ratio.toFixed(2));
  }
  return weak;
}"""
