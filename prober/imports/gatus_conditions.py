"""Gatus's conditions, such as `[BODY].status == UP`, to expectations of ours; those that have none are noted."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from checks.core.values import format_duration
from prober.config.sources import Item

from .draft import Draft, Raw

_CONDITION = re.compile(r"(.+?)\s*(==|!=|<=|>=|<|>)\s*(.*)", re.DOTALL)
_FUNCTION = re.compile(r"(len|has|pat|any)\((.*)\)", re.DOTALL)
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+)s)?(?:(\d+)ms)?")
_MILLISECONDS = (3_600_000, 60_000, 1000, 1)
_DAY_MS = 86_400_000
_LITERAL = re.compile(r"(\$\$|\$\{[^}]*\})")
_PLAIN_KEY = re.compile(r"\.([^.\[\]]+)")
_ANY_STATUS = "100-599"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition, taken apart, and where it stands."""

    left: str
    operator: str
    right: str
    item: Item

    def __str__(self) -> str:
        return f"{self.left} {self.operator} {self.right}"


@dataclass(slots=True)
class Conditions:
    """The conditions of an endpoint; what a kind takes is struck off, the rest is noted at the end."""

    every: list[Condition] = field(default_factory=list)
    changed: list[tuple[Condition, str]] = field(default_factory=list)  # taken, and how it differs here

    def http(self) -> Raw:
        """Take what can be expected of an HTTP response."""
        expect = self.connection()
        expect["status"] = self._statuses() or [_ANY_STATUS]  # without a condition Gatus takes any
        body = self._body()
        if body:
            expect["body"] = body
        if rules := self._json():
            expect["json"] = rules
        return expect

    def connection(self) -> Raw:
        """Take limits on time and certificate."""
        expect = self.time()
        for each in self._of("[CERTIFICATE_EXPIRATION]", (">", ">=")):
            if (days := _days(each.right)) is not None:
                expect["certificate_days"] = days
                self._take(each, "fewer days are a warning here, not a failure")
        return expect

    def time(self) -> Raw:
        """Take the limit on time, and what is a matter of course: that there is a connection."""
        for each in self._of("[CONNECTED]", ("==",)):
            if each.right == "true":
                self.every.remove(each)
        expect: Raw = {}
        for each in self._of("[RESPONSE_TIME]", ("<", "<=")):
            if (limit_ms := _milliseconds(each.right)) is not None:
                expect["within"] = format_duration(limit_ms * 1000)
                self.every.remove(each)
        return expect

    def dns(self) -> Raw:
        """Take what can be expected of a DNS answer."""
        expect = self.time()
        for each in self._of("[DNS_RCODE]", ("==",)):
            expect["rcodes"] = [each.right]
            self.every.remove(each)
        for each in self._of("[BODY]", ("==",)):
            function = _FUNCTION.fullmatch(each.right)
            if function is None:
                expect.setdefault("any", []).append(each.right)
            elif function[1] == "any":
                expect.setdefault("any", []).extend(_listed(function[2]))
            else:
                expect.setdefault("any", []).append(f"/{wildcard(function[2])}/")
            self.every.remove(each)
        return expect

    def domain(self) -> Raw:
        """Take the days that a registration must have left."""
        expect: Raw = {}
        for each in self._of("[DOMAIN_EXPIRATION]", (">", ">=")):
            if (days := _days(each.right)) is not None:
                expect["days"] = expect["fail_days"] = days
                self.every.remove(each)
        return expect

    def body_pattern(self) -> str | None:
        """Take what must come back as an answer to what was sent, as a regular expression."""
        for each in self._of("[BODY]", ("==",)):
            self.every.remove(each)
            function = _FUNCTION.fullmatch(each.right)
            return wildcard(function[2]) if function and function[1] == "pat" else f"^{escaped(each.right)}"
        return None

    def leave(self, kind: str, draft: Draft, name: str) -> None:
        """Note what nobody took, and what was taken and differs."""
        for each, words in self.changed:
            draft.note(each.item, f"{name}: condition {each}: {words}")
        for each in self.every:
            draft.note(each.item, f"{name}: condition {each} has no counterpart in the kind {kind}")

    def _take(self, each: Condition, words: str) -> None:
        self.changed.append((each, words))
        self.every.remove(each)

    def _of(self, left: str, operators: tuple[str, ...]) -> list[Condition]:
        return [each for each in self.every if each.left == left and each.operator in operators]

    def _statuses(self) -> list[str]:
        exact = self._of("[STATUS]", ("==",))
        low, high = 100, 599
        bounds = self._of("[STATUS]", ("<", "<=", ">", ">="))
        for each in bounds:
            if not each.right.isdigit():
                return []
            number = int(each.right)
            low = max(low, number + (each.operator == ">")) if each.operator[0] == ">" else low
            high = min(high, number - (each.operator == "<")) if each.operator[0] == "<" else high
        for each in (*exact, *bounds):
            self.every.remove(each)
        if exact:
            listed = [_alternatives(each.right) for each in exact]
            return [
                status
                for status in listed[0]
                if all(status in others for others in listed[1:])
                and (not status.isdigit() or low <= int(status) <= high)
            ]
        return [f"{low}-{high}"] if bounds else []

    def _body(self) -> dict[str, list[str]]:
        body: dict[str, list[str]] = {}
        for each in self._of("[BODY]", ("==", "!=")):
            function = _FUNCTION.fullmatch(each.right)
            if function is not None and function[1] != "pat":
                continue
            pattern = f"^{escaped(each.right)}$" if function is None else wildcard(function[2])
            if each.operator == "==":
                body.setdefault("regex", []).append(pattern)
            else:
                body.setdefault("absent", []).append(f"/{pattern}/")
            self.every.remove(each)
        return body

    def _json(self) -> dict[str, Any]:
        rules: dict[str, Any] = {}
        for each in list(self.every):
            function = _FUNCTION.fullmatch(each.left)
            path = function[2] if function and function[1] == "has" else each.left
            if not path.startswith(("[BODY].", "[BODY][")):
                continue
            rule = _has(each) if function else _comparison(each)
            if rule is not None:
                rules.setdefault("$" + _quoted_keys(path.removeprefix("[BODY]")), {}).update(rule)
                self.every.remove(each)
                if not function and any(not isinstance(value, str) for value in rule.values()):
                    self.changed.append(
                        (each, "is compared by type here: a text of these digits is not equal")
                    )
        return rules


