"""The steps of a flow as options: what people write, checked against each other when the configuration is read.

The request that a step makes of the values lives in `flow_request.py`, how values are found and put in place in
`flow_values.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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

from .flow_values import Capture, ValueName, begins_with_value, filled, names_in
from .http_expect import ExpectOptions
from .http_fields import HeadersField
from .http_options import HttpAuthOptions, MethodField, RedirectsField
from .http_request import plain_headers
from .http_url import HttpUrl, parse_url
from .schema import Section, unusable
from .values import Secret, SecretView

MAX_STEPS = 20
MAX_CAPTURES = 20  # of one step
MAX_REFERENCES = 20  # of one text to what was captured
RELATIVE = ("/", "?")
"""How a URL begins that is one of the first step's site."""
_SAMPLE = "x"  # in place of a value that is not known yet
_SOMEWHERE = "http://relative.invalid"


def _url(text: str) -> str:
    if not begins_with_value(text):
        parse_template(text)
        if next(names_in(_origin_of(whole_url(text, _SOMEWHERE))), None) is not None:
            raise unusable(
                "scheme, host and port of a step's url cannot be put together of values",
                "write them out, or let the whole url be a value",
            )
    return text


def parse_template(text: str) -> HttpUrl:
    """Return a URL with something in place of its values. Raises a validation error in clear words."""
    whole = whole_url(text, _SOMEWHERE)
    try:
        return parse_url(filled(whole, dict.fromkeys(names_in(text), _SAMPLE)))
    except ValueError as error:
        raise unusable(str(error)) from None


def whole_url(text: str, first: str) -> str:
    """Return a step's URL with its scheme and host, which are those of the first step's where it has none."""
    if text.startswith("//"):
        raise unusable("the url has no scheme", "begin with http:// or https://, or with one slash")
    if not text.startswith(RELATIVE):
        return text
    page = first.partition("#")[0].partition("?")[0]
    return (_origin_of(page) if text.startswith("/") else page) + text


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

    `{name}` in url, headers, auth and body stands for a value captured by a step before, `{{name}}` for the text
    `{name}` itself. A name that no step before captures is an error in url, headers and auth; in a body, which has
    braces of its own, it is text as it stands. Of one text at most 20 references are filled in.
    """

    name: Annotated[str, StringConstraints(pattern="^[A-Za-z0-9 _.-]{1,60}$")]
    """Name of the step, in failures and facts."""
    url: TemplateUrl
    """`http://` or `https://` URL. One that begins with `/` or `?` is at the site of the first step, or at its page.
    Values are percent-encoded in it, unless it begins with one: that value is taken as a link of the step before,
    relative or whole."""
    method: MethodField = "GET"
    """Request method."""
    headers: HeadersField = Field(default={})
    """Request headers by name; they replace those of the flow that have the same name. As for `http`, those that carry
    secrets go to the step's own origin only, which for a link is that of the first step; so do those with a secret
    value in them."""
    body: Secret | None = None
    """Request body in UTF-8 (default: none). Values are escaped in JSON and in forms, as Content-Type says."""
    auth: HttpAuthOptions | None = None
    """Authentication (default: none). Values are put into `basic` and `bearer`."""
    redirects: RedirectsField | None = None
    """Redirects; `false` for short means not to follow (default: as the flow says)."""
    expect: ExpectOptions = ExpectOptions()
    """What the response must be; `within` and `warn_within` hold for this step."""
    capture: dict[ValueName, CaptureField] = Field(default={}, max_length=MAX_CAPTURES)
    """Values for later steps by name; a plain text stands for `json`. Capital and small letters make two names."""

    @model_validator(mode="after")
    def _sensible(self) -> FlowStep:
        if self.auth is not None and any(name.lower() == "authorization" for name in self.headers):
            raise unusable("auth and a header Authorization exclude each other")
        looks = self.expect.looks_into_body or any(each.reads_body for each in self.capture.values())
        if self.method == "HEAD" and looks:
            raise unusable("the answer to HEAD has no body to expect or capture anything of", "use GET")
        return self

    def secret_parts(self) -> Iterator[str]:
        """Yield the values of the URL's query: keys and tokens often stand there."""
        if not self.url.startswith("{"):
            yield from (part for part in parse_template(self.url).secret_parts() if part != _SAMPLE)

    @property
    def secrets(self) -> set[str]:
        """The names of its captures that are masked."""
        return {name for name, each in self.capture.items() if each.is_secret(name)}

    @property
    def hides_body(self) -> bool:
        """Whether a secret is taken from the body of the answer."""
        return any(each.reads_body and each.is_secret(name) for name, each in self.capture.items())

    def strict_texts(self) -> Iterator[str]:
        """Yield the texts whose references must all be known."""
        yield self.url
        yield from (value for _, value in plain_headers(self.headers))
        if self.auth is not None:
            yield from auth_texts(self.auth)


def auth_texts(auth: HttpAuthOptions) -> Iterator[str]:
    """Yield the texts of an authentication that values are put into."""
    if auth.basic is not None:
        yield from (auth.basic.username, auth.basic.password.reveal())
    if auth.bearer is not None:
        yield auth.bearer.reveal()


def check_steps(steps: Sequence[FlowStep], headers: Mapping[str, str | Secret]) -> None:
    """Raise a validation error unless names are used once, and values after they are captured.

    `headers` are those of the whole flow: each goes with the steps that know its values.
    """
    if len({step.name for step in steps}) < len(steps):
        raise unusable("two steps have the same name")
    if steps[0].url.startswith("{"):
        raise unusable("the first step has no value to take its url from")
    if steps[0].url.startswith(RELATIVE):
        raise unusable("the first step's url must be whole", "begin with http:// or https://")
    known: set[str] = set()
    for step in steps:
        _check_references(step, known)
        if again := sorted(known & set(step.capture)):
            raise unusable(f"step {step.name}: {again[0]} is captured twice")
        known |= set(step.capture)
    for name, text in plain_headers(headers):
        _check_text(text, known, f"header {name}: no step captures")


def _check_references(step: FlowStep, known: set[str]) -> None:
    for text in step.strict_texts():
        _check_text(text, known, f"step {step.name}: no step before captures")
    if step.body is not None and sum(name in known for name in names_in(step.body.reveal())) > MAX_REFERENCES:
        raise unusable(
            f"step {step.name}: a body has at most {MAX_REFERENCES} references to what was captured"
        )


def _check_text(text: str, known: set[str], trouble: str) -> None:
    names = list(names_in(text))
    if unknown := sorted(set(names) - known):
        hint = f"to send it as it stands, write {{{{{unknown[0]}}}}}"
        raise unusable(f"{trouble} {unknown[0]}", hint)
    if len(names) > MAX_REFERENCES:
        raise unusable(f"a text has at most {MAX_REFERENCES} references to what was captured")


def home_of(steps: Sequence[FlowStep], step: FlowStep) -> HttpUrl:
    """Return the URL whose origin is a step's own: the first step's, where its own is not known beforehand."""
    text = steps[0].url if step.url.startswith("{") else step.url
    return parse_template(whole_url(text, steps[0].url))
