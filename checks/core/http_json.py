"""Expectations on a JSON body: a JSONPath (RFC 9535) and what must hold for what it finds.

Compiled once per probe; the JSONPath library is imported when the first path is. A path that finds several
values must hold for each of them, and one that finds nothing holds only for `exists: false`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, cast

from pydantic import JsonValue

from .failures import Code, Stop
from .http_body import Content
from .patterns import Pattern, compiled, longest
from .quote import quoted
from .schema import unusable
from .watch import Watch

if TYPE_CHECKING:
    from jsonpath import JSONPath

MAX_JSON = 2 * 1024 * 1024  # bytes read as JSON; as values they take some twenty times that
MAX_VALUES = (
    200_000  # in a document: a path such as $..name looks at each, and takes about a second for so many
)
MAX_FOUND = 10_000  # values that one path may find
_BEFORE_VALUES = (b",", b"[", b"{")
MAX_SHOWN = 80  # characters


def is_same(one: object, other: object) -> bool:
    """Say whether two JSON values are equal; `true` is not 1, but 1 is 1.0."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(value, other[key]) for key, value in one.items())
    return one == other


def _contains(seen: object, wanted: object) -> bool:
    if isinstance(seen, str):
        return isinstance(wanted, str) and wanted in seen
    if isinstance(seen, list):
        return any(is_same(item, wanted) for item in seen)
    return isinstance(seen, dict) and isinstance(wanted, str) and wanted in seen


def _matches(seen: object, wanted: object) -> bool:
    # Only a compiled expression comes here, see `_rule`; a lone surrogate in JSON's text is nothing it can read.
    try:
        pattern = cast("Pattern[str]", wanted)
        return isinstance(seen, str) and len(seen) <= longest(pattern) and pattern.search(seen) is not None
    except UnicodeError:
        return False


def _ordered(holds: Callable[[int], bool]) -> Callable[[object, object], bool]:
    def compare(seen: object, wanted: object) -> bool:
        if isinstance(seen, str) and isinstance(wanted, str):
            return holds((seen > wanted) - (seen < wanted))
        if isinstance(seen, int | float) and isinstance(wanted, int | float):
            return not isinstance(seen, bool) and holds((seen > wanted) - (seen < wanted))
        return False

    return compare


OPERATORS: Mapping[str, Callable[[object, object], bool]] = {
    "==": is_same,
    "!=": lambda seen, wanted: not is_same(seen, wanted),
    "<": _ordered(lambda order: order < 0),
    "<=": _ordered(lambda order: order <= 0),
    ">": _ordered(lambda order: order > 0),
    ">=": _ordered(lambda order: order >= 0),
    "contains": _contains,
    "matches": _matches,
}
EXISTS = "exists"


@dataclass(frozen=True, slots=True)
class JsonRule:
    """One path and one comparison."""

    path: JSONPath
    what: str
    expected: str
    operator: str
    wanted: object

    def judge(self, watch: Watch, document: object) -> None:
        """Record whether the rule holds."""
        found, trouble = _find(self.path, document)
        if trouble:
            seen, held = trouble, False
        elif self.operator == EXISTS:
            seen, held = ("it exists" if found else "nothing"), bool(found) == self.wanted
        else:
            holds = OPERATORS[self.operator]
            wrong = [value for value in found if not holds(value, self.wanted)][:1]
            held = bool(found) and not wrong
            seen = shown(*(wrong or found[:1])) if found else "nothing"
        watch.expect(self.what, self.expected, seen, held, Code.JSON_MISMATCH)


def rules(path: str, expected: JsonValue) -> tuple[JsonRule, ...]:
    """Compile what is expected at a path: a value, or comparisons. Raises a validation error in clear words."""
    query = compile_path(path)
    comparisons = comparisons_of(expected)
    return tuple(_rule(query, path, operator, wanted) for operator, wanted in comparisons.items())


def compile_path(path: str) -> JSONPath:
    """Compile a JSONPath. Raises a validation error in clear words."""
    from jsonpath import JSONPathError

    try:
        return _environment()(path)
    except (JSONPathError, ValueError, RecursionError) as error:
        reason = str(error).partition("\n")[0]
        raise unusable(f"not a JSONPath: {reason}", "such as $.status or $.items[0].name") from None


