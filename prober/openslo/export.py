"""From contracts to OpenSLO v1 documents: services, indicators, objectives, alerts.

What OpenSLO has no word for stands whole in annotations, as JSON texts under our own prefix, so that the import gives
the same contract again. Values are exact decimal texts. Pure; not here: writing the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Any

from prober.accounts.terms import contracts_of
from prober.config import Config, Service
from prober.config.contract_terms import format_percent
from prober.config.contracts import ContractBlock
from prober.rules.objective import Objective, objective

from .alerts import alert_documents, policies_of
from .budgeting import (
    HIGHEST,
    SOME_GOOD,
    Form,
    Words,
    form_of,
    target_of,
    time_window,
    window_from,
    written_window,
)
from .indicators import parts_of, sli
from .words import MAX_DESCRIPTION, MAX_TITLE, PREFIX, VERSION, named, noted

HEADER = "Made by prober export openslo"
_NATIVE = {"name", "service", "claim", "window", "title"}
"""Keys that have a place of their own in OpenSLO; they are annotated only where that place cannot hold them."""


_UNSAID = {
    "regions", "more_than", "denominator", "unknown", "gap_us", "quorum", "clock_error_us", "hours", "holidays",
    "maintenance", "exclusions", "credits", "credit_terms", "latency", "effective",
}  # fmt: skip
"""Fields of a contract that change its figures or its credits, and that no other reader sees."""


def export(config: Config, names: Sequence[str]) -> list[object]:
    """Return the documents of the named contracts, of all if none is named; every version is an SLO."""
    blocks = zip(config.contracts, contracts_of(config), strict=True)
    chosen = [
        (block, objective(contract, config)) for block, contract in blocks if not names or block.name in names
    ]
    used = dict.fromkeys(name for block, _ in chosen for name in block.service_names)
    services: dict[str, str] = {}
    documents: list[object] = []
    for service in config.services:
        if service.name in used:
            services[service.name] = named(service.name, services.values())
            documents.append(_service(service, services[service.name]))
    taken: set[str] = set()
    indicators: set[str] = set()
    for block, found in chosen:
        name = named(block.name, taken)
        taken.add(name)
        documents += _slo(block, found, name, services, indicators)
    return documents + list(alert_documents(found for _, found in chosen))


def _service(service: Service, name: str) -> Words:
    own = {"probes": list(service.probes), "up_when": str(service.up_when), "group": service.group}
    own |= {"title": service.title} if len(service.title) > MAX_TITLE else {}
    description = service.description or ""
    own |= {"description": description} if len(description) > MAX_DESCRIPTION else {}
    marks = {f"{PREFIX}service": noted({key: value for key, value in own.items() if value is not None})}
    return {
        "apiVersion": VERSION,
        "kind": "Service",
        "metadata": _metadata(
            name, service.name, service.title if service.title != service.name else "", marks
        ),
        "spec": {"description": description[:MAX_DESCRIPTION]} if description else {},
    }


def _metadata(name: str, own_name: str, title: str, marks: Words) -> Words:
    found: Words = {"name": name}
    if title:
        found["displayName"] = title[:MAX_TITLE]
    if name != own_name:
        marks = {f"{PREFIX}name": noted(own_name), **marks}
    return found | {"annotations": marks}


def _slo(
    block: ContractBlock, found: Objective, name: str, services: Words, indicators: set[str]
) -> Iterator[Words]:
    """Yield the indicators of a contract, then its SLO."""
    form = form_of(block.method)
    target = target_of(block.claim)
    parts = [label for label, _ in form.weights] or [""]
    refs: list[str] = []
    for label, part in zip(parts, parts_of(found.contract, found.indicator), strict=True):
        refs.append(named(f"{name}-{label}" if label else name, indicators))
        indicators.add(refs[-1])
        yield sli(refs[-1], label[:MAX_TITLE], part, found.indicator, _probes(found, label))
    spec: Words = {"service": services[block.service_names[0]]}
    if block.promise:
        spec = {"description": block.promise[:MAX_DESCRIPTION], **spec}
    if not form.weights:
        spec["indicatorRef"] = refs[0]
    spec["timeWindow"] = [time_window(block.window, block.timezone, block.effective.from_day)]
    spec["budgetingMethod"] = form.method
    spec["objectives"] = _objectives(form, target, refs)
    policies = policies_of(found)
    if policies:
        spec["alertPolicies"] = [{"alertPolicyRef": policy} for policy in policies]
    yield {
        "apiVersion": VERSION,
        "kind": "SLO",
        "metadata": _metadata(name, block.name, block.title or "", _marks(block)),
        "spec": spec,
    }


def _probes(found: Objective, label: str) -> list[str]:
    """Return the probes of one part of a contract; of all of it where the parts are regions, or there are none."""
    services = {service.name: service.probes for service in found.contract.services}
    own = services.get(label) or tuple(probe for probe in found.contract.probes() if probe.name == label)
    return [probe.name for probe in own or found.contract.probes()]


def _objectives(form: Form, target: Any, refs: Sequence[str]) -> list[Words]:  # Any: a Decimal
    if not form.weights:
        return [form.objective(target)]
    return [
        {
            "displayName": label[:MAX_TITLE],
            **form.objective(target),
            "indicatorRef": ref,
            "compositeWeight": weight,
        }
        for (label, weight), ref in zip(form.weights, refs, strict=True)
    ]


def _marks(block: ContractBlock) -> Words:
    """Return the annotations of a contract: its method, and every key that its document does not hold as it is."""
    own: Words = block.model_dump(mode="json", by_alias=True, exclude_unset=True)
    kept = {key: value for key, value in own.items() if key not in _NATIVE and value not in (None, [], {})}
    kept["method"] = block.method.model_dump(mode="json", by_alias=True, exclude_unset=True)
    window = written_window(time_window(block.window, block.timezone, block.effective.from_day))
    if window_from(window)[0] != block.window:
        kept["window"] = str(block.window)
    if window.zone == block.timezone:
        kept.pop("timezone", None)
    if Fraction(target_of(block.claim)) != block.claim:
        kept["claim"] = format_percent(block.claim)
    if block.title and len(block.title) > MAX_TITLE:
        kept["title"] = block.title
    return {f"{PREFIX}{key}": noted(value) for key, value in sorted(kept.items())}


def remarks(config: Config, names: Sequence[str]) -> list[str]:
    """Return what other readers of the documents will take for something else than the contracts say."""
    found = []
    for block in config.contracts:
        if names and block.name not in names:
            continue
        if block.claim == 1:
            found.append(f"{block.name}: OpenSLO cannot promise 100%: its target is {HIGHEST}")
        if (minutes := block.method.minutes or block.method.periods) is not None and minutes.threshold == 1:
            found.append(
                f"{block.name}: a minute with one good attempt is good: its timeSliceTarget is {SOME_GOOD}"
            )
        if kept := sorted(key for key in _UNSAID if getattr(block, key) != _default(key)):
            found.append(f"{block.name}: only annotations say {', '.join(map(_key, kept))}")
    return found


def _default(name: str) -> object:
    return ContractBlock.model_fields[name].default


def _key(name: str) -> str:
    return ContractBlock.model_fields[name].alias or name


def comments(notes: Iterable[str]) -> list[str]:
    """Return the lines on top of the file."""
    return [
        f"{HEADER}: make it again rather than edit it, or import it after edits.",
        "Annotations under uptime-prober/ hold what OpenSLO has no word for.",
        *notes,
    ]
