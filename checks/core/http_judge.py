"""Holds a response against what is expected of it: rules compiled once per probe, run once per response."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from . import http_json
from .certificates import CertificateFacts
from .failures import Code, Stop
from .http_body import Content, decode
from .http_expect import BodyExpect, ExpectOptions, HeaderExpect, between_slashes, status_range
from .http_response import Response
from .patterns import Pattern, compiled
from .quote import quoted
from .watch import Watch

BEFORE, AROUND = 20, 60  # characters shown before and after the start of what should not be there
MAX_VALUES = 3  # values shown of one header


@dataclass(frozen=True, slots=True)
class BodyRule:
    """One text or pattern that the body must hold, or must not."""

    expected: str
    text: str
    raw: bytes | None  # the text as bytes, when it can be looked for without decoding the body
    pattern: Pattern[str] | None
    wanted: bool

    def judge(self, watch: Watch, content: Content) -> None:
        """Record whether the rule holds."""
        found = self._found(content)
        held = (found is not None) == self.wanted
        if found is None:
            seen = "nothing like it" if not self.wanted else _start(content)
        else:
            seen = "it" if self.wanted else quoted(found)
        watch.expect("body", self.expected, seen, held, Code.BODY_MISMATCH)

    def _found(self, content: Content) -> bytes | str | None:
        if self.pattern is not None:
            match = self.pattern.search(content.text)
            return None if match is None else _part(content.text, match.start())
        if self.raw is not None and content.is_ascii_compatible:
            at = content.raw.find(self.raw)
            return None if at < 0 else content.raw[max(at - BEFORE, 0) : at + AROUND]
        at = content.text.find(self.text)
        return None if at < 0 else _part(content.text, at)


def _part(text: str, at: int) -> str:
    return text[max(at - BEFORE, 0) : at + AROUND]


def _start(content: Content) -> str:
    return quoted(content.raw) if content.raw else "an empty body"


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """One demand on one header."""

    name: bytes  # in lower case
    what: str
    expected: str
    text: str
    part: bool  # the text may be a part of the value
    pattern: Pattern[str] | None
    wanted: bool

    def judge(self, watch: Watch, response: Response) -> None:
        """Record whether the rule holds."""
        values = [value.decode("utf-8", "replace") for value in response.every(self.name)]
        held = any(map(self._fits, values)) if self.wanted else not values
        seen = ", ".join(map(quoted, values[:MAX_VALUES])) or "no such header"
        watch.expect(self.what, self.expected, seen, held, Code.HTTP_HEADER)

    def _fits(self, value: str) -> bool:
        if self.pattern is not None:
            return self.pattern.search(value) is not None
        return self.text in value if self.part else self.text == value


@lru_cache(maxsize=256)
def _accepted(texts: tuple[str, ...]) -> frozenset[int]:
    """Return the statuses; probes that want the same share one set, which is larger than all else they hold."""
    return frozenset(status for text in texts for status in status_range(text))


class Judge:
    """The expectations of one probe, compiled. `needs_body` says whether any of them looks into the body."""

    def __init__(self, options: ExpectOptions) -> None:
        self._limits = options
        self._accepted = _accepted(options.status)
        self._status = " or ".join(options.status)
        self._headers = tuple(
            rule for name, each in options.headers.items() for rule in _header_rules(name, each)
        )
        self._body = _body_rules(options.body)
        self._json = tuple(
            rule for path, wanted in options.json_.items() for rule in http_json.rules(path, wanted)
        )
        self.needs_body = bool(self._body or self._json)

    def certificate(self, watch: Watch, leaf: CertificateFacts | None) -> None:
        """Judge how long the certificate still holds."""
        self._limits.judge_certificate(watch, leaf)

    def head(self, watch: Watch, response: Response) -> None:
        """Judge status and headers."""
        status = response.status
        watch.expect("status", self._status, str(status), status in self._accepted, Code.HTTP_STATUS)
        for rule in self._headers:
            rule.judge(watch, response)

    def rest(self, watch: Watch, response: Response, limit: int) -> None:
        """Judge the body, decoded to at most `limit` bytes, and the time that all of it took."""
        if self.needs_body:
            try:
                content = decode(response, limit)
            except Stop as stop:
                watch.fail(stop.code, stop.detail)
            else:
                self._judge_body(watch, content)
        self._limits.judge_time(watch)

    def _judge_body(self, watch: Watch, content: Content) -> None:
        for rule in self._body:
            rule.judge(watch, content)
        if self._json:
            http_json.judge_all(watch, content, self._json)


def _body_rules(options: BodyExpect) -> tuple[BodyRule, ...]:
    rules = [_text_rule(text, True) for text in options.contains]
    rules += [_pattern_rule(pattern, True) for pattern in options.regex]
    for text in options.absent:
        pattern = between_slashes(text)
        rules.append(_text_rule(text, False) if pattern is None else _pattern_rule(pattern, False))
    return tuple(rules)


def _text_rule(text: str, wanted: bool) -> BodyRule:
    expected = f"{'' if wanted else 'no '}{quoted(text)}"
    return BodyRule(expected, text, text.encode("ascii") if text.isascii() else None, None, wanted)


def _pattern_rule(pattern: str, wanted: bool) -> BodyRule:
    return BodyRule(
        f"{'' if wanted else 'no '}match of {quoted(pattern)}", pattern, None, compiled(pattern), wanted
    )


def _header_rules(name: str, options: HeaderExpect) -> list[HeaderRule]:
    key, what = name.lower().encode("ascii"), f"header {name}"
    rules = []
    if options.equals is not None:
        rules.append(HeaderRule(key, what, quoted(options.equals), options.equals, False, None, True))
    if options.contains is not None:
        expected = f"{quoted(options.contains)} within"
        rules.append(HeaderRule(key, what, expected, options.contains, True, None, True))
    if options.regex is not None:
        expected = f"a match of {quoted(options.regex)}"
        rules.append(HeaderRule(key, what, expected, options.regex, False, compiled(options.regex), True))
    if options.absent:
        rules.append(HeaderRule(key, what, "no such header", "", False, None, False))
    return rules
