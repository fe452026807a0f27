"""`/`: a plain page that links to what there is."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape

from aiohttp import web

from .routes import Call, Route

STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}"
    "dt{font-family:ui-monospace,monospace;margin-top:.8rem}dd{margin:0}"
)
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "frame-ancestors 'none'"
)
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Prober, internal</title><style>{style}</style>
<h1>Prober</h1>
<p>The internal listener: for operators and their tools, never to be opened to the world.</p>
<dl>
{routes}
</dl>
</html>
"""


async def index(call: Call) -> web.Response:
    """Answer with the list of routes."""
    listed = "\n".join(_item(route) for route in call.routes if route.path != "/")
    page = PAGE.format(style=STYLE, routes=listed)
    return web.Response(text=page, content_type="text/html", headers={"Content-Security-Policy": POLICY})


def _item(route: Route) -> str:
    path = escape(route.path)
    can_be_opened = route.method == "GET" and not route.path_about
    link = f'<a href="{path}">{path}</a>' if can_be_opened else f"{escape(route.method)} {path}"
    return f"<dt>{link}</dt><dd>{escape(route.summary)}</dd>"
