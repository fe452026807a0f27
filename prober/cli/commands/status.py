"""`prober status`: a live table of a running daemon."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from prober.cli.command import DAEMON_URL, GOOD, Command, add_json, print_json

if TYPE_CHECKING:
    from prober.cli.answers import WindowAnswer
    from prober.cli.board import Snapshot
    from prober.cli.client import Client

REFRESH_SECONDS = 1.0
FIGURES_SECONDS = 10.0  # availability is asked for one subject at a time, and moves slowly
FRAME_ROWS = 15  # of a screen: heads, legend, the daemon's own trouble and the reasons below the table
LEAST_ROWS = 5
_DESCRIPTION = (
    "Show probes and services of a running daemon, and on top what is wrong with the daemon itself. Behind the "
    "availability of the last 24 hours stand the lowest and the highest value it can have by what was measured."
)


def _arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--watch", action="store_true", help="go on, and refresh every second, until Ctrl-C")
    parser.add_argument(
        "--url",
        metavar="URL",
        default=DAEMON_URL,
        help="the daemon's internal listener (default: %(default)s)",
    )
    add_json(parser, "one object")


def _run(arguments: argparse.Namespace) -> int:
    from prober.cli.client import Client

    with Client(arguments.url) as client:
        if arguments.json:
            return _print_json(client, arguments.watch)
        return _watch(client) if arguments.watch else _print(client)


def _print(client: Client) -> int:
    from prober.cli.board import board
    from prober.cli.screen import console

    console().print(board(_fetch(client, Figures(client), None)))
    return GOOD


def _watch(client: Client) -> int:
    from prober.cli.board import board
    from prober.cli.watching import watch

    figures = Figures(client)
    watch(lambda rows: _fetch(client, figures, rows), board, _rows)
    return GOOD


def _rows(height: int) -> int:
    return max(height - FRAME_ROWS, LEAST_ROWS)


def _print_json(client: Client, again: bool) -> int:
    """Print the daemon's own answers, whole; with `--watch` one object a second, one a line."""
    try:
        while True:
            print_json(_answers(client), lines=again)
            if not again:
                return GOOD
            time.sleep(REFRESH_SECONDS)
    except KeyboardInterrupt:
        return GOOD


def _answers(client: Client) -> dict[str, object]:
    status = client.get("status", dict[str, object])
    probes = client.get("probes", dict[str, list[dict[str, object]]])["probes"]
    services = client.get("services", dict[str, list[dict[str, object]]])["services"]
    subjects = [f"probe:{probe['name']}" for probe in probes] + [
        f"service:{each['name']}" for each in services
    ]
    availability = {
        subject: client.get("availability", dict[str, object], subject=subject)["windows"]
        for subject in subjects
    }
    return {"status": status, "probes": probes, "services": services, "availability": availability}


class Figures:
    """The availability of subjects, kept for some seconds, since each is a question of its own."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._kept: dict[str, tuple[float, WindowAnswer | None]] = {}

    def of(self, subjects: Iterable[str]) -> dict[str, WindowAnswer | None]:
        """Return the last 24 hours of each."""
        return {subject: self._one(subject) for subject in subjects}

    def _one(self, subject: str) -> WindowAnswer | None:
        from prober.cli.answers import AvailabilityAnswer
        from prober.cli.board import WINDOW

        now = time.monotonic()
        kept = self._kept.get(subject)
        if kept is None or now - kept[0] > FIGURES_SECONDS or kept[1] is None:
            answer = self._client.get("availability", AvailabilityAnswer, subject=subject)
            kept = self._kept[subject] = (now, answer.windows.get(WINDOW))
        return kept[1]


def _fetch(client: Client, figures: Figures, rows: int | None) -> Snapshot:
    """Ask for everything that so many rows show."""
    from prober.cli.answers import ProbesAnswer, ServicesAnswer, StatusAnswer
    from prober.cli.board import Snapshot, choose

    bare = Snapshot(
        status=client.get("status", StatusAnswer),
        probes=client.get("probes", ProbesAnswer).probes,
        services=client.get("services", ServicesAnswer).services,
    )
    probes, services = choose(bare, rows)
    subjects = [f"probe:{probe.name}" for probe in probes] + [f"service:{each.name}" for each in services]
    return Snapshot(
        status=bare.status, probes=bare.probes, services=bare.services, windows=figures.of(subjects)
    )


COMMAND = Command(
    name="status",
    summary="show how a running daemon and its probes fare",
    description=_DESCRIPTION,
    order=60,
    arguments=_arguments,
    run=_run,
)
