"""Faults between parts of the file: names that dangle, names given twice, counts that can never be reached.

Works on plain values and trusts nothing about them, so that these faults are told with those of the shape.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from hashlib import sha256
from typing import Any

from pydantic_core import PydanticCustomError

from checks.core.check import Check

from .contract_names import check_contracts
from .delivery_names import check_delivery
from .faults import MAX_HINTS, did_you_mean, quote
from .resolve import DEFAULT_REGION, HUB_REGION
from .terms import Quorum, read_quorum
from .yaml_values import Path, Tree

_Mapping = dict[str, Any]  # Any: whatever the file holds
_ABOUT_RUNS = ("interval", "timeout", "regions", "schedule", "confirm", "recheck", "down_when", "min_regions")
"""Keys that say how an agent runs a check."""


class Names:
    """Check one document; every fault goes to the tree. What contracts name is in `contract_names`."""

    def __init__(self, tree: Tree, document: object, kinds: Mapping[str, type[Check[Any]]]) -> None:
        self.tree = tree
        self._document: _Mapping = document if isinstance(document, dict) else {}
        self._kinds = kinds
        self._hints = 0
        self._tokens: dict[str, Path] = {}
        regions = self._document.get("regions")
        self.regions = (
            [str(name) for name in regions] if isinstance(regions, dict) and regions else [DEFAULT_REGION]
        )
        self.probes = self._named("probes")
        self.services = self._named("services")
        self.customers = self._named("customers")

    def check(self) -> None:
        """Look at every section."""
        defaults = self._document.get("defaults")
        defaults = defaults if isinstance(defaults, dict) else {}
        self.each(("defaults", "regions"), defaults.get("regions"), "region", self.regions)
        self._check_region_tokens()
        for path, probe in self.rows("probes"):
            self._check_probe(path, probe, defaults)
        for path, service in self.rows("services"):
            self._check_service(path, service)
        check_contracts(self, list(self.rows("contracts")))
        check_delivery(self, self._document)
        for path, maintenance in self.rows("maintenance"):
            self.each((*path, "services"), maintenance.get("services"), "service", self.services)

    def _check_probe(self, path: Path, probe: _Mapping, defaults: _Mapping) -> None:
        present = [kind for kind in probe if kind in self._kinds and probe[kind] is not None]
        if len(present) > 1:
            message = f"a second kind of check beside {present[0]}"
            self.tree.fault((*path, present[1]), message, "make it a probe of its own", at_key=True)
        elif not present and not self._misspelt_kind(path, probe):
            self.tree.fault(path, "no kind of check", f"add one of {', '.join(sorted(self._kinds))}")
        if present and self._kinds[present[0]].passive:
            self._check_told(path, probe, present[0])
            return
        self.each((*path, "regions"), probe.get("regions"), "region", self.regions)
        regions = probe.get("regions") or defaults.get("regions")
        count = len(regions) if isinstance(regions, list) else len(self.regions)
        owner: Path = path if "down_when" in probe else ("defaults",)
        quorum = probe["down_when"] if "down_when" in probe else defaults.get("down_when")
        self._reachable((*owner, "down_when"), quorum, count, "regions", ("any", "majority", "all"))
        owner = path if "min_regions" in probe else ("defaults",)
        fewest = probe["min_regions"] if "min_regions" in probe else defaults.get("min_regions")
        self._reachable((*owner, "min_regions"), fewest, count, "regions", ())

    def _check_region_tokens(self) -> None:
        """A token opens one region: what two have would open neither."""
        regions = self._document.get("regions")
        taken: dict[str, Path] = {}
        for name, block in regions.items() if isinstance(regions, dict) else ():
            for place, digest in _tokens(("regions", name), block if isinstance(block, dict) else {}):
                if taken.setdefault(digest, place)[1] != name:
                    line = self.tree.walk(taken[digest])[2].start_mark.line + 1
                    self.tree.fault(
                        place, "another region has this token", f"first on line {line}; give each its own"
                    )

    def _check_told(self, path: Path, probe: _Mapping, kind: str) -> None:
        """Look at a probe whose job calls us: no agent runs it, and its token names it alone."""
        for key in _ABOUT_RUNS:
            if key in probe:
                hint = f"write period in the {kind} block" if key == "interval" else "leave it out"
                message = f"no agent runs a {kind}, so it has no {key}"
                self.tree.fault((*path, key), message, hint, at_key=True)
        if HUB_REGION in self.regions:
            self.tree.fault(
                ("regions", HUB_REGION),
                f"the name is taken: a {kind} is there",
                "name it otherwise",
                at_key=True,
            )
        block, place = probe[kind], (*path, kind, "token")
        token = block.get("token") if isinstance(block, dict) else None
        if not isinstance(token, str) or self.tree.is_broken(place):
            return
        if token in self._tokens:
            line = self.tree.walk(self._tokens[token])[2].start_mark.line + 1
            self.tree.fault(
                place, "another probe has this token", f"first on line {line}; give each job its own"
            )
        self._tokens.setdefault(token, place)

    def _misspelt_kind(self, path: Path, probe: _Mapping) -> bool:
        for kind in probe:
            if kind in self._kinds:  # present, but empty
                self.tree.fault((*path, kind), "is empty; expected a mapping of keys to values")
                return True
        return any(did_you_mean(key, self._kinds).startswith("did") for key in probe if len(key) < 16)

    def _check_service(self, path: Path, service: _Mapping) -> None:
        members = service.get("probes")
        self.each((*path, "probes"), members, "probe", self.probes)
        if isinstance(members, list):
            self._reachable(
                (*path, "up_when"), service.get("up_when"), len(members), "probes", ("all", "any")
            )

    def _reachable(self, path: Path, value: object, total: int, what: str, words: tuple[str, ...]) -> None:
        quorum = _quorum(value if (origin := self.tree.origin(path)) is None else origin.typed, words)
        if quorum is None or quorum.count is None:
            return
        there = f"there is 1 {what[:-1]}" if total == 1 else f"there are {total} {what}"
        if quorum.of is not None and quorum.of != total:
            self.tree.fault(path, f"written for {quorum.of} {what}, but {there}")
        elif quorum.count > total:
            self.tree.fault(path, f"can never be reached: {there}")

    def each(self, path: Path, names: object, what: str, known: Collection[str]) -> None:
        """Do the same for a list of names; one that is there twice is a fault too."""
        if not isinstance(names, list):
            return
        seen: set[str] = set()
        for number, name in enumerate(names):
            self.known((*path, number), name, what, known)
            if isinstance(name, str) and name in seen:
                self.tree.fault(
                    (*path, number), f"the {what} {self.shown((*path, number), name)} is named twice"
                )
            seen.update([name] if isinstance(name, str) else [])

    def known(
        self, path: Path, name: object, what: str, known: Collection[str], *, at_key: bool = False
    ) -> None:
        """Find fault with the name at a path if it is a text and not one of the known ones."""
        if not isinstance(name, str) or name in known or self.tree.is_broken(path):
            return
        if self._is_shapeless(f"{what}s"):  # its section is no list: that is the fault, not the name
            return
        self._hints += 1
        shown = self.shown(path, name)
        hint = did_you_mean(name, known) if self._hints <= MAX_HINTS and shown == quote(name) else ""
        self.tree.fault(path, f"no {what} is named {shown}", hint, at_key=at_key)

    def _is_shapeless(self, section: str) -> bool:
        rows = self._document.get(section)
        return rows is not None and not isinstance(rows, dict if section == "regions" else list)

    def shown(self, path: Path, name: str) -> str:
        """Return a name as a fault shows it; what came from outside the file stays hidden."""
        source = self.tree.outside_below(path)
        return f"what {source} holds" if source else quote(name)

    def _named(self, section: str) -> dict[str, Path]:
        """Return the names of a section in order; a name given twice is a fault."""
        names: dict[str, Path] = {}
        for path, row in self.rows(section):
            name, place = row.get("name"), (*path, "name")
            if not isinstance(name, str) or self.tree.is_broken(place):
                continue
            if name in names:
                line = self.tree.walk(names[name])[2].start_mark.line + 1
                self.tree.fault(
                    place, f"the name {self.shown(place, name)} is taken", f"first on line {line}"
                )
            names.setdefault(name, place)
        return names

    def rows(self, section: str) -> Iterator[tuple[Path, _Mapping]]:
        """Yield the rows of a section that are mappings, each with its path."""
        rows = self._document.get(section)
        for number, row in enumerate(rows if isinstance(rows, list) else []):
            if isinstance(row, dict):
                yield (section, number), row


def _quorum(value: object, words: tuple[str, ...]) -> Quorum | None:
    """Read a quorum, or return None: that it is unusable is reported with the shape."""
    try:
        return read_quorum(value, words)
    except PydanticCustomError:
        return None


def _tokens(path: Path, block: _Mapping) -> Iterator[tuple[Path, str]]:
    """Yield the places of a region's tokens, and their hashes."""
    for key in ("token", "token_sha256"):
        value = block.get(key)
        for number, token in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(token, str):
                place = (*path, key, number) if isinstance(value, list) else (*path, key)
                yield place, sha256(token.encode()).hexdigest() if key == "token" else token
