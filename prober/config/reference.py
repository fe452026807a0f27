"""Tables of options for the reference pages, made from the JSON Schema of the models.

Here: how a field's type, default and meaning are put in words. Not here: which page shows what.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from .schema import Schema


class Tables:
    """What a schema's fields are, in words."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema

    def table(self, definition: Schema) -> Iterator[str]:
        """Yield the table of a model's keys."""
        required = definition.get("required", [])
        yield "| key | value | default | meaning |\n| --- | --- | --- | --- |"
        for name, field in definition["properties"].items():
            default = "required" if name in required else _default(field)
            cells = [f"`{name}`", self.type_words(field), default, one_line(field.get("description", ""))]
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""

    def references(self, field: Schema, suffix: str = "") -> Iterator[tuple[str, str]]:
        """Yield the models that a field may hold, each with what follows the field's path (`[]`, `.NAME`)."""
        if "$ref" in field:
            yield field["$ref"].rpartition("/")[2], suffix
        for option in field.get("anyOf", []) + field.get("oneOf", []):
            yield from self.references(option, suffix)
        if isinstance(field.get("items"), dict):
            yield from self.references(field["items"], suffix + "[]")
        for below in _values(field):
            yield from self.references(below, suffix + ".NAME")

    def type_words(self, field: Schema) -> str:
        """Return what a field takes, in words."""
        if "$ref" in field:
            definition = self.schema["$defs"][field["$ref"].rpartition("/")[2]]
            return "mapping" if definition.get("type") == "object" else self.type_words(definition)
        options = field.get("anyOf") or field.get("oneOf")
        if options:
            said = [self.type_words(option) for option in options if option.get("type") != "null"]
            return " or ".join(dict.fromkeys(said))
        if field.get("type") == "array":
            return (
                f"list of {self.type_words(field['items'])}"
                if isinstance(field.get("items"), dict)
                else "list"
            )
        if field.get("type") == "object":
            values = [self.type_words(below) for below in _values(field)]
            return f"mapping of names to {values[0]}" if values else "mapping"
        return _scalar_type(field)


_SCALARS = {"string": "text", "integer": "whole number", "number": "number", "boolean": "true or false"}
_FORMATS = {
    "duration-text": "duration",
    "size-text": "size",
    "password": "secret",
    "date-time": "instant",
    "date": "date",
}


def _values(field: Schema) -> list[Schema]:
    """Return the schemas of what a mapping with free keys holds."""
    further = field.get("additionalProperties")
    return [
        *field.get("patternProperties", {}).values(),
        *([further] if isinstance(further, dict) and further else []),
    ]


def _scalar_type(field: Schema) -> str:
    if "const" in field or "enum" in field:
        values = field.get("enum", [field.get("const")])
        return ", ".join(
            f"`{value}`" if isinstance(value, str) else f"`{json.dumps(value)}`" for value in values
        )
    if field.get("format") in _FORMATS:
        return _FORMATS[field["format"]]
    words = _SCALARS.get(field.get("type", ""), "anything")
    if "minimum" in field and "maximum" in field:
        words += f" from {field['minimum']} to {field['maximum']}"
    if examples := field.get("examples"):
        words += ", such as " + " or ".join(f"`{example}`" for example in examples)
    return words


def _default(field: Schema) -> str:
    default = field.get("default")
    if default is None or default in ([], {}):
        return ""
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"


def one_line(text: str) -> str:
    """Return a text without its line breaks."""
    return " ".join(text.split())
