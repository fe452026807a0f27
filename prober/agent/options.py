"""What an agent is started with: arguments and variables become values, or words on what is wrong with them.

Not here: where arguments come from (the command), what they do.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path

from checks.core.values import parse_duration, parse_size

from .dial import HubAddress
from .keys import HUBS_OWN, NAME
from .spool_limits import SpoolLimits

NAMES = ("hub", "region", "name", "token_file", "ca_file", "spool", "spool_size", "spool_age", "plain")
"""Of what is read; in capitals and behind PREFIX also of the variables."""
PREFIX = "PROBER_AGENT_"
TOKEN = PREFIX + "TOKEN"
LOG_NAMES = ("log_format", "log_level")
DEFAULT_FOLDER = Path("/var/lib/prober-agent")  # systemd's StateDirectory, and the container's volume
MAX_TOKEN_BYTES = 1024
_REGION = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_YES, _NO = ("1", "true", "yes"), ("", "0", "false", "no")
_TOKEN = re.compile(rb"[\x21-\x7e]+")


class OptionError(Exception):
    """The agent cannot be started so: what is wrong, and what to try."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything that one agent is started with."""

    hub: HubAddress
    region: str
    name: str = ""
    """Empty: the region's, with digits of its key."""
    folder: Path
    limits: SpoolLimits = field(default_factory=SpoolLimits)
    warnings: tuple[str, ...] = ()
    """For the log; the agent starts all the same."""


def read_options(arguments: Mapping[str, str | None], environ: Mapping[str, str]) -> Options:
    """Read what is given, by NAMES; an argument wins over its variable. Raises OptionError."""
    given = {name: argument_or_variable(name, arguments.get(name), environ) for name in NAMES}
    region = given["region"]
    if not region:
        raise _missing("region", "the name of a region of the hub's configuration")
    if not _REGION.fullmatch(region):
        raise OptionError(
            "--region is not the name of a region", "lower case letters, digits, - and _; at most 63"
        )
    token, warnings = _token(given["token_file"], environ)
    hub = _hub(given["hub"], token, given["ca_file"], environ)
    if not hub.url.secure and not _is_loopback(hub.url.host):
        warnings.append(_in_the_clear(hub, given["plain"]))
    warnings += unknown_variables(environ)
    return Options(
        hub=hub,
        region=region,
        name=_name(given["name"]),
        folder=Path(given["spool"]) if given["spool"] else default_folder(region),
        limits=_limits(given["spool_size"], given["spool_age"]),
        warnings=tuple(warnings),
    )


def argument_or_variable(name: str, text: str | None, environ: Mapping[str, str]) -> str:
    """Return what an argument says, or its variable; empty for neither."""
    return text if text is not None else environ.get(PREFIX + name.upper(), "")


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Return a warning for each variable that looks like one of ours and is none."""
    known = ["TOKEN", *(name.upper() for name in (*NAMES, *LOG_NAMES))]
    warnings = []
    for name in sorted(environ):
        own = name.removeprefix(PREFIX)
        if name.startswith(PREFIX) and own not in known:
            nearest = [f": did you mean {PREFIX}{each}?" for each in get_close_matches(own, known, 1)]
            warnings.append("".join([f"there is no variable {name}", *nearest]))
    return warnings


def default_folder(region: str) -> Path:
    """Return where the spool lies when nobody says: the system's place if it is ours to write in, else here."""
    if DEFAULT_FOLDER.is_dir() and os.access(DEFAULT_FOLDER, os.W_OK | os.X_OK):
        return DEFAULT_FOLDER
    return Path(f"prober-agent-{region}")


def _hub(url: str, token: str, ca_file: str, environ: Mapping[str, str]) -> HubAddress:
    if not url:
        raise _missing("hub", "the URL of the hub's agents' listener, such as https://hub.example:8443")
    try:
        return HubAddress.of(url, token, Path(ca_file) if ca_file else None, environ)
    except ValueError as error:
        raise OptionError(
            f"--hub is not the address of a hub: {error}", "such as https://hub.example:8443"
        ) from None


def _in_the_clear(hub: HubAddress, plain: str) -> str:
    """Return what to warn of when the hub is spoken to without TLS, which has to be wanted."""
    if plain.lower() not in (*_YES, *_NO):
        raise OptionError(f"${PREFIX}PLAIN is neither yes nor no", "1 is yes, 0 is no")
    if plain.lower() in _NO:
        raise OptionError(
            f"the token and all results would travel in the clear to {hub.shown()}",
            f"https://; or --plain (${PREFIX}PLAIN=1) if something else encrypts, or it is a test network",
        )
    return f"the token and all results travel in the clear to {hub.shown()}"


def _name(name: str) -> str:
    if name and not NAME.fullmatch(name):
        raise OptionError(
            "--name is not a name for an agent", "lower case letters, digits, . - and _; at most 63"
        )
    if HUBS_OWN.fullmatch(name):
        raise OptionError(f"the name {name} is the hub's own", "choose another --name")
    return name


def _token(path: str, environ: Mapping[str, str]) -> tuple[str, list[str]]:
    """Return the token and what to warn of."""
    warnings: list[str] = []
    if path:
        token, mode = _read(path)
        if mode & 0o007:
            warnings.append(f"every user of this machine may read the token in {path}: chmod o= {path}")
    else:
        token = environ.get(TOKEN, "").strip().encode(errors="surrogateescape")
    if not token:
        what = f"the file {path} is empty" if path else "no token is given"
        raise OptionError(
            what, f"it is the region's in the hub's configuration: ${TOKEN}, or --token-file FILE"
        )
    if len(token) > MAX_TOKEN_BYTES or not _TOKEN.fullmatch(token):
        raise OptionError(
            "the token is not one", f"at most {MAX_TOKEN_BYTES} letters, digits and signs, on one line"
        )
    return token.decode("ascii"), warnings


def _read(path: str) -> tuple[bytes, int]:
    try:
        with open(path, "rb") as file:
            return file.read(MAX_TOKEN_BYTES + 3).strip(), stat.S_IMODE(os.fstat(file.fileno()).st_mode)
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise OptionError(f"--token-file {path}: {reason}", "the agent's user needs to read it") from None


def _limits(size: str, age: str) -> SpoolLimits:
    usual = SpoolLimits()
    max_bytes = _limit("size", size, parse_size, "4MiB") if size else usual.max_bytes
    max_age_us = _limit("age", age, parse_duration, "1m") if age else usual.max_age_us
    return SpoolLimits(max_bytes=max_bytes, max_age_us=max_age_us)


def _limit(name: str, text: str, parse: Callable[[str], int], least: str) -> int:
    try:
        value = parse(text)
    except ValueError as error:
        raise OptionError(f"--spool-{name}: {error}", f"at least {least}") from None
    if value < parse(least):
        raise OptionError(f"--spool-{name} {text} is too little to be of use", f"at least {least}")
    return value


def _missing(name: str, what: str) -> OptionError:
    return OptionError(f"--{name} is missing", f"{what}; or set ${PREFIX}{name.upper()}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