def read_conditions(item: Item | None, draft: Draft, name: str) -> Conditions:
    """Read the list of conditions of an endpoint."""
    found = Conditions()
    for each in item.each() if item is not None else ():
        text = each.text.strip()
        match = _CONDITION.fullmatch(text)
        if match is None:
            draft.note(each, f"{name}: condition {text} cannot be read")
        else:
            found.every.append(Condition(match[1].strip(), match[2], match[3].strip(), each))
    return found


def wildcard(pattern: str) -> str:
    """Return a pattern with `*` for anything as a regular expression of the whole text."""
    return "(?s)^" + ".*".join(map(escaped, pattern.split("*"))) + "$"


def escaped(text: str) -> str:
    """Return a regular expression for a text; references to the environment, `${NAME}`, stay what they are."""
    parts = _LITERAL.split(text)
    return "".join(
        part if part.startswith("${") else r"\$$" if part == "$$" else re.escape(part) for part in parts
    )


def _quoted_keys(path: str) -> str:
    """Return a path of Gatus as JSONPath has it, where a key such as `some-id` stands in quotes."""
    return _PLAIN_KEY.sub(lambda match: match[0] if match[1].isidentifier() else f"['{match[1]}']", path)


def _has(condition: Condition) -> dict[str, Any] | None:
    wanted = {"true": True, "false": False}.get(condition.right)
    return {"exists": wanted} if condition.operator == "==" and wanted is not None else None


def _comparison(condition: Condition) -> dict[str, Any] | None:
    right = condition.right
    function = _FUNCTION.fullmatch(right)
    if function is not None:
        if function[1] != "pat" or condition.operator != "==":
            return None
        return {"matches": wildcard(function[2])}
    return {condition.operator: _value(right)}


def _value(text: str) -> object:
    """Gatus compares texts with what JSON holds; numbers and truth values are written as they are."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return int(text)
    except ValueError:
        return text.strip("\"'")


def _alternatives(text: str) -> list[str]:
    function = _FUNCTION.fullmatch(text)
    return _listed(function[2]) if function and function[1] == "any" else [text]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _milliseconds(text: str) -> int | None:
    """Read a duration of Go's, or a number that is milliseconds; None for what is neither."""
    if text.isdigit():
        return int(text)
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    return sum(int(number or 0) * each for number, each in zip(match.groups(), _MILLISECONDS, strict=True))


def _days(text: str) -> int | None:
    """Return a duration in whole days, rounded up; None for what is none."""
    milliseconds = _milliseconds(text)
    return None if milliseconds is None else -(-milliseconds // _DAY_MS)
