"""From a file of OpenSLO v1 to contracts and services as our configuration writes them.

Our own annotations give a contract back as it was; where the words of the document were changed since, they win, with
a note. Files of others become contracts with a stand-in for each indicator: which probe measures it, nobody has said.
Composites follow the rules of the specification: with Timeslices bad in one is bad; with RatioTimeslices the missing
parts add up by weight, which is `weighted` with another claim.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from prober.config.contracts import ContractBlock
from prober.config.documents import read_documents
from prober.config.sources import Item
from prober.imports.draft import Draft, Raw, slug, unread

from .annotated import Own, own_contract
from .budgeting import Form, method_from, percent, window_from
from .library import Document, Library, library
from .targets import Slo, Target, read_slo


@dataclass(frozen=True, slots=True)
class Found:
    """A contract as a file would hold it, and the line that it comes from."""

    raw: Raw
    line: int


@dataclass(slots=True)
class Read:
    """What a file gives."""

    draft: Draft = field(default_factory=Draft)
    services: dict[str, Raw] = field(default_factory=dict)
    contracts: list[Found] = field(default_factory=list)


def read_openslo(path: Path) -> Read:
    """Read a file; ConfigError if it cannot be read at all."""
    roots, name = read_documents(path)
    read = Read()
    Reader(read, library(roots, name, read.draft)).all(roots)
    return read


class Reader:
    """Goes through the SLOs of a file, and then through what none of them has asked for."""

    def __init__(self, read: Read, files: Library) -> None:
        self._read = read
        self._files = files
        self._draft = read.draft
        self._told: set[int] = set()
        self._asked: set[str] = set()
        self._services = {self._own_name(document): document for document in files.of("Service")}

    def all(self, roots: Sequence[Item]) -> None:
        """Read every SLO; then tell what of the file's documents was not read."""
        for document in list(self._files.of("SLO")):
            slo = read_slo(document, self._files)
            if slo is None:
                continue
            own = own_contract(slo, self._draft)
            found = self._own(slo, own) if own is not None else self._foreign(slo)
            self._read.contracts += found
        self._rest()
        unread(self._draft, roots, "not carried over")

    def _rest(self) -> None:
        words = {
            "DataSource": "how to reach a source of data is left behind",
            "AlertPolicy": "alerts are not carried over: prober rules makes them",
            "AlertCondition": "alerts are not carried over: prober rules makes them",
            "AlertNotificationTarget": "whom alerts tell is left behind",
        }
        for kind, text in words.items():
            for document in self._files.of(kind):
                if "made-by" not in document.marks:
                    self._draft.drop(document.item, f"{document}: {text}")
        for kind in ("SLI", "Service"):
            for document in self._files.of(kind):
                if f"{document}" not in self._asked:
                    self._draft.drop(document.item, f"{document}: no SLO that is carried over names it")

    def _own(self, slo: Slo, own: Own) -> list[Found]:
        indicators = [slo.indicator, *(target.indicator for target in slo.targets)]
        probes = [probe for indicator in indicators if indicator for probe in self._probes(indicator)]
        raw = dict(own.raw)
        several = raw.get("services")
        names = [name for name in several if isinstance(name, str)] if isinstance(several, list) else []
        names = names or [self._named(slo.service)]
        for name in names:
            if name in self._services:
                self._service(self._services[name], probes)
        for name in names:
            self._read.services.setdefault(name, {"name": name, "probes": list(dict.fromkeys(probes))})
        if not several:
            raw["service"] = names[0]
        return [Found(in_order(raw), slo.document.line)]

    def _foreign(self, slo: Slo) -> list[Found]:
        window = self._window(slo)
        if window is None:
            self._draft.drop(slo.document.item, f"{slo.document}: is left out")
            return []
        if not slo.service:
            self._tell(slo.document.line, slo, ["it names no service"])
        about = {"title": slo.document.title, "promise": slo.description, **window}
        if slo.is_composite:
            made = list(self._composite(slo))
        else:
            made = [(target, *self._single(slo, target)) for target in slo.targets]
        if not made:
            self._draft.note(slo.document.item, f"{slo.document}: no objective, so it is left out")
        found = []
        for number, (target, service, method, claim) in enumerate(made, 1):
            if claim is None:
                self._draft.note(target.line, f"{slo.document}: an objective without a target is left out")
                continue
            name = self._name(slo, target, number, len(made))
            raw = {"name": name, **about, "service": service, "claim": claim, "method": method}
            if len(made) > 1 and target.title:
                raw["title"] = f"{slo.document.title or slo.document.name}: {target.title}"
            found.append(Found(in_order(raw), target.line))
        return found

    def _single(self, slo: Slo, target: Target) -> tuple[str, object, str | None]:
        probes = self._probes(slo.indicator) if slo.indicator else [slug(slo.document.name) or "probe"]
        service = self._service_of(slo, probes)
        method, notes = method_from(form(slo, [target]))
        if target.weight is not None:
            notes.append("a compositeWeight without an indicator beside it means nothing")
        self._tell(target.line, slo, notes)
        return service, method, self._claim(slo, target, Fraction(1))

    def _composite(self, slo: Slo) -> Iterator[tuple[Target, str, object, str | None]]:
        targets = [target for target in slo.targets if target.indicator is not None]
        for target in slo.targets:
            if target.indicator is None:
                self._tell(
                    target.line, slo, ["an objective without an indicator among some with one: left out"]
                )
        if len({(target.target, target.slice_target, target.slice_window) for target in targets}) > 1:
            self._tell(targets[0].line, slo, ["parts with targets of their own become a contract each"])
            for target in targets:
                probes = self._probes(target.indicator) if target.indicator else []
                method, notes = method_from(form(slo, [target]))
                self._tell(target.line, slo, notes)
                yield target, self._service_of(slo, probes), method, self._claim(slo, target, Fraction(1))
            return
        weights: dict[str, Fraction] = {}
        for target in targets:
            for probe in self._probes(target.indicator) if target.indicator else ():
                weights[probe] = Fraction(target.weight if target.weight is not None else 1)
        together, whole, notes = composite(slo, targets[0], weights)
        self._tell(targets[0].line, slo, notes)
        yield targets[0], self._service_of(slo, list(weights)), together, self._claim(slo, targets[0], whole)

    def _claim(self, slo: Slo, target: Target, whole: Fraction) -> str | None:
        """Return the claim; `whole` is what the weights add up to, and the budget is shared by."""
        if target.target is None:
            return None
        share = Fraction(target.target) if target.target <= 1 else Fraction(1)
        if target.target >= 1:
            self._tell(target.line, slo, [f"{target.target} is no target below 1: 100% is taken"])
        claim = 1 - (1 - share) / whole
        text = percent(max(claim, Fraction(0)))
        if Fraction(Decimal(text.removesuffix("%"))) / 100 != claim:
            self._tell(target.line, slo, [f"its claim has no more than 12 decimals here: {text}"])
        return text

    def _window(self, slo: Slo) -> Raw | None:
        if slo.window is None:
            self._tell(slo.window_line, slo, ["no time window: a calendar month in UTC is taken"])
            return {"window": "month"}
        window, notes = window_from(slo.window)
        self._tell(slo.window_line, slo, notes)
        return {"window": str(window), "timezone": slo.window.zone} if window is not None else None

    def _probes(self, indicator: Document) -> list[str]:
        """Return the probes of an indicator; a stand-in with a note where nobody has said which they are."""
        self._asked.add(str(indicator))
        own = indicator.marks.get("probes")
        spec = indicator.spec if not indicator.item.is_scalar else None
        if isinstance(own, list) and own and all(isinstance(name, str) for name in own):
            if spec is not None:
                spec.drop()
            return own
        name = slug(indicator.name) or "probe"
        if spec is not None and id(indicator.item) not in self._told:
            sort = "a threshold" if spec.get("thresholdMetric") is not None else "a ratio"
            self._draft.drop(
                spec, f"{indicator}: its query ({sort}) is left behind: make a probe {name} that measures it"
            )
        self._told.add(id(indicator.item))
        return [name]

    def _service_of(self, slo: Slo, probes: Sequence[str]) -> str:
        """Return a service made of these probes: the SLO's own, or one more if that is made of others."""
        document = self._files.get("Service", slo.service)
        name = self._named(slo.service)
        wanted = list(dict.fromkeys(probes))
        if document is not None and name not in self._read.services:
            self._service(document, wanted)
        names = (
            name,
            *(f"{name}-{probes[0]}"[:58] + ("" if not number else f"-{number}") for number in range(1_000)),
        )
        for each in names:
            there = self._read.services.setdefault(each, {"name": each, "probes": wanted})
            if there["probes"] == wanted:
                return each
        return name

    def _service(self, document: Document, probes: Sequence[str]) -> None:
        self._asked.add(str(document))
        own = document.marks.get("service")
        raw: Raw = {"name": self._own_name(document)}
        description = document.spec.get("description") if document.spec is not None else None
        raw |= {"title": document.title, "description": description.text if description is not None else ""}
        if isinstance(own, dict):
            raw |= {key: value for key, value in own.items() if key not in ("name", "probes")}
            probes = own.get("probes") or probes
        raw["probes"] = list(probes)
        raw = {key: value for key, value in raw.items() if value not in ("", None)}
        self._read.services.setdefault(raw["name"], raw)

    def _named(self, service: str) -> str:
        document = self._files.get("Service", service)
        return self._own_name(document) if document is not None else slug(service) or "service"

    def _own_name(self, document: Document) -> str:
        own = document.marks.get("name")
        return own if isinstance(own, str) else slug(document.name) or "service"

    def _name(self, slo: Slo, target: Target, number: int, count: int) -> str:
        base = slug(slo.document.name) or "contract"
        more = slug(target.title or (target.indicator.name if target.indicator else "")) or str(number)
        wanted = f"{base}-{more}"[:58] if count > 1 else base
        taken = {found.raw["name"] for found in self._read.contracts}
        numbered = (wanted if not again else f"{wanted}-{again}" for again in (0, *range(2, 100_000)))
        return next(each for each in numbered if each not in taken)

    def _tell(self, line: int, slo: Slo, notes: Sequence[str]) -> None:
        for note in notes:
            self._draft.note(line, f"{slo.document}: {note}")


