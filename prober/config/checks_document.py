"""The reference page `docs/checks.md`: every kind of check with its options, phases and failure codes.

`python -m prober.config.checks_document > docs/checks.md` writes it; a test compares the two.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from checks.core.check import COMMON_CODES, KINDS, Check
from checks.core.code_words import MEANINGS
from checks.core.failures import Code

from .reference import Tables, one_line
from .schema import Schema, plain_schema

_INTRODUCTION = """\
# Checks

A probe has one key that is a kind of check; what stands below it are the options on this page. It is made from the
program: `python -m prober.config.checks_document > docs/checks.md`.

- `prober check URL` looks once without a configuration, `prober check NAME` as configured; both show every phase.
- A *phase* that was not reached is absent from a result, never 0. The duration of a run is the sum of its phases.
- A *failure code* is one of a closed list and never renamed. Codes that begin with `agent_` are the prober's own
  trouble: they make a run VOID, which is neither up nor down. A warning makes it WARN, which counts as up, any other
  failure FAIL. Some codes warn only where the option says so (`warn_...`).
- *Durations* are texts such as `800ms`, `30s`, `5m`; *sizes* such as `64KiB`; a *secret* may also come from a file by
  `KEY_file: PATH` or from the environment by `${NAME}`. Regular expressions are RE2: no lookaround, and none can hang.
"""
_WARNINGS = frozenset({Code.TLS_EXPIRING, Code.DOMAIN_EXPIRING, Code.SLOW})


def render() -> str:
    """Return the page."""
    page = _Page(plain_schema())
    return "\n".join([_INTRODUCTION, *page.sections(), *_codes()]).rstrip() + "\n"


class _Page(Tables):
    """The kinds in the order of their names. Blocks that several of them have stand once, behind them."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(schema)
        probe = schema["$defs"]["Probe"]["properties"]
        self._tops = {kind: next(self.references(probe[kind]))[0] for kind in sorted(KINDS)}
        uses = Counter(block for top in self._tops.values() for block in self._below(top))
        self._shared = sorted(block for block, count in uses.items() if count > 1)

    def sections(self) -> Iterator[str]:
        """Yield the page's text after its introduction."""
        yield from self._overview()
        for kind in self._tops:
            yield from self._kind(kind, KINDS[kind])
        yield "## Blocks of several kinds\n"
        for block in self._shared:
            yield from self._block(f"### {_title(block)}\n", block)

    def type_words(self, field: Schema) -> str:
        """Name a shared block by a link to its table."""
        if "$ref" in field and (name := field["$ref"].rpartition("/")[2]) in self._shared:
            return f"[{_title(name)}](#{_title(name).lower().replace(' ', '-')})"
        return super().type_words(field)

    def _overview(self) -> Iterator[str]:
        yield "| kind | what it does | phases | `prober check` |\n| --- | --- | --- | --- |"
        for kind in self._tops:
            check = KINDS[kind]
            schemes = ", ".join(f"`{scheme}:`" for scheme in check.schemes)
            yield f"| [`{kind}`](#{kind}) | {_summary(check)} | {', '.join(check.phases)} | {schemes} |"
        yield ""

    def _kind(self, kind: str, check: type[Check[Any]]) -> Iterator[str]:
        yield f"## `{kind}`\n"
        yield f"{_summary(check)} Example: [{kind}.yaml](examples/{kind}.yaml).\n"
        top = self._tops[kind]
        if description := self.schema["$defs"][top].get("description"):
            yield one_line(description) + "\n"
        yield from self.table(self.schema["$defs"][top])
        for path, block in self._own(top, kind, {top}):
            yield from self._block(f"#### `{path}`\n", block)
        yield f"Phases: {', '.join(f'`{phase}`' for phase in check.phases) or 'none'}.\n"
        yield f"Failure codes: {', '.join(f'`{code}`' for code in Code if code in check.codes)}.\n"

    def _block(self, heading: str, block: str) -> Iterator[str]:
        yield heading
        definition = self.schema["$defs"][block]
        if description := definition.get("description"):
            yield one_line(description) + "\n"
        yield from self.table(definition)

    def _own(self, top: str, path: str, seen: set[str]) -> Iterator[tuple[str, str]]:
        """Yield path and name of the blocks below one, but not of shared ones."""
        for name, field in self.schema["$defs"][top].get("properties", {}).items():
            for block, suffix in self.references(field):
                if block in seen or block in self._shared or not self._has_keys(block):
                    continue
                seen.add(block)
                yield f"{path}.{name}{suffix}", block
                yield from self._own(block, f"{path}.{name}{suffix}", seen)

    def _below(self, top: str) -> set[str]:
        """Return every block at or below one."""
        found: set[str] = set()
        waiting = [top]
        while waiting:
            for field in self.schema["$defs"][waiting.pop()].get("properties", {}).values():
                fresh = {name for name, _ in self.references(field) if self._has_keys(name)} - found
                found |= fresh
                waiting += fresh
        return found

    def _has_keys(self, block: str) -> bool:
        return bool(self.schema["$defs"][block].get("properties"))


def _codes() -> Iterator[str]:
    yield "## Failure codes\n"
    yield "| code | outcome | kinds | meaning |\n| --- | --- | --- | --- |"
    for code in Code:
        kinds = [kind for kind in sorted(KINDS) if code in KINDS[kind].codes]
        shown = "all" if code in COMMON_CODES else ", ".join(kinds)
        yield f"| `{code}` | {_outcome(code)} | {shown} | {MEANINGS[code]} |"


def _outcome(code: Code) -> str:
    if code.value.startswith("agent_"):
        return "VOID"
    return "WARN" if code in _WARNINGS else "FAIL"


def _summary(check: type[Check[Any]]) -> str:
    return one_line((check.__doc__ or "").partition("\n\n")[0])


def _title(block: str) -> str:
    """Return a model's name as words: `TlsOptions` is `TLS options`."""
    words = "".join(f" {sign.lower()}" if sign.isupper() else sign for sign in block).strip()
    return words.capitalize().replace("Tls", "TLS")


if __name__ == "__main__":
    sys.stdout.write(render())
