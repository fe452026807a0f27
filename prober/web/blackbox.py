"""`/probe` and what belongs to it: the answers of the exporter that this replaces, its history and its modules.

Not here: readings of the request (`prober.blackbox.request`), running (`prober.blackbox.service`).
"""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote as in_url

from aiohttp import web

from .errors import ApiError
from .exposition import TEXT
from .index import POLICY, STYLE
from .params import Param
from .routes import Call

if TYPE_CHECKING:
    from prober.blackbox.history import Run
    from prober.blackbox.request import Asked
    from prober.blackbox.service import Blackbox

VOID_HEADER = "X-Prober-Void"
PLAIN = "text/plain; charset=utf-8"
MAX_HEADER = 200  # characters of own trouble in a header

_TEXT: dict[str, object] = {"type": "string"}
MODULE = Param("module", "the module to run; http_2xx if absent", _TEXT, str)
TARGET = Param("target", "what to probe", _TEXT, str)
HOSTNAME = Param("hostname", "the host's name for the Host header (http) or TLS (tcp)", _TEXT, str)
DEBUG = Param("debug", "`true` for log, metrics and module as text", _TEXT, str)
ID = Param("id", "the number of a run", _TEXT, str)

PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Prober, recent probes</title><style>{style}</style>
<h1>Recent probes</h1>
<p>What <code>/probe</code> was asked for, the newest first; failures are kept for longer.
<a href="/probe/config">The modules</a>.</p>
<dl>
{runs}
</dl>
</html>
"""


async def probe(call: Call) -> web.Response:
    """Run a module against a target and answer with metrics: 200 whether it passed or failed."""
    from prober.blackbox.request import TIMEOUT_HEADER, BadRequest, UnknownModule, read_request

    blackbox = _blackbox(call)
    try:
        asked = read_request(call.request.query, call.request.headers.get(TIMEOUT_HEADER), blackbox.modules)
    except BadRequest as bad:
        blackbox.view.unknown_modules += isinstance(bad, UnknownModule)
        raise ApiError(bad.status, bad.error, bad.hint) from None
    verdict = blackbox.judge(asked)
    if verdict.refused is not None:
        raise ApiError(403, verdict.refused, verdict.hint)
    return await _answered(blackbox, asked)


async def _answered(blackbox: Blackbox, asked: Asked) -> web.Response:
    from prober.blackbox.service import Unanswered

    try:
        answer = await blackbox.run(asked)
    except Unanswered as why:
        raise ApiError(503, f"nothing was measured: {why}", "ask again; the daemon's log says more") from None
    headers = {VOID_HEADER: _one_line(answer.void)} if answer.void else {}
    if asked.debug:
        return web.Response(text=answer.debug, headers={"Content-Type": PLAIN, **headers})
    if answer.void is not None:
        status = 403 if answer.void.startswith("agent_forbidden:") else 503
        hint = "" if status == 403 else "own trouble says nothing about the target; debug=true says more"
        raise ApiError(status, f"nothing was measured: {answer.void}", hint)
    return web.Response(text=answer.metrics, headers={"Content-Type": TEXT})


async def history(call: Call) -> web.Response:
    """Answer with the recent runs, the newest first."""
    runs = "\n".join(map(_item, _blackbox(call).history))
    page = PAGE.format(style=STYLE, runs=runs or "<dd>none yet</dd>")
    return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": POLICY})


async def logs(call: Call) -> web.Response:
    """Answer with the text of one run: by its number, or the newest of a target (and module)."""
    from prober.blackbox.showing import shown_target

    runs, query = _blackbox(call).history, call.request.query
    if number := query.get("id"):
        if not (number.isascii() and number.isdigit() and len(number) <= 15):
            raise ApiError(400, "id: cannot be used", "a whole number")
        found = runs.by_number(int(number))
    elif target := query.get("target"):
        found = runs.newest(shown_target(target), query.get("module") or None)
    else:
        raise ApiError(400, "id or target: missing", "see /probe/history")
    if found is None:
        raise ApiError(404, "no such run is kept", "see /probe/history")
    return web.Response(text=found.text, headers={"Content-Type": PLAIN})


async def modules(call: Call) -> web.Response:
    """Answer with the modules in force as YAML, secrets hidden."""
    from prober.blackbox.showing import modules_yaml

    return web.Response(text=modules_yaml(_blackbox(call).modules), headers={"Content-Type": PLAIN})


def _blackbox(call: Call) -> Blackbox:
    blackbox = call.served.blackbox
    if blackbox is None or blackbox.loaded is None:
        raise ApiError(404, "no modules are configured", "add blackbox: {file: blackbox.yml} to probes.yaml")
    return blackbox


def _item(run: Run) -> str:
    at = datetime.fromtimestamp(run.at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    word = "no measurement" if run.void else "passed" if run.success else "failed"
    query = f"module={in_url(run.module, safe='')}&target={in_url(run.target, safe='')}&debug=true"
    again = f', <a href="{escape(f"/probe?{query}")}">again</a>' if run.whole else ""
    return (
        f'<dt><a href="/probe/logs?id={run.number}">{escape(run.module)}: {escape(run.target)}</a></dt>'
        f"<dd>{word}, {at} UTC{again}</dd>"
    )


def _one_line(text: str) -> str:
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in text[:MAX_HEADER])