def form(slo: Slo, targets: Sequence[Target]) -> Form:
    """Return how an SLO is counted, as the export would write it."""
    first = targets[0]
    weighted = any(target.weight is not None for target in targets)
    return Form(
        slo.method,  # type: ignore[arg-type]  # `read_slo` lets no other pass
        slice_target=first.slice_target,
        slice_window=first.slice_window,
        weights=tuple((target.title, target.weight or Decimal(1)) for target in targets) if weighted else (),
    )


def composite(slo: Slo, first: Target, weights: dict[str, Fraction]) -> tuple[object, Fraction, list[str]]:
    """Return the method of a composite, what its budget is shared by, and notes."""
    if slo.method == "RatioTimeslices":
        whole = sum(weights.values(), Fraction(0))
        texts = {name: percent(weight / 100).removesuffix("%") for name, weight in weights.items()}
        method = {"weighted": {"by": "probes", "weights": texts}}
        notes = (
            [] if whole == 1 else ["missing parts add up there and are averaged here: the claim is restated"]
        )
        return method, whole or Fraction(1), notes
    alone, notes = method_from(form(slo, [first]))
    if slo.method == "Occurrences":
        notes.append("parts that burn one budget are counted as one sequence of attempts")
    if len(set(weights.values())) > 1:
        notes.append(f"weights mean nothing to {slo.method} here: they are left behind")
    return alone, Fraction(1), notes


def in_order(raw: Raw) -> Raw:
    """Return the keys of a contract in the order of the configuration's reference, empty ones left out."""
    order = [field.alias or name for name, field in ContractBlock.model_fields.items()]
    kept = {key: value for key, value in raw.items() if value not in ("", None, [], {})}
    method = kept.get("method")
    if method in ({"time": {}}, {"requests": {}}):
        kept["method"] = next(iter(method))
    return {key: kept[key] for key in order if key in kept}
