"""`prober check`: run once now, show the waterfall of phases and every expectation with its verdict."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from prober.cli.command import GOOD, NO, CannotGoOn, Command, add_config, add_json, print_json

if TYPE_CHECKING:
    from checks.core.result import Result
    from prober.cli.targets import Target

_DESCRIPTION = """\
Run checks once, now, from this machine; nothing is stored. Without arguments:
every configured probe.

  prober check shop-web                     a configured probe, by name
  prober check https://shop.example/health  without a configuration
  prober check tcp://db.example:5432
  prober check dns:shop.example             asks the system's own name server
  prober check 'dns://192.0.2.53/shop.example?type=AAAA'
"""


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("what", metavar="NAME or URL", nargs="*", help="a configured probe, or a URL")
    parser.add_argument("--timeout", metavar="TIME", help="such as 5s (default: the probe's own, else 10s)")
    add_config(parser)
    add_json(parser, "one object a run, one a line")


def _run(arguments: argparse.Namespace) -> int:
    from prober.loop import run_loop

    targets = _targets(arguments)
    show = _as_json if arguments.json else _waterfalls(len(targets) > 1)
    outcomes = run_loop(_look(targets, show))
    return NO if {"fail", "void"} & set(outcomes) else GOOD


def _targets(arguments: argparse.Namespace) -> list[Target]:
    """Return what to check, in the order of the command line; the configuration is read only where it is named."""
    from prober.cli.faults import load_config
    from prober.cli.targets import from_config, from_url, is_url, timeout_of

    what: list[str] = arguments.what
    timeout_us = timeout_of(arguments.timeout)
    if what and all(map(is_url, what)):
        return [from_url(each, timeout_us) for each in what]
    config = load_config(arguments)
    if not what and not config.probes:
        raise CannotGoOn(
            "the configuration has no probes", "name a URL, such as prober check https://example.com/"
        )
    named = [each for each in what if not is_url(each)]
    found = from_config(named, config, timeout_us)
    if not what:
        return found
    probes = iter(found)
    return [from_url(each, timeout_us) if is_url(each) else next(probes) for each in what]


async def _look(targets: Sequence[Target], show: Callable[[Target, Result], None]) -> list[str]:
    from prober.cli.once import run_all

    outcomes = []
    async for target, result in run_all(targets):
        show(target, result)
        outcomes.append(result.outcome.value)
    return outcomes


def _as_json(target: Target, result: Result) -> None:
    print_json(as_object(target, result), lines=True)


def as_object(target: Target, result: Result) -> dict[str, object]:
    """Return a run as `--json` prints it; programs rely on these keys."""
    failures = [{"code": failure.code, "detail": failure.detail} for failure in result.failures]
    return {
        "probe": target.name,
        "kind": target.check.kind,
        "target": target.check.target,
        "outcome": result.outcome.value,
        "failure": failures[0] if failures else None,
        "failures": failures,
        "started_us": result.started_us,
        "duration_us": result.duration_us,
        "phases_us": result.phases_us,
        "facts": result.facts,
        "expectations": [
            {"what": each.what, "expected": each.expected, "seen": each.seen, "held": each.held}
            for each in result.expectations
        ],
    }


def _waterfalls(several: bool) -> Callable[[Target, Result], None]:
    from prober.cli.screen import console
    from prober.cli.waterfall import waterfall

    screen = console()

    def show(target: Target, result: Result) -> None:
        named = target.name if target.name == target.check.target else f"{target.name}  {target.check.target}"
        screen.print(waterfall(named, target.check.kind, result, screen))
        if several:
            screen.print()

    return show


COMMAND = Command(
    name="check",
    summary="run checks once now and show every phase and expectation",
    description=_DESCRIPTION,
    order=30,
    arguments=_arguments,
    run=_run,
)
