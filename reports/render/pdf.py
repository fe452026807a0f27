"""The report as PDF, by typst: tagged, for archives (PDF/A-2a) and for everyone (PDF/UA-1), the same bytes each time.

The data goes in as JSON, never as code; fonts come with Prober, so that Chinese, Japanese, Cyrillic and Greek names
print. Not here: what is told (`view`), how it is laid out (`templates/report.typ`), which signs there are (`glyphs`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from reports.document import Brand, ContractReport
from reports.render import MissingExtra, brand, glyphs, strip
from reports.render.speaker import Audience
from reports.render.view import View, view
from reports.words import Words

TEMPLATE = Path(__file__).parent / "templates" / "report.typ"
STANDARDS = ["a-2a", "ua-1"]
MAX_SHOWN = 20  # characters named in a note
AXIS_SIZE = ("500", "34")
LATIN, HAN = "Noto Sans", "Noto Sans SC"
EAST_ASIAN = frozenset({"ja", "zh"})

_log = logging.getLogger(__name__)


class PdfError(Exception):
    """A report that typst could not make: what it said, and what to try."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message} (hint: {hint})")
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Made:
    """A PDF, and what is not in it as it should be."""

    data: bytes
    notes: tuple[str, ...]


def render(
    reports: Sequence[ContractReport],
    words: Words,
    *,
    audience: Audience = "customer",
    template: Path | None = None,
) -> bytes:
    """Return one PDF with every report; with more than one, a list of contents comes first.

    Raises `MissingExtra` without typst, and `PdfError` where the template is at fault.
    """
    made = make(reports, words, audience=audience, template=template)
    for note in made.notes:
        _log.warning("%s", note)
    return made.data


def make(
    reports: Sequence[ContractReport],
    words: Words,
    *,
    audience: Audience = "customer",
    template: Path | None = None,
) -> Made:
    """Return the PDF with notes on what had to be left out: a sign that no font has, a logo that is no image."""
    _typst()
    data = glyphs.mapped(_texts(reports, words, audience), glyphs.composed)
    brands = [_brand(each.brand) for each in reports]
    problem = ""
    for attempt in _attempts(data, brands):
        try:
            made = _compile(attempt, template or TEMPLATE)
        except RuntimeError as error:  # TypstError is one, and so is a template that is not there
            problem = _first_line(error)
            continue
        return Made(made, attempt.notes)
    raise PdfError(
        f"typst refused the report: {problem}", "try it without --template, or look at the template"
    )


@dataclass(frozen=True, slots=True)
class _Attempt:
    data: dict[str, Any]
    brands: list[dict[str, Any]]
    system_fonts: bool
    notes: tuple[str, ...]


def _attempts(data: dict[str, Any], brands: list[dict[str, Any]]) -> Iterator[_Attempt]:
    """Yield what to try: all as it is, then with a mark for signs that no font has, then without the logo."""
    lacking = glyphs.missing([*glyphs.texts(data), *(each["name"] for each in brands)])
    notes: tuple[str, ...] = ()
    if lacking:
        yield _Attempt(data, brands, True, (_note("were printed with fonts of this machine", lacking),))
        notes = (_note("no font has, so a mark stands for them", lacking),)
        data = glyphs.mapped(data, glyphs.shown)
        brands = [each | {"name": glyphs.shown(each["name"])} for each in brands]
    yield _Attempt(data, brands, False, notes)
    if any(each["logo"] for each in brands):
        plain = [each | {"logo": None} for each in brands]
        yield _Attempt(data, plain, False, (*notes, "the logo could not be drawn and was left out"))


def _note(what: str, signs: Sequence[str]) -> str:
    shown = " ".join(f"U+{ord(one):04X}" for one in signs[:MAX_SHOWN])
    more = f" and {len(signs) - MAX_SHOWN} more" if len(signs) > MAX_SHOWN else ""
    return f"signs that the fonts of Prober lack {what}: {shown}{more}"


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]


def _texts(reports: Sequence[ContractReport], words: Words, audience: Audience) -> dict[str, Any]:
    """Return everything to print as plain data; places of brands are those of the reports."""
    views = [view(each, words, audience) for each in reports]
    names = dict.fromkeys(each.brand.name for each in reports if each.brand.name)
    language, script, region = _tag(words.tag)
    return {
        "title": views[0].title if len(views) == 1 else words.say("sheet.reports"),
        "author": list(names),
        "made": _made(reports),
        "language": language,
        "script": script,
        "region": region,
        "fonts": _families(language),
        "reports": [_drawn(each) | {"brand": place} for place, each in enumerate(views)],
    }


def _drawn(one: View) -> dict[str, Any]:
    """Return a view as plain data with the axis drawn."""
    found = asdict(one)
    if one.axis is not None:
        found["axis"]["svg"] = strip.scale_svg(one.axis.scale, one.finding, AXIS_SIZE)
        del found["axis"]["scale"]
    return found


def _made(reports: Sequence[ContractReport]) -> list[int]:
    """Return when the latest report was made, in UTC: the date of the document, so that it is the same each time."""
    latest = max(datetime.fromisoformat(each.provenance.made).astimezone(UTC) for each in reports)
    return [latest.year, latest.month, latest.day, latest.hour, latest.minute, latest.second]


def _tag(tag: str) -> tuple[str, str | None, str | None]:
    """Return language, script and region of a tag such as `zh-Hans-CN`."""
    language, *rest = tag.split("-")
    script = next((one.lower() for one in rest if len(one) == 4), None)
    return language.lower(), script, next((one.upper() for one in rest if len(one) == 2), None)


def _families(language: str) -> list[Any]:
    """Return the fonts in their order; East Asian text keeps its own quotation marks and dashes."""
    return [{"name": LATIN, "covers": "latin-in-cjk"}, HAN, LATIN] if language in EAST_ASIAN else [LATIN, HAN]


def _brand(found: Brand) -> dict[str, Any]:
    """Return whose report it is, with the logo as text (SVG) or as numbers of 0 to 255."""
    image = brand.logo(found.logo)
    logo = {"format": image.kind, "data": _logo_data(image)} if image else None
    return {"name": glyphs.composed(found.name), "colour": brand.readable(found.colour), "logo": logo}


def _logo_data(image: brand.Logo) -> str | list[int]:
    return image.data.decode("utf-8", "replace") if image.kind == "svg" else list(image.data)


def _typst() -> Any:
    try:
        import typst
    except ImportError:
        raise MissingExtra("pdf", "pdf") from None
    return typst


@cache
def _fonts(system_fonts: bool) -> Any:
    return _typst().Fonts(
        include_system_fonts=system_fonts, include_embedded_fonts=True, font_paths=[str(glyphs.FONTS)]
    )


def _compile(attempt: _Attempt, template: Path) -> bytes:
    data = json.dumps(attempt.data | {"brands": attempt.brands}, ensure_ascii=False)
    compiler = _typst().Compiler(root=str(template.parent), font_paths=_fonts(attempt.system_fonts))
    found: bytes = compiler.compile(
        input=str(template), format="pdf", sys_inputs={"data": data}, pdf_standards=STANDARDS
    )
    return found
