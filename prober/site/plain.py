"""Failure codes in plain words for the public: what is wrong, without addresses, names or details."""

from __future__ import annotations

from collections.abc import Mapping

from checks.core.failures import Code

OWN_TROUBLE = "our measuring point has a problem of its own"
NO_NETWORK = "our measuring point has no network"

_NO_ANSWER = "it does not answer in time"
_NOT_TRUSTED = "its certificate is not trusted"
_NOT_AS_EXPECTED = "its answer is not what it should be"
_BAD_ANSWER = "its answer cannot be read"
_BROKEN_OFF = "it breaks the connection off"
_REDIRECTS = "it redirects to where it should not"
_NO_SECURE_CONNECTION = "no secure connection can be made"
_NAME_FAILS = "its name cannot be looked up"
_NAME_ERROR = "it answers look-ups with an error"

WORDS: Mapping[Code, str] = {
    Code.AGENT_DESCRIPTORS: OWN_TROUBLE,
    Code.AGENT_MEMORY: OWN_TROUBLE,
    Code.AGENT_NO_ROUTE: NO_NETWORK,
    Code.AGENT_SOURCE_ADDRESS: NO_NETWORK,
    Code.AGENT_PERMISSION: OWN_TROUBLE,
    Code.AGENT_RESOLVER: NO_NETWORK,
    Code.AGENT_STALLED: OWN_TROUBLE,
    Code.AGENT_AWAY: OWN_TROUBLE,
    Code.AGENT_CLOCK_STEP: OWN_TROUBLE,
    Code.AGENT_CLOCK: OWN_TROUBLE,
    Code.AGENT_CUT_OFF: NO_NETWORK,
    Code.AGENT_FILE: OWN_TROUBLE,
    Code.AGENT_REGISTRY: OWN_TROUBLE,
    Code.AGENT_FORBIDDEN: OWN_TROUBLE,
    Code.AGENT_UNSUPPORTED: OWN_TROUBLE,
    Code.AGENT_ERROR: OWN_TROUBLE,
    Code.RESOLVE_NXDOMAIN: "its name does not exist",
    Code.RESOLVE_NO_ADDRESS: "its name has no address",
    Code.RESOLVE_SERVFAIL: _NAME_FAILS,
    Code.RESOLVE_TIMEOUT: _NAME_FAILS,
    Code.RESOLVE_INVALID: _NAME_FAILS,
    Code.CONNECT_REFUSED: "connections are refused",
    Code.CONNECT_RESET: _BROKEN_OFF,
    Code.CONNECT_UNREACHABLE: "it cannot be reached",
    Code.CONNECT_TIMEOUT: "it cannot be reached in time",
    Code.CONNECT_MISSING: "it cannot be reached",
    Code.CONNECT_ACCEPTED: "it is open where it should be closed",
    Code.CONNECT_ERROR: "it cannot be reached",
    Code.TLS_HANDSHAKE: _NO_SECURE_CONNECTION,
    Code.TLS_ALERT: _NO_SECURE_CONNECTION,
    Code.TLS_VERSION: _NO_SECURE_CONNECTION,
    Code.TLS_TIMEOUT: _NO_SECURE_CONNECTION,
    Code.TLS_CLOSED: _NO_SECURE_CONNECTION,
    Code.TLS_EXPIRED: "its certificate has expired",
    Code.TLS_NOT_YET_VALID: "its certificate is not valid yet",
    Code.TLS_SELF_SIGNED: _NOT_TRUSTED,
    Code.TLS_UNTRUSTED: _NOT_TRUSTED,
    Code.TLS_HOSTNAME: "its certificate is for another name",
    Code.TLS_EXPIRING: "its certificate expires soon",
    Code.TLS_CHAIN: _NOT_TRUSTED,
    Code.TLS_KEY: _NOT_TRUSTED,
    Code.TLS_REVOKED: "its certificate was revoked",
    Code.TLS_STAPLE: _NOT_TRUSTED,
    Code.TLS_MISSING: _NO_SECURE_CONNECTION,
    Code.TLS_UNWANTED: _NOT_AS_EXPECTED,
    Code.CONNECTION_CLOSED: _BROKEN_OFF,
    Code.CONNECTION_RESET: _BROKEN_OFF,
    Code.TIMEOUT_SEND: "it does not take requests in time",
    Code.TIMEOUT_HEADERS: _NO_ANSWER,
    Code.TIMEOUT_BODY: "its answer does not finish in time",
    Code.HTTP_MALFORMED: _BAD_ANSWER,
    Code.HTTP_STATUS: "it answers with an error",
    Code.HTTP_HEADER: _NOT_AS_EXPECTED,
    Code.HTTP_HEADER_LIMIT: _BAD_ANSWER,
    Code.HTTP_REDIRECT_LIMIT: "it redirects without end",
    Code.HTTP_REDIRECT_FORBIDDEN: _REDIRECTS,
    Code.HTTP_REDIRECT_INVALID: _REDIRECTS,
    Code.HTTP_TRUNCATED: "its answer is cut short",
    Code.HTTP_ENCODING: _BAD_ANSWER,
    Code.HTTP_VERSION: _NOT_AS_EXPECTED,
    Code.HTTP_PROTOCOL: _BROKEN_OFF,
    Code.HTTP_AGE: "what it shows is out of date",
    Code.OAUTH_FAILED: "nobody can log in",
    Code.PROXY_REFUSED: "the way to it is closed",
    Code.BODY_MISMATCH: _NOT_AS_EXPECTED,
    Code.BODY_LIMIT: "its answer is too long",
    Code.JSON_INVALID: _BAD_ANSWER,
    Code.JSON_MISMATCH: _NOT_AS_EXPECTED,
    Code.EXPRESSION_MISMATCH: _NOT_AS_EXPECTED,
    Code.CAPTURE_MISSING: _NOT_AS_EXPECTED,
    Code.DIALOGUE_MISMATCH: _NOT_AS_EXPECTED,
    Code.DIALOGUE_TIMEOUT: _NO_ANSWER,
    Code.DIALOGUE_CLOSED: _BROKEN_OFF,
    Code.DIALOGUE_LIMIT: "its answer is too long",
    Code.DNS_TIMEOUT: "it does not answer look-ups in time",
    Code.DNS_NXDOMAIN: "it does not know the name",
    Code.DNS_SERVFAIL: _NAME_ERROR,
    Code.DNS_REFUSED: "it refuses look-ups",
    Code.DNS_RCODE: _NAME_ERROR,
    Code.DNS_MALFORMED: _BAD_ANSWER,
    Code.DNS_TRUNCATED: "its answer is cut short",
    Code.DNS_ANSWERS: _NOT_AS_EXPECTED,
    Code.DNS_RECORDS: _NOT_AS_EXPECTED,
    Code.DNS_NOT_AUTHORITATIVE: _NOT_AS_EXPECTED,
    Code.DNS_TTL: _NOT_AS_EXPECTED,
    Code.DNS_SERIAL: "its name servers do not agree",
    Code.DNSSEC_BOGUS: "its name is not signed as it should be",
    Code.DNSSEC_MISSING: "its name is not signed as it should be",
    Code.ICMP_TIMEOUT: _NO_ANSWER,
    Code.ICMP_LOSS: "messages to it get lost",
    Code.ICMP_UNREACHABLE: "it cannot be reached",
    Code.ICMP_TTL_EXCEEDED: "it cannot be reached",
    Code.GRPC_STATUS: "it answers with an error",
    Code.GRPC_NOT_SERVING: "it says that it does not serve",
    Code.GRPC_MALFORMED: _BAD_ANSWER,
    Code.WEBSOCKET_REFUSED: "it answers with an error",
    Code.WEBSOCKET_MALFORMED: _BAD_ANSWER,
    Code.DOMAIN_EXPIRED: "its domain has expired",
    Code.DOMAIN_EXPIRING: "its domain expires soon",
    Code.DOMAIN_MISSING: "its domain is not registered",
    Code.DOMAIN_STATUS: "its domain is not in order",
    Code.RDAP_MALFORMED: _BAD_ANSWER,
    Code.HEARTBEAT_MISSING: "it has not run when it should",
    Code.HEARTBEAT_FAILED: "it has run and failed",
    Code.HEARTBEAT_OVERRUN: "it runs for too long",
    Code.TOO_SLOW: "it is too slow",
    Code.SLOW: "it is slower than usual",
}


def words_for(code: str) -> str:
    """Return a code in plain words; one that this version does not know is a failure without a reason."""
    known = WORDS.get(Code(code)) if code in Code.__members__.values() else None
    return known or "it does not work as it should"


def counted(number: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun: `1 region`, `2 regions`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
