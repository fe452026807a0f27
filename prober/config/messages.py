"""What pydantic found, in words for people, at the place where it stands in the file.

Here: types of errors to sentences, unions folded to one fault, values from outside kept out of every text.
Not here: faults between parts of the file (`names`).
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .faults import MAX_HINTS, did_you_mean, quote, without_credentials
from .shapes import fields_of, models_at, secret_keys
from .yaml_values import Path, Tree

_TEMPLATES = {
    "missing": "required, but missing",
    "extra_forbidden": "unknown key",
    "string_type": "expected text",
    "int_type": "expected a whole number",
    "int_parsing": "expected a whole number",
    "int_from_float": "expected a whole number",
    "float_type": "expected a number",
    "float_parsing": "expected a number",
    "bool_type": "expected true or false",
    "bool_parsing": "expected true or false",
    "list_type": "expected a list",
    "tuple_type": "expected a list",
    "set_type": "expected a list",
    "frozen_set_type": "expected a list",
    "dict_type": "expected a mapping of keys to values",
    "model_type": "expected a mapping of keys to values",
    "model_attributes_type": "expected a mapping of keys to values",
    "none_required": "expected nothing",
    "literal_error": "expected {expected}",
    "enum": "expected {expected}",
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "too_short": "needs at least {min_length}, has {actual_length}",
    "too_long": "takes at most {max_length}, has {actual_length}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "takes at most {max_length} characters",
    "string_pattern_mismatch": "does not match {pattern}",
}
_ABOUT_KEYS = frozenset({"missing", "extra_forbidden"})
_WRONG_TYPES = frozenset(kind for kind in _TEMPLATES if kind.endswith(("_type", "_parsing", "_from_float")))
_OWN = frozenset({"unusable", "duration", "duration_short", "duration_long", "size", "secret"})
"""Errors of our own types: their sentences never hold the value."""
_YAML_11_TRUTH = frozenset({"yes", "no", "on", "off", "y", "n"})


def report(error: ValidationError, tree: Tree, root: type[BaseModel]) -> None:
    """Add a fault to the tree for everything that is wrong, one for each place."""
    places: dict[Path, list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        places.setdefault(_place(details, tree), []).append(details)
    parents = {place[:length] for place in places for length in range(len(place))}
    for number, (place, found) in enumerate(places.items()):
        is_type = all(details["type"] in _WRONG_TYPES for details in found)
        if tree.is_broken(place) or (is_type and place in parents):
            # A wrong type where faults lie deeper: only the members of a union that were not meant.
            continue
        _report_place(place, found, tree, root if number < MAX_HINTS else None)


def typed_instead(error: ValidationError, tree: Tree) -> list[tuple[Path, object]]:
    """Return the values from outside that are wanted as a number or truth value, with that value."""
    changes: list[tuple[Path, object]] = []
    for details in error.errors(include_url=False):
        place = tree.walk(details["loc"])[0]
        origin = tree.origin(place)
        if details["type"] in _WRONG_TYPES and origin and not isinstance(origin.typed, str):
            changes.append((place, origin.typed))
    return changes


def _place(details: ErrorDetails, tree: Tree) -> Path:
    followed = tree.walk(details["loc"])[0]
    return (*followed, details["loc"][-1]) if details["type"] == "missing" else followed


def _report_place(place: Path, found: list[ErrorDetails], tree: Tree, root: type[BaseModel] | None) -> None:
    # Where one member of a union took the value and found fault with it, the others were not meant.
    found = [details for details in found if details["type"] not in _WRONG_TYPES] or found
    first = found[0]
    said = list(dict.fromkeys(_message(details, place, tree) for details in found))
    hints = (_hint(details, place, tree, root) for details in found) if root else iter(())
    hint = next(filter(None, hints), "")
    message = said[0] + "".join(f" or {other.removeprefix('expected ')}" for other in said[1:])
    tree.fault(
        place,
        without_credentials(message),
        hint,
        at_key=first["type"] in _ABOUT_KEYS or "[key]" in first["loc"],
    )


def _message(details: ErrorDetails, place: Path, tree: Tree) -> str:
    context = dict(details.get("ctx", {}))
    template = _TEMPLATES.get(details["type"])
    if template is not None:
        if details.get("input") is None and details["type"] in _WRONG_TYPES:
            return "is empty; " + template.format(**context)
        return template.format(**context)
    if details["type"] not in _OWN and (source := tree.outside_below(place)):
        return f"cannot be used; the value comes from {source} and is not shown"
    if details["type"] in ("value_error", "assertion_error"):
        return _plain(str(context.get("error", details["msg"])))
    return _plain(details["msg"])


def _plain(message: str) -> str:
    message = message.rstrip(".")
    # "URL is ..." keeps its capitals, "Input should ..." does not.
    return message[:1].lower() + message[1:] if re.match("[A-Z][a-z]", message) else message


def _hint(details: ErrorDetails, place: Path, tree: Tree, root: type[BaseModel]) -> str:
    kind, value = details["type"], details.get("input")
    if kind == "extra_forbidden":
        return did_you_mean(str(place[-1]), known_keys(root, place[:-1])) if place else ""
    if hint := details.get("ctx", {}).get("hint"):
        return "" if (origin := tree.origin(place)) and origin.name else str(hint)
    if kind == "string_type" and isinstance(value, bool | int | float):
        return "put it in quotes to make it text"
    if kind.startswith("bool") and isinstance(value, str) and value.lower() in _YAML_11_TRUTH:
        return "yes, no, on and off are text in YAML 1.2"
    options = re.findall("'([^']*)'", str(details.get("ctx", {}).get("expected", "")))
    if kind == "literal_error" and isinstance(value, int | float) and str(value) in options:
        return "put it in quotes to make it text"
    if kind in ("literal_error", "enum") and isinstance(value, str) and not tree.outside_below(place):
        nearest = did_you_mean(value, options)
        return nearest if nearest.startswith("did") else f"not {quote(value)}"
    return ""


def known_keys(root: type[BaseModel], path: Path) -> list[str]:
    """Return the keys that may stand in the mapping at a path, `*_file` keys included."""
    keys: list[Any] = []
    for model in models_at(root, path):
        keys += [key for key, _ in fields_of(model)]
        keys += [f"{key}_file" for key in sorted(secret_keys(model))]
    return keys
