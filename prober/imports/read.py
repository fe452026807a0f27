"""Which format is read by what: the way in for the command line."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from checks.core.check import load_kinds
from prober.config.faults import ConfigError, Fault
from prober.config.foreign import read_file
from prober.config.sources import Item, read_source, source

from .blackbox import read_blackbox
from .draft import Draft
from .gatus import read_gatus
from .result import Imported, finish
from .uptime_kuma import read_uptime_kuma

_READERS: Mapping[str, Callable[[Item, Draft], None]] = {
    "gatus": read_gatus,
    "uptime-kuma": read_uptime_kuma,
}
_KEYS: Mapping[str, tuple[str, ...]] = {
    "gatus": ("endpoints", "external-endpoints", "suites"),
    "uptime-kuma": ("monitorList",),
}
"""One of these is in every file of the format."""
_BARE = re.compile(r"(?<!\$)\$([A-Za-z_]\w*)", re.ASCII)
"""A variable as Gatus also takes it, `$NAME`; braces leave every line where it is."""


def read_import(
    format_name: str, file: Path, *, targets: Path | None = None, copies_secrets: bool = False
) -> Imported:
    """Read a file of another monitor; ConfigError if it cannot be read at all."""
    load_kinds()
    draft = Draft(copies_secrets=copies_secrets)
    if format_name == "blackbox":
        read_blackbox(file, targets, draft)
    else:
        root = _root(format_name, file)
        if not any(root.get(key) for key in _KEYS[format_name]):
            raise _other(format_name, file)
        _READERS[format_name](root, draft)
    return finish(draft, format_name)


def _root(format_name: str, file: Path) -> Item:
    if format_name != "gatus":
        return read_source(file)
    foreign = read_file(file)
    return source(_BARE.sub(r"${\1}", foreign.text), foreign.name)


def _other(format_name: str, file: Path) -> ConfigError:
    message = f"no {_KEYS[format_name][0]} in it: it is no file of {format_name}"
    hint = {"uptime-kuma": "export one: Settings, Backup, Export"}.get(format_name, "")
    return ConfigError([Fault(file=str(file), line=0, column=0, path="", message=message, hint=hint)])
