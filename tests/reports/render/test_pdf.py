"""The report as PDF: archivable and accessible, the same bytes each time, and literal whatever a name holds."""

from __future__ import annotations

import base64
import io
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.report_samples import SAMPLES, sample

from reports.document import Brand, ContractReport, Done
from reports.render import MissingExtra, pdf
from reports.words import load

pytest.importorskip("typst", reason="missing component: typst (hint: the extra pdf)")
pypdf = pytest.importorskip("pypdf", reason="missing component: pypdf")

HOSTILE = '#image("x") <script> {{7*7}} $x$ *b* _i_ `c` @l \\ // /* #panic()'
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def made(*reports: ContractReport, language: str = "en", **options: Any) -> pdf.Made:
    return pdf.make(reports, load(language), **options)


def opened(data: bytes) -> Any:
    return pypdf.PdfReader(io.BytesIO(data))


def text_of(data: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in opened(data).pages).split())


def tags(node: Any) -> Iterator[Any]:
    """Yield every element of the tree of tags."""
    node = node.get_object()
    if isinstance(node, list):
        for child in node:
            yield from tags(child)
    elif isinstance(node, dict):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from tags(node["/K"])


@pytest.mark.parametrize("language", ["en", "de", "zh"])
@pytest.mark.parametrize("make", SAMPLES.values(), ids=list(SAMPLES))
def test_every_sample_becomes_an_archivable_and_accessible_file(
    make: Callable[[], ContractReport], language: str
) -> None:
    """typst refuses to write a file that breaks a rule of these standards which it knows."""
    found = made(make(), language=language)
    assert found.notes == ()
    metadata = opened(found.data).trailer["/Root"]["/Metadata"].get_object().get_data().decode()
    for claim in ("pdfaid:part>2<", "pdfaid:conformance>A<", "pdfuaid:part>1<"):
        assert claim in metadata


def test_the_file_says_its_title_language_author_and_date() -> None:
    file = opened(made(SAMPLES["foreign"](), language="zh").data)
    assert file.metadata.title.startswith("金牌合同")
    assert file.metadata.author == "Пример Хостинг"
    assert file.metadata["/CreationDate"] == "D:20260402000000Z"
    assert file.trailer["/Root"]["/Lang"].split("-")[0] == "zh"
    assert file.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert file.trailer["/Root"]["/ViewerPreferences"]["/DisplayDocTitle"]


def test_headings_tables_and_drawings_are_tagged() -> None:
    file = opened(made(SAMPLES["broken"]()).data)
    found = list(tags(file.trailer["/Root"]["/StructTreeRoot"]))
    kinds = [one["/S"] for one in found]
    assert kinds.count("/H1") == 1
    assert {"/H2", "/Table", "/TH", "/TD", "/Figure"} <= set(kinds)
    told = [str(one["/Alt"]) for one in found if one["/S"] == "/Figure"]
    assert "Example Hosting" in told
    assert any("Lowest possible: 99.887 %" in text for text in told)
    assert any("4 days with down time" in text for text in told)
    assert all(told)


def test_the_same_report_is_the_same_file_in_another_process() -> None:
    script = (
        "import sys; from support.report_samples import SAMPLES; from reports.render import pdf; "
        "from reports.words import load; "
        "sys.stdout.buffer.write(pdf.render([SAMPLES['broken']()], load('en'), audience='customer'))"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        timeout=60,
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
    )
    assert run.stdout == made(SAMPLES["broken"]()).data


def test_names_in_many_scripts_can_be_read_out_again() -> None:
    found = text_of(made(SAMPLES["foreign"](), language="de").data)
    for name in ("金牌合同", "東京商事株式会社", "网上商店", "バージニア", "Франкфурт", "二台目を追加した。"):
        assert name in found


def hostile() -> ContractReport:
    report = SAMPLES["broken"]()
    return msgspec.structs.replace(
        report,
        title=HOSTILE,
        customer_title=HOSTILE,
        brand=Brand(name=HOSTILE, colour='");#panic()', footer=HOSTILE),
        promise=HOSTILE,
        actions=[Done(on="2026-03-05", text=HOSTILE)],
        titles=dict.fromkeys(report.titles, HOSTILE),
    )


def test_whatever_a_name_holds_is_printed_and_never_run() -> None:
    found = made(hostile())
    assert found.notes == ()
    squeezed = text_of(found.data).replace(" ", "")
    assert squeezed.count(HOSTILE.replace(" ", "")) >= 8
    assert opened(found.data).metadata.title.startswith(HOSTILE)


def test_a_very_long_name_is_broken_and_stays_on_the_page() -> None:
    name = "x" * 300
    long = sample(title=name, titles={"probe:shop-web": name, "region:fra": name})
    file = opened(made(long).data)
    assert text_of(made(long).data).replace(" ", "").count(name) >= 3
    for page in file.pages:
        places: list[float] = []
        page.extract_text(visitor_text=lambda text, cm, tm, *_: places.append(float(tm[4] + cm[4])))  # noqa: B023
        assert max(places) < float(page.mediabox.width)


