"""`prober regions`: how the regions of a running daemon and their agents fare; and forgetting an agent's key."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from prober.cli.command import DAEMON_URL, GOOD, NO, Command, add_json, print_json

if TYPE_CHECKING:
    from prober.cli.answers_regions import RegionsAnswer
    from prober.cli.client import Client

REFRESH_SECONDS = 1.0
FRAME_ROWS = 20  # of a screen: the regions and their agents, and what is wrong
LEAST_ROWS = 5
_DESCRIPTION = (
    "Show the regions of a running daemon and their agents, what is wrong with them on top, and the probes on which "
    "regions disagree. Exit code 1 when a region is silent or cut off, or an agent is refused. `prober regions forget "
    "NAME` forgets the key that is pinned for an agent, so that one with another key may come by its name."
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.usage = "%(prog)s [--watch] [--json] [--url URL]\n       %(prog)s forget NAME [--url URL]"
    parser.add_argument("--watch", action="store_true", help="go on, and refresh every second, until Ctrl-C")
    _add_url(parser, DAEMON_URL)
    add_json(parser, "one object")
    below = parser.add_subparsers(title="commands", metavar="COMMAND", dest="action", prog=parser.prog)
    forget = below.add_parser("forget", help="forget the key of an agent", description=_FORGET)
    forget.add_argument("name", metavar="NAME", help="the agent, as the table names it")
    _add_url(forget, argparse.SUPPRESS)


_FORGET = (
    "Forget the key that is pinned for an agent: the next one that comes by its name, with a token of its region, is "
    "taken in and pinned anew. To be asked on the daemon's own machine."
)


def _add_url(parser: argparse.ArgumentParser, default: str) -> None:
    text = f"the daemon's internal listener (default: {DAEMON_URL})"
    parser.add_argument("--url", metavar="URL", default=default, help=text)


def _run(arguments: argparse.Namespace) -> int:
    from prober.cli.client import Client

    with Client(arguments.url) as client:
        if arguments.action == "forget":
            return _forget(client, arguments.name)
        if arguments.json:
            return _print_json(client, arguments.watch)
        return _watch(client) if arguments.watch else _print(client)


def _forget(client: Client, name: str) -> int:
    from prober.cli.answers_regions import ForgottenAnswer

    forgotten = client.post("regions/forget", ForgottenAnswer, agent=name)
    print(f"the key of {forgotten.agent} is forgotten; whoever comes next by this name is taken in")
    return GOOD


def _fetch(client: Client) -> RegionsAnswer:
    from prober.cli.answers_regions import RegionsAnswer

    return client.get("regions", RegionsAnswer)


def _print(client: Client) -> int:
    from prober.cli.regions_board import is_bad, regions_board
    from prober.cli.screen import console

    answer = _fetch(client)
    console().print(regions_board(answer))
    return NO if is_bad(answer) else GOOD


def _watch(client: Client) -> int:
    from prober.cli.regions_board import regions_board
    from prober.cli.watching import watch

    watch(lambda _rows: _fetch(client), regions_board, lambda height: max(height - FRAME_ROWS, LEAST_ROWS))
    return GOOD


def _print_json(client: Client, again: bool) -> int:
    """Print the daemon's own answer, whole; with `--watch` one object a second, one a line."""
    try:
        while True:
            answer = client.get("regions", dict[str, object])
            print_json(answer, lines=again)
            if not again:
                return NO if _is_bad(answer) else GOOD
            time.sleep(REFRESH_SECONDS)
    except KeyboardInterrupt:
        return GOOD


def _is_bad(answer: dict[str, object]) -> bool:
    found = answer.get("troubles")
    return isinstance(found, list) and any(trouble["grave"] for trouble in found)


COMMAND = Command(
    name="regions",
    summary="show how regions and their agents fare",
    description=_DESCRIPTION,
    order=65,
    arguments=_arguments,
    run=_run,
)
