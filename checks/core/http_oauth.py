"""OAuth2 client credentials (RFC 6749, 4.4): a token fetched from its endpoint, shared by all runs that want the same.

A token is kept in memory until shortly before it expires; of runs that need one at once, one fetches and the others
wait. The endpoint is not the target: the time goes to the phase `authorize`, trouble has the code `oauth_failed`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote, quote_plus, urlencode

from pydantic import BeforeValidator, Field, StringConstraints

from .bell import Bell
from .clock import monotonic_ns
from .failures import Code, Stop
from .http_body import decode
from .http_fields import UrlField, hide_private
from .http_request import Message, basic, plain_headers
from .http_url import parse_url
from .quote import printable
from .schema import Section
from .tls import TlsOptions
from .values import Secret, SecretView
from .watch import Watch

if TYPE_CHECKING:
    from .http_proxy import Proxies
    from .http_response import Response
    from .http_session import Transport

MAX_ANSWER = 64 * 1024  # bytes of the endpoint's answer
USUAL_LIFE_S = 300  # of a token whose endpoint does not say
LONGEST_LIFE_S = 24 * 3600  # whatever the endpoint says: what it knows may have changed
MARGIN_S = 30  # a token is given up so long before its end, or a quarter of its life, if that is less
MAX_SHARED = 1000  # credentials whose tokens are kept; the least recently used are forgotten
_OK = 200
_TOKEN = re.compile(r"[!-~]{1,16000}")  # no server takes a longer header
_SCOPE = r"^[\x21\x23-\x5b\x5d-\x7e]+$"


class OAuth2Options(Section):
    """A bearer token from a token endpoint, by client credentials. It is kept until shortly before it expires, shared
    by all probes of an agent that give the same credentials, and fetched anew once when the target answers 401."""

    token_url: UrlField
    """`http://` or `https://` URL of the token endpoint; its redirects are not followed. It is asked through the
    probe's proxy."""
    client_id: str = Field(min_length=1, max_length=1000)
    """Name of the client."""
    client_secret: Secret
    """Secret of the client."""
    scopes: tuple[Annotated[str, StringConstraints(pattern=_SCOPE, max_length=1000)], ...] = Field(
        default=(), max_length=100
    )
    """Scopes to ask for (default: none, the endpoint decides)."""
    parameters: Annotated[dict[str, str | Secret], BeforeValidator(hide_private)] = Field(
        default={}, max_length=100
    )
    """Further parameters of the token request, such as `audience`."""
    in_: Literal["header", "body"] = Field(default="header", alias="in")
    """Where the client's name and secret travel: `header` (basic authentication) or `body` (form fields)."""
    tls: TlsOptions = TlsOptions()
    """TLS to the token endpoint."""

    def secret_parts(self) -> Iterator[str]:
        """Yield what the request shows of the credentials, in the form in which they travel."""
        secret = self.client_secret.reveal()
        yield quote_plus(secret)
        yield self.authorization.partition(" ")[2]
        for _, value in plain_headers(self.parameters):
            yield quote_plus(value)
        yield from parse_url(self.token_url).secret_parts()

    @property
    def authorization(self) -> str:
        """What the header Authorization of the token request says, in the clear."""
        # Both are form-encoded first: a colon may stand in them (RFC 6749, 2.3.1).
        return basic(quote_plus(self.client_id), quote_plus(self.client_secret.reveal()))

    def request(self) -> Message:
        """Return the token request."""
        fields = [("grant_type", "client_credentials")]
        if self.scopes:
            fields.append(("scope", " ".join(self.scopes)))
        private = [("Authorization", self.authorization)]
        if self.in_ == "body":
            fields += [("client_id", self.client_id), ("client_secret", self.client_secret.reveal())]
            private = []
        fields += plain_headers(self.parameters)
        public = (("Accept", "application/json"), ("Content-Type", "application/x-www-form-urlencoded"))
        return Message(
            method="POST", public=public, private=tuple(private), body=urlencode(fields).encode("ascii")
        )


@dataclass(frozen=True, slots=True)
class Token:
    """What an endpoint gave: the token and the monotonic instant from which on it is not used."""

    value: str = field(repr=False)
    until_ns: int

    @property
    def is_fresh(self) -> bool:
        """Whether it may still be used."""
        return monotonic_ns() < self.until_ns


