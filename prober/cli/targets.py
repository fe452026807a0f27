"""From what stands after `prober check` to checks that are ready to run.

Here: names of configured probes, and URLs. Not here: running, printing. Loads the models of all kinds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from checks.core.check import KINDS, Check, load_kinds
from checks.core.values import parse_duration
from prober.config import Config, ConfigError, Probe, load_text
from prober.config.faults import did_you_mean, quote, without_credentials

from .command import CannotGoOn

MAX_TIMEOUT_US = 600_000_000
# Also written without slashes: `dns:shop.example` asks the system's own name server, `unix:/run/x.sock` has no host.
_WITHOUT_SLASHES = ("dns:", "domain:", "icmp:", "ping:", "unix:")
Raw: TypeAlias = dict[str, Any]  # Any: options as a file would hold them


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One thing to check now."""

    name: str
    check: Check[Any]  # Any: of any options
    timeout_us: int


def is_url(argument: str) -> bool:
    """Tell a URL from the name of a probe."""
    return "://" in argument or argument.lower().startswith(_WITHOUT_SLASHES)


def from_url(argument: str, timeout_us: int | None) -> Target:
    """Return the target of a URL; CannotGoOn for one that cannot be checked."""
    scheme = argument.partition(":")[0].lower()
    schemes = {scheme: kind for kind in load_kinds().values() for scheme in kind.schemes}
    kind = schemes.get(scheme)
    if kind is None:
        known = ", ".join(f"{known}://" for known in sorted(schemes))
        raise CannotGoOn(f"{_shown(argument)} has no scheme that can be checked", f"known: {known}")
    try:
        raw = kind.options_from_url(argument)
    except ValueError as error:
        words, hint = (*error.args, "")[:2]
        raise CannotGoOn(f"{_shown(argument)}: {words}", hint) from None
    target = _configured(_as_probe(kind.kind, raw, argument), timeout_us)
    return Target(name=target.check.target, check=target.check, timeout_us=target.timeout_us)


def from_config(names: Sequence[str], config: Config, timeout_us: int | None) -> list[Target]:
    """Return the configured probes of these names, all of them without names; CannotGoOn for an unknown name."""
    known = {probe.name: probe for probe in config.probes}
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known) or "a URL begins with https://, http://, tcp:// or dns:"
            raise CannotGoOn(f"no probe named {quote(name)}", hint)
        if KINDS[known[name].kind].passive:
            raise _is_called(known[name])
    looked_at = [name for name, probe in known.items() if not KINDS[probe.kind].passive]
    if not names and not looked_at and known:
        raise _is_called(next(iter(known.values())))
    return [_configured(known[name], timeout_us) for name in (names or looked_at)]


def _is_called(probe: Probe) -> CannotGoOn:
    return CannotGoOn(
        f"probe {quote(probe.name)} is a {probe.kind}: its job calls the daemon, there is nothing to look at",
        "prober status shows when it called last",
    )


def timeout_of(text: str | None) -> int | None:
    """Read `--timeout`; CannotGoOn for what is no usable duration."""
    if text is None:
        return None
    try:
        timeout_us = parse_duration(text)
    except ValueError as error:
        raise CannotGoOn(f"--timeout {quote(text)}: {error}", "such as --timeout 5s") from None
    if not 0 < timeout_us <= MAX_TIMEOUT_US:
        raise CannotGoOn(f"--timeout {quote(text)} is out of bounds", "more than 0s, at most 10m")
    return timeout_us


def _configured(probe: Probe, timeout_us: int | None) -> Target:
    check = KINDS[probe.kind](probe.options)
    return Target(name=probe.name, check=check, timeout_us=timeout_us or probe.timeout_us)


def _as_probe(kind: str, raw: Raw, argument: str) -> Probe:
    """Read the options as a file would have them, so that the same rules hold and the same words are said."""
    plain = json.dumps({"probes": [{"name": "target", kind: raw}]}).replace("$", "$$")
    try:
        return load_text(plain, "command line", {}).probes[0]
    except ConfigError as error:
        fault = error.faults[0]
        raise CannotGoOn(f"{_shown(argument)}: {fault.message}", fault.hint) from None


def _shown(argument: str) -> str:
    return quote(without_credentials(argument))
