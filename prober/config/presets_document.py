"""The page `docs/presets.md`, made from the table of presets.

`python -m prober.config.presets_document > docs/presets.md` writes it; a test compares the two.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping

from .presets import PRESETS, Preset

_INTRODUCTION = """\
# Presets

`preset: NAME` in a contract begins with the wording of a well-known provider. A key of your own replaces the preset's
key as a whole, so `maintenance: {notice: 24h}` leaves nothing of the preset's `maintenance`. This page is made from the
program: `python -m prober.config.presets_document > docs/presets.md`.

```yaml
contracts:
  - {name: hosting, service: shop, customers: [acme], preset: github-2021, timezone: Europe/Berlin}
```

A preset is a start and not the contract: providers change their texts, and leave things open that figures cannot. Each
preset says which text it follows and of what date, how it reads what is open, and what it cannot say. What was not read
is not in it. Where a preset has no `claim`, the contract must have one.

- Providers count their customers' requests or users; checks count checks. A share of failed attempts in a minute
  means little where a minute has two of them.
- Who may claim, and when, who pays, and every exclusion by cause stay with the contract.
"""


def render() -> str:
    """Return the page."""
    rows = [
        f"| [`{preset.name}`](#{preset.name}) | {preset.title} | {preset.dated} | "
        f"{preset.terms.get('claim', 'none')} | {preset.terms['window']} | {_method(preset)} |"
        for preset in PRESETS.values()
    ]
    head = "| preset | what | text of | claim | window | method |\n| --- | --- | --- | --- | --- | --- |"
    parts = [
        _INTRODUCTION,
        head,
        *rows,
        "",
        *(line for preset in PRESETS.values() for line in _section(preset)),
    ]
    return "\n".join(parts).rstrip() + "\n"


def _method(preset: Preset) -> str:
    method = preset.terms["method"]
    return method if isinstance(method, str) else next(iter(method))


def _section(preset: Preset) -> Iterator[str]:
    yield f"## {preset.name}\n"
    yield f"{preset.title}. Source: {preset.source} ({preset.dated}).\n"
    yield "```yaml"
    yield from (f"{key}: {_flow(value)}" for key, value in preset.terms.items())
    yield "```\n"
    for title, sentences in (("Read as", preset.choices), ("Not expressed", preset.unsaid)):
        if sentences:
            yield f"{title}:\n"
            yield from (f"- {sentence}" for sentence in sentences)
            yield ""


def _flow(value: object) -> str:
    """Write a value as YAML on one line."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str):
        return f'"{value}"' if "%" in value else value
    return json.dumps(value)


if __name__ == "__main__":
    sys.stdout.write(render())
