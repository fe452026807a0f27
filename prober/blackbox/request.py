"""What a caller of `/probe` asks for: pure readings of parameters and headers, and the text of `debug=true`.

Not here: HTTP, running, who may be asked about (`guard`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import unquote

from .modules import DEFAULT_MODULE, Module
from .sight import Line

TIMEOUT_HEADER = "X-Prometheus-Scrape-Timeout-Seconds"
OFFSET_US = 500_000  # taken off the caller's limit, so that our answer still reaches it
USUAL_US = 120_000_000  # the limit of a caller that names none
LONGEST_US = 600_000_000  # whatever a caller asks for
SHORTEST_US = 1_000
MAX_TARGET = 8_192  # characters
_HOSTNAME = re.compile(r"[A-Za-z0-9_.-]{1,255}(:[0-9]{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5})?")
_NUMBER = re.compile(r"\+?([0-9]{1,15}(\.[0-9]{0,15})?|\.[0-9]{1,15})([eE][-+]?[0-9]{1,3})?")


class BadRequest(Exception):
    """The request cannot be served: an HTTP status, words and a hint."""

    def __init__(self, status: int, error: str, hint: str = "") -> None:
        super().__init__(status, error, hint)
        self.status = status
        self.error = error
        self.hint = hint


class UnknownModule(BadRequest):
    """No such module; counted apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request, read."""

    module_name: str
    module: Module
    target: str
    hostname: str
    timeout_us: int
    debug: bool


def read_request(
    query: Mapping[str, str], timeout_header: str | None, modules: Mapping[str, Module]
) -> Asked:
    """Read parameters and header in the exporter's order; raises `BadRequest`. Unknown parameters are passed over."""
    name = query.get("module") or DEFAULT_MODULE
    module = modules.get(name)
    if module is None:
        raise UnknownModule(400, f"unknown module {shown(name)}", _known(modules))
    timeout_us = limit_us(timeout_header, module.timeout_us)
    target = decoded(query.get("target", ""))
    if not target:
        raise BadRequest(400, "the target parameter is missing", "add &target=...")
    if len(target) > MAX_TARGET or not target.isprintable():
        raise BadRequest(400, f"the target is over {MAX_TARGET} characters or has control characters")
    hostname = query.get("hostname", "")
    _check_hostname(hostname, module)
    return Asked(
        module_name=name,
        module=module,
        target=target,
        hostname=hostname,
        timeout_us=timeout_us,
        debug=query.get("debug") == "true",
    )


def limit_us(header: str | None, module_us: int) -> int:
    """Return how long a run may take: the caller's limit less the offset, or the module's if that is shorter.

    Raises `BadRequest` 500 for a header that is no number, as the exporter does. A caller that gives less than the
    offset gets half of what it gives: the exporter then forgets the caller and runs for as long as the module says,
    or not at all.
    """
    given_us = _header_us(header) or USUAL_US
    allowed_us = given_us - OFFSET_US if given_us > OFFSET_US else given_us // 2
    limit = module_us if 0 < module_us < allowed_us else allowed_us
    return min(max(limit, SHORTEST_US), LONGEST_US)


def _header_us(header: str | None) -> int:
    if not header:
        return 0
    if not _NUMBER.fullmatch(header) or not math.isfinite(seconds := float(header)):
        raise BadRequest(500, f"cannot read {TIMEOUT_HEADER}: {shown(header)}", "seconds, such as 10")
    return min(round(seconds * 1_000_000), 2 * LONGEST_US)


def decoded(target: str) -> str:
    """Return a target with its percent signs decoded once more, as callers that encode twice need it.

    A text that is no whole encoding stays as it is. A plus stays a plus.
    """
    try:
        return unquote(target, errors="strict") if "%" in target else target
    except UnicodeDecodeError:
        return target


def _check_hostname(hostname: str, module: Module) -> None:
    if not hostname:
        return
    if not _HOSTNAME.fullmatch(hostname):
        raise BadRequest(400, f"hostname {shown(hostname)} cannot be a host's name")
    if module.prober != "http":
        return
    for name, value in module.http.headers.items():
        if name.lower() == "host" and value != hostname:
            raise BadRequest(
                400,
                f"the module sets the Host header to {shown(value)}, the hostname parameter to {shown(hostname)}",
                "leave one of them out",
            )


def debug_text(log: Sequence[Line], metrics: str, module_yaml: str, about: Mapping[str, str]) -> str:
    """Return what `debug=true` shows: log, metrics, module."""
    lines = [_log_line(line, about) for line in log]
    return (
        "Logs for the probe:\n" + "".join(lines) + "\n\n\nMetrics that would have been returned:\n"
        f"{metrics}\n\n\nModule configuration:\n{module_yaml}"
    )


def _log_line(line: Line, about: Mapping[str, str]) -> str:
    at = (
        datetime.fromtimestamp(line.at_us / 1e6, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )
    known = Line(line.at_us, line.level, line.text, {**about, **line.fields})
    return f"ts={at} {known.logfmt()}\n"


def shown(text: str) -> str:
    """Quote a caller's text, short and printable."""
    clean = "".join(sign if sign.isprintable() else "?" for sign in text[:100])
    return f'"{clean}"' + ("..." if len(text) > 100 else "")


def _known(modules: Mapping[str, Module]) -> str:
    names = sorted(modules)[:10]
    return (
        f"known: {', '.join(names)}" + (", ..." if len(modules) > len(names) else "")
        if names
        else "the file has none"
    )
