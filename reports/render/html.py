"""The report as one HTML file: no script, no request, all drawings and images inside, for the screen and for paper.

Texts are escaped by the template; style has no attribute of its own but one sheet, whose hash the policy of the file
names. Not here: what is told (`view`).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

from reports.document import Brand, ContractReport
from reports.render import brand, strip
from reports.render.speaker import Audience
from reports.render.templating import environment
from reports.render.view import View, view
from reports.words import Words

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES = Path(__file__).parent / "templates"
_NUMBER_AND_SIGN = re.compile(r"(\d) %")
RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ps", "ur", "yi"})


@dataclass(frozen=True, slots=True)
class Wearing:
    """Whose report it is, as far as it may be used; reports of the same brand share a place."""

    place: int
    name: str
    logo: str | None


def render(reports: Sequence[ContractReport], words: Words, *, audience: Audience = "customer") -> bytes:
    """Return one page with every report; with more than one, a list of contents comes first."""
    views = [view(each, words, audience) for each in reports]
    worn = list(dict.fromkeys((each.brand.name, each.brand.logo, each.brand.colour) for each in reports))
    brands = [_wearing(each.brand, worn) for each in reports]
    style = _style([colour for _, _, colour in worn], views)
    page = _template().render(
        views=[_drawn(each) for each in views],
        brands=brands,
        title=views[0].title if len(views) == 1 else words.say("sheet.reports"),
        language=words.tag,
        direction="rtl" if words.tag.partition("-")[0] in RIGHT_TO_LEFT else "ltr",
        style=style,
        policy=policy(style),
    )
    return page.encode()


def _wearing(found: Brand, worn: list[tuple[str, str | None, str]]) -> Wearing:
    place = worn.index((found.name, found.logo, found.colour))
    image = brand.logo(found.logo)
    return Wearing(place, found.name, image.url if image else None)


def _drawn(one: View) -> dict[str, Any]:
    """Return a view with the axis drawn."""
    found = {name: getattr(one, name) for name in View.__dataclass_fields__}
    if one.axis is not None:
        found["axis"] = asdict(one.axis) | {"svg": strip.scale_svg(one.axis.scale, one.finding)}
    return found


@cache
def _template() -> Template:
    made = environment(TEMPLATES)
    made.filters["prose"] = prose
    return made.get_template("report.html")


def prose(text: str) -> Markup:
    """Return a sentence as HTML in which a number and its percent sign stay on one line."""
    return Markup(_NUMBER_AND_SIGN.sub("\\1&nbsp;%", str(escape(text))))


@cache
def _sheet() -> str:
    return (TEMPLATES / "report.css").read_text(encoding="utf-8").strip()


def _style(colours: Sequence[str], views: Sequence[View]) -> Markup:
    """Return our own style sheet, and the colours of brands as far as they can be read; nothing else from outside."""
    light = [f".b{place}{{--brand:{brand.readable(colour)}}}" for place, colour in enumerate(colours)]
    dark = [
        f".b{place}{{--brand:{brand.readable(colour, brand.NIGHT_PAPER, brand.NIGHT_INK)}}}"
        for place, colour in enumerate(colours)
    ]
    night = f"@media screen and (prefers-color-scheme:dark){{{''.join(dark)}}}"
    return Markup("\n".join((_sheet(), "".join(light), night, _margins(views))))


def _margins(views: Sequence[View]) -> str:
    """Return the foot of printed pages: numbers, and which edition this is."""
    font = "font:8pt system-ui,sans-serif;color:#56616b"
    left = (
        " · ".join(each for each in (views[0].edition, views[0].digest[:16]) if each)
        if len(views) == 1
        else ""
    )
    return (
        f"@page{{@bottom-left{{content:{css_text(left)};{font}}}"
        f'@bottom-right{{content:counter(page) " / " counter(pages);{font}}}}}'
    )


def css_text(text: str) -> str:
    """Return a text as a string of CSS in which nothing but letters and digits stands for itself."""
    safe = (one if one.isascii() and one.isalnum() else f"\\{ord(one):x} " for one in text)
    return f'"{"".join(safe)}"'


def policy(style: str) -> str:
    """Return the Content-Security-Policy of a page with this style: images inside it, and nothing else."""
    found = b64encode(sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{found}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
