"""Cookies within one run (RFC 6265, what a check needs of it): kept from an answer, sent where they belong.

Pure: no I/O, nothing outlives the run. A cookie goes to its own host, or to hosts below the domain it names if that
is not a public one. Cookies that the probe itself is given travel as a header, which is no affair of this file.
"""

from __future__ import annotations

import ipaddress
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

from .http_request import Hop
from .http_response import Response
from .http_url import HttpUrl

MAX_COOKIES = 50  # of one run; more are not taken
MAX_COOKIE = 4096  # bytes of a name and its value, as browsers have it
MAX_HEADER = 16 * 1024  # bytes of one Cookie header; what does not fit is left out
MAX_SET = 100  # Set-Cookie headers of one response that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Cookie:
    """One cookie. `host_only`: for exactly the host `domain`, else for those below it as well."""

    name: str
    value: str = field(repr=False)
    domain: str
    host_only: bool
    path: str
    secure: bool

    def belongs_to(self, url: HttpUrl) -> bool:
        """Say whether a request to that URL carries the cookie."""
        if self.secure and not url.secure:
            return False
        same = url.host == self.domain or (not self.host_only and _is_below(url.host, self.domain))
        return same and _path_holds(self.path, url.target.partition("?")[0])


class Jar:
    """The cookies of one run."""

    __slots__ = ("_cookies",)

    def __init__(self) -> None:
        self._cookies: dict[tuple[str, str, str], Cookie] = {}

    def keep(self, url: HttpUrl, response: Response) -> None:
        """Take the cookies that an answer sets, and drop those that it lets expire."""
        for raw in response.every(b"set-cookie")[:MAX_SET]:
            read = read_cookie(raw, url, time.time())
            if read is None:
                continue
            cookie, alive = read
            key = (cookie.domain, cookie.path, cookie.name)
            self._cookies.pop(key, None)
            if alive and len(self._cookies) < MAX_COOKIES:
                self._cookies[key] = cookie

    def header(self, url: HttpUrl) -> str:
        """Return what a request to that URL says in its Cookie header, empty without cookies."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._for(url))

    def added(self, hop: Hop) -> Hop:
        """Return the request with the cookies that belong to its URL; of given ones, those of other names stay."""
        cookies = self._for(hop.url)
        if not cookies:
            return hop
        names = {cookie.name for cookie in cookies}
        pairs, headers = [], []
        for name, value in hop.headers:
            if name.lower() != "cookie":
                headers.append((name, value))
            else:
                given = (pair.strip() for pair in value.split(";"))
                pairs += [pair for pair in given if pair and pair.partition("=")[0].strip() not in names]
        text = "; ".join([*pairs, *(f"{cookie.name}={cookie.value}" for cookie in cookies)])
        return hop.changed((*headers, ("Cookie", text)))

    def _for(self, url: HttpUrl) -> list[Cookie]:
        """Return the cookies for a URL, longer paths first, as many as fit into a header."""
        wanted = [cookie for cookie in self._cookies.values() if cookie.belongs_to(url)]
        wanted.sort(key=lambda cookie: -len(cookie.path))
        chosen, room = [], MAX_HEADER
        for cookie in wanted:
            room -= len(cookie.name) + len(cookie.value) + 3
            if room < 0:
                break
            chosen.append(cookie)
        return chosen


def read_cookie(raw: bytes, url: HttpUrl, now_s: float) -> tuple[Cookie, bool] | None:
    """Return the cookie of a Set-Cookie header and whether it is alive; None for one that is not to be taken."""
    text = raw.decode("latin-1")  # sent back as it came, byte for byte
    pair, _, rest = text.partition(";")
    name, equals, value = (part.strip() for part in pair.partition("="))
    if not (name and equals) or len(name) + len(value) > MAX_COOKIE or _has_controls(pair):
        return None
    given = _attributes(rest)
    domain = _domain(given.get("domain", ""), url)
    if domain is None or ("secure" in given and not url.secure) or not _prefix_holds(name, given, url):
        return None
    path = given.get("path", "")
    cookie = Cookie(
        name=name,
        value=value,
        domain=domain or url.host,
        host_only=not domain,
        path=path if path.startswith("/") else _default_path(url),
        secure="secure" in given,
    )
    return cookie, _is_alive(given, now_s)


def _attributes(text: str) -> dict[str, str]:
    """Read what follows the value; the last of a name counts."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _domain(text: str, url: HttpUrl) -> str | None:
    """Return the domain a cookie is for, empty for the host alone; None if it may not be set from here."""
    domain = text.lower().removeprefix(".").rstrip(".")
    if not domain or domain == url.host:
        # Naming itself opens a cookie to hosts below; an address has none.
        return "" if not domain or _is_address(url.host) or "." not in domain else domain
    # A name without a dot is a top-level domain, where anybody lives. Deeper public suffixes (co.uk) are unknown here:
    # a run visits few hosts, and they would have to be strangers below the same suffix, one redirecting to the other.
    return domain if "." in domain and _is_below(url.host, domain) else None


def _prefix_holds(name: str, given: dict[str, str], url: HttpUrl) -> bool:
    if name.startswith("__Host-"):
        return "secure" in given and url.secure and not given.get("domain") and given.get("path") == "/"
    return not name.startswith("__Secure-") or ("secure" in given and url.secure)


def _is_alive(given: dict[str, str], now_s: float) -> bool:
    age = given.get("max-age", "")
    if age.removeprefix("-").isdigit() and len(age) < 20:
        return int(age) > 0
    try:
        return parsedate_to_datetime(given["expires"]).timestamp() > now_s
    except (KeyError, ValueError, TypeError, OverflowError, IndexError):
        return True  # without a date, or with one that nobody can read, it lasts for the session


def _default_path(url: HttpUrl) -> str:
    path = url.target.partition("?")[0]
    return path[: path.rindex("/")] or "/"


def _path_holds(path: str, target: str) -> bool:
    return target == path or (target.startswith(path) and (path.endswith("/") or target[len(path)] == "/"))


def _is_below(host: str, domain: str) -> bool:
    return host.endswith(f".{domain}") and not _is_address(host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _has_controls(text: str) -> bool:
    return any(character < " " or character == "\x7f" for character in text.replace("\t", " "))