@lru_cache(maxsize=1)
def _environment() -> Callable[[str], JSONPath]:
    from jsonpath import JSONPathEnvironment

    from .json_functions import RegexFunction

    environment = JSONPathEnvironment(strict=True)
    environment.function_extensions["match"] = RegexFunction(whole=True)
    environment.function_extensions["search"] = RegexFunction(whole=False)
    return environment.compile  # type: ignore[return-value]  # strict has no compound queries


def comparisons_of(expected: JsonValue) -> dict[str, JsonValue]:
    """Return operators with their operands; a plain value means `==`. Raises a validation error."""
    if not isinstance(expected, dict):
        return {"==": expected}
    known = [*OPERATORS, EXISTS]
    if not expected or any(operator not in known for operator in expected):
        raise unusable(f"comparisons are {', '.join(known)}", 'to expect an object, write {"==": {...}}')
    for operator, wanted in expected.items():
        _check_operand(operator, wanted)
    return expected


def _check_operand(operator: str, wanted: JsonValue) -> None:
    if operator == EXISTS and not isinstance(wanted, bool):
        raise unusable("exists is true or false")
    if operator == "matches":
        compiled(wanted if isinstance(wanted, str) else "(")
    if operator in ("<", "<=", ">", ">=") and (
        isinstance(wanted, bool) or not isinstance(wanted, int | float | str)
    ):
        raise unusable(f"{operator} compares with a number or a text")


def _rule(query: JSONPath, path: str, operator: str, wanted: JsonValue) -> JsonRule:
    what = f"json {path}"
    if operator == EXISTS:
        return JsonRule(query, what, "something" if wanted else "nothing", operator, wanted)
    operand = compiled(wanted) if operator == "matches" and isinstance(wanted, str) else wanted
    return JsonRule(query, what, f"{operator} {shown(wanted)}", operator, operand)


def judge_all(watch: Watch, content: Content, every: tuple[JsonRule, ...]) -> bool:
    """Read the body as JSON and judge every rule; a body that is no JSON is one failure. Return whether it is."""
    try:
        document = _read(content)
    except ValueError as error:
        watch.expect("body", "JSON", f"{content.quoted()} ({error})", False, Code.JSON_INVALID)
        return False
    for rule in every:
        rule.judge(watch, document)
    return True


def read_json(content: Content) -> object:
    """Return the body's JSON. Raises `Stop` when it is none."""
    try:
        return _read(content)
    except ValueError as error:
        raise Stop(Code.JSON_INVALID, f"the body is no JSON: {content.quoted()} ({error})") from None


def _read(content: Content) -> object:
    if len(content.raw) > MAX_JSON:
        raise ValueError(f"{len(content.raw)} bytes are more than the {MAX_JSON} that are read as JSON")
    if len(content.raw) > MAX_VALUES and sum(map(content.raw.count, _BEFORE_VALUES)) > MAX_VALUES:
        raise ValueError(f"it holds more than {MAX_VALUES} values")
    try:
        return json.loads(content.raw, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def find_first(query: JSONPath, document: object) -> str | None:
    """Return the first value at a path as text, or None. Raises `Stop` when looking for it is too much."""
    found, trouble = _find(query, document)
    if trouble:
        raise Stop(Code.CAPTURE_MISSING, f"{query} finds {trouble}")
    if not found or found[0] is None:
        return None
    try:
        return found[0] if isinstance(found[0], str) else json.dumps(found[0])
    except (ValueError, RecursionError):
        raise Stop(Code.CAPTURE_MISSING, f"{query} is nested too deeply") from None


def _refuse_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _find(path: JSONPath, document: object) -> tuple[list[object], str]:
    from jsonpath import JSONPathError

    try:
        found = [match.obj for match in islice(path.finditer(document), MAX_FOUND + 1)]  # type: ignore[arg-type]
    except (JSONPathError, RecursionError, ValueError) as error:
        return [], f"an error: {str(error).partition(chr(10))[0]}"
    return (found, "") if len(found) <= MAX_FOUND else ([], f"more than {MAX_FOUND} values")


def shown(value: object) -> str:
    """Return a JSON value, short and printable."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list | dict) and len(value) > MAX_SHOWN:
        return f"{'a list' if isinstance(value, list) else 'an object'} of {len(value)}"
    try:
        text = json.dumps(value)
    except (ValueError, RecursionError):
        return "a value too deep to show"
    return text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "..."
