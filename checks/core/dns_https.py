"""One query over HTTPS (RFC 8484): a POST of the message, and the message in the answer.

Connections, TLS and the choice of HTTP/1.1 or HTTP/2 are those of the `http` check. What the DNS answer says is judged
elsewhere, here only whether it is one.
"""

from __future__ import annotations

from . import dns_wire
from .dns_exchange import Reply
from .failures import Code, Stop
from .http_request import Message
from .http_response import Response
from .http_session import JudgeCertificate, Session, Transport, tls_elsewhere
from .http_url import HttpUrl, parse_url
from .quote import quoted
from .resolve import FamilyRule
from .tls import TlsOptions
from .watch import Watch

MEDIA_TYPE = "application/dns-message"
OK = 200


def parse_https(text: str) -> HttpUrl:
    """Read the URL of a server. Raises ValueError."""
    url = parse_url(text)
    if not url.secure:
        raise ValueError("DNS over HTTPS needs a URL that starts with https://")
    return url


class HttpsAsker:
    """A server that is asked over HTTPS, prepared once."""

    def __init__(
        self, url: HttpUrl, tls: TlsOptions, family: FamilyRule, judge_certificate: JudgeCertificate
    ) -> None:
        self._url = url
        self._judge = judge_certificate
        self._transport = Transport(
            home=url,
            tls=tls,
            elsewhere=tls_elsewhere(tls),
            family=family,
            version="any",
            cookies=False,
            body_limit=dns_wire.MAX_STREAM_BYTES,
        )

    async def ask(self, watch: Watch, query: bytes) -> Reply | None:
        """Return the answer, or None when the server's certificate is not trusted; raises `Stop`.

        The query's id should be 0: over HTTPS it guards nothing, and answers with it can be cached.
        """
        public = (("Accept", MEDIA_TYPE), ("Content-Type", MEDIA_TYPE))
        hop = self._transport.hop(self._url, Message(method="POST", public=public, body=query))
        reply = await Session(watch, self._transport, self._judge).send(hop, keep_body=True)
        if reply is None:
            return None
        try:
            if not _judge_head(watch, reply.response):
                reply.skip_body()
                return None
            await reply.read_body()
        finally:
            reply.close()
        return _read(reply.response.body(), query)


def _judge_head(watch: Watch, response: Response) -> bool:
    """Say whether the body may be an answer, before it is read: a page of an error may be long."""
    watch.facts["status"] = response.status
    watch.facts["http_version"] = response.version
    watch.expect("status", str(OK), str(response.status), response.status == OK, Code.HTTP_STATUS)
    if response.status != OK:
        return False
    media_type = response.first(b"content-type") or b""
    if media_type.partition(b";")[0].strip().lower() != MEDIA_TYPE.encode():
        raise Stop(Code.HTTP_HEADER, f"Content-Type: expected {MEDIA_TYPE}, got {quoted(media_type)}")
    return True


def _read(wire: bytes, query: bytes) -> Reply:
    header = dns_wire.read_header(wire, query)
    if header is None:
        raise Stop(Code.DNS_MALFORMED, f"the body is no answer to the query, but {quoted(wire)}")
    return Reply(wire, header, "https")
