"""Reports in a real browser and through a real PDF reader: nothing cut off, nothing asked for, all of it readable."""

from __future__ import annotations

import contextlib
import io
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import msgspec
import pytest
from support.page_checks import CONTRAST, CUT_OFF
from support.report_samples import SAMPLES

from reports.document import ContractReport
from reports.render import html, pdf
from reports.words import load

if TYPE_CHECKING:
    from playwright.async_api import Page

DESKTOP, PHONE = (1280, 900), (375, 800)
DEADLINE_MS = 15_000
MIN_CONTRAST = 4.5
LANGUAGES = ("en", "de", "zh")
Scheme = Literal["light", "dark"]


def long_names() -> ContractReport:
    """Return a report with names that have no place to break."""
    name = "n" * 120
    titles = dict.fromkeys(SAMPLES["broken"]().titles, name)
    return msgspec.structs.replace(SAMPLES["broken"](), title=name, service_title=name, titles=titles)


PAGES = {**SAMPLES, "long": long_names}


def write(folder: Path, *names: str, language: str = "en") -> Path:
    path = folder / "report.html"
    path.write_bytes(html.render([PAGES[name]() for name in names], load(language), audience="customer"))
    return path


@contextlib.asynccontextmanager
async def opened(
    path: Path, size: tuple[int, int] = DESKTOP, scheme: Scheme = "light"
) -> AsyncIterator[tuple[Page, list[str]]]:
    """Open a file in Chromium; yield it with what the console said and what was asked of the network."""
    api = pytest.importorskip("playwright.async_api", reason="missing component: playwright (hint: make e2e)")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("missing component: chromium (hint: make e2e as root on Debian installs it)")
    async with api.async_playwright() as driver:
        # Chromium refuses to run as root inside its sandbox, and make e2e runs as root; the page is our own.
        browser = await driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": size[0], "height": size[1]}, color_scheme=scheme)
        page.set_default_timeout(DEADLINE_MS)
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url) if request.url[:4] == "http" else None)
        await page.goto(path.as_uri())
        yield page, said
        await browser.close()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_every_report_fits_and_asks_for_nothing(
    size: tuple[int, int], language: str, tmp_path: Path
) -> None:
    async with opened(write(tmp_path, "broken", "not_proven", "foreign", language=language), size) as (
        page,
        said,
    ):
        assert await page.locator("article").count() == 3
        assert await page.evaluate("document.documentElement.scrollWidth") <= size[0]
        for name in PAGES:
            await page.goto(write(tmp_path, name, language=language).as_uri())
            assert await page.evaluate("document.documentElement.scrollWidth") <= size[0], name
            assert await page.evaluate(CUT_OFF) == [], name
        assert said == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_enough_contrast(scheme: Scheme, tmp_path: Path) -> None:
    async with opened(write(tmp_path, *PAGES), DESKTOP, scheme) as (page, _):
        assert await page.evaluate(CONTRAST, MIN_CONTRAST) == []


async def test_the_dark_page_is_light_on_paper(tmp_path: Path) -> None:
    async with opened(write(tmp_path, "broken"), DESKTOP, "dark") as (page, _):
        background = "getComputedStyle(document.body).backgroundColor"
        assert await page.evaluate(background) == "rgb(22, 27, 32)"
        await page.emulate_media(media="print", color_scheme="dark")
        assert await page.evaluate(background) == "rgb(255, 255, 255)"
        assert await page.evaluate(CONTRAST, MIN_CONTRAST) == []


@pytest.mark.parametrize(("name", "most"), [("backed", 6), ("broken", 7), ("many", 14)])
async def test_printed_pages_are_few_and_numbered(name: str, most: int, tmp_path: Path) -> None:
    pypdf = pytest.importorskip("pypdf", reason="missing component: pypdf")
    async with opened(write(tmp_path, name)) as (page, _):
        printed = pypdf.PdfReader(
            io.BytesIO(await page.pdf(prefer_css_page_size=True, print_background=True))
        )
    pages = [" ".join(each.extract_text().split()) for each in printed.pages]
    assert 3 <= len(pages) <= most
    assert [f"{place} / {len(pages)}" in text for place, text in enumerate(pages, 1)] == [True] * len(pages)
    assert printed.pages[0].mediabox.width == pytest.approx(595, abs=1)


async def test_a_list_of_contents_leads_to_each_report(tmp_path: Path) -> None:
    async with opened(write(tmp_path, "backed", "broken")) as (page, _):
        await page.locator("nav a").nth(1).click()
        await page.wait_for_function("scrollY > 0")
        top = await page.locator("#r2").evaluate("one => one.getBoundingClientRect().top")
        assert abs(top) < DESKTOP[1]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", ["broken", "foreign"])
def test_a_real_reader_gets_the_words_out_of_the_pdf(name: str, language: str, tmp_path: Path) -> None:
    reader = shutil.which("pdftotext")
    if reader is None:
        pytest.skip("missing component: pdftotext (hint: make e2e as root on Debian installs poppler-utils)")
    pytest.importorskip("typst", reason="missing component: typst (hint: the extra pdf)")
    report, words = PAGES[name](), load(language)
    path = tmp_path / "report.pdf"
    path.write_bytes(pdf.render([report], words, audience="customer"))
    run = subprocess.run([reader, str(path), "-"], check=True, capture_output=True, text=True, timeout=60)
    assert run.stderr == ""
    found = "".join(run.stdout.split())
    wanted = [report.title, report.customer_title or "", report.service_title, report.promise]
    wanted += [words.say("section.method"), words.ratio(report.availability.lowest)]
    wanted += [*report.titles.values(), *(one.text for one in report.actions)]
    assert [text for text in wanted if "".join(text.split()) not in found] == []
