"""From what was read to the text of a file: checked by our own reader, so that what is written can be used.

Probes, regions and customers that the contracts name are for the user to have: stand-ins take their place in the
check, and the top of the file lists them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prober.config import ConfigError, load_text
from prober.config.faults import Fault
from prober.config.foreign import neat_yaml, to_yaml
from prober.imports.draft import Note, Raw

from .read import Found, Read

HEADER = "Made by prober import from openslo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchanged:
    """The text of the new file, how many contracts it has, and what could not be carried over."""

    text: str
    contracts: int
    notes: tuple[Note, ...]


def finish(read: Read) -> Exchanged:
    """Check everything, leave out with a note what our reader refuses, and write the rest."""
    kept = list(read.contracts)
    while kept and (faults := _faults(read, kept)):
        kept = _without(read, kept, faults)
    services = _services(read, kept)
    sections = {"services": services, "contracts": [found.raw for found in kept]}
    text = "".join(f"# {line}\n" for line in _top(read, kept))
    text += "\n".join(_section(name, rows) for name, rows in sections.items())
    return Exchanged(text=text, contracts=len(kept), notes=tuple(sorted(set(read.draft.notes))))


def _section(name: str, rows: Sequence[Raw]) -> str:
    if not rows:
        return f"{name}: []\n"
    texts = [neat_yaml({name: [_plain(row)]}).removeprefix(f"{name}:\n") for row in rows]
    return f"{name}:\n" + "\n".join(texts)


def _plain(value: Any) -> Any:  # Any: what a configuration holds
    """Return a value whose texts hold no reference to the environment."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, dict):
        return {key: _plain(below) for key, below in value.items()}
    return [_plain(below) for below in value] if isinstance(value, list) else value


def _services(read: Read, kept: Iterable[Found]) -> list[Raw]:
    used = {name for found in kept for name in _named(found.raw)}
    return [raw for name, raw in read.services.items() if name in used]


def _named(raw: Raw) -> list[str]:
    several = raw.get("services")
    return [raw["service"]] if "service" in raw else [*several] if isinstance(several, list) else []


def _faults(read: Read, kept: Sequence[Found]) -> tuple[Fault, ...]:
    """Return what our reader says of the file beside stand-ins for all that it names."""
    services = _services(read, kept)
    rows = [found.raw for found in kept]
    whole = {
        "regions": {name: {"local": True} for name in _regions(rows)},
        # Runs that come often, so that no length of time in a contract is too short for them.
        "defaults": {"interval": "1s", "timeout": "500ms"},
        "probes": [{"name": name, "tcp": {"address": "stand-in.example:1"}} for name in _probes(services)],
        "services": services,
        "customers": [{"name": name} for name in _customers(rows)],
        "contracts": rows,
    }
    try:
        load_text(to_yaml(_plain(whole)), "import", _NoVariables())
    except ConfigError as error:
        return error.faults
    return ()


class _NoVariables(Mapping[str, str]):
    """An environment without variables: what is on this machine decides nothing."""

    def __getitem__(self, name: str) -> str:
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _without(read: Read, kept: list[Found], faults: Sequence[Fault]) -> list[Found]:
    """Return the contracts without those at fault, each with a note; without all of them if it is none's fault."""
    wrong: set[int] = set()
    services = _services(read, kept)
    for fault in faults:
        section, _, rest = fault.path.partition(".")
        number, _, where = rest.partition(".")
        hint = f" ({fault.hint})" if fault.hint else ""
        said = f"{where or section}: {fault.message}{hint}"
        if section == "contracts" and number.isdigit():
            found = kept[int(number)]
            read.draft.note(found.line, f"{found.raw.get('name')} is left out: {said}")
            wrong.add(int(number))
        elif section == "services" and number.isdigit():
            name = services[int(number)]["name"]
            for place, found in enumerate(kept):
                if name in _named(found.raw):
                    read.draft.note(
                        found.line, f"{found.raw.get('name')} is left out: service {name}: {said}"
                    )
                    wrong.add(place)
        else:
            read.draft.note(kept[0].line, f"left out: {fault.path}: {said}")
    return [found for place, found in enumerate(kept) if place not in wrong] if wrong else []


def _top(read: Read, kept: Sequence[Found]) -> list[str]:
    rows = [found.raw for found in kept]
    needs = {
        "probes": _probes(_services(read, kept)),
        "regions": _regions(rows),
        "customers": _customers(rows),
    }
    lines = [f"{HEADER}. Put its sections into your probes.yaml."]
    return lines + [f"It needs {what}: {', '.join(names)}" for what, names in needs.items() if names]


def _probes(services: Iterable[Raw]) -> list[str]:
    return _texts(name for raw in services for name in _list(raw.get("probes")))


def _customers(rows: Iterable[Raw]) -> list[str]:
    return _texts(name for raw in rows for name in _list(raw.get("customers")))


def _regions(rows: Iterable[Raw]) -> list[str]:
    named = [name for raw in rows for name in _list(raw.get("regions"))]
    for raw in rows:
        method = raw.get("method")
        weighted = method.get("weighted") if isinstance(method, dict) else None
        if isinstance(weighted, dict) and weighted.get("by") == "regions":
            named += weighted.get("weights") or {}
    return _texts(named)


def _list(value: object) -> list[Any]:  # Any: as above
    return value if isinstance(value, list) else []


def _texts(values: Iterable[object]) -> list[str]:
    return list(dict.fromkeys(value for value in values if isinstance(value, str)))
