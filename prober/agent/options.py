"""What an agent is started with: arguments and variables become values, or words on what is wrong with them.

Not here: where arguments come from (the command), what they do.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path

from checks.core.values import parse_duration, parse_size

from .dial import HubAddress
from .spool_limits import SpoolLimits

NAMES = ("hub", "region", "name", "token_file", "ca_file", "spool", "spool_size", "spool_age")
"""Of what is read; in capitals and behind PREFIX also of the variables."""
PREFIX = "PROBER_AGENT_"
TOKEN = PREFIX + "TOKEN"
DEFAULT_FOLDER = Path("/var/lib/prober-agent")  # systemd's StateDirectory, and the container's volume
MAX_TOKEN_BYTES = 1024
LEAST_SPOOL_BYTES = 4 * 1024 * 1024
LEAST_SPOOL_AGE_US = 60_000_000
_REGION = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_HUBS_OWN = re.compile(r"hub|local-.*")
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
        warnings.append("the token travels in the clear: use https, or a network that is private")
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


def _name(name: str) -> str:
    if name and not _NAME.fullmatch(name):
        raise OptionError(
            "--name is not a name for an agent", "lower case letters, digits, . - and _; at most 63"
        )
    if _HUBS_OWN.fullmatch(name):
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
    try:
        limits = SpoolLimits(
            max_bytes=parse_size(size) if size else usual.max_bytes,
            max_age_us=parse_duration(age) if age else usual.max_age_us,
        )
    except ValueError as error:
        raise OptionError(f"--spool-size or --spool-age: {error}") from None
    if limits.max_bytes < LEAST_SPOOL_BYTES or limits.max_age_us < LEAST_SPOOL_AGE_US:
        raise OptionError("the spool is too small to be of use", "at least 4MiB and 1m")
    return limits


def _missing(name: str, what: str) -> OptionError:
    return OptionError(f"--{name} is missing", f"{what}; or set ${PREFIX}{name.upper()}")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
