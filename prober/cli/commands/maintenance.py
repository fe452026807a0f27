"""`prober maintenance`: what is announced; announcing a window, taking one back, making one longer."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from prober.cli.command import DAEMON_URL, GOOD, CannotGoOn, Command, add_json, print_json

if TYPE_CHECKING:
    from prober.cli.answers_maintenance import AnnouncedAnswer, PlannedAnswer
    from prober.cli.client import Client

MAX_ROWS = "1000"  # of an answer
AN_INSTANT = "such as 2026-12-06T02:00:00+01:00"
_DESCRIPTION = (
    "Show the maintenance that a running daemon knows of, announce a window, or take one back. Maintenance is probed "
    "as usual; contracts say whether it is excused. `prober maintenance list`, `add`, `extend` and `cancel` tell more "
    "with --help."
)
_LIST = "Show announced windows: those under way and those of the next 400 days."
_ADD = (
    "Announce a window of maintenance. It goes on record with this instant. One that comes too late for a contract is "
    "taken, with a warning that the contract will not excuse it. To be asked on the daemon's own machine."
)
_EXTEND = (
    "Make a window longer. What was announced stays as it is: the time that is added is a window of its own, announced "
    "now, and contracts look at its own notice. To be asked on the daemon's own machine."
)
_CANCEL = (
    "Take back a window that was announced by hand and has not begun; it stays on record as cancelled. Windows of the "
    "configuration and of calendars are taken out there. To be asked on the daemon's own machine."
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    below = parser.add_subparsers(title="commands", metavar="COMMAND", dest="action", required=True)
    shown = below.add_parser("list", help="show announced windows", description=_LIST)
    shown.add_argument("--all", action="store_true", help="those that are over as well")
    shown.add_argument("--service", metavar="NAME", help="only windows that touch this service")
    add = below.add_parser("add", help="announce a window", description=_ADD)
    add.add_argument("--title", metavar="TEXT", required=True, help="what is done")
    add.add_argument("--services", metavar="A,B", required=True, help="the services that it touches")
    add.add_argument("--start", metavar="INSTANT", required=True, help=f"when it begins, {AN_INSTANT}")
    add.add_argument("--end", metavar="INSTANT", required=True, help="when it ends")
    add.add_argument("--announced", metavar="INSTANT", help="when customers were told (default: now)")
    add.add_argument("--description", metavar="TEXT", help="a sentence or two for the status page")
    extend = below.add_parser("extend", help="announce more time after a window", description=_EXTEND)
    extend.add_argument("key", metavar="KEY", help="the window, as the list names it")
    extend.add_argument("--end", metavar="INSTANT", required=True, help="when it ends now")
    extend.add_argument("--announced", metavar="INSTANT", help="when customers were told (default: now)")
    cancel = below.add_parser("cancel", help="take back a window that has not begun", description=_CANCEL)
    cancel.add_argument("key", metavar="KEY", help="the window, as the list names it")
    for part in (shown, add, extend, cancel):
        text = f"the daemon's internal listener (default: {DAEMON_URL})"
        part.add_argument("--url", metavar="URL", default=DAEMON_URL, help=text)
        add_json(part, "the daemon's own answer")


def _run(arguments: argparse.Namespace) -> int:
    from prober.cli.client import Client

    acts = {"list": _list, "add": _add, "extend": _extend, "cancel": _cancel}
    with Client(arguments.url) as client:
        return acts[arguments.action](client, arguments)


def _list(client: Client, arguments: argparse.Namespace) -> int:
    from prober.cli.answers_maintenance import MaintenanceAnswer
    from prober.cli.maintenance_board import maintenance_board
    from prober.cli.screen import console

    query = {"limit": MAX_ROWS} | ({"from": "0"} if arguments.all else {})
    query |= {"service": arguments.service} if arguments.service else {}
    if arguments.json:
        print_json(client.get("maintenance", dict[str, object], **query))
    else:
        console().print(maintenance_board(client.get("maintenance", MaintenanceAnswer, **query)))
    return GOOD


def _add(client: Client, arguments: argparse.Namespace) -> int:
    query = {
        "title": arguments.title,
        "services": arguments.services,
        "start": _instant("--start", arguments.start),
        "end": _instant("--end", arguments.end),
    }
    if arguments.description:
        query["description"] = arguments.description
    return _announce(client, arguments, query)


def _extend(client: Client, arguments: argparse.Namespace) -> int:
    before = _window(client, arguments.key)
    if before.cancelled_us is not None:
        raise CannotGoOn(f"the window {before.key} was cancelled", "announce another with `add`")
    end_us = _instant("--end", arguments.end)
    if int(end_us) <= before.end_us:
        raise CannotGoOn("--end is not after the window's end", "a window that is shorter is another one")
    query = {
        "title": before.title,
        "services": ",".join(before.services),
        "start": str(before.end_us),
        "end": end_us,
    }
    if not arguments.json:
        print(f"{before.key} stays as it was announced; the time after it is a window of its own:")
    return _announce(client, arguments, query)


def _announce(client: Client, arguments: argparse.Namespace, query: dict[str, str]) -> int:
    from prober.cli.answers_maintenance import AnnouncedAnswer

    if arguments.announced:
        query["announced"] = _instant("--announced", arguments.announced)
    query["by"] = "cli"
    if arguments.json:
        print_json(client.post("maintenance", dict[str, object], **query))
    else:
        _say(client.post("maintenance", AnnouncedAnswer, **query))
    return GOOD


def _say(announced: AnnouncedAnswer) -> None:
    from checks.core.quote import printable
    from prober.cli.maintenance_board import at_text, length_text, notice_text

    window = announced.window
    what = "announced" if announced.new else "was on record already"
    lasts = length_text(window.end_us - window.start_us)
    print(f"{window.key} {what}: {printable(window.title, 200)}")
    print(f"begins {at_text(window.start_us)} UTC, lasts {lasts}, notice {notice_text(window)}")
    for warning in announced.warnings:
        print(f"warning: {printable(warning, 400)}")


def _cancel(client: Client, arguments: argparse.Namespace) -> int:
    from checks.core.quote import printable
    from prober.cli.answers_maintenance import CancelledAnswer

    if arguments.json:
        print_json(client.post("maintenance/cancel", dict[str, object], key=arguments.key))
        return GOOD
    window = client.post("maintenance/cancel", CancelledAnswer, key=arguments.key).window
    print(f"{window.key} is cancelled: {printable(window.title, 200)}")
    return GOOD


def _window(client: Client, key: str) -> PlannedAnswer:
    from prober.cli.answers_maintenance import MaintenanceAnswer

    found = client.get("maintenance", MaintenanceAnswer, key=key).windows
    if not found:
        raise CannotGoOn(f"no maintenance has the key {key[:64]!r}", "prober maintenance list")
    return found[0]


def _instant(option: str, text: str) -> str:
    """Return an instant as micro-seconds since the epoch; CannotGoOn for what is none, or has no offset."""
    from datetime import UTC, datetime, timedelta

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise CannotGoOn(f"{option}: {text[:64]!r} is no instant", AN_INSTANT) from None
    if at.tzinfo is None:
        raise CannotGoOn(f"{option}: the offset is missing", AN_INSTANT)
    at_us = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    if at_us < 0:
        raise CannotGoOn(f"{option} is before 1970")
    return str(at_us)


COMMAND = Command(
    name="maintenance",
    summary="show, announce and take back maintenance",
    description=_DESCRIPTION,
    order=67,
    arguments=_arguments,
    run=_run,
)
