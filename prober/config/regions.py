"""The `regions` section: where checks run from, and who may report from there."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    StrictBool,
    StrictInt,
    WithJsonSchema,
    model_validator,
)

from checks.core.resolver_config import MAX_ATTEMPTS, MAX_SERVERS
from checks.core.schema import Section
from checks.core.values import DurationUs, Secret, at_least, at_most

from .terms import Address, Canary, IpAddress, Title, read_ip_port, read_known_host, text_as, wrong

MIN_TOKEN_CHARACTERS = 16
MAX_TOKENS = 4  # the old and the new one while rotating, and a margin
MAX_CANARIES = 8
DNS_PORT = 53
MAX_HOSTS = 1_000  # names of a region that need no name server
MAX_HOST_ADDRESSES = 8  # of one such name


def _long_enough(token: Secret) -> Secret:
    if len(token.reveal()) < MIN_TOKEN_CHARACTERS:
        raise wrong(
            f"a token has at least {MIN_TOKEN_CHARACTERS} characters", "make one with: openssl rand -hex 32"
        )
    return token


Token = Annotated[Secret, AfterValidator(_long_enough)]


def _sha256(text: str) -> str:
    if not re.fullmatch("[0-9a-f]{64}", text):
        raise wrong("expected the SHA-256 of a token: 64 digits, 0-9 and a-f")
    return text


TokenHash = Annotated[str, AfterValidator(_sha256)]


def _name_server(value: object) -> Address:
    if isinstance(value, Address):
        return value
    expected = "expected the address of a name server, such as 192.0.2.53 or [2001:db8::53]:53"
    server: Address = text_as(value, lambda text: read_ip_port(text, DNS_PORT, expected), expected)
    return server


NameServer = Annotated[
    Address,
    PlainValidator(_name_server),
    PlainSerializer(str, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "examples": ["192.0.2.53", "192.0.2.53:5353"]}),
]


def _one_or_more(value: object) -> object:
    return [value] if isinstance(value, str) else value


HostAddresses = Annotated[
    list[IpAddress],
    BeforeValidator(_one_or_more, json_schema_input_type=str | list[str]),
    Field(min_length=1, max_length=MAX_HOST_ADDRESSES),
]
HostName = Annotated[str, AfterValidator(read_known_host)]


def _once_each(hosts: object) -> object:
    if isinstance(hosts, dict):
        names = [str(name).lower().removesuffix(".") for name in hosts]
        if len(set(names)) < len(names):
            raise wrong("a host is named twice", "upper and lower case make no difference")
    return hosts


class ResolverBlock(Section):
    """Who answers for names in this region. Neither resolv.conf nor the hosts file of the machine is looked at."""

    servers: Annotated[list[NameServer], Field(min_length=1, max_length=MAX_SERVERS)]
    """The name servers by address, asked in this order; port 53 unless one is given."""
    hosts: Annotated[
        dict[HostName, HostAddresses], BeforeValidator(_once_each), Field(max_length=MAX_HOSTS)
    ] = Field(default={})
    """Names with their addresses, one or a list, that no name server is asked for."""
    timeout_us: Annotated[DurationUs, at_least("10ms"), at_most("30s")] = Field(
        default=5_000_000, alias="timeout"
    )
    """How long one server is waited for, and never longer than a third of what is left of a run."""
    attempts: Annotated[StrictInt, Field(ge=1, le=MAX_ATTEMPTS)] = 2
    """How often all of them are asked before the name counts as not answered."""


class RegionBlock(Section):
    """One region, named by its key."""

    title: Title | None = None
    """The name that people see; the region's name if absent."""
    local: StrictBool = False
    """Checks run on this machine, in the daemon's own agent; no token is needed."""
    source_address: IpAddress | None = None
    """The address that checks of this region are sent from; the system chooses if absent."""
    resolver: ResolverBlock | None = None
    """Name servers of this region's own; those of the machine if absent."""
    canaries: Annotated[tuple[Canary, ...], Field(max_length=MAX_CANARIES)] = ()
    """Control targets outside your services. While none can be reached the region has no network, and its
    failures are void."""
    agents: Literal["share", "all"] = "share"
    """What several agents of this region do: `share` the probes, one taking over when another goes, or run `all`
    of them each; a slot then counts with its best evidence."""
    token: Token | Annotated[list[Token], Field(min_length=1, max_length=MAX_TOKENS)] | None = None
    """The secret that the region's agent shows to the hub; a list while rotating."""
    token_sha256: (
        TokenHash | Annotated[list[TokenHash], Field(min_length=1, max_length=MAX_TOKENS)] | None
    ) = None
    """The SHA-256 of the token in lower case hexadecimal, if the token itself should not be in this file."""

    @model_validator(mode="after")
    def _one_way_in(self) -> RegionBlock:
        has_token = self.token is not None or self.token_sha256 is not None
        if self.local and has_token:
            raise wrong("a local region takes no token", "remove the token, or local")
        if not self.local and not has_token:
            raise wrong(
                "neither local nor a token: nothing could report from here", "add local: true, or a token"
            )
        return self

    def token_hashes(self) -> tuple[str, ...]:
        """Return the SHA-256 of every accepted token, in hexadecimal."""
        tokens = self.token if isinstance(self.token, list) else [self.token] if self.token else []
        given = self.token_sha256
        hashes = given if isinstance(given, list) else [given] if given else []
        return tuple(dict.fromkeys([*(token.sha256() for token in tokens), *hashes]))
