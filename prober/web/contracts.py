"""Answers about contracts: how they stand, their reports in every format, and what is closed.

Figures in short come from what is shown to everyone (`office.shown`); reports are made one at a time. Not here: the
pages for people.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from aiohttp import web

from prober.accounts import glance
from prober.accounts.plans import PAST_PERIODS, CannotReport, Wanted, by_name
from prober.accounts.rendering import File, file_of, language_of
from prober.config.faults import did_you_mean, quote
from prober.store.base import ClosedRow
from reports import telling
from reports.catalogue import LanguageError
from reports.contract import Contract
from reports.document import ContractReport
from reports.render import FORMATS, MissingExtra
from reports.render.speaker import Audience

from . import contract_params as asked
from .errors import ApiError
from .past import LIMIT, ROWS
from .present import no_such
from .routes import Call
from .shapes_contracts import (
    ClosedReportShape,
    ClosedShape,
    ContractShape,
    ContractsShape,
    LeftShape,
    StandingShape,
)
from .turns import TURNS

if TYPE_CHECKING:
    from prober.accounts.office import Office

FILES = tuple(name for name in FORMATS if name != "terminal")
INLINE = ("html", "json")  # shown by a browser; the rest is saved
GUARD = "script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


async def contracts(call: Call) -> ContractsShape:
    """Answer how every contract stands."""
    office = office_of(call)
    shown = office.shown
    return ContractsShape(
        now_us=call.now_us,
        at_us=shown.at_us or None,
        problem=shown.problem or None,
        contracts=[
            _contract(versions, shown.reports.get(name, ()))
            for name, versions in by_name(office.accounts.contracts).items()
        ],
    )


async def contract(call: Call) -> web.Response:
    """Answer with the report of a contract as JSON."""
    return _sent(await _made(call, "json", _of_contract(call)))


async def contract_report(call: Call) -> web.Response:
    """Answer with the report of a contract as a file."""
    return _sent(await _made(call, _format(call), _of_contract(call)))


async def customer_report(call: Call) -> web.Response:
    """Answer with the reports of all contracts of a customer in one file."""
    customers = office_of(call).accounts.customers
    if call.name not in customers:
        raise no_such("customer", call.name, customers)
    return _sent(await _made(call, _format(call), wanted(call, (), call.name)))


async def closed(call: Call) -> ClosedShape:
    """Answer with what is closed."""
    office = office_of(call)
    customer = call.query.get(asked.OF_CUSTOMER)
    rows = [
        row
        for row in await call.served.store.closed(call.query.get(asked.CONTRACT))
        if customer in (None, row.customer)
    ]
    newest = sorted(rows, key=lambda row: (row.made_us, row.from_us), reverse=True)
    kept = newest[: call.query.get(ROWS) or LIMIT]
    return ClosedShape(
        total=len(rows), reports=[closed_shape(row, office.accounts.contracts) for row in kept]
    )


async def closed_document(call: Call) -> web.Response:
    """Answer with the bytes of a closed report as they were stored."""
    office_of(call)
    row = await call.served.store.closed_by_digest(call.part("digest"))
    if row is None:
        raise ApiError(404, "no closed report has this digest", "see /api/v1/closed")
    return web.Response(
        body=row.body, content_type="application/json", headers={"ETag": f'"{row.digest}"', **_saved_as(row)}
    )


def _saved_as(row: ClosedRow) -> dict[str, str]:
    return {"Content-Disposition": f'inline; filename="{row.digest[:16]}.json"'}


def office_of(call: Call) -> Office:
    """Return where contracts are kept; ApiError 503 where they are not."""
    if call.served.office is None:
        raise ApiError(503, "contracts are not kept here")
    return call.served.office


def versions_of(call: Call) -> list[Contract]:
    """Return the versions of the contract in the path, the oldest first; ApiError 404 if there is none."""
    known = by_name(office_of(call).accounts.contracts)
    if call.name not in known:
        raise no_such("contract", call.name, known)
    return known[call.name]


def _of_contract(call: Call) -> Wanted:
    versions_of(call)
    customer, customers = call.query.get(asked.CUSTOMER), office_of(call).accounts.customers
    if customer is not None and customer not in customers:
        raise no_such("customer", customer, customers)
    return wanted(call, (call.name,), customer)


def wanted(call: Call, names: tuple[str, ...], customer: str | None) -> Wanted:
    """Return what the parameters ask for; ApiError 400 where they do not go together."""
    query = call.query
    from_us, to_us = query.get(asked.FROM), query.get(asked.TO)
    named = [text for text in (query.get(asked.PERIOD), query.get(asked.MONTH)) if text is not None]
    if (from_us is None) != (to_us is None):
        raise ApiError(400, "from and to belong together", "give both, or period")
    if len(named) + (from_us is not None) > 1:
        raise ApiError(400, "more than one period", "give one of period, month, or from and to")
    past = query.get(asked.PAST)
    return Wanted(
        contracts=names,
        customer=customer,
        period=named[0] if named else None,
        from_us=from_us,
        to_us=to_us,
        revision=query.get(asked.REVISION),
        fresh=query.get(asked.FRESH) is True,
        past=PAST_PERIODS if past is None else past,
    )


def _format(call: Call) -> str:
    name = call.part("format")
    if name not in FILES:
        raise ApiError(404, f"no format is named {quote(name)}", did_you_mean(name, FILES))
    return name


async def _made(call: Call, name: str, what: Wanted) -> File:
    """Return a report as a file, made when it is its turn."""
    office = office_of(call)
    customer = what.customer
    language = call.query.get(asked.LANGUAGE) or language_of(call.served.view.config, customer)
    audience: Audience = "customer" if customer is not None else "provider"
    if (given := call.query.get(asked.AUDIENCE)) is not None:
        audience = "customer" if given == "customer" else "provider"

    async def work() -> File:
        reports = await reports_of(office, what)
        return await asyncio.to_thread(rendered, name, reports, language, audience)

    return await call.request.app[TURNS].take(work)


async def reports_of(office: Office, what: Wanted) -> list[ContractReport]:
    """Return reports; ApiError 400 for what cannot be asked."""
    try:
        return await office.reports(what)
    except CannotReport as error:
        raise ApiError(400, str(error), error.hint.replace("--", "")) from None


def rendered(name: str, reports: Sequence[ContractReport], language: str, audience: Audience) -> File:
    """Return reports in a format; ApiError 400 for a language, 501 for a format that is not there."""
    try:
        return file_of(name, reports, language, audience)
    except LanguageError as error:
        raise ApiError(400, str(error).partition(" (hint")[0], error.hint) from None
    except MissingExtra as error:
        raise ApiError(501, str(error).partition(" (hint")[0], error.hint) from None


def _sent(file: File) -> web.Response:
    kind = "inline" if file.name.endswith(INLINE) else "attachment"
    media, _, charset = file.media_type.partition("; charset=")
    headers = {"Content-Disposition": f'{kind}; filename="{file.name}"', "Content-Security-Policy": GUARD}
    return web.Response(body=file.data, content_type=media, charset=charset or None, headers=headers)


def _contract(versions: Sequence[Contract], parts: Sequence[ContractReport]) -> ContractShape:
    newest = versions[-1]
    standings = [_standing(report) for report in parts]
    return ContractShape(
        name=newest.name,
        title=newest.title,
        service=newest.services[0].name,
        services=[service.name for service in newest.services],
        customers=list(newest.customers),
        claim=telling.exact(newest.claim),
        more_than=newest.more_than,
        window=window_text(newest),
        zone=newest.zone,
        method=type(newest.method).__name__.lower(),
        public=newest.public,
        current=standings[-1] if standings else None,
        earlier_parts=standings[:-1],
    )


def window_text(contract: Contract) -> str:
    """Return what one figure of a contract covers: `month`, `billing 15`, `rolling 30`."""
    window = contract.window
    return f"{window.unit} {window.number}" if window.number else window.unit


def _standing(report: ContractReport) -> StandingShape:
    budget = report.budget
    left = None
    if budget is not None:
        left = LeftShape(unit=budget.unit, total=budget.total, spent=budget.spent, left=budget.left)
    return StandingShape(
        period=report.period,
        as_of=glance.as_of(report),
        claim=report.claim,
        finding=report.finding,
        no_data=report.no_data,
        availability=report.availability,
        coverage=report.coverage.ratio,
        budget=left,
        lost=glance.is_lost(report),
        lost_since=budget.lost_since if budget is not None else None,
        credit=report.credit,
        imported=glance.is_imported(report),
    )


def closed_shape(row: ClosedRow, known: Sequence[Contract]) -> ClosedReportShape:
    """Return a closed report in short."""
    return ClosedReportShape(
        contract=row.contract,
        customer=row.customer or None,
        period=glance.period_label(known, row.contract, row.from_us, row.to_us),
        from_us=row.from_us,
        to_us=row.to_us,
        revision=row.revision,
        digest=row.digest,
        supersedes=row.supersedes or None,
        why=row.reason,
        made_us=row.made_us,
    )
