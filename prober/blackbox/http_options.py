"""The `http` block of a module: keys, defaults and rules between keys, and which extras it needs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from checks.core.schema import unusable

from .client_options import ClientConfig, header_name
from .terms import MAX_LIST, Block, Family, FileName, Pattern, SizeLimit, Text, Truth, Whole, maybe_truth

MAX_CEL = 4_096  # characters
Patterns = Annotated[tuple[Pattern, ...], Field(max_length=MAX_LIST)]


def _cel(text: str) -> str:
    from checks.core.cel import meant_expression  # loaded by files that have one

    return meant_expression(text, ("body",)) if text else text


Cel = Annotated[Text, Field(max_length=MAX_CEL), AfterValidator(_cel)]
"""A CEL expression over `body`, compiled once to see that it can be meant."""


class HeaderMatch(Block):
    """A rule on one header of the response."""

    header: Text = ""
    regexp: Pattern = ""
    allow_missing: Truth = False

    @model_validator(mode="after")
    def _complete(self) -> HeaderMatch:
        if not self.header:
            raise unusable("a header rule needs header")
        if not self.regexp:
            raise unusable("a header rule needs regexp")
        return self


HeaderMatches = Annotated[tuple[HeaderMatch, ...], Field(max_length=MAX_LIST)]


class HttpProbe(ClientConfig):
    """The `http` block."""

    valid_status_codes: Annotated[tuple[Whole, ...], Field(max_length=MAX_LIST)] = ()
    valid_http_versions: Annotated[tuple[Text, ...], Field(max_length=MAX_LIST)] = ()
    preferred_ip_protocol: Family = "ip6"
    ip_protocol_fallback: Truth = True
    skip_resolve_phase_with_proxy: Truth = False
    no_follow_redirects: Truth = False
    """The old name of `follow_redirects`; never true once read."""
    fail_if_ssl: Truth = False
    fail_if_not_ssl: Truth = False
    method: Text = "GET"
    headers: Annotated[dict[str, Text], Field(max_length=MAX_LIST)] = Field(default_factory=dict)
    fail_if_body_matches_regexp: Patterns = ()
    fail_if_body_not_matches_regexp: Patterns = ()
    fail_if_body_json_matches_cel: Cel | None = None
    fail_if_body_json_not_matches_cel: Cel | None = None
    fail_if_header_matches: HeaderMatches = ()
    fail_if_header_not_matches: HeaderMatches = ()
    body: Text = ""
    body_file: FileName = ""
    enable_http3: Truth = False
    compression: Text = ""
    body_size_limit: SizeLimit = 0

    @model_validator(mode="before")
    @classmethod
    def _old_ways(cls, value: object) -> object:
        """Fold the old `no_follow_redirects` into the new key, over which it wins; an empty method is GET."""
        if not isinstance(value, Mapping):
            return value
        block = dict(value)
        if (unfollowed := maybe_truth(block.get("no_follow_redirects"))) is not None:
            del block["no_follow_redirects"]
            block["follow_redirects"] = not unfollowed
        if block.get("method") == "":
            del block["method"]
        if isinstance(headers := block.get("headers"), Mapping):
            block["headers"] = {name: "" if text is None else text for name, text in headers.items()}
        return block

    @model_validator(mode="after")
    def _fits(self) -> HttpProbe:
        if self.body and self.body_file:
            raise unusable("body and body_file exclude each other", "keep one of them")
        if self.enable_http3 and self.enable_http2:
            raise unusable("enable_http3 needs enable_http2: false")
        if self.enable_http3 and find_spec("aioquic") is None:
            raise unusable("HTTP/3 needs the extra http3", "pip install 'uptime-prober[http3]'")
        for name, text in self.headers.items():
            if header_name(name).lower() == "accept-encoding" and not accepts(self.compression, text):
                raise unusable(
                    f"Accept-Encoding {text!r} excludes compression {self.compression!r}",
                    "leave one of them out",
                )
        return self


def accepts(compression: str, accept_encoding: str) -> bool:
    """Say whether an Accept-Encoding header lets the target answer in the encoding that will be expected."""
    if not compression or not accept_encoding:
        return True
    weights = (_weight(part) for part in accept_encoding.split(","))
    return any(weight > 0 for name, weight in weights if name in (compression, "*"))


def _weight(part: str) -> tuple[str, float]:
    name, semicolon, parameter = part.rpartition(";")
    if not semicolon:
        return part.strip(), 1.0
    try:
        weight = float(parameter.strip().removeprefix("q="))
    except ValueError:
        weight = 0.0
    return name.strip(), round(weight, 3)
