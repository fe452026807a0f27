"""The report as HTML: whole in one file, safe whatever it is about, and fit for every reader."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from html.parser import HTMLParser
from itertools import pairwise

import msgspec
import pytest
from support.report_samples import SAMPLES, sample

from reports.document import Brand, ContractReport, Done, Outage
from reports.render import html
from reports.render.sheet import sheet
from reports.render.view import view
from reports.words import Words, load

HOSTILE = """<script>alert(1)</script>"'&{{7*7}}${7*7}#image("x")"""
LANGUAGES = ("en", "de", "zh")
VOID = {"meta", "img", "br", "link"}


class Reader(HTMLParser):
    """What a page holds: elements with attributes, texts, and whether every element was closed in order."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title"} & set(self.open[-1:]):
            self.text += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def plain(self) -> str:
        return " ".join(self.text.split())


@pytest.fixture(scope="module")
def words() -> Words:
    return load("en")


def read(*reports: ContractReport, language: str = "en") -> Reader:
    found = Reader(html.render(reports, load(language), audience="customer"))
    assert found.open == []
    return found


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("make", SAMPLES.values(), ids=list(SAMPLES))
def test_every_word_and_figure_of_the_sheet_is_on_the_page(
    make: Callable[[], ContractReport], language: str
) -> None:
    report, told = make(), load(language)
    page, shown = read(report, language=language).plain(), sheet(report, told)
    wanted = [shown.title, shown.subtitle, shown.finding_word, *shown.opening, shown.footer]
    wanted += [text for fact in shown.figures for text in (fact.label, fact.value.text, fact.note)]
    for section in shown.sections:
        wanted += [section.title, *section.paragraphs]
        wanted += [fact.value.text for fact in section.facts]
        wanted += [cell.text for table in section.tables for row in table.rows for cell in row if cell.raw]
    assert [text for text in wanted if " ".join(text.split()) not in page] == []


@pytest.mark.parametrize("make", SAMPLES.values(), ids=list(SAMPLES))
def test_a_page_needs_nothing_but_itself(make: Callable[[], ContractReport]) -> None:
    found = read(make())
    for tag, attributes in found.elements:
        assert tag not in {"script", "link", "iframe", "object", "form", "base"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert (attributes.get("src") or "data:").startswith("data:")
    (style,) = re.findall(r"<style>(.*?)</style>", html.render([make()], load("en")).decode(), re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_allows_the_style_of_the_page_and_images_inside_it(words: Words) -> None:
    page = html.render([sample()], words).decode()
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    digest = b64encode(sha256(style.encode()).digest()).decode()
    (policy,) = [
        one["content"]
        for one in Reader(page.encode()).named("meta")
        if one.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert page.index("Content-Security-Policy") < page.index("<style>")


def hostile() -> ContractReport:
    """Return a report in which every name is an attack."""
    report = SAMPLES["broken"]()
    brand = Brand(name=HOSTILE, logo="javascript:alert(1)", colour="#fff;}*{display:none", footer=HOSTILE)
    outages = [
        msgspec.structs.replace(each, incident="https://example.org/" + HOSTILE) for each in report.outages
    ]
    return msgspec.structs.replace(
        report,
        title=HOSTILE,
        customer_title=HOSTILE,
        service_title=HOSTILE,
        brand=brand,
        outages=outages,
        promise=HOSTILE,
        actions=[Done(on="2026-03-05", text=HOSTILE)],
        titles=dict.fromkeys(report.titles, HOSTILE),
        provenance=msgspec.structs.replace(report.provenance, software=HOSTILE, digest=HOSTILE),
    )


@pytest.mark.parametrize("count", [1, 2])
def test_whatever_a_name_holds_is_printed_and_never_run(count: int) -> None:
    found = read(*[hostile()] * count)
    assert found.named("script") == []
    assert found.plain().count(HOSTILE) >= 8
    assert all(not any(name.startswith("on") for name in attributes) for _, attributes in found.elements)
    (style,) = re.findall(r"<style>(.*?)</style>", html.render([hostile()], load("en")).decode(), re.DOTALL)
    assert "display:none" not in style
    assert "<" not in style.replace("\\3c ", "")
    assert "alert(" not in style


def test_text_in_a_style_is_nothing_but_text() -> None:
    assert html.css_text('a"}\\é') == '"a\\22 \\7d \\5c \\e9 "'


@pytest.mark.parametrize(("language", "tag"), [("en", "en"), ("de", "de"), ("zh", "zh")])
def test_the_page_says_its_language(language: str, tag: str) -> None:
    (root,) = read(sample(), language=language).named("html")
    assert str(root["lang"]).split("-")[0] == tag
    assert root["dir"] == "ltr"


@pytest.mark.parametrize("make", SAMPLES.values(), ids=list(SAMPLES))
@pytest.mark.parametrize("count", [1, 3])
def test_headings_go_down_one_step_at_a_time(make: Callable[[], ContractReport], count: int) -> None:
    levels = [int(tag[1]) for tag, _ in read(*[make()] * count).elements if re.fullmatch(r"h\d", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


@pytest.mark.parametrize("make", SAMPLES.values(), ids=list(SAMPLES))
def test_every_table_has_headings_of_columns_and_rows(make: Callable[[], ContractReport]) -> None:
    found = read(make())
    assert {one["scope"] for one in found.named("th")} == {"col", "row"}
    rows = found.named("tr")
    row_heads = [one for one in found.named("th") if one["scope"] == "row"]
    assert len(row_heads) == len(rows) - len(found.named("table"))


def test_drawings_have_a_text_instead(words: Words) -> None:
    found = read(SAMPLES["broken"]())
    told = [str(one["aria-label"]) for one in found.named("figure")]
    assert told[0] == (
        "Claimed: 99.95 %, Lowest possible: 99.887 %, As measured: 99.894 %, Highest possible: 99.901 %"
    )
    assert "4 days with down time" in told[1]
    assert {one["aria-hidden"] for one in found.named("svg") if "class" in one} == {"true"}
    assert all(one["alt"] for one in found.named("img"))


def test_several_contracts_begin_with_a_list_of_them(words: Words) -> None:
    reports = [SAMPLES[name]() for name in ("backed", "broken", "no_data")]
    page = html.render(reports, words).decode()
    assert (
        re.findall(r'<a href="#(r\d)">', page)
        == re.findall(r'<article id="(r\d)"', page)
        == ["r1", "r2", "r3"]
    )
    assert page.index("<nav") < page.index("<article")
    assert "<nav" not in html.render(reports[:1], words).decode()


def test_reports_of_one_brand_share_its_colour(words: Words) -> None:
    other = sample(brand=Brand(name="Other", colour="#7c2d12"))
    page = html.render([sample(), other, sample()], words).decode()
    assert re.findall(r'class="report (b\d)"', page) == ["b0", "b1", "b0"]
    assert ".b0{--brand:#0f766e}" in page
    assert ".b1{--brand:#7c2d12}" in page


def test_without_data_there_is_no_axis_and_no_figure() -> None:
    found = read(SAMPLES["no_data"]())
    assert "axis-box" not in {one.get("class") for one in found.named("figure")}
    assert "100 %" not in found.plain().split("Day by day")[0]


def test_ninety_outages_are_all_listed() -> None:
    def outage(place: int) -> Outage:
        return msgspec.structs.replace(sample().outages[0], number=place)

    found = read(sample(outages=[outage(place) for place in range(1, 91)], outages_total=90))
    rows = found.named("tr")
    assert len(rows) > 90 + 90 * 3
    assert "What each region saw" in found.plain()


def test_a_customers_page_tells_nothing_that_is_internal(words: Words) -> None:
    report = SAMPLES["broken"]()
    assert "/api/v1/results" not in html.render([report], words, audience="customer").decode()
    assert "status 503, expected 2xx" not in html.render([report], words, audience="customer").decode()
    assert "status 503, expected 2xx" in html.render([report], words, audience="provider").decode()


def test_the_same_report_is_the_same_page(words: Words) -> None:
    assert html.render([sample()], words) == html.render([sample()], words)


def test_a_wide_table_is_folded_and_a_long_one_moves_to_the_end(words: Words) -> None:
    chapters = {each.key: each for each in view(SAMPLES["many"](), words).chapters}
    (table,) = chapters["outages"].grids
    assert [head.title for head in table.heads] == ["No.", "Start", "As measured", "Cause", "Regions"]
    assert [line.label for line in table.rows[0][1]] == ["", "End"]
    assert len(chapters["late-seen"].grids[0].rows) == 120


def test_lengths_that_no_day_has_are_left_out(words: Words) -> None:
    def titles(name: str) -> list[str]:
        (table,) = next(each for each in view(SAMPLES[name](), words).chapters if each.key == "days").grids
        return [head.title for head in table.heads]

    assert words.say("column.unknown") not in titles("backed")
    assert words.say("column.unknown") in titles("not_proven")