def test_a_sign_that_no_font_has_is_marked_and_named(caplog: pytest.LogCaptureFixture) -> None:
    """U+0870 is in no font that is likely to be installed; the report is made all the same."""
    report = sample(promise="a\u0870b")
    found = made(report)
    assert "U+0870" in found.notes[0]
    with caplog.at_level(logging.WARNING, logger="reports.render.pdf"):
        assert pdf.render([report], load("en"), audience="customer") == found.data
    assert "U+0870" in caplog.text


@pytest.mark.parametrize(
    ("kind", "data"),
    [("png", PNG), ("svg+xml", b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')],
)
def test_a_logo_is_drawn(kind: str, data: bytes) -> None:
    url = f"data:image/{kind};base64,{base64.b64encode(data).decode()}"
    found = made(sample(brand=Brand(name="Example", logo=url)))
    assert found.notes == ()
    figures = list(tags(opened(found.data).trailer["/Root"]["/StructTreeRoot"]))
    assert "Example" in [one.get("/Alt") for one in figures]


@pytest.mark.parametrize("data", [b"no image", PNG[:30]])
def test_a_logo_that_is_broken_is_left_out_and_said_so(data: bytes) -> None:
    url = f"data:image/png;base64,{base64.b64encode(data).decode()}"
    found = made(sample(brand=Brand(name="Example", logo=url)))
    assert found.notes == ("the logo could not be drawn and was left out",)
    assert "Example" in text_of(found.data)


def test_several_contracts_begin_with_a_list_of_them() -> None:
    reports = [SAMPLES[name]() for name in ("backed", "broken", "foreign")]
    file = opened(made(*reports).data)
    first = file.pages[0].extract_text()
    assert "Contents" in first
    assert first.count("March 2026") >= 3
    assert len([one for one in file.outline if not isinstance(one, list)]) == 3
    assert len(file.pages[0]["/Annots"]) >= 3


def test_pages_are_numbered_and_name_the_edition() -> None:
    pages = [page.extract_text() for page in opened(made(SAMPLES["broken"]()).data).pages]
    for place, page in enumerate(pages, 1):
        assert f"Page {place} of {len(pages)}" in " ".join(page.split())
        assert "Revision 1, closed · " + "3f" * 8 in page


def test_a_template_of_ones_own_is_used(tmp_path: Path) -> None:
    template = tmp_path / "mine.typ"
    template.write_text(
        "#let data = json(bytes(sys.inputs.data))\n#set document(title: data.title)\n"
        "Mine: #data.reports.at(0).finding_word"
    )
    assert text_of(made(sample(), template=template).data) == "Mine: Backed"


@pytest.mark.parametrize("source", ["#broken(", "#panic()", '#read("/etc/passwd")', None])
def test_a_template_that_is_at_fault_is_an_error_with_a_hint(tmp_path: Path, source: str | None) -> None:
    template = tmp_path / "mine.typ"
    if source is not None:
        template.write_text(source)
    with pytest.raises(pdf.PdfError, match="hint: "):
        made(sample(brand=Brand()), template=template)


def test_without_typst_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MissingExtra, match=r"pip install 'uptime-prober\[pdf\]'"):
        pdf.render([sample()], load("en"), audience="customer")


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("en", ("en", None, None)), ("zh-Hans", ("zh", "hans", None)), ("pt-BR", ("pt", None, "BR"))],
)
def test_a_language_tag_is_taken_apart(tag: str, expected: tuple[str, str | None, str | None]) -> None:
    assert pdf._tag(tag) == expected


@pytest.mark.parametrize("language", ["en", "de", "zh"])
def test_names_of_regions_are_not_broken_in_a_narrow_column(language: str) -> None:
    """Chinese lists have no blanks, and a list of several names is longer than a word may be."""
    names = ("Frankfurt", "Virginia", "Singapore")
    report = SAMPLES["many"]()
    outages = [
        msgspec.structs.replace(
            each, regions=[msgspec.structs.replace(each.regions[0], region=name) for name in names]
        )
        for each in report.outages
    ]
    text = text_of(made(msgspec.structs.replace(report, outages=outages), language=language).data)
    assert [text.count(name) >= 2 * len(outages) for name in names] == [True, True, True]


def test_no_two_headings_of_a_report_have_the_same_name() -> None:
    for language in ("en", "de", "zh"):
        outline = opened(made(SAMPLES["many"](), language=language).data).outline
        titles = [each.title for level in outline if isinstance(level, list) for each in level]
        assert len(titles) > 12
        assert len(set(titles)) == len(titles)
