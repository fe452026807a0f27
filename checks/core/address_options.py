"""The options by which kinds that open one TCP connection say where it goes, and what a run makes of them."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, IPvAnyAddress, field_validator, model_validator

from .addresses import AddressRule, Reach
from .check import Options
from .hostport import split_host_port
from .resolve import FamilyRule, family_with_source


class AddressOptions(Options):
    """A host and a port. `usual_port` is what an address without one stands for; None demands it."""

    usual_port: ClassVar[int | None] = None

    address: Annotated[str, Field(min_length=1)]
    """`host`, `host:port`, or `[address]:port` for IPv6."""
    ip: FamilyRule = "any"
    """`ip4` or `ip6` only; `prefer_ip4` or `prefer_ip6` with the other as fallback; or `any`, which takes IPv4 where
    the region has a route to it, else IPv6."""
    addresses: AddressRule = "first"
    """Of the addresses behind a name: the `first` one; `any`, tried one after the other until one connects; or
    `all` of them (at most 16), each looked at in full, where one that fails fails the run."""
    source_address: IPvAnyAddress | None = None
    """Address of this machine to connect from, in place of the region's."""

    @field_validator("address")
    @classmethod
    def _readable(cls, value: str) -> str:
        split_host_port(value, cls.usual_port)
        return value

    @model_validator(mode="after")
    def _source_fits(self) -> AddressOptions:
        family_with_source(self.ip, self.source)
        return self

    @property
    def source(self) -> str | None:
        """The source address as text."""
        return str(self.source_address) if self.source_address is not None else None

    def reach(self, usual_port: int | None) -> Reach:
        """Return where to go and how, with that port where the address has none."""
        host, port = split_host_port(self.address, usual_port)
        family = family_with_source(self.ip, self.source)
        return Reach(host=host, port=port, family=family, addresses=self.addresses, source=self.source)
