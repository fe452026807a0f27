"""The `services`, `customers` and `maintenance` sections: what people know, who pays, what was announced."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from checks.core.schema import Section

from .contract_terms import Amount, InstantUs
from .terms import Name, Prose, Quorum, Title, UpWhen, wrong

MAX_MEMBERS = 1_000


class ServiceBlock(Section):
    """What customers know by name: some probes, composed."""

    name: Name
    """The name that contracts, pages and metrics use; never change it, the history hangs on it."""
    title: Title | None = None
    """The name that people see; the service's name if absent."""
    description: Prose | None = None
    """A sentence for the status page."""
    group: Title | None = None
    """The heading under which the status page shows it."""
    probes: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_MEMBERS)]
    """The probes that it is made of."""
    up_when: UpWhen = Quorum("all")
    """How many of its probes must be up: `all`, `any`, a count, or `2 of 3`."""


class CustomerBlock(Section):
    """Somebody a contract was made with."""

    name: Name
    """The name that contracts use."""
    title: Title | None = None
    """The name that reports print; the customer's name if absent."""
    fee: Amount | None = None
    """What the customer pays for one window of a contract; credits are a share of it."""


class MaintenanceBlock(Section):
    """A planned interruption. It is probed as usual; contracts say whether it is excused."""

    title: Title
    """What is done."""
    description: Prose | None = None
    """A sentence or two for the status page."""
    services: Annotated[tuple[str, ...], Field(min_length=1, max_length=MAX_MEMBERS)]
    """The services that it touches."""
    start_us: InstantUs = Field(alias="start")
    """When it begins."""
    end_us: InstantUs = Field(alias="end")
    """When it ends; what runs over is not excused."""
    announced_us: InstantUs | None = Field(default=None, alias="announced")
    """When customers were told; contracts ask for notice."""

    @model_validator(mode="after")
    def _ordered(self) -> MaintenanceBlock:
        if self.end_us <= self.start_us:
            raise wrong("the end is not after the start")
        return self
