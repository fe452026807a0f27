"""What goes wrong in the demo, when, and for whom: data, and one pure function that reads it.

Not here: how a mode looks on the wire (`servers`), which probes watch the services (`configuration`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

CYCLE_SECONDS = 240
FRANKFURT, VIRGINIA, SINGAPORE = "127.0.0.11", "127.0.0.12", "127.0.0.13"
"""Where the demo's regions probe from, so that a service can tell them apart."""


class Mode(StrEnum):
    """How a service behaves towards one connection."""

    GOOD = "good"
    SLOW = "slow"
    ERROR = "error"  # HTTP 503, or a mail server that is too busy
    WRONG_CONTENT = "wrong_content"  # HTTP 200 with a page that is not the right one
    EXPIRED = "expired"  # a certificate that has ended
    REFUSING = "refusing"  # nobody listens
    SILENT = "silent"  # connects, then never says a thing
    RESET = "reset"  # cuts the connection once it was asked something
    NXDOMAIN = "nxdomain"
    SERVFAIL = "servfail"


class Service(StrEnum):
    """The stand-ins, by the name of the probe that watches each."""

    SHOP_WEB = "shop-web"
    SHOP_CACHE = "shop-cache"
    CATALOGUE = "catalogue"
    CHECKOUT = "checkout"
    API = "api"
    MIRROR_EUROPE = "mirror-europe"
    MIRROR_ASIA = "mirror-asia"
    MAIL = "mail"
    NAMES = "names"


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """A service is in `mode` from `start_s` to just before `end_s` of each cycle, for `only` or for all."""

    service: Service
    start_s: int
    end_s: int
    mode: Mode
    only: str | None = None


# The first act begins early, so that whoever starts the demo sees a failure within 15 seconds. The last part
# of the cycle is quiet, and never are more than two of the nine in trouble: an all red page teaches nothing.
ACTS = (
    Act(service=Service.CATALOGUE, start_s=5, end_s=45, mode=Mode.WRONG_CONTENT),
    Act(service=Service.SHOP_WEB, start_s=20, end_s=45, mode=Mode.SLOW),
    Act(service=Service.SHOP_WEB, start_s=45, end_s=75, mode=Mode.ERROR),
    Act(service=Service.MIRROR_ASIA, start_s=60, end_s=105, mode=Mode.RESET, only=SINGAPORE),
    Act(service=Service.CHECKOUT, start_s=80, end_s=120, mode=Mode.EXPIRED),
    Act(service=Service.SHOP_CACHE, start_s=110, end_s=135, mode=Mode.REFUSING),
    Act(service=Service.SHOP_CACHE, start_s=135, end_s=155, mode=Mode.SILENT),
    Act(service=Service.MAIL, start_s=145, end_s=170, mode=Mode.ERROR),
    Act(service=Service.MAIL, start_s=170, end_s=185, mode=Mode.SILENT),
    Act(service=Service.NAMES, start_s=160, end_s=190, mode=Mode.NXDOMAIN),
    Act(service=Service.NAMES, start_s=190, end_s=215, mode=Mode.SERVFAIL),
)


def mode_at(service: Service, elapsed_us: int, source_address: str | None = None) -> Mode:
    """Return how a service behaves `elapsed_us` microseconds after the start, towards one source address.

    Without a source address, acts for one region only do not count.
    """
    second = elapsed_us // 1_000_000 % CYCLE_SECONDS
    for act in ACTS:
        if (
            act.service is service
            and act.start_s <= second < act.end_s
            and act.only in (None, source_address)
        ):
            return act.mode
    return Mode.GOOD
