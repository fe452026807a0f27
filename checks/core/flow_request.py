"""The request that a step of a flow makes of the values captured before it, and what of it has to be masked.

Options and their checks live in `flow_steps.py`, the run of a flow in `flow.py` of the kinds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from .failures import Code, Stop
from .flow_steps import FlowStep, auth_texts
from .flow_values import Answer, filled, filled_body, form_of_body, forms_of, in_url, names_in
from .http_asking import Requests
from .http_oauth import Tokens
from .http_request import Message, basic, check_header_value, is_private, plain_headers
from .http_response import Response
from .http_session import Transport
from .http_url import HttpUrl, join_url, parse_url
from .http_visit import Page
from .thresholds import ConnectionLimits
from .values import Secret

Conceal = Callable[[str], None]
"""Has a text masked in all that is told of the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedStep:
    """A step as it runs. The home of its transport is its own origin, or that of the first step."""

    options: FlowStep
    url: str  # with scheme and host, unless it begins with a value
    headers: tuple[tuple[str, str], ...]  # with those of the flow
    secrets: frozenset[str]  # names of all values of the flow that are masked
    page: Page
    certificates: ConnectionLimits
    transport: Transport
    tokens: Tokens | None

    def requests(self, values: Mapping[str, str], before: HttpUrl, conceal: Conceal) -> Requests:
        """Return the request, with the values in place; `before` is where the step before ended. Raises `Stop`."""
        message = self._message(values, conceal)
        hop = self.transport.hop(self._url(values, before, conceal), message)
        return Requests(transport=self.transport, message=message, prepared=hop, tokens=self.tokens)

    def captured(self, response: Response, conceal: Conceal) -> tuple[dict[str, str], Stop | None]:
        """Return the values of an answer, the secret ones concealed, and the first trouble with any of them."""
        answer = Answer(response, self.page.body_limit, hides_body=self.options.hides_body)
        values: dict[str, str] = {}
        trouble: Stop | None = None
        for name, capture in self.options.capture.items():
            try:
                values[name] = capture.find(name, answer)
            except Stop as stop:
                trouble = trouble or stop
                continue
            if name in self.secrets:
                for form in sorted(forms_of(values[name])):
                    conceal(form)
        return values, trouble

    def _url(self, values: Mapping[str, str], before: HttpUrl, conceal: Conceal) -> HttpUrl:
        try:
            if not self.url.startswith("{"):
                return parse_url(filled(self.url, values, in_url))
            link, _, rest = self.url.partition("}")
            url = join_url(before, (filled(link + "}", values) + filled(rest, values, in_url)).encode())
        except ValueError as error:
            raise _unfit("url", error) from None
        if self._has_secret(link + "}"):  # what is shown of a link may be but a part of the value
            for part in (url.target.partition("?")[0], *url.secret_parts()):
                conceal(part)
        return url

    def _message(self, values: Mapping[str, str], conceal: Conceal) -> Message:
        options = self.options
        public: list[tuple[str, str]] = []
        private: list[tuple[str, str]] = []
        for name, template in self.headers:
            value = _header(name, filled(template, values))
            is_secret = is_private(name) or self._has_secret(template)
            (private if is_secret else public).append((name, value))
            if is_secret and value != template:
                conceal(value)
        if (authorization := self._authorization(values, conceal)) is not None:
            private.append(("Authorization", authorization))
        message = Message(method=options.method, public=tuple(public), private=tuple(private))
        if options.body is None:
            return message
        template = options.body.reveal()
        kind = next((value for name, value in (*public, *private) if name.lower() == "content-type"), "")
        body = filled_body(template, values, form_of_body(kind))
        if body != template:
            conceal(body)
        return replace(message, body=body.encode())

    def _authorization(self, values: Mapping[str, str], conceal: Conceal) -> str | None:
        auth = self.options.auth
        if auth is None or auth.oauth2 is not None:
            return None
        if auth.basic is None:
            (bearer,) = (filled(text, values) for text in auth_texts(auth))
            conceal(bearer)
            return _header("Authorization", f"Bearer {bearer}")
        username, password = (filled(text, values) for text in auth_texts(auth))
        if ":" in username:
            raise _unfit("username", "one for basic authentication has no colon")
        authorization = basic(username, password)
        conceal(password)
        conceal(authorization.partition(" ")[2])
        return authorization

    def _has_secret(self, template: str) -> bool:
        return not self.secrets.isdisjoint(names_in(template))


def headers_of(
    step: FlowStep, shared: Mapping[str, str | Secret], known: set[str]
) -> tuple[tuple[str, str], ...]:
    """Return a step's headers, and those of the flow that it does not set itself and knows all values of."""
    own = plain_headers(step.headers)
    given = {name.lower() for name, _ in own}
    if step.auth is not None:
        given.add("authorization")
    added = [
        (name, value)
        for name, value in plain_headers(shared)
        if name.lower() not in given and known.issuperset(names_in(value))
    ]
    return (*added, *own)


def _header(name: str, value: str) -> str:
    try:
        check_header_value(value)
    except ValueError as error:
        raise _unfit(f"header {name}", error) from None
    return value


def _unfit(what: str, why: ValueError | str) -> Stop:
    return Stop(Code.CAPTURE_MISSING, f"the values make no {what}: {why}")
