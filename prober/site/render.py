"""Values to HTML: the templates, loaded when the first page is asked for, and the policy that fits them."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from markupsafe import Markup

from reports.render.templating import environment

from .figures import DAYS, bars
from .page import WORDS, Page, outages_title
from .uptime import UptimePage

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


@cache
def _environment() -> Environment:
    made = environment(TEMPLATES)
    made.filters |= {"bars": bars, "outages_title": outages_title, "tight": tight}
    made.globals |= {
        "style": _asset("style.css"),
        "script": _asset("refresh.js"),
        "words": WORDS,
        "days": DAYS,
    }
    return made


@cache
def _asset(name: str) -> Markup:
    """Return one of our own files as it stands; it holds nothing from outside."""
    return Markup((TEMPLATES / name).read_text(encoding="utf-8").strip())


@cache
def policy() -> str:
    """Return the Content-Security-Policy: our own style and script by their hashes, and nothing else."""
    return (
        f"default-src 'none'; style-src {_hash('style.css')}; script-src {_hash('refresh.js')}; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(name: str) -> str:
    return f"'sha256-{b64encode(sha256(_asset(name).encode()).digest()).decode()}'"


def tight(text: str) -> str:
    """Return a text in which no line ends between a number and its percent sign."""
    return text.replace(" %", "\N{NO-BREAK SPACE}%")


def status_page(page: Page) -> bytes:
    """Return the page as HTML."""
    return _environment().get_template("page.html").render(page=page).encode()


def uptime_html(page: UptimePage) -> bytes:
    """Return the page of months as HTML."""
    return _environment().get_template("uptime.html").render(page=page).encode()


def missing_page(title: str) -> bytes:
    """Return the page for an address that leads nowhere."""
    return _environment().get_template("missing.html").render(title=title).encode()
