"""What HTTP clients of the module file share: TLS, credentials, proxies, headers from secrets and files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, PrivateAttr, field_validator, model_validator

from checks.core.schema import unusable
from checks.core.values import Secret

from .memory_file import MemoryFile
from .terms import MAX_LIST, Block, FileName, MaybeSecret, SecretText, Text, Truth

TlsVersion = Literal["", "TLS10", "TLS11", "TLS12", "TLS13"]
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED = frozenset(
    {
        "authorization", "host", "content-encoding", "content-length", "content-type", "user-agent",
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "www-authenticate",
        "accept-encoding", "x-prometheus-remote-write-version", "x-prometheus-remote-read-version",
        "x-prometheus-scrape-timeout-seconds", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256",
    }
)  # fmt: skip
_SCHEMES = ("http", "https", "socks5")


def at_most_one(*given: object, message: str) -> None:
    """Raise a validation error if more than one of these is given."""
    if sum(bool(each) for each in given) > 1:
        raise unusable(message, "keep one of them")


class TlsConfig(Block):
    """How TLS is spoken and judged."""

    insecure_skip_verify: Truth = False
    """Take any certificate."""
    ca: Text = ""
    """Authorities in PEM, in place of the system's."""
    ca_file: FileName = ""
    """The same from a file."""
    cert: Text = ""
    """Client certificate in PEM."""
    cert_file: FileName = ""
    """The same from a file."""
    key: MaybeSecret = None
    """The client certificate's key in PEM."""
    key_file: FileName = ""
    """The same from a file."""
    server_name: Text = ""
    """Name sent and checked, in place of the target's."""
    min_version: TlsVersion = ""
    """Oldest version: `TLS10` to `TLS13`."""
    max_version: TlsVersion = ""
    """Newest version."""
    _files: dict[str, MemoryFile] = PrivateAttr(default_factory=dict)

    def file_of(self, text: str) -> Path:
        """Return the path of a file with this PEM text; it is there for as long as this block. Raises OSError."""
        if text not in self._files:
            self._files[text] = MemoryFile(text)
        return self._files[text].path

    @model_validator(mode="after")
    def _fits(self) -> TlsConfig:
        at_most_one(self.ca, self.ca_file, message="at most one of ca and ca_file")
        at_most_one(self.cert, self.cert_file, message="at most one of cert and cert_file")
        at_most_one(self.key, self.key_file, message="at most one of key and key_file")
        if bool(self.cert or self.cert_file) != bool(self.key or self.key_file):
            raise unusable("a client certificate and its key are both needed", "cert_file and key_file")
        if self.min_version and self.max_version and self.min_version > self.max_version:
            raise unusable("min_version is newer than max_version")
        return self


class BasicAuth(Block):
    """User and password."""

    username: Text = ""
    username_file: FileName = ""
    password: MaybeSecret = None
    password_file: FileName = ""

    @model_validator(mode="after")
    def _fits(self) -> BasicAuth:
        at_most_one(self.username, self.username_file, message="at most one of username and username_file")
        at_most_one(self.password, self.password_file, message="at most one of password and password_file")
        return self


class Authorization(Block):
    """An `Authorization` header of any scheme but Basic."""

    type: Text = "Bearer"
    credentials: MaybeSecret = None
    credentials_file: FileName = ""

    @field_validator("type")
    @classmethod
    def _scheme(cls, value: str) -> str:
        scheme = value.strip() or "Bearer"
        if scheme.lower() == "basic":
            raise unusable("the type cannot be basic", "use basic_auth")
        return scheme

    @model_validator(mode="after")
    def _fits(self) -> Authorization:
        at_most_one(
            self.credentials, self.credentials_file, message="at most one of credentials and credentials_file"
        )
        return self


def _url(value: str) -> str:
    if not value:
        return value
    parts = urlsplit(value)  # a ValueError is told as it is
    if parts.scheme not in _SCHEMES or not parts.hostname:
        raise unusable("expected the URL of a proxy, such as http://proxy.example:3128")
    _ = parts.port
    return value


