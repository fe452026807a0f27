"""Holds a response against what is expected of it: rules compiled once per probe, run once per response."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from . import http_json
from .cel import CelRules, reads_body
from .certificates import CertificateFacts
from .failures import Code, Stop
from .http_body import Content, decode, encoding_of
from .http_expect import BodyExpect, ExpectOptions, HeaderExpect, SizeExpect, between_slashes, status_range
from .http_response import Response
from .patterns import Pattern, compiled, longest
from .quote import quoted
from .thresholds import judge_phases
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
        if self.pattern is not None and len(content.raw) > (limit := longest(self.pattern)):
            seen = f"{len(content.raw)} bytes, which is too long for this expression (at most {limit})"
            watch.expect("body", self.expected, seen, False, Code.BODY_LIMIT)
            return
        found = self._found(content)
        held = (found is not None) == self.wanted
        if found is None:
            seen = "nothing like it" if not self.wanted else _start(content)
        else:
            seen = "it" if self.wanted else content.quoted(found)
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
    return content.quoted() if content.raw else "an empty body"


@dataclass(frozen=True, slots=True)
class HeaderRule:
    """One demand on one header."""

    name: bytes  # in lower case
    what: str
    expected: str
    text: str
    part: bool  # the text may be a part of the value
    pattern: Pattern[str] | None
    wanted: bool  # in one of the values, else in none
    missing: bool  # whether a response without the header is right

    def judge(self, watch: Watch, response: Response) -> None:
        """Record whether the rule holds."""
        values = [value.decode("utf-8", "replace") for value in response.every(self.name)]
        held = any(map(self._fits, values)) == self.wanted if values else self.missing
        seen = ", ".join(map(quoted, values[:MAX_VALUES])) or "no such header"
        watch.expect(self.what, self.expected, seen, held, Code.HTTP_HEADER)

    def _fits(self, value: str) -> bool:
        if self.pattern is not None:
            if len(value) > longest(
                self.pattern
            ):  # a giant of an expression: whichever way, it does not hold
                return not self.wanted
            return self.pattern.search(value) is not None
        return self.text in value if self.part else self.text == value


@lru_cache(maxsize=256)
def _accepted(texts: tuple[str, ...]) -> frozenset[int]:
    """Return the statuses; probes that want the same share one set, which is larger than all else they hold."""
    return frozenset(status for text in texts for status in status_range(text))


class Judge:
    """The expectations of one probe, compiled. `needs_body` says whether any of them looks into the body."""

    def __init__(self, options: ExpectOptions, *, decodes: bool = False, hides_body: bool = False) -> None:
        """`decodes`: a body that does not decode is wrong, whoever looks into it; `hides_body`: it holds a secret."""
        self._options = options
        self._hides_body = hides_body
        self._accepted = _accepted(options.status)
        self._status = " or ".join(options.status)
        self._headers = tuple(
            rule for name, each in options.headers.items() for rule in _header_rules(name, each)
        )
        self._body = _body_rules(options.body)
        self._json = tuple(
            rule for path, wanted in options.json_.items() for rule in http_json.rules(path, wanted)
        )
        self._cel = CelRules(options.cel, reads_body(options.cel), hides_body) if options.cel else None
        reads = self._body or self._json or options.size or (self._cel is not None and self._cel.parse)
        self.needs_body = bool(reads or options.encoding or decodes)
        demands = (options.version, options.tls, options.encoding, options.max_age)
        self._wants_status_alone = not self._headers and all(each is None for each in demands)
        # Most probes judge nothing once the head was right, and then need not be asked.
        timed = options.within_us is not None or options.warn_within_us is not None or options.phases
        self.goes_on = bool(self.needs_body or self._cel is not None or timed)

    def certificate(self, watch: Watch, leaf: CertificateFacts | None) -> None:
        """Judge how long the certificate still holds."""
        self._options.judge_certificate(watch, leaf)

    def head(self, watch: Watch, response: Response, *, secure: bool = False) -> None:
        """Judge status, headers and how the response came; `secure`: over TLS."""
        status, options = response.status, self._options
        watch.expect("status", self._status, str(status), status in self._accepted, Code.HTTP_STATUS)
        if self._wants_status_alone:
            return
        if options.version is not None:
            held = response.version in options.version
            watch.expect("version", " or ".join(options.version), response.version, held, Code.HTTP_VERSION)
        if options.tls is not None:
            _judge_tls(watch, options.tls == "required", secure)
        for rule in self._headers:
            rule.judge(watch, response)
        if options.encoding is not None:
            seen = encoding_of(response)
            held = seen in options.encoding
            watch.expect("encoding", " or ".join(options.encoding), seen, held, Code.HTTP_ENCODING)
        if options.max_age is not None:
            options.max_age.judge(watch, response)

    async def rest(self, watch: Watch, response: Response, limit: int) -> None:
        """Judge the body, decoded to at most `limit` bytes, and the time that all of it took."""
        content: Content | None = None
        if self.needs_body:
            try:
                content = decode(response, limit)
            except Stop as stop:
                watch.fail(stop.code, stop.detail)
            else:
                content.hides = self._hides_body
                if response.first(b"content-encoding") is not None:
                    watch.facts["decoded_size"] = len(content.raw)
                await self._judge_body(watch, response, content)
        elif self._cel is not None:
            await self._cel.judge(watch, response, b"")
        self._options.judge_time(watch)
        judge_phases(watch, self._options.phases)

    async def _judge_body(self, watch: Watch, response: Response, content: Content) -> None:
        if (size := self._options.size) is not None:
            _judge_size(watch, size, len(content.raw))
        for rule in self._body:
            rule.judge(watch, content)
        is_json = http_json.judge_all(watch, content, self._json) if self._json else True
        if self._cel is not None and (is_json or not self._cel.parse):
            await self._cel.judge(watch, response, content.raw)


def _judge_tls(watch: Watch, wanted: bool, secure: bool) -> None:
    expected, code = ("TLS", Code.TLS_MISSING) if wanted else ("no TLS", Code.TLS_UNWANTED)
    watch.expect("connection", expected, "TLS" if secure else "no TLS", secure == wanted, code)


def _judge_size(watch: Watch, wanted: SizeExpect, size: int) -> None:
    bounds = [(wanted.min, "at least"), (wanted.max, "at most")]
    expected = " and ".join(f"{word} {bound} bytes" for bound, word in bounds if bound is not None)
    held = (wanted.min or 0) <= size and (wanted.max is None or size <= wanted.max)
    watch.expect("size", expected, f"{size} bytes", held, Code.BODY_MISMATCH)


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
    key, what, missing = name.lower().encode("ascii"), f"header {name}", options.allow_missing
    suffix = ", or no such header" if missing else ""
    rules = []
    if options.equals is not None:
        expected = quoted(options.equals) + suffix
        rules.append(HeaderRule(key, what, expected, options.equals, False, None, True, missing))
    if options.contains is not None:
        expected = f"{quoted(options.contains)} within{suffix}"
        rules.append(HeaderRule(key, what, expected, options.contains, True, None, True, missing))
    for pattern, wanted in ((options.regex, True), (options.not_regex, False)):
        if pattern is not None:
            expected = f"{'a' if wanted else 'no'} match of {quoted(pattern)}{suffix}"
            rules.append(HeaderRule(key, what, expected, "", False, compiled(pattern), wanted, missing))
    if options.absent:  # the empty text is part of any value
        rules.append(HeaderRule(key, what, "no such header", "", True, None, False, True))
    return rules
