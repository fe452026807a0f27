"""Windows that people announce by hand: what is taken, and what is said of an announcement that comes late. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from checks.core.values import format_duration
from prober.config.contracts import ContractBlock
from prober.config.faults import did_you_mean, quote
from prober.config.maintenance import MAX_WINDOW_US
from reports.contract import MaintenanceWindow

from .expand import key_of, local_time
from .present import touches

MAX_TITLE, MAX_DESCRIPTION = 200, 2_000
MAX_SERVICES = 1_000
FURTHEST_US = 3_660 * 86_400_000_000
SECOND_US = 1_000_000
STATED_US = 60 * SECOND_US  # how much older than its record an announcement may be without a word
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class NotTaken(Exception):
    """An announcement or cancellation cannot be taken: why, what to try, and whether it is unknown or in conflict."""

    def __init__(self, error: str, hint: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.hint = hint
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """What somebody announces. `announced_us` is when customers were told; None: now."""

    title: str
    services: tuple[str, ...]
    start_us: int
    end_us: int
    announced_us: int | None = None
    description: str = ""
    source: str = "api"

    def window(self) -> MaintenanceWindow:
        """Return the window, with the key it has if it was never cancelled."""
        services = tuple(dict.fromkeys(self.services))
        return MaintenanceWindow(
            key=key_of(self.source, "", self.start_us, self.end_us, services),
            title=self.title,
            services=services,
            start_us=self.start_us,
            end_us=self.end_us,
            announced_us=self.announced_us,
            source=self.source,
            description=self.description,
        )


def check(announcement: Announcement, services: Collection[str], now_us: int) -> None:
    """Raise NotTaken for what cannot be announced."""
    _check_words(announcement)
    for name in announcement.services:
        if name not in services:
            raise NotTaken(f"no service named {quote(name)}", did_you_mean(name, services), 404)
    if announcement.end_us <= announcement.start_us:
        raise NotTaken("the end is not after the start")
    if announcement.end_us - announcement.start_us > MAX_WINDOW_US:
        raise NotTaken("a window is at most 366 days long")
    if abs(announcement.start_us - now_us) > FURTHEST_US:
        raise NotTaken("the start is more than 10 years away")
    if announcement.announced_us is not None and announcement.announced_us > now_us:
        raise NotTaken("announced lies in the future", "leave it out if customers are told now")


def _check_words(announcement: Announcement) -> None:
    for what, text, most in (
        ("title", announcement.title, MAX_TITLE),
        ("description", announcement.description, MAX_DESCRIPTION),
    ):
        if len(text) > most or not all(sign.isprintable() or sign == "\n" for sign in text):
            raise NotTaken(f"the {what} is at most {most:,} printable characters")
    if not announcement.title.strip():
        raise NotTaken("the title is empty")
    if not 1 <= len(announcement.services) <= MAX_SERVICES:
        raise NotTaken("expected the services that it touches", "their names, separated by commas")


def warnings(
    window: MaintenanceWindow, contracts: Iterable[ContractBlock], logged_us: int
) -> tuple[str, ...]:
    """Return what is said of a window that went on record at an instant, in words, each once.

    That its announcement is only stated, and which contracts will not excuse it because it came too late.
    """
    said = [_stated(window, logged_us), *(_warning(window, contract, logged_us) for contract in contracts)]
    return tuple(dict.fromkeys(text for text in said if text))


def _stated(window: MaintenanceWindow, logged_us: int) -> str:
    """Return that an announcement is older than its record, more strongly where the window had begun by then."""
    if window.announced_us is None or logged_us - window.announced_us <= STATED_US:
        return ""
    logged = _EPOCH + timedelta(microseconds=logged_us)
    told = f"the announcement is stated, it is on record here only from {logged:%Y-%m-%d %H:%M:%S} UTC on"
    if logged_us < window.start_us:
        return f"{told}; reports show both"
    late = "is over" if logged_us >= window.end_us else "has begun"
    return (
        f"{told}, when the window {late} already; reports show both, so keep what proves that customers "
        "were told before"
    )


def _warning(window: MaintenanceWindow, contract: ContractBlock, logged_us: int) -> str:
    rule = contract.maintenance
    if rule is None or not touches(window, contract.service_names) or not _in_force(contract, window):
        return ""
    stated_us = window.announced_us if window.announced_us is not None else logged_us
    told_us = max(stated_us, logged_us) if rule.evidence == "logged" else stated_us
    notice_us = window.start_us - told_us
    if notice_us >= (rule.notice_us or 0):
        return ""
    asked = f"contract {contract.name} asks for {format_duration(rule.notice_us or 0)} of notice"
    if not rule.notice_us:
        asked = f"contract {contract.name} excuses only what was announced before it began"
    came = (
        f"this came {_length(notice_us)} before the start" if notice_us > 0 else "this came after the start"
    )
    return f"{asked}; {came} and will not be excused"


def _in_force(contract: ContractBlock, window: MaintenanceWindow) -> bool:
    day = local_time(window.start_us, ZoneInfo(contract.timezone)).date()
    first, end = contract.effective.from_day, contract.effective.to_day
    return (first is None or day >= first) and (end is None or day < end)


def _length(length_us: int) -> str:
    """Return a length to the minute, rounded down; what is shorter in whole seconds, and less as that."""
    minute_us = 60 * SECOND_US
    if length_us >= minute_us:
        return format_duration(length_us // minute_us * minute_us)
    whole_us = length_us // SECOND_US * SECOND_US
    return format_duration(whole_us) if whole_us else "less than 1s"
