"""Delivers closed reports: renders them, hands them to a mail server or puts them into folders, and remembers it.

What is due is decided in `schedule`. An attempt is on record before it is made, and its end after: a crash between
leads to one more attempt, with the same bytes and the same Message-ID, and never to a report that nobody tries to send.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prober.config import Config
from prober.notify.mail import Fate, NotSent, Server, send
from prober.notify.message import Attachment, BadAddress, Mail, composed
from prober.store.base import ClosedRow, DeliveryRow, Store, StoreError
from reports.catalogue import LanguageError
from reports.document import ContractReport
from reports.render import FORMATS, MissingExtra
from reports.render.json_format import is_intact, read
from reports.render.letter import letter
from reports.words import load as load_words

from .accounts import Accounts
from .rendering import ZIP, File, file_of, language_of
from .schedule import (
    DONE,
    FAILED,
    HOUR_US,
    MOST_ATTEMPTS,
    WAITING,
    Job,
    Sent,
    Target,
    by_customer,
    jobs,
    pause_us,
    targets_of,
)
from .shelf import NotPut, put

log = logging.getLogger(__name__)
EVERY_SECONDS = 60.0
SHELF_SECONDS = 60.0  # how long a folder is waited for
MOST_SLOW = 3  # mails in a row that were not taken in time: then the server is left alone for this round
MAX_ERROR = 500
_ODD = re.compile(r"[^A-Za-z0-9._-]+")
Write = Callable[[tuple[ClosedRow, ...], tuple[DeliveryRow, ...]], Awaitable[None]]
"""Puts rows on record: closed reports, and what became of deliveries."""


@dataclass(frozen=True, slots=True)
class _Parcel:
    """A report as it is sent."""

    report: ContractReport
    files: tuple[File, ...] = field(repr=False)
    language: str


@dataclass(slots=True)
class _Trip:
    """One round: which ways are found closed."""

    config: Config
    server_error: str = ""
    slow: int = 0

    def is_stopped(self) -> bool:
        """Say whether no further mail is worth a try in this round."""
        return self.slow >= MOST_SLOW


class Courier:
    """One per daemon: `run` in a task, or `round` by hand."""

    def __init__(
        self,
        accounts: Callable[[], Accounts],
        store: Store,
        write: Write,
        now_us: Callable[[], int],
        closed: asyncio.Event,
    ) -> None:
        self._accounts = accounts
        self._store = store
        self._write = write
        self._now_us = now_us
        self._closed = closed
        self._seen: tuple[Accounts, int, int] | None = None  # for what, when, and when to look again
        self._parcel: tuple[tuple[str, str, Config], _Parcel] | None = None  # the one that was made last
        self._shelving: asyncio.Future[Path] | None = None

    async def run(self) -> None:
        """Deliver for ever; a round that fails is told and tried again."""
        while True:
            try:
                await self.round()
            except StoreError as problem:
                log.error("reports cannot be delivered now", extra={"problem": str(problem)})
            except Exception:  # whatever it is: measuring goes on, and so does the next round
                log.exception("a round of delivering reports failed")
            await self._rest()

    async def _rest(self) -> None:
        try:
            async with asyncio.timeout(EVERY_SECONDS):
                await self._closed.wait()
        except TimeoutError:
            pass

    async def round(self) -> int:
        """Try what is due; return how many reports were delivered."""
        accounts, now_us = self._accounts(), self._now_us()
        if not self._is_to_look(accounts, now_us):
            return 0
        self._closed.clear()
        self._seen = None  # a round that breaks off is no look
        targets = targets_of(accounts.config)
        sent: Sent = {}
        count = 0
        if targets:
            rows = await self._store.closed()
            sent = {(row.target, row.digest): row for row in await self._store.deliveries()}
            due = await asyncio.to_thread(lambda: jobs(targets, by_customer(rows), sent, now_us))
            count = await self._deliver(_Trip(accounts.config), due)
            if due:
                sent = {(row.target, row.digest): row for row in await self._store.deliveries()}
        waits = [row.at_us + pause_us(row.attempts) for row in sent.values() if row.state == WAITING]
        now_us = self._now_us()
        again_us = min((at_us for at_us in waits if at_us > now_us), default=now_us + HOUR_US)
        self._seen = accounts, now_us, min(again_us, now_us + HOUR_US)
        return count

    def _is_to_look(self, accounts: Accounts, now_us: int) -> bool:
        if self._closed.is_set() or self._seen is None or self._seen[0] is not accounts:
            return True
        return not self._seen[1] <= now_us < self._seen[2]

    async def _deliver(self, trip: _Trip, due: Sequence[Job]) -> int:
        count = 0
        for place, job in enumerate(due):
            if job.target.kind == "mail" and trip.is_stopped():
                continue
            count += await self._attempt(trip, job)
            if trip.server_error:
                # Nobody else would get through either: what waited for the server counts as tried, and waits on.
                mails = [each for each in due[place + 1 :] if each.target.kind == "mail"]
                await self._note([self._failure(each, trip.server_error, Fate.LATER) for each in mails])
                rest = [each for each in due[place + 1 :] if each.target.kind != "mail"]
                return count + await self._deliver(_Trip(trip.config), rest)
        return count

    async def _attempt(self, trip: _Trip, job: Job) -> bool:
        """Try one delivery; says whether it is done. Raises StoreError."""
        if job.attempts >= MOST_ATTEMPTS:  # the process ended in every one of them
            await self._fail(job, "no attempt came to an end", Fate.REFUSED)
            return False
        kept = await self._store.closed_by_digest(job.row.digest)
        await self._note([self._row(job, WAITING, "")])
        try:
            if kept is None or not await asyncio.to_thread(is_intact, kept.body):
                raise NotSent("the closed report on record is damaged", Fate.REFUSED)
            parcel = await self._parcel_of(trip.config, job, kept)
            await self._hand_over(trip.config, job, parcel)
        except NotSent as problem:
            trip.server_error = str(problem) if problem.fate is Fate.SERVER else ""
            trip.slow = trip.slow + 1 if problem.is_slow else 0
            await self._fail(job, str(problem), problem.fate)
        except BadAddress as problem:
            await self._fail(job, str(problem), Fate.REFUSED)
        except (NotPut, LanguageError, MissingExtra) as problem:
            await self._fail(job, str(problem), Fate.LATER)
        except StoreError:
            raise
        except Exception as problem:  # whatever keeps one report from being rendered: others go on
            log.exception("a report cannot be delivered", extra=_told(job))
            await self._fail(job, f"{type(problem).__name__}: {problem}", Fate.LATER)
        else:
            trip.slow = 0
            await self._note([self._row(job, DONE, "")])
            log.info("delivered a report", extra=_told(job))
            return True
        return False

    async def _parcel_of(self, config: Config, job: Job, kept: ClosedRow) -> _Parcel:
        key = (job.target.block.name, job.row.digest, config)
        if self._parcel is None or self._parcel[0][:2] != key[:2] or self._parcel[0][2] is not config:
            self._parcel = None
            self._parcel = key, await asyncio.to_thread(_packed, config, job.target, kept)
        return self._parcel[1]

    async def _hand_over(self, config: Config, job: Job, parcel: _Parcel) -> None:
        if job.target.kind == "folder":
            for file in parcel.files:
                await self._shelve(config.path(job.target.place), file, job.row.digest[:8])
            return
        server = server_of(config)
        if server is None or config.mail is None:
            raise NotSent("there is no mail server", Fate.SERVER)
        data = await asyncio.to_thread(_mail, config, job, parcel)
        await send(server, config.mail.from_, job.target.place, data)

    async def _shelve(self, folder: Path, file: File, mark: str) -> None:
        """Put a file into a folder; a folder that does not answer (a dead network) takes one thread, not all."""
        if self._shelving is not None and not self._shelving.done():
            raise NotPut("an earlier file still waits for its folder to answer")
        loop = asyncio.get_running_loop()
        self._shelving = loop.run_in_executor(None, put, folder, file.name, file.data, mark)
        try:
            async with asyncio.timeout(SHELF_SECONDS):
                await asyncio.shield(self._shelving)
        except TimeoutError:
            raise NotPut(f"{folder}: it does not answer") from None

    async def _fail(self, job: Job, error: str, fate: Fate) -> None:
        row = self._failure(job, error, fate)
        await self._note([row])
        told = _told(job) | {"problem": row.error, "attempts": row.attempts}
        if row.state == FAILED:
            log.error("a report could not be delivered and is given up", extra=told)
        else:
            log.warning("a report could not be delivered yet", extra=told)

    def _failure(self, job: Job, error: str, fate: Fate) -> DeliveryRow:
        is_over = fate is Fate.REFUSED or job.attempts + 1 >= MOST_ATTEMPTS
        return self._row(job, FAILED if is_over else WAITING, error)

    def _row(self, job: Job, state: str, error: str) -> DeliveryRow:
        return DeliveryRow(
            target=job.target.key,
            digest=job.row.digest,
            at_us=self._now_us(),
            attempts=job.attempts + 1,
            state=state,
            error=error[:MAX_ERROR],
        )

    async def _note(self, rows: Sequence[DeliveryRow]) -> None:
        if rows:
            await self._write((), tuple(rows))


def server_of(config: Config) -> Server | None:
    """Return the mail server of a configuration."""
    mail = config.mail
    if mail is None:
        return None
    return Server(
        host=mail.server.host,
        port=mail.server.port,
        tls=mail.tls,
        username=mail.username,
        password=mail.password,
        timeout_seconds=mail.timeout_us / 1e6,
        ca_file=config.path(mail.ca_file) if mail.ca_file is not None else None,
    )


def file_base(report: ContractReport) -> str:
    """Return what files of a closed report are called, but for their ends: CONTRACT-CUSTOMER-PERIOD-rN."""
    period = report.period
    part = f"part{period.part}" if period.parts > 1 else ""
    parts = (report.contract, report.customer, period.label, part, f"r{report.provenance.revision}")
    return _ODD.sub("-", "-".join(each for each in parts if each))


def _packed(config: Config, target: Target, kept: ClosedRow) -> _Parcel:
    """Render a closed report."""
    report, block = read(kept.body), target.block
    language = block.language or language_of(config, report.customer)
    folder = _catalogues(config)
    base = file_base(report)
    files = []
    for name in block.formats:
        made = file_of(name, [report], language, block.reader, folder)
        end = f"-{name}.zip" if made.media_type == ZIP else FORMATS[name].suffix
        files.append(File(base + end, made.media_type, made.data))
    return _Parcel(report, tuple(files), language)


def _catalogues(config: Config) -> Path | None:
    return config.path(config.reports.languages) if config.reports.languages is not None else None


def _mail(config: Config, job: Job, parcel: _Parcel) -> bytes:
    """Return the mail that a report goes with."""
    assert config.mail is not None  # asked for before
    words = load_words(parcel.language, _catalogues(config))
    above = letter(parcel.report, words, job.target.block.reader, [file.name for file in parcel.files])
    return composed(
        Mail(
            sender=config.mail.from_,
            sender_name=config.mail.from_name or "",
            recipient=job.target.place,
            subject=above.subject,
            text=above.text,
            attachments=[Attachment(file.name, file.media_type, file.data) for file in parcel.files],
            key=f"{job.target.key}\n{job.row.digest}",
            at_us=job.row.made_us,
        )
    )


def _told(job: Job) -> dict[str, object]:
    return {
        "delivery": job.target.block.name,
        "to": job.target.place,
        "contract": job.row.contract,
        **({"customer": job.row.customer} if job.row.customer else {}),
        "revision": job.row.revision,
    }
