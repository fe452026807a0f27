"""What an http module sends to a target: the URL with its address pinned, headers, credentials, body.

As in the exporter, the first request goes to a URL whose host is the address that was looked up; the name stays in
the Host header and the server name. Relative redirects therefore stay at that address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from checks.core.failures import Code, Stop
from checks.core.http_request import Message, basic, is_private
from checks.core.http_url import HttpUrl, parse_url
from checks.core.values import Secret

from .targets import parts_of

if TYPE_CHECKING:
    from .client_options import Authorization, BasicAuth, ClientConfig, HeaderValues
    from .http_options import HttpProbe

USER_AGENT = "Blackbox-Exporter/0.28.0 (Prober)"
MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_PORT_DIGITS = 9  # of a port that is looked at as a number
_HOST_AND_PORT = re.compile(r"[^\s\x00-\x20\[\]<>\"%:]*(:[0-9]*)?")
_OF_A_BODY = frozenset({"content-type", "content-encoding", "content-language", "content-location"})


class NoSuchHost(Stop):
    """The target is a URL whose host no name server can be asked for: a failed lookup, as the exporter has it."""


@dataclass(frozen=True, slots=True)
class Target:
    """A target read as a URL, and the authorization that its credentials stand for.

    `refused` is a port that no URL can have: as in the exporter, such a target fails once its name was looked up.
    """

    url: HttpUrl
    authorization: str | None
    refused: str | None = None


def read_target(text: str, *, http3: bool) -> Target:
    """Read a target; without a scheme it is plain http. Raises `Stop` for what is no URL."""
    lowered = text.lower()
    if not lowered.startswith(("http://", "https://")):
        text = f"http://{text}"
    if http3 and lowered.startswith("http://"):
        text = f"https://{text[len('http://') :]}"
    scheme, _, rest = text.partition("://")
    place, slash, path = _cut(rest)
    credentials, at, host = place.rpartition("@")
    refused = _impossible_port(host)
    host = host.removesuffix(f":{refused}")
    try:
        url = parse_url(f"{scheme.lower()}://{host}{slash}{path.partition('#')[0]}")
    except ValueError as error:
        problem = NoSuchHost if _HOST_AND_PORT.fullmatch(host) else Stop
        raise problem(Code.RESOLVE_INVALID, f"the target cannot be asked for: {error}") from None
    if not at:
        return Target(url, None, refused)
    name, _, password = credentials.partition(":")
    return Target(url, basic(unquote(name), unquote(password)), refused)


def _impossible_port(place: str) -> str | None:
    parts = parts_of(place)
    port = parts[1] if parts is not None else ""
    is_number = port.isascii() and port.isdigit()
    return port if is_number and (len(port) > MAX_PORT_DIGITS or not 0 < int(port) < 65536) else None


def _cut(rest: str) -> tuple[str, str, str]:
    ends = [at for sign in "/?#" if (at := rest.find(sign)) >= 0]
    if not ends:
        return rest, "", ""
    at = min(ends)
    return rest[:at], "" if rest[at] == "/" else "/", rest[at:]


def pinned(url: HttpUrl, address: str) -> HttpUrl:
    """Return the URL with the address in place of the name."""
    return replace(url, host=address)


def server_name(options: HttpProbe, url: HttpUrl, hostname: str | None) -> str:
    """Return the name for TLS: the module's, else that of the Host header, else the target's."""
    named = hostname or next((text for name, text in options.headers.items() if name.lower() == "host"), "")
    return options.tls_config.server_name or urlsplit(f"//{named}").hostname or url.host


def message_of(options: HttpProbe, target: Target, hostname: str | None, token: str | None = None) -> Message:
    """Return what is sent to the target; `token` is that of OAuth2. Raises `Stop` when a file cannot be read."""
    headers = dict(options.headers)
    if hostname is not None:
        headers = {name: text for name, text in headers.items() if name.lower() != "host"} | {
            "Host": hostname
        }
    given = {name.lower() for name in headers}
    if "host" not in given:
        headers["Host"] = target.url.authority
    if "user-agent" not in given:
        headers["User-Agent"] = USER_AGENT
    pairs = list(headers.items())
    private: list[tuple[str, str]] = []
    for name, values in options.http_headers.items():
        texts, is_secret = header_texts(values)
        pairs = [pair for pair in pairs if pair[0].lower() != name.lower()]
        (private if is_secret else pairs).extend((name, text) for text in texts)
    authorization = f"Bearer {token}" if token else authorization_of(options) or target.authorization
    if authorization is not None and "authorization" not in given:
        private.append(("Authorization", authorization))
    private += [pair for pair in pairs if is_private(pair[0])]
    body = _body(options)
    return Message(
        method=options.method,
        public=tuple(pair for pair in pairs if not is_private(pair[0]) and _is_sent(pair)),
        private=tuple(private),
        body=body,
    )


def _is_sent(pair: tuple[str, str]) -> bool:
    # Lengths follow from the body and are never taken from a module.
    return pair[0].lower() not in ("content-length", "transfer-encoding", "connection")


def _body(options: HttpProbe) -> bytes | None:
    if options.body_file:
        return read_file(options.body_file)
    return options.body.encode() if options.body else None


def header_texts(values: HeaderValues) -> tuple[list[str], bool]:
    """Return the values of a header that count, and whether they are secret. Raises `Stop`."""
    kind, chosen = values.chosen
    if kind == "files":
        return [read_file(str(each)).decode("utf-8", "replace").strip() for each in chosen], True
    return [each.reveal() if isinstance(each, Secret) else each for each in chosen], kind == "secrets"


def authorization_of(options: ClientConfig) -> str | None:
    """Return what the Authorization header says, None without credentials. Raises `Stop`."""
    if options.basic_auth is not None:
        return _basic(options.basic_auth)
    return _scheme(options.authorization) if options.authorization is not None else None


def _basic(auth: BasicAuth) -> str:
    name = file_text(auth.username_file) if auth.username_file else auth.username
    password = auth.password.reveal() if auth.password is not None else ""
    return basic(name, file_text(auth.password_file) if auth.password_file else password)


def _scheme(auth: Authorization) -> str | None:
    credentials = auth.credentials.reveal() if auth.credentials is not None else ""
    if auth.credentials_file:
        credentials = file_text(auth.credentials_file)
    return f"{auth.type} {credentials}" if credentials else None


def file_text(path: str) -> str:
    """Return the text of a file of the module, without space around it. Raises `Stop`."""
    return read_file(path).decode("utf-8", "replace").strip()


def read_file(path: str) -> bytes:
    """Return the bytes of a file of the module. Raises `Stop`."""
    try:
        with Path(path).open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise Stop(Code.AGENT_FILE, f"cannot read {path}: {(error.strerror or '').lower()}") from None
    if len(data) > MAX_FILE_BYTES:
        raise Stop(Code.AGENT_FILE, f"{path} is longer than {MAX_FILE_BYTES} bytes")
    return data


def redirected(message: Message, status: int, *, same_host: bool, keeps_host: bool) -> Message:
    """Return what is asked of the next URL. Credentials stay with the host they are for.

    After 301, 302 and 303 everything but GET and HEAD becomes a GET without a body, as in the exporter.
    """
    plain = status in (301, 302, 303) and message.method not in ("GET", "HEAD")
    dropped = set(_OF_A_BODY) if plain else set()
    if not keeps_host:
        dropped.add("host")
    public = [pair for pair in message.public if pair[0].lower() not in dropped]
    if same_host:  # another port or scheme of it is another origin, which would get no private headers
        public += message.private
    return Message(
        method="GET" if plain else message.method,
        public=tuple(public),
        body=None if plain else message.body,
    )
