"""The whole file as one model: every section, as it is written.

Here: the root. Not here: the sections (one module a theme), and what the daemon uses (`config`).
"""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

from pydantic import Field, create_model

from checks.core.schema import Section

from .contracts import ContractBlock
from .delivery import MailBlock, ReportsBlock
from .operations import AgentsBlock, BlackboxBlock, ListenBlock, LogBlock, PageBlock, StoreBlock
from .probes import DefaultsBlock, ProbeFields, probe_model
from .regions import RegionBlock
from .services import CustomerBlock, MaintenanceBlock, ServiceBlock
from .terms import Name

MAX_PROBES = 20_000
MAX_REGIONS = 200


class Document(Section):
    """The configuration of Prober."""

    regions: Annotated[dict[Name, RegionBlock], Field(max_length=MAX_REGIONS)] = Field(default_factory=dict)
    """Where checks run from, by name. One local region called `local` if absent."""
    defaults: DefaultsBlock = DefaultsBlock()
    """What probes do unless they say otherwise."""
    services: tuple[ServiceBlock, ...] = ()
    """What customers know by name."""
    contracts: tuple[ContractBlock, ...] = ()
    """What was promised about services."""
    customers: tuple[CustomerBlock, ...] = ()
    """Whom it was promised to."""
    maintenance: tuple[MaintenanceBlock, ...] = ()
    """Planned interruptions."""
    reports: ReportsBlock = ReportsBlock()
    """Reports of periods that are over, and where they are delivered to, see [reports](reports.md)."""
    mail: MailBlock | None = None
    """The mail server; absent, nothing is sent by e-mail."""
    blackbox: BlackboxBlock | None = None
    """The `/probe` endpoint; absent, it answers nothing."""
    store: StoreBlock = StoreBlock()
    """Where everything measured is kept."""
    listen: ListenBlock = ListenBlock()
    """Where the daemon listens."""
    page: PageBlock = PageBlock()
    """The public status page."""
    agents: AgentsBlock = AgentsBlock()
    """How agents run checks."""
    log: LogBlock = LogBlock()
    """What the daemon logs."""

    @property
    def probe_blocks(self) -> tuple[ProbeFields, ...]:
        """The probes; a property because their model is made when the kinds are known."""
        blocks: tuple[ProbeFields, ...] = getattr(self, "probes", ())
        return blocks


def document_model() -> type[Document]:
    """Return the model of a file, with every known kind of check."""
    return _with_probes(probe_model())


@cache
def _with_probes(probe: type[ProbeFields]) -> type[Document]:
    field: Any = (  # Any: create_model's way to take a field
        Annotated[tuple[probe, ...], Field(max_length=MAX_PROBES)],  # type: ignore[valid-type]  # made at run time
        Field(default=(), description="What is watched."),
    )
    return create_model("Configuration", __base__=Document, __doc__=Document.__doc__, probes=field)
