"""The rules of an http module on a response: status, headers, body, version. Each returns what is wrong, in words."""

from __future__ import annotations

import calendar
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from checks.core.cel import MAX_BODY as MAX_CEL_BODY
from checks.core.cel import WORKER
from checks.core.quote import printable, quoted

from .expressions import search

if TYPE_CHECKING:
    from checks.core.http_response import Response
    from checks.core.watch import Watch

    from .http_options import HttpProbe

_DATES = ("%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y")
_PROTOCOLS = {"1.0": "HTTP/1.0", "1.1": "HTTP/1.1", "2": "HTTP/2.0", "3": "HTTP/3.0"}
MAX_DATE = 64  # characters


def status_problem(options: HttpProbe, status: int) -> str | None:
    """Say what is wrong with a status: not among those listed, or, where none are, not 2xx."""
    if options.valid_status_codes:
        if status in options.valid_status_codes:
            return None
        return f"status {status}, expected one of {', '.join(map(str, options.valid_status_codes[:20]))}"
    return None if 200 <= status <= 299 else f"status {status}, expected 2xx"


def header_problem(options: HttpProbe, response: Response) -> str | None:
    """Say what the header rules have against a response. A missing header breaks both kinds of rule."""
    for rule in options.fail_if_header_matches:
        values = _values(response, rule.header)
        if not values and not rule.allow_missing:
            return f"the header {rule.header} is missing"
        if any(search(rule.regexp, value) for value in values):
            return f"the header {rule.header} matches {quoted(rule.regexp)}"
    for rule in options.fail_if_header_not_matches:
        values = _values(response, rule.header)
        if not values and not rule.allow_missing:
            return f"the header {rule.header} is missing"
        if values and not any(search(rule.regexp, value) for value in values):
            return f"the header {rule.header} does not match {quoted(rule.regexp)}"
    return None


def _values(response: Response, name: str) -> list[bytes]:
    return [value.strip() for value in response.every(name.lower().encode("latin-1", "replace"))]


def has_body_rules(options: HttpProbe) -> bool:
    """Say whether expressions look at the body."""
    return bool(options.fail_if_body_matches_regexp or options.fail_if_body_not_matches_regexp)


def body_problem(options: HttpProbe, body: bytes) -> str | None:
    """Say what the expressions have against a body."""
    for pattern in options.fail_if_body_matches_regexp:
        if search(pattern, body):
            return f"the body matches {quoted(pattern)}"
    for pattern in options.fail_if_body_not_matches_regexp:
        if not search(pattern, body):
            return f"the body does not match {quoted(pattern)}"
    return None


def has_cel_rules(options: HttpProbe) -> bool:
    """Say whether CEL expressions look at the body."""
    return bool(options.fail_if_body_json_matches_cel or options.fail_if_body_json_not_matches_cel)


async def cel_problem(watch: Watch, options: HttpProbe, body: bytes) -> str | None:
    """Say what the CEL expressions have against a body; one that is no JSON, or no truth value, breaks them.

    They are evaluated in a process of their own, within limits. Raises `Stop` for trouble of our own.
    """
    if len(body) > MAX_CEL_BODY:
        return f"the body is longer than the {MAX_CEL_BODY} bytes that are read as JSON"
    wanted = list(_expressions(options))
    head = {"expressions": [text for text, _ in wanted], "parse": True, "variables": {}}
    answers = await WORKER.ask(watch, head, body, len(wanted))
    if answers and "invalid" in answers[0]:
        return f"the body is no JSON: {printable(str(answers[0]['invalid']), 200)}"
    for number, (text, holds) in enumerate(wanted):
        if number >= len(answers):
            return f"the expression {quoted(text)} needs too much time or memory"
        answer = answers[number]
        if "held" not in answer:
            return f"the expression {quoted(text)}: {printable(str(answer.get('error')), 200)}"
        if answer["held"] is not holds:
            return f"the body {'does not match' if holds else 'matches'} {quoted(text)}"
    return None


def _expressions(options: HttpProbe) -> Iterator[tuple[str, bool]]:
    if options.fail_if_body_json_matches_cel:
        yield options.fail_if_body_json_matches_cel, False
    if options.fail_if_body_json_not_matches_cel:
        yield options.fail_if_body_json_not_matches_cel, True


def protocol(version: str) -> str:
    """Return the version as modules list it: `HTTP/1.1`, `HTTP/2.0`."""
    return _PROTOCOLS.get(version, f"HTTP/{version}")


def modified_s(response: Response) -> int | None:
    """Return the instant of Last-Modified in seconds, None without one that can be read."""
    text = (response.first(b"last-modified") or b"")[:MAX_DATE].decode("latin-1").strip()
    for form in _DATES:
        try:
            parsed = time.strptime(text, form)
        except ValueError:
            continue
        return calendar.timegm(parsed)
    return None
