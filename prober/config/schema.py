"""The JSON Schema of the configuration, for editors and for the reference documentation.

Here: what pydantic cannot say by itself (defaults as people write them, `*_file` keys, one kind a probe,
references to the environment). Not here: the models.
"""

from __future__ import annotations

import copy
from fractions import Fraction
from typing import Any, TypeAlias

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import core_schema

from checks.core.check import KINDS
from checks.core.values import format_duration

from .attribute_texts import field_texts
from .contract_terms import Denominator, Window, format_percent
from .model import document_model
from .terms import Address, Quorum

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Schema: TypeAlias = dict[str, Any]  # Any: JSON

_REFERENCE = {"type": "string", "pattern": r"\$\{", "description": "A reference to the environment."}
_WRAPPED_TYPES = frozenset({"integer", "number", "boolean"})
_BY_WORD = frozenset({"pattern", "enum", "const", "format", "minLength"})
_MEMBERS = ("properties", "$defs", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLES = ("items", "additionalProperties")


class _Generator(GenerateJsonSchema):
    """Shows defaults as the file writes them, and describes fields by the texts below them."""

    def model_schema(self, schema: core_schema.ModelSchema) -> Schema:
        found = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        texts = field_texts(model)
        for name, field in model.model_fields.items():
            if name in texts:
                found["properties"][field.alias or name].setdefault("description", texts[name])
        return found

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, Quorum | Address | Window | Denominator):
            return str(dft)
        if isinstance(dft, Fraction):
            return format_percent(dft)
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json", by_alias=True, exclude_none=True)
        return super().encode_default(dft)


def json_schema() -> Schema:
    """Return the schema of a configuration file, draft 2020-12, with every known kind of check."""
    schema = plain_schema()
    references = _with_references(schema)
    return {"$schema": DIALECT, **references, "$defs": {**references["$defs"], "Reference": _REFERENCE}}


def plain_schema() -> Schema:
    """Return the schema without references to the environment, which suits documentation better."""
    schema = document_model().model_json_schema(by_alias=True, schema_generator=_Generator)
    schema["title"] = "Configuration of Prober"
    for block in [schema, *schema["$defs"].values()]:
        _finish(block)
    probe = schema["$defs"]["Probe"]
    kinds = sorted(KINDS)
    if kinds:
        probe["oneOf"] = [{"required": [kind]} for kind in kinds]
    probe["properties"] = _first(probe["properties"], ["name", "title", *kinds])
    schema["properties"] = _first(schema["properties"], ["regions", "defaults", "probes"])
    return schema


def _first(properties: Schema, names: list[str]) -> Schema:
    """Put the keys that people look for first in front."""
    return {name: properties[name] for name in [*names, *(name for name in properties if name not in names)]}


def _finish(block: Schema) -> None:
    properties = block.get("properties", {})
    for name in list(properties):
        field = properties[name]
        field.pop("title", None)
        _write_default(field)
        if _holds(field, "writeOnly"):
            properties.setdefault(
                f"{name}_file", _file_key(name, field)
            )  # some models read files of their own
            block["required"] = [key for key in block.get("required", []) if key != name]
    if not block.get("required", True):
        del block["required"]


def _write_default(field: Schema) -> None:
    default = field.get("default")
    if isinstance(default, bool) or not isinstance(default, int):
        return
    if _holds(field, "format", "duration-text"):
        field["default"] = format_duration(default)
    elif _holds(field, "format", "size-text"):
        field["default"] = _size_text(default)


def _size_text(size: int) -> str:
    for unit, factor in (
        ("GiB", 2**30),
        ("MiB", 2**20),
        ("KiB", 2**10),
        ("GB", 10**9),
        ("MB", 10**6),
        ("kB", 10**3),
    ):
        if size and size % factor == 0:
            return f"{size // factor}{unit}"
    return f"{size}B"


def _file_key(name: str, field: Schema) -> Schema:
    path: Schema = {"type": "string", "minLength": 1}
    takes_list = any(option.get("type") == "array" for option in field.get("anyOf", [field]))
    shape: Schema = {"anyOf": [path, {"type": "array", "items": path}]} if takes_list else path
    return {
        **shape,
        "description": f"A file that holds `{name}`, instead of it; one newline at its end is left out.",
    }


def _holds(field: Schema, key: str, value: object = True) -> bool:
    """Tell whether a field, or what it is a union or list of, has a keyword."""
    if field.get(key) == value:
        return True
    below = [*field.get("anyOf", []), *([field["items"]] if isinstance(field.get("items"), dict) else [])]
    return any(_holds(option, key, value) for option in below)


def _with_references(schema: Schema) -> Schema:
    """Let `${NAME}` stand wherever a value is more than any text."""
    schema = copy.copy(schema)
    for key in _MEMBERS:
        if key in schema:
            schema[key] = {name: _with_references(below) for name, below in schema[key].items()}
    for key in _LISTS:
        if key in schema and not all(set(option) == {"required"} for option in schema[key]):
            schema[key] = [_with_references(below) for below in schema[key]]
    for key in _SINGLES:
        if isinstance(schema.get(key), dict):
            schema[key] = _with_references(schema[key])
    if schema.get("type") in _WRAPPED_TYPES or (
        "properties" not in schema and not _BY_WORD.isdisjoint(schema)
    ):
        outer: Schema = {key: schema.pop(key) for key in ("default", "description") if key in schema}
        return {**outer, "anyOf": [schema, {"$ref": "#/$defs/Reference"}]}
    return schema
