"""The steps of a flow: their options, checked against each other, and the request that each one makes of the values.

How a flow runs lives in `flow.py` of the kind, how values are found and put in place in `flow_values.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    SerializationInfo,
    StringConstraints,
    model_validator,
)

from .failures import Code, Stop
from .flow_values import Capture, ValueName, filled, form_of_body, in_url, names_in
from .http_expect import ExpectOptions
from .http_fields import HeadersField
from .http_judge import Judge
from .http_options import AuthOptions, MethodField, Redirects, RedirectsField
from .http_request import Hop, Message, check_header_value, is_private, plain_headers
from .http_session import Transport
from .http_url import HttpUrl, join_url, parse_url
from .schema import Section, unusable
from .values import Secret, SecretView

MAX_STEPS = 20
MAX_CAPTURES = 20  # of one step
_SAMPLE = "x"  # in place of a value that is not known yet


def _url(text: str) -> str:
    if not text.startswith("{"):
        _parsed(text)
        if next(names_in(_origin_of(text)), None) is not None:
            raise unusable(
                "scheme, host and port of a step's url cannot be put together of values",
                "write them out, or let the whole url be a value",
            )
    return text


def _parsed(text: str) -> HttpUrl:
    try:
        return parse_url(filled(text, dict.fromkeys(names_in(text), _SAMPLE)))
    except ValueError as error:
        raise unusable(str(error)) from None


def _origin_of(text: str) -> str:
    return "/".join(text.partition("?")[0].split("/", 3)[:3])


def _show_url(text: str, info: SerializationInfo) -> str:
    """Leave the values of the query out of what people see: a token may be among them."""
    if text.startswith("{") or info.context in (SecretView.REVEAL, SecretView.DIGEST):
        return text
    path, mark, query = text.partition("?")
    return path + mark + "&".join(f"{part.partition('=')[0]}=..." for part in query.split("&") if part)


def _capture(value: object) -> object:
    return {"json": value} if isinstance(value, str) else value


TemplateUrl = Annotated[
    str,
    AfterValidator(_url),
    Field(repr=False),
    PlainSerializer(_show_url, return_type=str, when_used="json"),
]
CaptureField = Annotated[Capture, BeforeValidator(_capture, json_schema_input_type=str | Capture)]


class FlowStep(Section):
    """One request of a flow, and what to take from its answer.

    `{name}` in url, headers and body stands for a value captured by a step before.
    """

    name: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9 _.-]{1,60}$")]
    """Name of the step, in failures and facts."""
    url: TemplateUrl
    """`http://` or `https://` URL. Values are percent-encoded in it, unless it begins with one: that value is taken as
    a link of the step before, relative or whole."""
    method: MethodField = "GET"
    """Request method."""
    headers: HeadersField = Field(default={})
    """Request headers by name; as for `http`, those that carry secrets go to the step's own origin only."""
    body: Secret | None = None
    """Request body in UTF-8 (default: none). Values are escaped in JSON and in forms, as Content-Type says."""
    auth: AuthOptions | None = None
    """Authentication, basic or bearer (default: none)."""
    redirects: RedirectsField = Redirects()
    """Redirects; `false` for short means not to follow."""
    expect: ExpectOptions = ExpectOptions()
    """What the response must be; `within` and `warn_within` hold for this step."""
    capture: dict[ValueName, CaptureField] = Field(default={}, max_length=MAX_CAPTURES)
    """Values for later steps by name; a plain text stands for `json`. One that is missing fails with
    `capture_missing`."""

    @model_validator(mode="after")
    def _sensible(self) -> FlowStep:
        if self.auth is not None and any(name.lower() == "authorization" for name in self.headers):
            raise unusable("auth and a header Authorization exclude each other")
        looks = self.expect.looks_into_body or any(each.reads_body for each in self.capture.values())
        if self.method == "HEAD" and looks:
            raise unusable("the answer to HEAD has no body to expect or capture anything of", "use GET")
        return self

    def placeholders(self) -> Iterator[str]:
        """Yield the names of all values that the step needs, those of the body only if they are known."""
        yield from names_in(self.url)
        for _, value in plain_headers(self.headers):
            yield from names_in(value)

    def secret_parts(self) -> Iterator[str]:
        """Yield the values of the URL's query: keys and tokens often stand there."""
        if not self.url.startswith("{"):
            yield from (
                part for part in _parsed(self.url).secret_parts() if "{" not in part and part != _SAMPLE
            )


def check_steps(steps: Sequence[FlowStep]) -> None:
    """Raise a validation error unless names are used once, and values after they are captured."""
    if len({step.name for step in steps}) < len(steps):
        raise unusable("two steps have the same name")
    if steps[0].url.startswith("{"):
        raise unusable("the first step has no value to take its url from")
    every = {name for step in steps for name in step.capture}
    known: set[str] = set()
    for step in steps:
        in_body = names_in(step.body.reveal()) if step.body is not None else iter(())
        needed = {*step.placeholders(), *(name for name in in_body if name in every)}
        if unknown := sorted(needed - known):
            raise unusable(f"step {step.name}: no step before captures {unknown[0]}")
        if again := sorted(known & set(step.capture)):
            raise unusable(f"step {step.name}: {again[0]} is captured twice")
        known |= set(step.capture)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedStep:
    """A step as it runs: its judge and its transport, whose home is its own origin, or that of the first step."""

    options: FlowStep
    judge: Judge
    transport: Transport
    secrets: frozenset[str]  # names of all values of the flow that are secret

    @property
    def keeps_body(self) -> bool:
        """Whether somebody looks into the body."""
        return self.judge.needs_body or any(each.reads_body for each in self.options.capture.values())

    def hop(self, values: Mapping[str, str], before: HttpUrl) -> Hop:
        """Return the request, with the values in place; `before` is where the step before ended. Raises `Stop`."""
        return self.transport.hop(self._url(values, before), self._message(values))

    def _url(self, values: Mapping[str, str], before: HttpUrl) -> HttpUrl:
        text = self.options.url
        try:
            if not text.startswith("{"):
                return parse_url(filled(text, values, in_url))
            first, _, rest = text.partition("}")
            return join_url(before, (filled(first + "}", values) + filled(rest, values, in_url)).encode())
        except ValueError as error:
            raise Stop(Code.CAPTURE_MISSING, f"the values make no url: {error}") from None

    def _message(self, values: Mapping[str, str]) -> Message:
        options = self.options
        headers = plain_headers(options.headers)
        public: list[tuple[str, str]] = []
        private: list[tuple[str, str]] = []
        for name, template in headers:
            value = filled(template, values)
            try:
                check_header_value(value)
            except ValueError as error:
                raise Stop(Code.CAPTURE_MISSING, f"the values make no header {name}: {error}") from None
            is_secret = is_private(name) or not self.secrets.isdisjoint(names_in(template))
            (private if is_secret else public).append((name, value))
        if options.auth is not None:
            private.append(("Authorization", options.auth.authorization))
        message = Message(method=options.method, public=tuple(public), private=tuple(private))
        if options.body is None:
            return message
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        return replace(message, body=filled(options.body.reveal(), values, form_of_body(kind)).encode())


def home_of(steps: Sequence[FlowStep], step: FlowStep) -> HttpUrl:
    """Return the URL whose origin is a step's own: the first step's, where its own is not known beforehand."""
    return _parsed(steps[0].url if step.url.startswith("{") else step.url)
