"""The sections about the daemon itself: `blackbox`, `store`, `listen`, `page`, `agents`, `log`."""

from __future__ import annotations

import re
from ipaddress import ip_address, ip_network
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StrictBool, StrictInt, StringConstraints, model_validator

from checks.core.schema import Section
from checks.core.values import DurationUs, at_least, at_most

from .terms import Address, ListenAddress, PageUrl, Prose, Title, wrong

MAX_ALLOWED = 1_000
_GLOB = re.compile(r"[A-Za-z0-9*_-]+(\.[A-Za-z0-9*_-]+)*")


def _allowed(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        if "host bits" in str(error):
            raise wrong("the network has host bits set", "write its first address") from None
        if not _GLOB.fullmatch(text):
            raise wrong(
                "expected a host pattern such as *.example, or a network such as 198.51.100.0/24"
            ) from None
    return text


def _sqlite(url: str) -> str:
    if not url.startswith("sqlite:///") or len(url) == len("sqlite:///"):
        raise wrong(
            "expected sqlite:///FILE",
            "sqlite:///prober.db is beside the configuration, sqlite:////var/... is absolute",
        )
    return url


class BlackboxBlock(Section):
    """The `/probe` endpoint, which answers like the exporter it replaces."""

    file: Annotated[str, StringConstraints(min_length=1)] | None = None
    """The modules, in the exporter's own format; relative to this file."""
    allow: Annotated[tuple[Annotated[str, AfterValidator(_allowed)], ...], Field(max_length=MAX_ALLOWED)] = ()
    """What may be probed: host patterns and networks. `*` opens it to everything that is not private."""
    private: StrictBool = False
    """Whether loopback and private ranges may be probed too."""


class StoreBlock(Section):
    """Where everything measured is kept."""

    url: Annotated[str, AfterValidator(_sqlite)] = "sqlite:///prober.db"
    """The store; a relative file is relative to this file."""


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class AgentsListener(Section):
    """The listener that remote agents deliver to."""

    address: ListenAddress
    """Where it listens."""
    certificate: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Its certificate chain in PEM; relative to this file."""
    key: Annotated[str, StringConstraints(min_length=1)] | None = None
    """The certificate's key in PEM; relative to this file."""
    behind_proxy: StrictBool = False
    """TLS ends at a proxy in front of it, so it speaks plain HTTP. On loopback neither this nor a certificate is
    needed."""

    @model_validator(mode="after")
    def _encrypted(self) -> AgentsListener:
        has_both = self.certificate is not None and self.key is not None
        has_one = self.certificate is not None or self.key is not None
        if self.behind_proxy and has_one:
            raise wrong("behind_proxy and a certificate exclude each other")
        is_plain = self.behind_proxy or (not has_one and _is_loopback(self.address.host))
        if not is_plain and not has_both:
            raise wrong("certificate and key are both needed", "or behind_proxy: true if a proxy ends TLS")
        return self


class ListenBlock(Section):
    """Where the daemon listens."""

    public: ListenAddress = Address("127.0.0.1", 8080)
    """The status page, its API, feeds and badges."""
    internal: ListenAddress = Address("127.0.0.1", 8081)
    """Metrics, health, the own API and administration: never open it to the world."""
    agents: AgentsListener | None = None
    """Remote agents; none are taken if absent."""


class PageBlock(Section):
    """The public status page."""

    title: Title = "Status"
    """Its heading."""
    description: Prose | None = None
    """A sentence below it."""
    url: PageUrl | None = None
    """The address under which the world sees it; feeds and badges link to it."""


class AgentsBlock(Section):
    """How agents run checks."""

    max_lag_us: Annotated[DurationUs, at_least("1ms"), at_most("10s")] = Field(
        default=50_000, alias="max_lag"
    )
    """A run that the agent itself bent by more than this is void, not slow."""
    max_in_flight: Annotated[StrictInt, Field(ge=1, le=100_000)] = 500
    """Runs at the same time in one agent process; a slot that finds no place is recorded as missed."""
    max_clock_offset_us: Annotated[DurationUs, at_least("50ms"), at_most("1h")] = Field(
        default=2_000_000, alias="max_clock_offset"
    )
    """Results of a remote agent whose clock is further from the hub's, or not known this well, are void."""
    settle_after_us: Annotated[DurationUs, at_least("1m"), at_most("30d")] = Field(
        default=259_200_000_000, alias="settle_after"
    )
    """How long results of a silent region are waited for: figures are provisional until they are in, or so long."""
    forget_after_us: Annotated[DurationUs, at_least("1h"), at_most("365d")] = Field(
        default=1_209_600_000_000, alias="forget_after"
    )
    """A remote agent that was not heard of for so long is no longer shown or missed; it may come back."""


class LogBlock(Section):
    """What the daemon writes to its standard error."""

    format: Literal["auto", "human", "json"] = "auto"
    """`auto`: for people on a terminal, JSON elsewhere."""
    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe events that are written."""
