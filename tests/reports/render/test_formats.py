"""Every sample renders in every plain format and language; what is hostile in a name stays a name."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from typing import Any

import msgspec
import openpyxl
import pytest
from support.report_samples import SAMPLES, broken_month, no_data_month, sample

from reports.document import ContractReport, Done
from reports.render import FORMATS
from reports.render.markdown import escaped
from reports.words import load

EN = load("en")
PLAIN = ("json", "csv", "xlsx", "md", "terminal")
FORMULA = '=HYPERLINK("http://evil.example","x")'
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\r\n=1"]


def rendered(name: str, *reports: ContractReport, language: str = "en", audience: str = "customer") -> Any:
    """Return what a format makes of reports."""
    return FORMATS[name].render(reports, load(language), audience=audience)  # type: ignore[arg-type]


def text(name: str, *reports: ContractReport, **options: str) -> str:
    """Return what a format of text makes of reports."""
    return str(rendered(name, *reports, **options).decode())


def rows(body: bytes) -> list[dict[str, str]]:
    """Return the rows of a CSV file, read as a spreadsheet does."""
    assert body.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def book(body: bytes) -> openpyxl.Workbook:
    """Return a workbook, read back."""
    return openpyxl.load_workbook(io.BytesIO(body))


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_every_sample_renders(name: str, language: str) -> None:
    for make in SAMPLES.values():
        found = rendered(name, make(), language=language)
        assert all(found.values()) if isinstance(found, dict) else found


@pytest.mark.parametrize("name", PLAIN)
def test_many_reports_render_together_and_none_at_all_is_no_error(name: str) -> None:
    assert rendered(name, *(make() for make in SAMPLES.values()))
    rendered(name)


@pytest.mark.parametrize("name", PLAIN)
def test_equal_reports_make_equal_files(name: str) -> None:
    assert rendered(name, broken_month()) == rendered(name, broken_month())


def test_formats_import_what_they_need_only_when_asked() -> None:
    source = (
        "import sys, reports.render; print([n for n in ('rich', 'xlsxwriter', 'jinja2') if n in sys.modules])"
    )
    found = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )
    assert found.stdout.strip() == "[]"


def test_a_missing_package_is_named_with_the_way_to_get_it() -> None:
    source = (
        "import sys; sys.modules['xlsxwriter'] = None\n"
        "from reports.render import FORMATS, MissingExtra\n"
        "from reports.words import load\n"
        "try:\n    FORMATS['xlsx'].render([], load('en'), audience='customer')\n"
        "except MissingExtra as error:\n    print(error)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, check=True, timeout=60
    )
    assert "(hint: pip install 'uptime-prober[xlsx]')" in found.stdout


@pytest.mark.parametrize("name", ["json", "csv", "xlsx", "md", "terminal"])
def test_a_customer_is_given_nothing_internal(name: str) -> None:
    def everything(audience: str) -> str:
        found = rendered(name, broken_month(), audience=audience)
        if name == "xlsx":
            sheets = [list(page.iter_rows(values_only=True)) for page in book(found)]
            return str(sheets)
        return b"".join(found.values()).decode() if isinstance(found, dict) else found.decode()

    assert "/api/v1/results" not in everything("customer")
    assert "status 503" not in everything("customer")
    assert "status 503" in everything("provider")


# CSV.


def test_csv_has_a_row_a_contract_an_outage_and_a_day() -> None:
    found = rendered("csv", broken_month(), sample())
    assert list(found) == ["summary.csv", "outages.csv", "days.csv"]
    assert [len(rows(body)) for body in found.values()] == [2, 4, 62]
    first = rows(found["summary.csv"])[0]
    shown = {
        key: first[key] for key in ("finding", "lowest_percent", "lowest_num", "lowest_den", "credit_lowest")
    }
    assert shown == {
        "finding": "broken",
        "lowest_percent": "99.887",
        "lowest_num": "4453",
        "lowest_den": "4458",
        "credit_lowest": "120.00",
    }


def test_csv_leaves_empty_what_nobody_knows() -> None:
    row = rows(rendered("csv", no_data_month())["summary.csv"])[0]
    assert (row["finding"], row["lowest_percent"], row["down_measured_seconds"], row["outages"]) == (
        "no_data",
        "",
        "",
        "",
    )


@pytest.mark.parametrize("title", HOSTILE)
def test_csv_makes_no_formula_of_a_name(title: str) -> None:
    row = rows(rendered("csv", sample(title=title, customer=title))["summary.csv"])[0]
    for name in ("contract_title", "customer"):
        assert row[name].startswith("'") or row[name].lstrip()[:1] not in ("=", "+", "-", "@")


def test_csv_keeps_a_name_with_commas_quotes_and_lines_in_one_cell() -> None:
    row = rows(rendered("csv", sample(title='A, "B"\nC'))["summary.csv"])[0]
    assert row["contract_title"] == 'A, "B"\nC'


# Workbook.


def test_the_workbook_has_its_sheets_with_frozen_headings() -> None:
    found = book(rendered("xlsx", broken_month()))
    names = ["Summary", "Days", "Outages", "Exclusions", "Coverage", "Latency", "History", "Method"]
    assert found.sheetnames == names
    assert {page.freeze_panes for page in found} == {"A2"}


def test_numbers_are_numbers_and_dates_are_dates_in_utc() -> None:
    page = book(rendered("xlsx", broken_month()))["Outages"]
    heads = [cell.value for cell in page[1]]
    row = dict(zip(heads, (cell.value for cell in page[2]), strict=True))
    assert str(row["Start (UTC)"]) == "2026-03-03 08:15:00"
    assert row["Start"] == "3 March 2026 09:15:00 CET"
    assert (row["Sure length (s)"], row["Possible length (s)"]) == (1740, 1860)


def test_a_percentage_stands_as_text_and_as_a_number_that_is_not_more() -> None:
    page = book(rendered("xlsx", sample()))["Summary"]
    row = dict(zip((cell.value for cell in page[1]), page[2], strict=True))
    lowest = sample().availability.lowest
    assert lowest is not None
    assert row["Lowest possible"].value == "99.983 %"
    assert row["Lowest possible (%)"].value == 0.99983176
    assert row["Lowest possible (%)"].value <= lowest.num / lowest.den
    assert row["Lowest possible (%)"].number_format == "0.000000%"


def test_the_workbook_says_which_zone_it_is_in() -> None:
    page = book(rendered("xlsx", sample()))["Summary"]
    notes = [cell.value for cell in page["A"] if cell.value]
    assert notes[-1] == "All times in this workbook are local times of the zone Europe/Berlin."
    assert any(str(note).startswith("The claim of 99.95 %") for note in notes)


def test_long_fractions_lose_no_digit_in_the_workbook() -> None:
    made = sample()
    lowest = msgspec.structs.replace(
        made.availability.lowest, num=12345678901234567890, den=12345678901234567891
    )
    bounds = msgspec.structs.replace(made.availability, lowest=lowest)
    page = book(rendered("xlsx", msgspec.structs.replace(made, availability=bounds)))["Method"]
    values = [cell.value for row in page.iter_rows() for cell in row]
    assert "12345678901234567890" in values


@pytest.mark.parametrize("title", [FORMULA, *HOSTILE])
def test_the_workbook_has_no_formula_and_no_link_of_a_name(title: str) -> None:
    made = sample(title=title, customer_title=title, actions=[Done(on="2026-03-05", text=title)])
    for page in book(rendered("xlsx", made, made)):
        for row in page.iter_rows():
            assert {cell.data_type for cell in row} <= {"s", "n", "d"}
            assert not any(cell.hyperlink for cell in row)


def test_sheets_of_a_foreign_catalogue_get_names_that_a_workbook_may_have(tmp_path) -> None:  # type: ignore[no-untyped-def]
    texts = {"tab.days": "a/b:c*[d]?" * 9, "tab.outages": "Summary", "tab.history": ""}
    (tmp_path / "fr.json").write_bytes(msgspec.json.encode(texts))
    words = load("fr", tmp_path)
    names = book(FORMATS["xlsx"].render([sample()], words, audience="customer")).sheetnames  # type: ignore[arg-type]
    assert len({name.lower() for name in names}) == 8
    assert names[2] == "Summary 2"


# Markdown.


def test_markdown_has_the_finding_first_and_whole_tables() -> None:
    lines = text("md", broken_month()).splitlines()
    assert lines[0] == "# Shop Gold: availability in March 2026"
    assert lines[4].startswith("**The claim of 99.95 % for March 2026 was broken")
    for place, line in enumerate(lines):
        if line.startswith("| ---"):
            count = len(re.findall(r"(?<!\\)\|", line))
            assert len(re.findall(r"(?<!\\)\|", lines[place - 1])) == count
            assert len(re.findall(r"(?<!\\)\|", lines[place + 1])) == count


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("<script>alert(1)</script>", r"\<script\>alert(1)\</script\>"),
        ("[x](javascript:alert)", r"\[x\](javascript:alert)"),
        ("a | b", r"a \| b"),
        ("# head", r"\# head"),
        ("1. one", r"1\. one"),
        ("99.95 %", "99.95 %"),
        ("- item", r"\- item"),
        ("*bold* _thin_ connect_refused", r"\*bold\* \_thin\_ connect_refused"),
        ("a\n\n# b", "a # b"),
        ("&lt;b&gt; R&D", r"\&lt;b\&gt; R&D"),
        ("![x](y)", r"\!\[x\](y)"),
    ],
)
def test_markdown_shows_a_name_as_it_is(name: str, shown: str) -> None:
    assert escaped(name) == shown


# Terminal.


def test_the_terminal_has_80_columns_and_no_control_signs() -> None:
    from rich.cells import cell_len

    for language in ("en", "de", "zh"):
        for make in SAMPLES.values():
            shown = text("terminal", make(), language=language)
            assert max(cell_len(line) for line in shown.splitlines()) <= 80
            assert "\x1b" not in shown


def test_the_terminal_reads_without_colour() -> None:
    shown = text("terminal", SAMPLES["not_proven"]())
    assert "Not proven" in shown
    assert "1 Mar  █████████████████▄██░██████████" in shown
    assert "█ up (29)  ▄ down (1)  ░ unknown time (1)" in shown


def test_a_name_cannot_drive_the_terminal() -> None:
    shown = text("terminal", sample(title="\x1b]0;owned\x07[red]Gold[/red]", promise="\x9b31m"))
    assert "[red]Gold[/red]" in shown
    assert not set("\x1b\x07\x9b") & set(shown)


def test_the_summary_says_what_was_imported() -> None:
    own, brought = rows(rendered("csv", broken_month(), SAMPLES["requests"]())["summary.csv"])
    assert (own["imported_results"], own["imported_until"]) == ("0", "")
    assert (brought["imported_results"], brought["imported_until"]) == ("40000", "2026-03-05T00:00:00+01:00")
