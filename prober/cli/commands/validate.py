"""`prober validate`: say every fault of the configuration, or what it holds and what is unwise in its contracts."""

from __future__ import annotations

import argparse
import dataclasses
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from prober.cli.command import GOOD, WRONG_USE, Command, add_config, add_json, config_file, print_json

if TYPE_CHECKING:
    from rich.console import Console

    from prober.accounts.remarks import Remark
    from prober.config import Config


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
    _summary(path, config, modules, _remarks(config))
    return GOOD


def _remarks(config: Config) -> list[Remark]:
    """Return what is unwise in the contracts; nothing of it keeps the daemon from running."""
    if not config.contracts:
        return []
    from prober.accounts.remarks import remarks
    from prober.accounts.terms import contracts_of

    return remarks(contracts_of(config))


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
    remarks = _remarks(config)
    good = {
        "ok": True,
        "faults": [],
        "file": str(path),
        "digest": config.digest,
        "regions": regions,
        **counts,
        "modules": modules,
        "warnings": [_as_object(remark) for remark in remarks if not remark.is_risk],
        "notes": [_as_object(remark) for remark in remarks if remark.is_risk],
    }
    print_json(good)
    return GOOD


def _as_object(remark: Remark) -> dict[str, object]:
    from prober.cli.remarks import lines

    since = remark.from_day.isoformat() if remark.from_day else None
    return {
        "contract": remark.contract,
        "from": since,
        "code": remark.text,
        "reasons": list(remark.reasons),
        "needs": list(remark.needs),
        "text": list(lines(remark)),
    }


def _summary(path: Path, config: Config, modules: int, remarks: list[Remark]) -> None:
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
    _warn(screen, remarks)
    screen.print(Text(f"digest {config.digest}", "dim"), soft_wrap=True)


def _warn(screen: Console, remarks: list[Remark]) -> None:
    from rich.padding import Padding
    from rich.text import Text

    from prober.cli.remarks import told

    for first, further in told(remarks):
        screen.print(Text(first, "yellow" if first.startswith("warning") else "dim"))
        for line in further:
            screen.print(Padding(Text(line), (0, 0, 0, 2), expand=False))


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
    methods = Counter(contract.method.name for contract in config.contracts)
    more = [
        (
            "contracts",
            config.contracts,
            ", ".join(f"{number:,} by {name}" for name, number in sorted(methods.items())),
        ),
        ("customers", config.customers, ""),
        ("maintenance", config.maintenance, ""),
    ]
    if modules and config.blackbox is not None:
        rows.append(("modules", modules, f"for /probe, in {config.blackbox.file}"))
    return rows + [(name, len(found), words) for name, found, words in more if found]


COMMAND = Command(
    name="validate",
    summary="check the configuration; every fault is told at once",
    description="Read the configuration as `prober run` would, and print every fault as "
    "file:line:column: path: what is wrong (hint). Warnings say where a contract can be used and is unwise, above all "
    "where its claim could never be proven; they leave the exit code at 0.",
    order=40,
    arguments=_arguments,
    run=_run,
)
