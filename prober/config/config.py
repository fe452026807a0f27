"""The configuration as the daemon uses it: resolved, frozen, every default filled in.

Here: the values. Not here: reading them (`load`) and how the file spells them (`model`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from checks.core.check import Options

from .contracts import ContractBlock
from .delivery import MailBlock, ReportsBlock
from .operations import AgentsBlock, BlackboxBlock, ListenBlock, LogBlock, PageBlock, StoreBlock
from .probes import Schedule
from .services import CustomerBlock, MaintenanceBlock
from .terms import Address, Quorum


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolver:
    """Who answers for names in a region, in place of the machine's own name servers and hosts file."""

    servers: tuple[Address, ...]
    hosts: Mapping[str, tuple[str, ...]]
    """Addresses by lower case name."""
    timeout_us: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Region:
    """A place that checks run from. Tokens are kept only as their SHA-256, in hexadecimal."""

    name: str
    title: str
    local: bool
    source_address: str | None
    canaries: tuple[str, ...]
    """Control targets as `tcp://host:port`."""
    token_sha256: tuple[str, ...]
    resolver: Resolver | None = None
    """None for what the machine says."""
    agents: Literal["share", "all"] = "share"
    """Whether several agents of this region share its probes, or each run all of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """Immediate retries after a failed run: how many, and the pause before each."""

    retries: int
    after_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A thing to watch. Two probes that compare equal may keep their grid and state over a reload."""

    name: str
    title: str
    kind: str
    options: Options
    interval_us: int
    timeout_us: int
    regions: tuple[str, ...]
    """Where it runs, in the order of the file; never empty."""
    schedule: Schedule | Literal["end"]
    """`end` for what tells us of itself; no file can say so."""
    confirm: Confirm
    recheck_us: int | None
    """The faster pace while failing; None for never."""
    down_when: Quorum
    group: str | None
    labels: Mapping[str, str]
    min_regions: int | None = None
    """With fewer regions that can tell, the probe is UNKNOWN; None for what `down_when` needs."""

    @property
    def quorums(self) -> tuple[int, ...]:
        """How many regions must see it fail, by how many have a vote: from none of them to all."""
        return tuple(self.down_when.needed(voting) for voting in range(len(self.regions) + 1))

    @property
    def fewest_regions(self) -> int:
        """How many regions must have a vote for the probe to be anything but UNKNOWN."""
        if self.min_regions is not None:
            return self.min_regions
        words = {"any": 1, "majority": len(self.regions) // 2 + 1, "all": len(self.regions) // 2 + 1}
        return words.get(self.down_when.rule) or self.down_when.needed(len(self.regions))


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What customers know by name: some probes, composed."""

    name: str
    title: str
    description: str | None
    group: str | None
    probes: tuple[str, ...]
    up_when: Quorum


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """A whole accepted configuration."""

    regions: tuple[Region, ...]
    probes: tuple[Probe, ...]
    services: tuple[Service, ...]
    contracts: tuple[ContractBlock, ...]
    customers: tuple[CustomerBlock, ...]
    maintenance: tuple[MaintenanceBlock, ...]
    blackbox: BlackboxBlock | None
    store: StoreBlock
    listen: ListenBlock
    page: PageBlock
    agents: AgentsBlock
    log: LogBlock
    folder: Path = field(compare=False)
    """Where the file lies; relative names in it start here."""
    digest: str = ""
    """SHA-256 over everything here but itself and the folder, in hexadecimal; secrets enter as their own SHA-256."""
    reports: ReportsBlock = field(default_factory=ReportsBlock)
    mail: MailBlock | None = None

    def path(self, name: str) -> Path:
        """Return the place of a file that the configuration names."""
        return self.folder / name

    @property
    def store_path(self) -> Path:
        """The file of the store."""
        return self.path(self.store.url.removeprefix("sqlite:///"))
