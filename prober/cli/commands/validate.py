"""`prober validate`: say every fault of the configuration, or what it holds."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from prober.cli.command import GOOD, WRONG_USE, Command, add_config, add_json, config_file, print_json

if TYPE_CHECKING:
    from prober.config import Config

_LATER = "read and checked in shape; nothing is reported on them yet"


def _arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    add_json(parser, "one object")


def _run(arguments: argparse.Namespace) -> int:
    from prober.cli.faults import load_config, told

    if arguments.json:
        return _as_json(arguments)
    with told():
        path = config_file(arguments)
    config = load_config(arguments)
    with told():
        modules = _modules(config)
    _summary(path, config, modules)
    return GOOD


def _modules(config: Config) -> int:
    """Return how many modules the file of `blackbox` has; ConfigError with its faults."""
    if config.blackbox is None or config.blackbox.file is None:
        return 0
    from prober.blackbox.service import check_file

    return check_file(config)


def _as_json(arguments: argparse.Namespace) -> int:
    from prober.config import ConfigError, load

    try:
        path = config_file(arguments)
        config = load(path, os.environ)
        modules = _modules(config)
    except ConfigError as error:
        faults = [{**dataclasses.asdict(fault), "text": str(fault)} for fault in error.faults]
        print_json({"ok": False, "faults": faults})
        return WRONG_USE
    counts = {name: len(getattr(config, name)) for name in ("probes", "services", "contracts", "customers")}
    regions = [region.name for region in config.regions]
    good = {
        "ok": True,
        "faults": [],
        "file": str(path),
        "digest": config.digest,
        "regions": regions,
        **counts,
        "modules": modules,
    }
    print_json(good)
    return GOOD


def _summary(path: Path, config: Config, modules: int) -> None:
    from rich.table import Table
    from rich.text import Text

    from prober.cli.screen import console

    screen = console()
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_column(overflow="fold")
    for name, number, words in _rows(config, modules):
        table.add_row(name, f"{number:,}", Text(words))
    screen.print(Text(f"{path} can be used", "green"), soft_wrap=True)
    screen.print(table)
    screen.print(Text(f"digest {config.digest}", "dim"), soft_wrap=True)


def _rows(config: Config, modules: int) -> list[tuple[str, int, str]]:
    kinds = Counter(probe.kind for probe in config.probes)
    rows = [
        ("regions", len(config.regions), ", ".join(region.name for region in config.regions)),
        (
            "probes",
            len(config.probes),
            ", ".join(f"{number:,} {kind}" for kind, number in sorted(kinds.items())),
        ),
        ("services", len(config.services), ""),
    ]
    later = [
        ("contracts", config.contracts),
        ("customers", config.customers),
        ("maintenance", config.maintenance),
    ]
    if modules and config.blackbox is not None:
        rows.append(("modules", modules, f"for /probe, in {config.blackbox.file}"))
    return rows + [(name, len(found), _LATER) for name, found in later if found]


COMMAND = Command(
    name="validate",
    summary="check the configuration; every fault is told at once",
    description="Read the configuration as `prober run` would, and print every fault as "
    "file:line:column: path: what is wrong (hint).",
    order=40,
    arguments=_arguments,
    run=_run,
)