class ProxyOptions(Block):
    """The way out through a proxy."""

    proxy_url: Text = ""
    """`http://`, `https://` or `socks5://`; may hold user and password."""
    no_proxy: Text = ""
    """Hosts and networks to reach without it, separated by commas."""
    proxy_from_environment: Truth = False
    """Take HTTP_PROXY, HTTPS_PROXY and NO_PROXY of the daemon."""
    proxy_connect_header: Annotated[dict[str, tuple[SecretText, ...]], Field(max_length=MAX_LIST)] = Field(
        default_factory=dict
    )
    """Headers of the CONNECT request."""

    _proxy_is_url = field_validator("proxy_url")(_url)

    @model_validator(mode="after")
    def _fits_proxy(self) -> ProxyOptions:
        if self.proxy_from_environment and (self.proxy_url or self.no_proxy):
            raise unusable("proxy_from_environment excludes proxy_url and no_proxy", "keep one of them")
        if not self.proxy_url and not self.proxy_from_environment and self.proxy_connect_header:
            raise unusable("proxy_connect_header without a proxy", "set proxy_url or proxy_from_environment")
        if self.no_proxy and not self.proxy_url:
            raise unusable("no_proxy without proxy_url", "set proxy_url")
        return self


class OAuth2(ProxyOptions):
    """OAuth 2.0 client credentials."""

    client_id: Text = ""
    client_secret: MaybeSecret = None
    client_secret_file: FileName = ""
    scopes: Annotated[tuple[Text, ...], Field(max_length=MAX_LIST)] = ()
    token_url: Text = ""
    endpoint_params: Annotated[dict[str, Text], Field(max_length=MAX_LIST)] = Field(default_factory=dict)
    tls_config: TlsConfig = TlsConfig()

    @model_validator(mode="after")
    def _fits(self) -> OAuth2:
        if not self.client_id:
            raise unusable("oauth2 needs client_id")
        if not self.client_secret and not self.client_secret_file:
            raise unusable("oauth2 needs client_secret or client_secret_file")
        if not self.token_url:
            raise unusable("oauth2 needs token_url")
        at_most_one(
            self.client_secret,
            self.client_secret_file,
            message="at most one of client_secret and client_secret_file",
        )
        return self


class HeaderValues(Block):
    """The values of one header; of the three, only the last that is given counts."""

    values: Annotated[tuple[Text, ...], Field(max_length=MAX_LIST)] = ()
    secrets: Annotated[tuple[SecretText, ...], Field(max_length=MAX_LIST)] = ()
    files: Annotated[tuple[FileName, ...], Field(max_length=MAX_LIST)] = ()

    @property
    def chosen(self) -> tuple[Literal["values", "secrets", "files"], tuple[str, ...] | tuple[Secret, ...]]:
        """Return which of the three counts, and what it holds."""
        if self.files:
            return "files", self.files
        return ("secrets", self.secrets) if self.secrets else ("values", self.values)


def header_name(name: str) -> str:
    """Return a header's name; a validation error if it cannot be one."""
    if not _TOKEN.fullmatch(name):
        raise unusable("not the name of a header")
    return name


Headers = Annotated[dict[str, HeaderValues], Field(max_length=MAX_LIST)]


class ClientConfig(ProxyOptions):
    """What every HTTP client of the file can be told."""

    basic_auth: BasicAuth | None = None
    authorization: Authorization | None = None
    oauth2: OAuth2 | None = None
    tls_config: TlsConfig = TlsConfig()
    follow_redirects: Truth = True
    enable_http2: Truth = True
    http_headers: Headers = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _old_bearer_keys(cls, value: object) -> object:
        """Fold `bearer_token` and `bearer_token_file` into `authorization`, as the exporter does."""
        if not isinstance(value, Mapping):
            return value
        block = dict(value)
        token, file = block.pop("bearer_token", None), block.pop("bearer_token_file", None)
        if not token and not file:
            return block
        at_most_one(token, file, message="at most one of bearer_token and bearer_token_file")
        others = [key for key in ("basic_auth", "authorization", "oauth2") if block.get(key) is not None]
        if others:
            raise unusable(f"bearer_token and {others[0]} exclude each other", "keep one of them")
        block["authorization"] = {"credentials": token} if token else {"credentials_file": file}
        return block

    @model_validator(mode="after")
    def _one_way_in(self) -> ClientConfig:
        at_most_one(
            self.basic_auth,
            self.authorization,
            self.oauth2,
            message="at most one of basic_auth, authorization and oauth2",
        )
        for name in self.http_headers:
            if header_name(name).lower() in _RESERVED:
                raise unusable(f"http_headers cannot set {name}", "use headers")
        return self
