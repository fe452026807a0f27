"""A validator for the part of JSON Schema that our API document uses; any other keyword is an error of the test."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

_TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "number": (int, float),
    "integer": int,
}
_IGNORED = {"title", "description", "examples", "default", "format"}
_HANDLED = {"$ref", "anyOf", "type", "enum", "const", "properties", "required", "additionalProperties", "items",
            "minimum", "maximum", "minLength", "pattern"}  # fmt: skip


def faults(
    value: Any, schema: Mapping[str, Any], components: Mapping[str, Any], at: str = "$"
) -> Iterator[str]:
    """Yield where a value differs from its schema."""
    unknown = schema.keys() - _IGNORED - _HANDLED
    assert not unknown, f"the validator does not know {unknown}"
    if "$ref" in schema:
        yield from faults(value, components[schema["$ref"].rpartition("/")[2]], components, at)
    if "anyOf" in schema and all(list(faults(value, one, components, at)) for one in schema["anyOf"]):
        yield f"{at}: fits none of {len(schema['anyOf'])}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not in {schema['enum']}"
    if "type" in schema and not _fits(value, schema["type"]):
        yield f"{at}: {value!r} is no {schema['type']}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} does not fit the pattern"
    if isinstance(value, dict):
        yield from _object(value, schema, components, at)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from faults(item, schema.get("items", {}), components, f"{at}[{place}]")


def _fits(value: Any, name: str) -> bool:
    return isinstance(value, _TYPES[name]) and not (name in ("integer", "number") and isinstance(value, bool))


def _object(
    value: dict[str, Any], schema: Mapping[str, Any], components: Mapping[str, Any], at: str
) -> Iterator[str]:
    known, more = schema.get("properties", {}), schema.get("additionalProperties", True)
    yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
    for name, item in value.items():
        if name in known:
            yield from faults(item, known[name], components, f"{at}.{name}")
        elif more is False:
            yield f"{at}: {name} is not described"
        elif isinstance(more, dict):
            yield from faults(item, more, components, f"{at}.{name}")
