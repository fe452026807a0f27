"""The reference page `docs/configuration.md`, rendered from the models: every key, type, default and meaning.

`python -m prober.config.document > docs/configuration.md` writes it; a test compares the two.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator

from .schema import Schema, plain_schema
from .settings import Settings, variable_name
from .terms import MAX_LABELS
from .yaml_nodes import MAX_FILE_BYTES

_INTRODUCTION = f"""\
# Configuration

Prober reads one YAML file: `probes.yaml`, unless `--config` or `PROBER_CONFIG` names another. This page is
made from the program: `python -m prober.config.document > docs/configuration.md`.

- `prober validate` tells every fault of a file at once, as `file:line:column: path: what is wrong (hint)`.
- `prober schema` prints the JSON Schema that editors use for completion.
- The file is YAML 1.2: `yes` and `no` are text, `012` is 12, `1:30` is text. Unknown keys and keys given
  twice are faults. Anchors, aliases and `<<` work. At most {MAX_FILE_BYTES // 1_000_000} MB long.
- `${{NAME}}` stands for an environment variable, `${{NAME:-default}}` gives a default, `$$` is a plain
  `$`. They work in values, not in keys. What comes from the environment is never shown in a fault.
- Wherever a secret may stand, `KEY_file: PATH` reads it from a file; a relative path starts where the
  configuration lies.
- A *duration* is text such as `800ms`, `30s`, `5m`, `1h30m`, `7d`; a *size* is text such as `64KiB`.
- A *name* has lower case letters, digits, `-` and `_`, at most 63, and starts with a letter or digit.
- A probe has at most {MAX_LABELS} labels.
"""


def render() -> str:
    """Return the page."""
    schema = plain_schema()
    lines = [_INTRODUCTION, *_settings(), *_Page(schema).sections()]
    return "\n".join(lines).rstrip() + "\n"


def _settings() -> Iterator[str]:
    yield "## Variables of the environment\n"
    yield "They win over the file. Others that start with `PROBER_` are ignored.\n"
    yield "| variable | sets |\n| --- | --- |"
    yield "| `PROBER_CONFIG` | the configuration file |"
    for section, group in Settings().model_dump(exclude={"config"}).items():
        for key in group:
            yield f"| `{variable_name((section, key))}` | `{section}.{key}` |"
    yield ""


class _Page:
    """Walks the schema from the top; each model is described where it is met first."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._described: dict[str, str] = {}

    def sections(self) -> Iterator[str]:
        """Yield the page's text, one top level key after the other."""
        for name, field in self._schema["properties"].items():
            yield f"## `{name}`\n"
            if description := field.get("description"):
                yield _one_line(description) + "\n"
            yield from self._blocks(field, name, 3, is_described=bool(description))

    def _blocks(self, field: Schema, path: str, level: int, *, is_described: bool = False) -> Iterator[str]:
        """Describe the models that may stand at a path, and then those inside them."""
        for reference, suffix in self._references(field):
            definition = self._schema["$defs"][reference]
            if not definition.get("properties") or reference in self._described:
                continue
            self._described[reference] = path + suffix
            if level > 3 or suffix:
                yield f"{'#' * level} `{path}{suffix}`\n"
            if (description := definition.get("description")) and not (is_described and not suffix):
                yield _one_line(description) + "\n"
            yield from self._table(definition)
            for name, below in definition["properties"].items():
                yield from self._blocks(below, f"{path}{suffix}.{name}", min(level + 1, 5))

    def _table(self, definition: Schema) -> Iterator[str]:
        required = definition.get("required", [])
        yield "| key | value | default | meaning |\n| --- | --- | --- | --- |"
        for name, field in definition["properties"].items():
            default = "required" if name in required else _default(field)
            cells = [f"`{name}`", self._type(field), default, _one_line(field.get("description", ""))]
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield ""

    def _references(self, field: Schema, suffix: str = "") -> Iterator[tuple[str, str]]:
        if "$ref" in field:
            yield field["$ref"].rpartition("/")[2], suffix
        for option in field.get("anyOf", []) + field.get("oneOf", []):
            yield from self._references(option, suffix)
        if isinstance(field.get("items"), dict):
            yield from self._references(field["items"], suffix + "[]")
        for below in _values(field):
            yield from self._references(below, suffix + ".NAME")

    def _type(self, field: Schema) -> str:
        if "$ref" in field:
            definition = self._schema["$defs"][field["$ref"].rpartition("/")[2]]
            return "mapping" if definition.get("type") == "object" else self._type(definition)
        options = field.get("anyOf") or field.get("oneOf")
        if options:
            said = [self._type(option) for option in options if option.get("type") != "null"]
            return " or ".join(dict.fromkeys(said))
        if field.get("type") == "array":
            return f"list of {self._type(field['items'])}" if isinstance(field.get("items"), dict) else "list"
        if field.get("type") == "object":
            values = [self._type(below) for below in _values(field)]
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


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.stdout.write(render())
