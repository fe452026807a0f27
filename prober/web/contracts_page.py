"""`/contracts`: every contract in a line, for people. It needs no script and renews itself.

All from what is shown to everyone (`office.shown`); nothing is worked out for a page. Not here: one contract's
report (`contract_page`), how pieces are drawn (`markup`), values in words (`prober.accounts.glance`).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, urlencode

from aiohttp import web
from markupsafe import Markup

from prober.accounts import glance
from prober.accounts.live import Shown
from prober.accounts.plans import by_name
from prober.hub.moments import ago
from reports import telling
from reports.contract import Contract
from reports.document import ContractReport

from .contracts import office_of, window_text
from .markup import NOTHING, clock_text, head, join, row, with_small, word
from .markup import Shown as Piece
from .routes import Call

REFRESH_SECONDS = 30
MAX_CONTRACTS = 1_000  # rows
STALE_US = 15 * 60_000_000  # figures older than this are told to be old
BAR_WIDTH, BAR_HEIGHT = 100, 8  # in the drawing's own units
COLUMNS = ("contract", "finding", "promised", "measured", "covered", "error budget", "credit", "report")
LINKED = {"html": "HTML", "pdf": "PDF", "xlsx": "Excel"}
TONES = {
    "backed": ("good", "✓"),
    "broken": ("bad", "✗"),
    "not_proven": ("mild", "▲"),
    "no_data": ("none", "?"),
}


async def contracts_page(call: Call) -> web.Response:
    """Answer with the page."""
    office = office_of(call)
    body = page(office.accounts.contracts, office.shown, call.now_us)
    headers = {"Content-Security-Policy": policy(style()), "Refresh": str(REFRESH_SECONDS)}
    return web.Response(text=body, content_type="text/html", headers=headers)


@cache
def own(name: str) -> Markup:
    """Return one of our own files as it stands; it holds nothing from outside."""
    return Markup((Path(__file__).parent / name).read_text(encoding="utf-8").strip())


@cache
def style() -> Markup:
    """Return the style sheet of the page of contracts."""
    return own("regions.css") + "\n" + own("contracts.css")


def policy(*styles: str, forms: bool = False) -> str:
    """Return the Content-Security-Policy of a page with these style sheets, and with forms that ask us or none."""
    hashes = " ".join(f"'sha256-{b64encode(sha256(each.encode()).digest()).decode()}'" for each in styles)
    action = "'self'" if forms else "'none'"
    return (
        f"default-src 'none'; style-src {hashes}; img-src data:; base-uri 'none'; form-action {action}; "
        "frame-ancestors 'none'"
    )


def page(contracts: Sequence[Contract], shown: Shown, now_us: int) -> str:
    """Return the page as HTML."""
    known = by_name(contracts)
    rows = (
        line
        for name, versions in list(known.items())[:MAX_CONTRACTS]
        for line in _rows(versions[-1], shown.reports.get(name, ()), shown)
    )
    lost = [parts[-1] for parts in shown.reports.values() if parts and glance.is_lost(parts[-1])]
    return own("contracts.html").format(
        title=f"({len(lost)}) Contracts" if lost else "Contracts",
        style=style(),
        made=f"worked out {clock_text(shown.at_us)}" if shown.at_us else "not worked out yet",
        seconds=REFRESH_SECONDS,
        notes=join(_notes(shown, lost, bool(known), now_us)),
        columns=head(COLUMNS),
        contracts=join(rows),
        more=_more(len(known) - MAX_CONTRACTS),
    )


def _notes(shown: Shown, lost: Sequence[ContractReport], has_any: bool, now_us: int) -> Iterator[Markup]:
    if not has_any:
        yield _note("mild", "▲", "No contract is configured: see `contracts` in the configuration")
        return
    if shown.problem:
        yield _note("bad", "✗", f"The figures cannot be worked out: {shown.problem}")
    if not shown.at_us:
        yield _note("mild", "▲", "The figures have not been worked out yet")
        return
    if now_us - shown.at_us > STALE_US:
        yield _note("mild", "▲", f"The figures are {ago(now_us - shown.at_us)} old")
    for report in lost:
        yield _note("bad", "✗", _lost_text(report))
    if not lost:
        yield _note("good", "✓", "Every claim can still be met in its running period")


def _lost_text(report: ContractReport) -> str:
    since = report.budget.lost_since if report.budget is not None else None
    when = f" since {clock_text(glance.instant_us(since))}" if since is not None else ""
    return (
        f"{report.title}: {report.claim.text} % is lost for {report.period.label}{when}, whatever comes"
        if glance.is_running(report)
        else f"{report.title}: {report.claim.text} % was missed in {report.period.label}"
    )


def _note(tone: str, sign: str, words: str) -> Markup:
    return Markup('<li class="{}">{} {}</li>').format(tone, sign, words)


def _rows(contract: Contract, parts: Sequence[ContractReport], shown: Shown) -> Iterator[Markup]:
    if not parts:
        why = "not in force" if shown.at_us else "not worked out yet"
        yield row(COLUMNS, (
            _name(contract, ""), word("none", "?", why), _claim(telling.exact(contract.claim).text, contract),
            NOTHING, NOTHING, NOTHING, NOTHING, _links(contract.name, None),
        ))  # fmt: skip
    for report in parts:
        yield _row(contract, report)


def _row(contract: Contract, report: ContractReport) -> Markup:
    period = report.period
    part = f", part {period.part} of {period.parts}" if period.parts > 1 else ""
    bounds = report.availability
    return row(COLUMNS, (
        _name(contract, f"{period.label}{part}"),
        word(*TONES[glance.finding_code(report)], glance.finding_word(report)),
        _claim(report.claim.text, contract),
        NOTHING if bounds.measured is None else with_small(
            glance.measured_text(bounds), glance.bounds_text(bounds), _origin(report)
        ),
        f"{report.coverage.ratio.text} %",
        _budget(report),
        _credit(report),
        _links(contract.name, period.label),
    ))  # fmt: skip


def _origin(report: ContractReport) -> str:
    return "partly imported" if glance.is_imported(report) else ""


def _name(contract: Contract, period: str) -> Markup:
    link = Markup('<a href="/contracts/{}">{}</a>').format(quote(contract.name, safe=""), contract.title)
    services = " + ".join(service.title for service in contract.services)
    return with_small(link, period, services, ", ".join(contract.customers))


def _claim(text: str, contract: Contract) -> Markup:
    over = {"month": "a month", "quarter": "a quarter", "year": "a year"}.get(
        contract.window.unit, window_text(contract)
    )
    more = "more than " if contract.more_than else ""
    return with_small(
        f"{more}{text} %", f"{over}, by {type(contract.method).__name__.lower()}", contract.zone
    )


def _budget(report: ContractReport) -> Piece:
    left = glance.left_of(report)
    if left is None:
        return NOTHING
    rest = f"{left.left} {left.unit} left" if not left.is_overspent else "none left"
    surely = (
        f"at least {left.at_least} surely" if left.at_least != left.left and not left.is_overspent else ""
    )
    return with_small(bar(left), rest, surely, f"{left.used} of {left.total} used")


def bar(left: glance.Left) -> Markup:
    """Return what is left of a budget as a drawing; the words beside it say the same."""
    width = left.share.numerator * BAR_WIDTH // left.share.denominator
    return Markup(
        '<svg class="budget" viewBox="0 0 {whole} {height}" preserveAspectRatio="none" aria-hidden="true">'
        '<path class="all" d="M0 0h{whole}v{height}H0z"/><path class="rest" d="M0 0h{width}v{height}H0z"/></svg>'
    ).format(whole=BAR_WIDTH, height=BAR_HEIGHT, width=width)


def _credit(report: ContractReport) -> Piece:
    text = glance.credit_text(report)
    if not text:
        return NOTHING
    return with_small(text, f"claim by {report.credit.claim_by}" if report.credit.claim_by else "")


def _links(name: str, period: str | None) -> Markup:
    """Return links to the files that are asked for most."""
    query = f"?{urlencode({'period': period})}" if period else ""
    path = f"/api/v1/contracts/{quote(name, safe='')}/report"
    linked = (
        Markup('<a href="{}.{}{}">{}</a>').format(path, ending, query, title)
        for ending, title in LINKED.items()
    )
    return Markup(" ").join(linked)


def _more(count: int) -> Markup:
    if count <= 0:
        return Markup("")
    words = Markup('<p class="more">and {} more: <a href="/api/v1/contracts">all</a></p>')
    return words.format(f"{count:,}")
