"""Reports for the command line: read beside a running daemon, worked out here, rendered.

Here: opening and closing what is needed, and errors in words. Not here: figures, formats.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from prober.accounts.accounts import Accounts
from prober.accounts.closed import reports_of_gone
from prober.accounts.plans import CannotReport, Wanted
from prober.accounts.rendering import files_of, language_of
from prober.accounts.schedule import Standing, standings
from prober.accounts.terms import contracts_of
from prober.config import Config, load
from prober.maintenance.book import book_for
from prober.store.base import MaintenanceRow, Store, StoreError
from prober.store.reading import reading_store
from reports.catalogue import LanguageError
from reports.contract import MaintenanceWindow
from reports.document import ContractReport
from reports.render import MissingExtra
from reports.render.speaker import Audience

from .command import GOOD, NO, CannotGoOn


async def made_reports(
    path: Path, wanted: Wanted, now_us: int | None = None
) -> tuple[list[ContractReport], str]:
    """Return the reports that are asked for, as of now unless told otherwise, and the language of their reader.

    Raises CannotGoOn, ConfigError.
    """
    config = load(path, os.environ)
    store = reading_store(config.store_path)
    now_us = time.time_ns() // 1000 if now_us is None else now_us
    try:
        await store.open()
        try:
            rows = await store.maintenance()
            accounts = Accounts(config, store, partial(_windows, config, rows))
            reports = await _found(accounts, store, wanted, now_us)
        finally:
            await store.close()
    except CannotReport as error:
        raise CannotGoOn(str(error), error.hint) from None
    except StoreError as error:
        raise CannotGoOn(str(error)) from None
    return reports, language_of(config, wanted.customer)


async def _found(accounts: Accounts, store: Store, wanted: Wanted, now_us: int) -> list[ContractReport]:
    """Return reports; those of contracts that were taken out of the configuration as they were closed."""
    known = {contract.name for contract in accounts.contracts}
    gone: list[ContractReport] = []
    left = list(wanted.contracts)
    for name in [name for name in left if name not in known and not wanted.fresh]:
        closed = await reports_of_gone(store, name, wanted)
        if closed:
            left.remove(name)
            gone += closed
    if gone and not left:
        return gone
    return [*gone, *await accounts.reports(replace(wanted, contracts=tuple(left)), now_us)]


def _windows(
    config: Config, rows: Sequence[MaintenanceRow], from_us: int, to_us: int
) -> Sequence[MaintenanceWindow]:
    return book_for(config, rows, from_us, to_us).windows(from_us, to_us)


def rendered(
    name: str,
    reports: Sequence[ContractReport],
    language: str,
    folder: Path | None,
    audience: Audience,
) -> Mapping[str, bytes]:
    """Return the files of one format by name. Raises CannotGoOn for a language or a format that cannot be had."""
    try:
        return files_of(name, reports, language, audience, folder)
    except LanguageError as error:
        raise CannotGoOn(str(error).removesuffix(f" (hint: {error.hint})"), error.hint) from None
    except MissingExtra as error:
        raise CannotGoOn(str(error).partition(" (hint")[0], error.hint) from None


def deliveries_shown(path: Path, *, as_json: bool = False) -> int:
    """Print the schedule of deliveries and how they stand, read beside a running daemon; NO if some have failed.

    Raises CannotGoOn, ConfigError.
    """
    from .schedule_board import schedule_board, schedule_json
    from .screen import console

    config = load(path, os.environ)
    now_us = time.time_ns() // 1000
    try:
        found = asyncio.run(_standings(config, now_us))
    except StoreError as error:
        raise CannotGoOn(str(error)) from None
    if as_json:
        print(schedule_json(found))
    else:
        console().print(schedule_board(found, now_us))
    return NO if any(each.failed for each in found) else GOOD


async def _standings(config: Config, now_us: int) -> list[Standing]:
    contracts = contracts_of(config)
    if not config.store_path.exists():  # nothing was closed yet, but the schedule is there to be seen
        return standings(config, contracts, (), (), now_us)
    store = reading_store(config.store_path)
    await store.open()
    try:
        return standings(config, contracts, await store.closed(), await store.deliveries(), now_us)
    finally:
        await store.close()
