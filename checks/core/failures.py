"""The closed list of failure codes, and the exceptions by which a check ends early.

A code says what went wrong in a word that programs rely on; the detail beside it is for people. Codes are
never renamed: they are stored, counted and alerted on. Nothing here decides an outcome.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Every reason a run can have for not being a plain PASS."""

    # Our own side could not tell: VOID, never charged to the target.
    AGENT_DESCRIPTORS = "agent_descriptors"
    AGENT_MEMORY = "agent_memory"
    AGENT_NO_ROUTE = "agent_no_route"
    AGENT_SOURCE_ADDRESS = "agent_source_address"
    AGENT_PERMISSION = "agent_permission"
    AGENT_RESOLVER = "agent_resolver"
    AGENT_STALLED = "agent_stalled"
    AGENT_AWAY = "agent_away"
    AGENT_CLOCK_STEP = "agent_clock_step"
    AGENT_CLOCK = "agent_clock"
    AGENT_CUT_OFF = "agent_cut_off"
    AGENT_FILE = "agent_file"
    AGENT_REGISTRY = "agent_registry"
    AGENT_FORBIDDEN = "agent_forbidden"
    AGENT_UNSUPPORTED = "agent_unsupported"
    AGENT_ERROR = "agent_error"
    # The name.
    RESOLVE_NXDOMAIN = "resolve_nxdomain"
    RESOLVE_NO_ADDRESS = "resolve_no_address"
    RESOLVE_SERVFAIL = "resolve_servfail"
    RESOLVE_TIMEOUT = "resolve_timeout"
    RESOLVE_INVALID = "resolve_invalid"
    # The connection.
    CONNECT_REFUSED = "connect_refused"
    CONNECT_RESET = "connect_reset"
    CONNECT_UNREACHABLE = "connect_unreachable"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_MISSING = "connect_missing"
    CONNECT_ERROR = "connect_error"
    CONNECT_ACCEPTED = "connect_accepted"
    # TLS.
    TLS_HANDSHAKE = "tls_handshake"
    TLS_ALERT = "tls_alert"
    TLS_VERSION = "tls_version"
    TLS_TIMEOUT = "tls_timeout"
    TLS_CLOSED = "tls_closed"
    TLS_EXPIRED = "tls_expired"
    TLS_NOT_YET_VALID = "tls_not_yet_valid"
    TLS_SELF_SIGNED = "tls_self_signed"
    TLS_UNTRUSTED = "tls_untrusted"
    TLS_HOSTNAME = "tls_hostname"
    TLS_EXPIRING = "tls_expiring"
    TLS_CHAIN = "tls_chain"
    TLS_KEY = "tls_key"
    TLS_REVOKED = "tls_revoked"
    TLS_STAPLE = "tls_staple"
    TLS_MISSING = "tls_missing"
    TLS_UNWANTED = "tls_unwanted"
    # Traffic on an open connection.
    CONNECTION_CLOSED = "connection_closed"
    CONNECTION_RESET = "connection_reset"
    TIMEOUT_SEND = "timeout_send"
    TIMEOUT_HEADERS = "timeout_headers"
    TIMEOUT_BODY = "timeout_body"
    # HTTP.
    HTTP_MALFORMED = "http_malformed"
    HTTP_STATUS = "http_status"
    HTTP_HEADER = "http_header"
    HTTP_HEADER_LIMIT = "http_header_limit"
    HTTP_REDIRECT_LIMIT = "http_redirect_limit"
    HTTP_REDIRECT_FORBIDDEN = "http_redirect_forbidden"
    HTTP_REDIRECT_INVALID = "http_redirect_invalid"
    HTTP_TRUNCATED = "http_truncated"
    HTTP_ENCODING = "http_encoding"
    HTTP_VERSION = "http_version"
    HTTP_PROTOCOL = "http_protocol"
    HTTP_AGE = "http_age"
    OAUTH_FAILED = "oauth_failed"
    PROXY_REFUSED = "proxy_refused"
    BODY_MISMATCH = "body_mismatch"
    BODY_LIMIT = "body_limit"
    JSON_INVALID = "json_invalid"
    JSON_MISMATCH = "json_mismatch"
    EXPRESSION_MISMATCH = "expression_mismatch"
    CAPTURE_MISSING = "capture_missing"
    # Dialogues over TCP.
    DIALOGUE_MISMATCH = "dialogue_mismatch"
    DIALOGUE_TIMEOUT = "dialogue_timeout"
    DIALOGUE_CLOSED = "dialogue_closed"
    DIALOGUE_LIMIT = "dialogue_limit"
    # DNS as the thing under test.
    DNS_TIMEOUT = "dns_timeout"
    DNS_NXDOMAIN = "dns_nxdomain"
    DNS_SERVFAIL = "dns_servfail"
    DNS_REFUSED = "dns_refused"
    DNS_RCODE = "dns_rcode"
    DNS_MALFORMED = "dns_malformed"
    DNS_TRUNCATED = "dns_truncated"
    DNS_ANSWERS = "dns_answers"
    DNS_RECORDS = "dns_records"
    DNS_NOT_AUTHORITATIVE = "dns_not_authoritative"
    DNS_TTL = "dns_ttl"
    DNS_SERIAL = "dns_serial"
    DNSSEC_BOGUS = "dnssec_bogus"
    DNSSEC_MISSING = "dnssec_missing"
    # Echo requests.
    ICMP_TIMEOUT = "icmp_timeout"
    ICMP_LOSS = "icmp_loss"
    ICMP_UNREACHABLE = "icmp_unreachable"
    ICMP_TTL_EXCEEDED = "icmp_ttl_exceeded"
    # gRPC health.
    GRPC_STATUS = "grpc_status"
    GRPC_NOT_SERVING = "grpc_not_serving"
    GRPC_MALFORMED = "grpc_malformed"
    # WebSocket.
    WEBSOCKET_REFUSED = "websocket_refused"
    WEBSOCKET_MALFORMED = "websocket_malformed"
    # The registration of a domain.
    DOMAIN_EXPIRED = "domain_expired"
    DOMAIN_EXPIRING = "domain_expiring"
    DOMAIN_MISSING = "domain_missing"
    DOMAIN_STATUS = "domain_status"
    RDAP_MALFORMED = "rdap_malformed"
    # Calls of a job that is watched.
    HEARTBEAT_MISSING = "heartbeat_missing"
    HEARTBEAT_FAILED = "heartbeat_failed"
    HEARTBEAT_OVERRUN = "heartbeat_overrun"
    # Time.
    TOO_SLOW = "too_slow"
    SLOW = "slow"


NETWORK_CODES = frozenset(
    {Code.AGENT_NO_ROUTE, Code.AGENT_RESOLVER, Code.AGENT_SOURCE_ADDRESS, Code.AGENT_CUT_OFF}
)
"""Codes that say: the region itself has no network."""


_OF_SINGLE_KINDS = frozenset(
    {
        Code.CONNECT_MISSING,
        Code.CONNECT_ACCEPTED,
        Code.TLS_STAPLE,
        Code.TLS_REVOKED,
        Code.TLS_MISSING,
        Code.TLS_UNWANTED,
    }
)


def codes_of(*prefixes: str) -> frozenset[Code]:
    """Return the codes that begin with one of these words, `codes_of("resolve", "connect")`.

    Those of a group that only a kind or two can have are not among them; such kinds name them.
    """
    group = frozenset(code for code in Code if code.value.partition("_")[0] in prefixes)
    return group - _OF_SINGLE_KINDS


class Stop(Exception):
    """Ends a check at once with a code and a detail; caught by `Check.run`, never seen outside."""

    def __init__(self, code: Code, detail: str) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


class DeadlinePassed(Exception):
    """The run's deadline came while the check waited; the stage it was in gives the code."""
