"""The reference page `docs/configuration.md`, rendered from the models: every key, type, default and meaning.

`python -m prober.config.document > docs/configuration.md` writes it; a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from checks.core.check import KINDS

from .reference import Tables, one_line
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


class _Page(Tables):
    """Walks the schema from the top; each model is described where it is met first."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(schema)
        self._described: set[str] = set()
        for kind in KINDS:  # options of checks have a page of their own
            field = schema["$defs"]["Probe"]["properties"][kind]
            field["description"] = f"Watch it with this check, see [checks](checks.md#{kind})."
            self._described.update(reference for reference, _ in self.references(field))

    def sections(self) -> Iterator[str]:
        """Yield the page's text, one top level key after the other."""
        for name, field in self.schema["properties"].items():
            yield f"## `{name}`\n"
            if description := field.get("description"):
                yield one_line(description) + "\n"
            yield from self._blocks(field, name, 3, is_described=bool(description))

    def _blocks(self, field: Schema, path: str, level: int, *, is_described: bool = False) -> Iterator[str]:
        """Describe the models that may stand at a path, and then those inside them."""
        for reference, suffix in self.references(field):
            definition = self.schema["$defs"][reference]
            if not definition.get("properties") or reference in self._described:
                continue
            self._described.add(reference)
            if level > 3 or suffix:
                yield f"{'#' * level} `{path}{suffix}`\n"
            if (description := definition.get("description")) and not (is_described and not suffix):
                yield one_line(description) + "\n"
            yield from self.table(definition)
            for name, below in definition["properties"].items():
                yield from self._blocks(below, f"{path}{suffix}.{name}", min(level + 1, 5))


if __name__ == "__main__":
    sys.stdout.write(render())
