"""The `dns`, `icmp` and `grpc` blocks of a module."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from checks.core.schema import unusable

from .client_options import TlsConfig
from .http_options import Patterns
from .terms import MAX_LIST, Block, Family, Text, Truth, Whole

_CLASSES = frozenset({"IN", "CS", "CH", "HS", "NONE", "ANY"})
_TYPE_NAMES = (
    "A AAAA AFSDB AMTRELAY ANY APL ATMA AVC AXFR CAA CDNSKEY CDS CERT CNAME CSYNC DHCID DLV DNAME DNSKEY "
    "DS EID EUI48 EUI64 GID GPOS HINFO HIP HTTPS IPSECKEY ISDN IXFR KEY KX L32 L64 LOC LP MAILA MAILB MB "
    "MD MF MG MINFO MR MX NAPTR NID NIMLOC NINFO NS NSAP-PTR NSEC NSEC3 NSEC3PARAM NULL NXT OPENPGPKEY "
    "OPT PTR PX RKEY RP RRSIG RT SIG SMIMEA SOA SPF SRV SSHFP SVCB TA TALINK TKEY TLSA TSIG TXT UID UINFO "
    "UNSPEC URI X25 ZONEMD "
)
_TYPES = frozenset(_TYPE_NAMES.split())


class RecordRules(Block):
    """Rules on the records of one section, each matched on its text (name, TTL, class, type, data; tabs between)."""

    fail_if_matches_regexp: Patterns = ()
    fail_if_all_match_regexp: Patterns = ()
    """As in the exporter, against its name: fails when some record does not match."""
    fail_if_not_matches_regexp: Patterns = ()
    fail_if_none_matches_regexp: Patterns = ()


class DnsProbe(Block):
    """The `dns` block; the target is the name server."""

    preferred_ip_protocol: Family = "ip6"
    ip_protocol_fallback: Truth = True
    source_ip_address: Text = ""
    dns_over_tls: Truth = False
    tls_config: TlsConfig = TlsConfig()
    transport_protocol: Literal["udp", "tcp"] = "udp"
    query_class: Text = "IN"
    query_name: Text = ""
    query_type: Text = "ANY"
    recursion_desired: Truth = True
    valid_rcodes: Annotated[tuple[Text, ...], Field(max_length=MAX_LIST)] = ()
    """Empty stands for NOERROR alone; a name that no rcode has fails the probe, as in the exporter."""
    validate_answer_rrs: RecordRules = RecordRules()
    validate_authority_rrs: RecordRules = RecordRules()
    validate_additional_rrs: RecordRules = RecordRules()

    @field_validator("transport_protocol", "query_class", "query_type", mode="before")
    @classmethod
    def _empty_is_default(cls, value: object, info: object) -> object:
        field: str = getattr(info, "field_name", "")
        return cls.model_fields[field].default if value == "" else value

    @field_validator("query_class")
    @classmethod
    def _known_class(cls, value: str) -> str:
        if value not in _CLASSES:
            raise unusable("not a class of records", "IN or CH, in capitals")
        return value

    @field_validator("query_type")
    @classmethod
    def _known_type(cls, value: str) -> str:
        if value not in _TYPES:
            raise unusable("not a type of records", "such as A, AAAA or SOA, in capitals")
        return value

    @model_validator(mode="after")
    def _fits(self) -> DnsProbe:
        if not self.query_name:
            raise unusable("dns needs query_name")
        if self.dns_over_tls and self.transport_protocol != "tcp":
            raise unusable("dns_over_tls needs transport_protocol: tcp")
        return self


class IcmpProbe(Block):
    """The `icmp` block."""

    preferred_ip_protocol: Family = "ip6"
    ip_protocol_fallback: Truth = True
    source_ip_address: Text = ""
    payload_size: Whole = 0
    dont_fragment: Truth = False
    ttl: Annotated[Whole, Field(ge=0, le=255)] = 64


class GrpcProbe(Block):
    """The `grpc` block."""

    service: Text = ""
    tls: Truth = False
    tls_config: TlsConfig = TlsConfig()
    metadata: Annotated[dict[str, tuple[Text, ...]], Field(max_length=MAX_LIST)] = Field(default_factory=dict)
    ip_protocol_fallback: Truth = True
    preferred_ip_protocol: Family = "ip6"
