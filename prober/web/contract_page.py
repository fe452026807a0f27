"""`/contracts/{name}`: the report of any period of a contract, with a bar above it to choose and to download.

The report is the HTML that everybody gets, taken apart and put below the bar; it needs no script. Not here: what is
in a report (`reports.render`), which periods there are (`contract_periods`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote, urlencode

from aiohttp import web
from markupsafe import Markup

from prober.accounts import glance
from prober.accounts.plans import Wanted
from prober.accounts.rendering import language_of
from prober.store.base import ClosedRow
from reports.catalogue import languages
from reports.contract import Contract
from reports.render.speaker import Audience
from reports.words import load

from . import contract_params as asked
from .contract_periods import beside, choices
from .contracts import FILES, office_of, rendered, reports_of, versions_of
from .contracts_page import own, policy
from .errors import ApiError
from .markup import clock_text, join
from .routes import Call
from .turns import TURNS

_PARTS = re.compile(r"<style>(.*?)</style>.*<body>\n(.*)</body>", re.DOTALL)
_TITLES = {"html": "HTML", "pdf": "PDF", "xlsx": "Excel", "csv": "CSV", "md": "Markdown", "json": "JSON"}
_VIEWS = {"provider": "as we see it", "customer": "as the customer gets it"}
NOTHING_THERE = Markup('<main><p class="refused">{}<br><small>{}</small></p></main>')


@dataclass(frozen=True, slots=True)
class Choice:
    """What the reader chose."""

    period: str
    customer: str
    language: str
    audience: str
    revision: int | None

    def query(self, **other: str) -> str:
        """Return it as the end of a link, with some of it changed."""
        every = {
            "period": self.period,
            "customer": self.customer,
            "language": self.language,
            "audience": self.audience,
        } | other
        return f"?{urlencode({name: value for name, value in every.items() if value})}"


@dataclass(frozen=True, slots=True)
class Body:
    """A report taken apart: its style sheet and what it shows."""

    style: Markup
    shown: Markup
    label: str = ""
    status: int = 200


async def contract_page(call: Call) -> web.Response:
    """Answer with the page; what cannot be shown is told below the bar."""
    office = office_of(call)
    try:
        versions = versions_of(call)
    except ApiError as error:
        return _sent("No such contract", Markup(""), _refused(error, ""), "en")
    choice = _choice(call)
    rows = await call.served.store.closed(call.name)
    periods = choices(versions, call.now_us)
    try:
        body = await _report(call, choice, periods[0])
    except ApiError as error:
        body = _refused(error, choice.period or periods[0])
    label = body.label
    pieces = (
        _form(versions, choice, periods if label in periods else [label, *periods], label, call.now_us),
        _downloads(call.name, choice, label),
        _closed([row for row in rows if _label(office.accounts.contracts, row) == label], choice),
    )
    return _sent(versions[-1].title, join(pieces), body, choice.language)


def _sent(title: str, bar: Markup, body: Body, language: str) -> web.Response:
    page = own("contract.html").format(
        title=title, style=body.style, own=_style(), bar=bar, language=language, report=body.shown
    )
    headers = {"Content-Security-Policy": policy(body.style, _style(), forms=True)}
    return web.Response(text=page, status=body.status, content_type="text/html", headers=headers)


def _refused(error: ApiError, label: str) -> Body:
    told = NOTHING_THERE.format(error.problem.error, error.problem.hint)
    return Body(own("regions.css"), told, label, error.status)


@cache
def _style() -> Markup:
    return own("contract.css")


def _choice(call: Call) -> Choice:
    query = call.query
    customer = query.get(asked.PAGE_CUSTOMER) or ""
    audience = query.get(asked.PAGE_AUDIENCE) or ("customer" if customer else "provider")
    language = query.get(asked.PAGE_LANGUAGE) or language_of(call.served.view.config, customer or None)
    revision = query.get(asked.REVISION)
    return Choice(query.get(asked.PAGE_PERIOD) or "", customer, language, audience, revision)


async def _report(call: Call, choice: Choice, running: str) -> Body:
    """Return the report that was chosen, made when it is its turn. Raises ApiError."""
    office = office_of(call)
    customers = office.accounts.customers
    if choice.customer and choice.customer not in customers:
        raise ApiError(404, "no customer has this name", f"there are: {', '.join(customers)}")
    wanted = Wanted(
        contracts=(call.name,),
        customer=choice.customer or None,
        period=choice.period or None,
        revision=choice.revision,
    )
    audience: Audience = "customer" if choice.audience == "customer" else "provider"

    async def work() -> Body:
        reports = await reports_of(office, wanted)
        file = await asyncio.to_thread(rendered, "html", reports, choice.language, audience)
        style, shown = taken_apart(file.data.decode())
        return Body(style, shown, reports[0].period.label if reports else running)

    # Figures are renewed when those that are shown are: until then the same choice makes the same page.
    stamp = (call.name, choice, office.accounts.config.digest, office.shown.at_us)
    return await call.request.app[TURNS].kept(stamp, work)


def taken_apart(html: str) -> tuple[Markup, Markup]:
    """Return the style sheet and the body of a report. Raises ValueError if it is none of ours."""
    found = _PARTS.search(html)
    if found is None:
        raise ValueError("not a report (are its style sheet and its body marked otherwise now?)")
    return Markup(found[1]), Markup(found[2])


def _form(
    versions: Sequence[Contract], choice: Choice, periods: Sequence[str], label: str, now_us: int
) -> Markup:
    customers = dict.fromkeys(name for version in versions for name in version.customers)
    given = {"": "all"} | {name: name for name in customers}
    selects = [
        _select("period", "Period", {name: name for name in periods}, label),
        _select("customer", "Customer", given, choice.customer) if len(customers) > 1 else Markup(""),
        _select("language", "Language", _languages(), choice.language),
        _select("audience", "View", _VIEWS, choice.audience),
    ]
    sides = beside(versions, label, now_us)
    return Markup(
        '<form method="get" action="/contracts/{}">{}<button>Show</button></form><p>{}{}</p>'
    ).format(
        quote(versions[-1].name, safe=""),
        join(selects),
        _step(sides.earlier, choice, "prev", "‹ {}"),
        _step(sides.later, choice, "next", "{} ›"),
    )


def _languages() -> dict[str, str]:
    return {name: load(name).messages["language.name"] for name in languages()}


def _step(period: str | None, choice: Choice, rel: str, words: str) -> Markup:
    if period is None:
        return Markup("")
    link = Markup('<a rel="{}" href="{}">{}</a>')
    return link.format(rel, choice.query(period=period), words.format(period))


def _select(name: str, label: str, options: Mapping[str, str], chosen: str) -> Markup:
    listed = join(
        Markup('<option value="{}"{}>{}</option>').format(
            value, Markup(" selected") if value == chosen else "", words
        )
        for value, words in options.items()
    )
    return Markup('<label>{}<select name="{}">{}</select></label>').format(label, name, listed)


def _downloads(name: str, choice: Choice, label: str) -> Markup:
    rows = join(
        Markup("<li><b>{}</b>{}</li>").format(title, join(_files(name, choice, label, language)))
        for language, title in _languages().items()
    )
    return Markup("<details><summary>Download</summary><ul>{}</ul></details>").format(rows)


def _files(name: str, choice: Choice, label: str, language: str) -> Iterator[Markup]:
    for ending in FILES:
        query = choice.query(period=label, language=language)
        path = f"/api/v1/contracts/{quote(name, safe='')}/report.{ending}{query}"
        yield Markup(' <a href="{}">{}</a>').format(path, _TITLES[ending])


def _label(known: Sequence[Contract], row: ClosedRow) -> str:
    return glance.period_label(known, row.contract, row.from_us, row.to_us)


def _closed(rows: Sequence[ClosedRow], choice: Choice) -> Markup:
    """Return the closed revisions of the period, the newest first."""
    if not rows:
        return Markup("")
    listed = join(_revision(row, choice) for row in sorted(rows, key=lambda row: -row.made_us))
    title = "1 closed report" if len(rows) == 1 else f"{len(rows)} closed reports"
    return Markup("<details><summary>{}</summary><ul>{}</ul></details>").format(title, listed)


def _revision(row: ClosedRow, choice: Choice) -> Markup:
    line = Markup(
        '<li><b>Revision {}</b>{} {}, closed by {} <a href="{}">show</a> '
        '<a href="/api/v1/closed/{}">as stored</a> <code>{}</code></li>'
    )
    shown = choice.query(customer=row.customer if choice.customer else "", revision=str(row.revision))
    whose = f" for {row.customer}" if row.customer else ""
    return line.format(
        row.revision, whose, clock_text(row.made_us), row.reason, shown, row.digest, row.digest[:16]
    )