class Tokens:
    """Where the probes that share credentials get their token."""

    def __init__(self, options: OAuth2Options, proxies: Proxies | None) -> None:
        from .http_session import (
            Transport,
            tls_elsewhere,
        )  # it knows the options of authentication by redirects

        home = parse_url(options.token_url)
        self._transport: Transport = Transport(
            home=home,
            tls=options.tls,
            elsewhere=tls_elsewhere(options.tls),
            proxies=proxies,
            cookies=False,
            body_limit=MAX_ANSWER,
        )
        self._hop = self._transport.hop(home, options.request())
        self._token: Token | None = None
        self._fetching = False
        self._fetched: Bell[Token | Stop | None] = Bell()

    async def get(self, watch: Watch, refused: str | None = None) -> tuple[str, bool]:
        """Return a token, and whether it was fetched for this call; the stage is `authorize` while it waits.

        A token that the target has `refused` is not given again. Raises `Stop` with OAUTH_FAILED or an `agent_` code.
        """
        if self._token is not None and self._token.value == refused:
            self._token = None
        if self._token is not None and self._token.is_fresh:
            return self._known(watch, self._token), False
        watch.enter("authorize")
        told: Token | Stop | None = None
        while told is None:
            if not self._fetching:
                return self._known(watch, await self._fetch(watch)), True
            told = await self._fetched.wait()  # None: who fetched was cut short, somebody else has to
        watch.leave()
        if isinstance(told, Stop):
            raise Stop(told.code, told.detail)
        return self._known(watch, told), True

    def _known(self, watch: Watch, token: Token) -> str:
        for spelling in spellings(token.value):
            watch.conceal(spelling)
        return token.value

    async def _fetch(self, watch: Watch) -> Token:
        """Fetch a token for everybody who waits."""
        self._fetching = True
        told: Token | Stop | None = None
        beside = Watch(watch.place, watch.started_us)  # the stages of this conversation are not the target's
        beside.deadline_ns = watch.deadline_ns
        try:
            told = self._token = await self._ask(beside)
        except Stop as stop:
            told = stop if stop.code is Code.OAUTH_FAILED else None
            raise
        finally:
            self._fetching = False
            self._fetched.ring(told)
            if told is not None:
                watch.leave(exact_ns=beside.elapsed_us() * 1000 if beside.exact else None)
        return told

    async def _ask(self, watch: Watch) -> Token:
        from .http_options import Redirects
        from .http_session import Session, fetch

        asked_ns = monotonic_ns()
        try:
            session = Session(watch, self._transport)
            response = await fetch(session, self._hop, Redirects(follow=False))
            if response is None:  # its certificate is not trusted
                failure = watch.result().failures[0]
                raise Stop(Code.OAUTH_FAILED, f"{self._hop.url.address}: {failure.detail} ({failure.code})")
            return read_token(response, asked_ns)
        except Stop as stop:
            if stop.code.value.startswith("agent_") or stop.code is Code.OAUTH_FAILED:
                raise
            raise Stop(
                Code.OAUTH_FAILED, f"the token endpoint {self._hop.url.address}: {stop.detail} ({stop.code})"
            ) from None


def spellings(token: str) -> set[str]:
    """Return a token as a target may repeat it: as it stands, in a URL, in JSON with its slashes escaped."""
    return {token, quote(token, safe=""), token.replace("/", "\\/")}


def read_token(response: Response, asked_ns: int) -> Token:
    """Return the token of an endpoint's answer; `asked_ns` is when its life began. Raises `Stop` (OAUTH_FAILED)."""
    answer = _answer(response)
    if response.status != _OK:
        error = answer.get("error")
        reason = f": {printable(error)}" if isinstance(error, str) and error else ""
        raise Stop(Code.OAUTH_FAILED, f"the token endpoint answered {response.status}{reason}")
    token, kind = answer.get("access_token"), answer.get("token_type", "bearer")
    if not isinstance(token, str) or not token:
        raise Stop(Code.OAUTH_FAILED, "the token endpoint's answer holds no access_token")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise Stop(Code.OAUTH_FAILED, "the token endpoint gives tokens of another type than bearer")
    if not _TOKEN.fullmatch(token):
        raise Stop(Code.OAUTH_FAILED, "the token endpoint's access_token cannot stand in a header")
    return Token(token, asked_ns + _life_ns(answer.get("expires_in")))


def _answer(response: Response) -> dict[str, object]:
    try:
        answer = json.loads(decode(response, MAX_ANSWER).raw, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return answer
    if response.status != _OK:
        return {}
    raise Stop(Code.OAUTH_FAILED, "the token endpoint's answer is no JSON object")


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _life_ns(expires_in: object) -> int:
    """Return how long a token is used; some endpoints write the seconds as text."""
    life_s = float(USUAL_LIFE_S)
    if isinstance(expires_in, str) and expires_in.isascii() and expires_in.isdigit():
        expires_in = int(expires_in[:10])
    if isinstance(expires_in, int | float) and not isinstance(expires_in, bool):
        # Compared before it is converted: JSON has integers that no float holds.
        life_s = float(expires_in) if 0 <= expires_in < LONGEST_LIFE_S else float(LONGEST_LIFE_S)
        life_s = 0.0 if expires_in < 0 else life_s
    return int((life_s - min(MARGIN_S, life_s / 4)) * 1e9)


_SHARED: OrderedDict[bytes, Tokens] = OrderedDict()


def tokens_of(options: OAuth2Options, proxies: Proxies | None) -> Tokens:
    """Return the source of tokens for these credentials: the same one for all who give the same."""
    each = (
        ()
        if proxies is None
        else tuple((proxy.url.address, proxy.authorization) for proxy in proxies.every())
    )
    said = options.model_dump_json(context=SecretView.REVEAL) + repr((proxies, each))
    key = hashlib.sha256(said.encode()).digest()
    if (tokens := _SHARED.get(key)) is None:
        tokens = _SHARED[key] = Tokens(options, proxies)
        if len(_SHARED) > MAX_SHARED:
            _SHARED.popitem(last=False)
    else:
        _SHARED.move_to_end(key)
    return tokens


__all__ = ["OAuth2Options", "Token", "Tokens", "read_token", "tokens_of"]
