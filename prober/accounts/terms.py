"""Contracts and customers of a configuration, as the figures need them.

Here: names filled in, quorums counted, logos read, one digest a version. Not here: reading a configuration
(`prober.config`), nor any figure (`reports`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from prober.config import Config, Probe, Service
from prober.config import contract_methods as written
from prober.config.brand import LogoError, read_logo
from prober.config.contract_terms import Money as WrittenMoney
from prober.config.contracts import ContractBlock, ExclusionBlock, MaintenanceRule
from prober.config.resolve import HUB_REGION
from prober.config.services import BrandBlock, CustomerBlock
from prober.config.terms import Quorum
from reports import contract as terms
from reports.document import Brand
from reports.hours import parse_hours

if TYPE_CHECKING:
    from reports.report import Customer

_DAY_US = 86_400_000_000
_NO_TERMS = {
    "name", "title", "preset", "public", "actions", "customers", "effective", "service", "services", "regions",
}  # fmt: skip
"""Keys of a block that no figure, finding or credit follows from; services and regions enter by what they are, and the
first day apart: that a version ends, for another to begin, changes nothing about the periods before."""


def contracts_of(config: Config) -> tuple[terms.Contract, ...]:
    """Return every version of every contract, in the order of the configuration."""
    services = {service.name: service for service in config.services}
    probes = {probe.name: probe for probe in config.probes}
    found = []
    for block in config.contracts:
        named = (services[name] for name in block.service_names)
        found.append(_contract(block, tuple(_service(service, probes, block.regions) for service in named)))
    return tuple(found)


def customers_of(config: Config) -> dict[str, Customer]:
    """Return every customer by name, in the order of the configuration; logos are read from their files.

    A logo that was taken away since the configuration was loaded is left out: a report is worth more than it.
    """
    return {block.name: _customer(config, block) for block in config.customers}


def watched(config: Config) -> dict[str, terms.ServiceTerms]:
    """Return every service as a contract sees it, by name; each probe as one of its own where there are none."""
    probes = {probe.name: probe for probe in config.probes}
    alone = tuple(
        Service(
            name=probe.name,
            title=probe.title,
            description=None,
            group=probe.group,
            probes=(probe.name,),
            up_when=Quorum("all"),
        )
        for probe in config.probes
    )
    return {service.name: _service(service, probes, ()) for service in config.services or alone}


def _customer(config: Config, block: CustomerBlock) -> Customer:
    # It brings all figures along, which `prober validate` has no use for.
    from reports.report import Customer

    brand = block.brand or BrandBlock()
    shown = {"name": brand.name, "colour": brand.colour, "footer": brand.footer, "logo": _logo(config, brand)}
    return Customer(
        name=block.name,
        title=block.title or block.name,
        brand=Brand(**{key: value for key, value in shown.items() if value is not None}),
        fee=_money(block.fee),
    )


def _logo(config: Config, brand: BrandBlock) -> str | None:
    if brand.logo is None:
        return None
    try:
        logo = read_logo(config.path(brand.logo))
    except LogoError:
        return None
    return f"data:{logo.media};base64,{base64.b64encode(logo.data).decode()}"


def _contract(block: ContractBlock, services: tuple[terms.ServiceTerms, ...]) -> terms.Contract:
    return terms.Contract(
        name=block.name,
        title=block.title or block.name,
        services=services,
        claim=block.claim,
        method=_method(block.method),
        zone=block.timezone,
        window=terms.WindowRule(block.window.unit, block.window.number),
        customers=block.customers,
        more_than=block.more_than,
        denominator=terms.DenominatorRule(block.denominator.rule, block.denominator.length_us or 0),
        unknown=block.unknown,
        gap_us=block.gap_us,
        quorum=block.quorum,
        clock_error_us=block.clock_error_us,
        statistics=block.statistics,
        hours=_hours(block.hours),
        holidays=frozenset(block.holidays),
        maintenance=_maintenance(block.maintenance),
        exclusions=tuple(map(_exclusion, block.exclusions)),
        credits=_credits(block),
        fee=_money(block.fee),
        latency=tuple(
            terms.LatencyObjective(share=objective.share, within_us=objective.within_us)
            for objective in block.latency
        ),
        from_day=block.effective.from_day,
        to_day=block.effective.to_day,
        public=block.public,
        promise=block.promise or "",
        actions=tuple(terms.Action(action.on, action.text) for action in block.actions),
        preset=block.preset,
        digest=_digest(block, services),
    )


def _service(service: Service, probes: Mapping[str, Probe], regions: tuple[str, ...]) -> terms.ServiceTerms:
    members = len(service.probes)
    return terms.ServiceTerms(
        name=service.name,
        title=service.title,
        probes=tuple(_probe(probes[probe], regions) for probe in service.probes),
        # Up while enough probes are: so it is down when one more is down than it can do without.
        needed=members - service.up_when.needed(members) + 1,
    )


def _probe(probe: Probe, regions: tuple[str, ...]) -> terms.ProbeTerms:
    counted = tuple(
        region for region in probe.regions if not regions or region in regions or region == HUB_REGION
    )
    return terms.ProbeTerms(
        name=probe.name,
        title=probe.title,
        regions=counted,
        needed=probe.down_when.needed(len(counted)),
        interval_us=probe.interval_us,
        schedule=probe.schedule,
        timeout_us=probe.timeout_us,
    )


def _method(method: written.Method) -> terms.Method:
    """Return the one method that is there."""
    found = getattr(method, method.name)
    if isinstance(found, written.Requests):
        return terms.Requests(ignored=frozenset(found.ignore))
    if isinstance(found, written.Slices):
        return terms.Slices(length_us=found.length_us, empty=found.empty, ignored=frozenset(found.ignore))
    if isinstance(found, written.Minutes):
        return terms.Minutes(threshold=found.threshold, min_attempts=found.min_attempts)
    if isinstance(found, written.Periods):
        return terms.Periods(
            minutes=found.minutes,
            threshold=found.threshold,
            min_attempts=found.min_attempts,
            unknown=found.unknown,
            good_minutes=found.good_minutes,
        )
    if isinstance(found, written.Weighted):
        return terms.Weighted(by=found.by, weights=tuple(found.weights.items()))
    return terms.Time()


def _hours(text: str | None) -> tuple[terms.HoursPart, ...]:
    return parse_hours(text) if text is not None else ()


def _maintenance(rule: MaintenanceRule | None) -> terms.MaintenanceTerms | None:
    if rule is None:
        return None
    return terms.MaintenanceTerms(
        rule=rule.rule,
        notice_us=rule.notice_us or 0,
        max_per_month_us=rule.max_per_month_us,
        max_per_year_us=rule.max_per_year_us,
        hours=_hours(rule.hours),
        evidence=rule.evidence,
    )


def _exclusion(block: ExclusionBlock) -> terms.Exclusion:
    return terms.Exclusion(
        title=block.title,
        kind=block.kind,
        start_us=block.start_us,
        end_us=block.end_us,
        reason=block.reason,
        approved_by=block.approved_by or "",
        approved_us=block.approved_us,
        rule=block.rule,
    )


def _credits(block: ContractBlock) -> terms.CreditTerms | None:
    how = block.credit_terms
    if not block.credits and how is None:
        return None
    within_us = how.claim_within_us if how else None
    return terms.CreditTerms(
        tiers=tuple(
            terms.CreditTier(below=tier.below, credit=tier.credit, from_=tier.from_)
            for tier in block.credits
            if tier.credit is not None
        ),
        multiple=how.multiple if how else None,
        days_of_service=tuple((tier.below, tier.days) for tier in block.credits if tier.days is not None),
        cap=how.cap if how and how.cap is not None else Fraction(1),
        minimum=how.minimum.amount if how and how.minimum else Decimal(0),
        claim_within_days=within_us // _DAY_US if within_us else None,
        must_be_claimed=bool(how and how.must_be_claimed),
    )


def _money(money: WrittenMoney | None) -> terms.Money | None:
    return terms.Money(money.amount, money.currency) if money is not None else None


def _digest(block: ContractBlock, services: Sequence[terms.ServiceTerms]) -> str:
    """Return the SHA-256 of all that the figures follow from: the block's own terms, and what its services are.

    Defaults are left out, so that one written out changes nothing. So are titles, and what was done since. The order
    of names, days and codes in a list is no term either.
    """
    own = block.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_NO_TERMS)
    parts = {
        service.name: {
            "needed": service.needed,
            "probes": {
                probe.name: [probe.needed, sorted(probe.regions), probe.interval_us, probe.schedule]
                for probe in service.probes
            },
        }
        for service in services
    }
    first = str(block.effective.from_day or "")
    whole = {"contract": block.name, "from": first, "terms": _in_order(own), "services": parts}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _in_order(value: object) -> object:
    if isinstance(value, dict):
        return {key: _in_order(below) for key, below in value.items()}
    if isinstance(value, list):
        return sorted(value) if all(isinstance(item, str) for item in value) else [*map(_in_order, value)]
    return value
