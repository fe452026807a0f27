"""`prober report`: what a contract promised, what was measured, and whether the claim is backed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from prober.cli.command import GOOD, NO, CannotGoOn, Command, add_config, config_file

if TYPE_CHECKING:
    from prober.accounts.plans import Wanted
    from reports.document import ContractReport
    from reports.render.speaker import Audience

_DESCRIPTION = """\
Print or write the report of contracts: one, those of a customer, or all.

  prober report --contract shop-gold --month 2026-03
  prober report --customer acme --month 2026-03 --format pdf,xlsx -o reports/
  prober report --contract shop-gold \\
    --from 2026-03-01T00:00:00Z --to 2026-03-08T00:00:00Z
  prober report --schedule

A period that has been closed is printed as it was closed, in its newest
revision. The store is read beside a running daemon. Exit code 0: no claim is
broken; 1: one is; 2: the report cannot be made.
"""
TERMINAL = "terminal"


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    what = parser.add_argument_group("what")
    what.add_argument(
        "--contract", metavar="NAME", action="append", default=[], help="this contract; may be repeated"
    )
    what.add_argument("--customer", metavar="NAME", help="only this customer's contracts, in their brand")
    when = what.add_mutually_exclusive_group()
    when.add_argument(
        "--month",
        "--period",
        dest="period",
        metavar="PERIOD",
        help="such as 2026-03, 2026-Q1, 2026 (default: the period that runs)",
    )
    when.add_argument(
        "--from", dest="from_", metavar="INSTANT", help="with --to: any time, as 2026-03-01T00:00:00Z"
    )
    what.add_argument("--to", metavar="INSTANT", help="the end, not included")
    what.add_argument("--revision", metavar="N", type=int, help="of a closed report, this revision")
    what.add_argument(
        "--fresh", action="store_true", help="work a closed period out anew, without closing it again"
    )
    how = parser.add_argument_group("how")
    how.add_argument(
        "--format",
        metavar="LIST",
        help="terminal (default), json, html, pdf, csv, xlsx, md; several with commas",
    )
    how.add_argument("--json", action="store_true", help="the same as --format json")
    how.add_argument("-o", "--output", metavar="DIR", type=Path, help="write files into this folder")
    how.add_argument(
        "--language",
        metavar="CODE",
        help="en, de, zh, or another catalogue (default: the customer's, else en)",
    )
    how.add_argument(
        "--languages", metavar="DIR", type=Path, help="a folder with further catalogues, CODE.json"
    )
    how.add_argument(
        "--audience",
        choices=("customer", "provider"),
        help="who reads it (default: customer with --customer, else provider)",
    )
    how.add_argument(
        "--schedule", action="store_true", help="show the schedule of deliveries, and what became of them"
    )
    add_config(parser)


def _run(arguments: argparse.Namespace) -> int:
    import asyncio

    from prober.cli.faults import told
    from prober.cli.reporting import deliveries_shown, made_reports

    with told():
        formats = _formats(arguments)
        if arguments.schedule:
            return deliveries_shown(config_file(arguments), as_json=formats == ["json"])
        wanted = _wanted(arguments)
        if arguments.languages is not None and not arguments.languages.is_dir():
            raise CannotGoOn(f"{arguments.languages} is no folder", "--languages names one with CODE.json")
        reports, language = asyncio.run(made_reports(config_file(arguments), wanted))
        _give(arguments, formats, reports, arguments.language or language)
    return NO if any(report.finding == "broken" for report in reports) else GOOD


def _wanted(arguments: argparse.Namespace) -> Wanted:
    from prober.accounts.plans import Wanted

    if (arguments.from_ is None) != (arguments.to is None):
        raise CannotGoOn("--from and --to belong together", "give both, or --month")
    if arguments.fresh and arguments.revision is not None:
        raise CannotGoOn(
            "--revision and --fresh exclude each other", "what is worked out anew has no revision"
        )
    return Wanted(
        contracts=tuple(dict.fromkeys(arguments.contract)),
        customer=arguments.customer,
        period=arguments.period,
        from_us=_instant(arguments.from_),
        to_us=_instant(arguments.to),
        revision=arguments.revision,
        fresh=arguments.fresh,
    )


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    from datetime import datetime

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise CannotGoOn(f"{text!r} is no instant with its offset", "such as 2026-03-01T00:00:00Z")
    from prober.maintenance.expand import instant_us

    return instant_us(at)


def _formats(arguments: argparse.Namespace) -> list[str]:
    from prober.config.faults import did_you_mean
    from reports.render import FORMATS

    text = arguments.format
    if text is None:
        text = "json" if arguments.json else TERMINAL
    names = list(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in FORMATS:
            raise CannotGoOn(f"no format is named {name!r}", did_you_mean(name, FORMATS))
    if arguments.json and names != ["json"]:
        raise CannotGoOn("--json and --format exclude each other", f"--format {','.join([*names, 'json'])}")
    if len(names) != 1 and arguments.output is None:
        raise CannotGoOn("several formats need a folder", "name one with -o")
    return names


def _give(
    arguments: argparse.Namespace, formats: list[str], reports: list[ContractReport], language: str
) -> None:
    from prober.cli.reporting import rendered

    audience: Audience = arguments.audience or ("customer" if arguments.customer else "provider")
    # All of them before any is written: one that cannot be had leaves nothing behind.
    made = {name: rendered(name, reports, language, arguments.languages, audience) for name in formats}
    for name, files in made.items():
        if arguments.output is not None:
            _write(arguments.output, files)
        else:
            _print(name, files)


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    from prober.accounts.shelf import replace

    for name, data in files.items():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = replace(folder, name, data)
        except OSError as error:
            reason = (error.strerror or "error").lower()
            raise CannotGoOn(f"cannot write {folder / name}: {reason}") from None
        print(path)


def _print(name: str, files: Mapping[str, bytes]) -> None:
    if len(files) > 1:
        raise CannotGoOn(f"{name} makes {len(files)} files", "name a folder with -o")
    (data,) = files.values()
    if name in ("pdf", "xlsx") and sys.stdout.isatty():
        raise CannotGoOn(f"{name} is not for a terminal", "name a folder with -o, or redirect the output")
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


COMMAND = Command(
    name="report",
    summary="print or write the reports of contracts",
    description=_DESCRIPTION,
    order=45,
    arguments=_arguments,
    run=_run,
)
