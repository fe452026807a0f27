"""What each method makes of a perfect period, in which every slot of every region ran when due and passed.

Some of it may be unknown all the same: runs further apart than the gap, minutes or slices without any. Here: the
share of that to expect, and codes for why (`provable` lists them). Not here: what it means for a claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final

from reports.contract import (
    Contract,
    Minutes,
    Periods,
    ProbeTerms,
    Requests,
    ServiceTerms,
    Slices,
    Time,
    Weighted,
)
from reports.ratio import percent_text
from reports.spacing import at_least, longest_us, short_share, slowest_us, unknown_share

MINUTE_US: Final = 60_000_000


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why some time of a perfect period would be unknown, and what would help."""

    reason: str
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Loss:
    """The share of a perfect period to expect as unknown, by the contract's method, and why."""

    share: Fraction
    doubts: tuple[Doubt, ...] = ()


def perfect(contract: Contract) -> Loss:
    """Return what the contract's method leaves in doubt of a perfect period."""
    return _LOSSES[type(contract.method)](contract)


def code(code: str, **values: int | str) -> str:
    """Return a code with its values, as documents hold them: `code key=value...`."""
    return " ".join([code, *(f"{name}={value}" for name, value in values.items())])


def alone(probe: ProbeTerms, region: str) -> ProbeTerms:
    """Return a probe as one of its regions sees it."""
    return replace(probe, regions=(region,), needed=1)


def is_pooled(contract: Contract) -> bool:
    """Say whether the runs of all regions are one sequence."""
    return contract.quorum == "pooled"


def _of_time(contract: Contract) -> Loss:
    def share(probe: ProbeTerms) -> Fraction:
        return unknown_share(probe, contract.gap_of(probe.interval_us), pooled=is_pooled(contract))

    return Loss(_composed(contract.services, share), tuple(_gap_doubts(contract, share, is_pooled(contract))))


def _of_weights(contract: Contract) -> Loss:
    method = contract.method
    assert isinstance(method, Weighted)
    if method.by == "regions":
        return _of_regions(contract, method)
    by_probe = {each.name: each for each in contract.probes()}
    by_service = {each.name: each for each in contract.services}

    def share(probe: ProbeTerms) -> Fraction:
        return unknown_share(probe, contract.gap_of(probe.interval_us), pooled=is_pooled(contract))

    shares = {
        name: share(by_probe[name]) if method.by == "probes" else _composed((by_service[name],), share)
        for name, _ in method.weights
    }
    return Loss(_mean(method, shares), tuple(_gap_doubts(contract, share, is_pooled(contract))))


def _of_regions(contract: Contract, method: Weighted) -> Loss:
    """A region's view is that of the probes that run there; one without any knows nothing."""

    def share(probe: ProbeTerms) -> Fraction:
        return unknown_share(alone(probe, "it"), contract.gap_of(probe.interval_us))

    shares: dict[str, Fraction] = {}
    doubts = list(_gap_doubts(contract, share, False))
    for region, _ in method.weights:
        views = tuple(view for service in contract.services if (view := _seen_from(service, region)))
        shares[region] = _composed(views, share) if views else Fraction(1)
        if not views:
            doubts.append(Doubt(code("region_without_probes", region=region)))
    return Loss(_mean(method, shares), tuple(doubts))


def _of_minutes(contract: Contract) -> Loss:
    method = contract.method
    assert isinstance(method, Minutes)
    return _of_runs_of_minutes(contract, 1, method.min_attempts)


def _of_periods(contract: Contract) -> Loss:
    method = contract.method
    assert isinstance(method, Periods)
    return _of_runs_of_minutes(contract, method.minutes, method.min_attempts)


def _of_runs_of_minutes(contract: Contract, minutes: int, min_attempts: int) -> Loss:
    """Of unknown minutes only runs of n count: n q(n) - (n - 1) q(n + 1), where q(n) is the share that begin one.

    n minutes with fewer than m attempts each hold fewer than n (m - 1) + 1 together.
    """
    attempts = max(min_attempts, 1)

    def begins(count: int) -> Callable[[ProbeTerms], Fraction]:
        fewest = count * (attempts - 1) + 1
        return lambda probe: short_share(probe, count * MINUTE_US, fewest, pooled=is_pooled(contract))

    now, longer = (_composed(contract.services, begins(count)) for count in (minutes, minutes + 1))
    share = min(max(minutes * now - (minutes - 1) * longer, Fraction(0)), Fraction(1))
    doubts = []
    for probe in contract.probes():
        short = begins(minutes)(probe)
        if short:
            slowest = slowest_us(probe, MINUTE_US, attempts, pooled=is_pooled(contract))
            values: dict[str, int | str] = {"interval_us": probe.interval_us, "attempts": attempts}
            reason = code("minutes_without_attempts", probe=probe.name, **values, unknown=_percent(short))
            doubts.append(Doubt(reason, (code("interval_at_most", probe=probe.name, interval_us=slowest),)))
    return Loss(share, tuple(doubts))


def _of_requests(_contract: Contract) -> Loss:
    return Loss(Fraction(0))


def _of_slices(contract: Contract) -> Loss:
    """A slice holds the attempts of all probes and regions; it is in doubt if it holds none, where that is unknown."""
    method = contract.method
    assert isinstance(method, Slices)
    if method.empty != "unknown":
        return Loss(Fraction(0))
    probes = contract.probes()
    share = Fraction(1)
    for probe in probes:
        share *= short_share(probe, method.length_us, 1, pooled=True)
    fastest = min(probes, key=lambda probe: longest_us(probe, pooled=True))
    slowest = slowest_us(fastest, method.length_us, 1, pooled=True)
    reason = code("slices_without_attempts", length_us=method.length_us, unknown=_percent(share))
    needs = (
        code("interval_at_most", probe=fastest.name, interval_us=slowest),
        code("slices_at_least", length_us=longest_us(fastest, pooled=True)),
    )
    return Loss(share, (Doubt(reason, needs),) if share else ())


_LOSSES: Final[dict[type, Callable[[Contract], Loss]]] = {
    Time: _of_time,
    Weighted: _of_weights,
    Minutes: _of_minutes,
    Periods: _of_periods,
    Requests: _of_requests,
    Slices: _of_slices,
}


def _composed(services: Sequence[ServiceTerms], share: Callable[[ProbeTerms], Fraction]) -> Fraction:
    """Return the share in which the services are in doubt, all of them needed; probes are taken as independent."""
    each = [at_least([share(probe) for probe in service.probes], service.needed) for service in services]
    return at_least(each, 1)


def _seen_from(service: ServiceTerms, region: str) -> ServiceTerms | None:
    probes = tuple(probe for probe in service.probes if region in probe.regions)
    return replace(service, probes=probes, needed=min(service.needed, len(probes))) if probes else None


def _mean(method: Weighted, shares: dict[str, Fraction]) -> Fraction:
    total = sum((weight for _, weight in method.weights), Fraction(0))
    lost = sum((shares[name] * weight for name, weight in method.weights), Fraction(0))
    return lost / total if total else Fraction(0)


def _gap_doubts(contract: Contract, share: Callable[[ProbeTerms], Fraction], pooled: bool) -> Iterator[Doubt]:
    for probe in contract.probes():
        unknown = share(probe)
        if not unknown:
            continue
        gap_us, spacing_us = contract.gap_of(probe.interval_us), longest_us(probe, pooled=pooled)
        fit_us = probe.interval_us * gap_us // spacing_us
        values: dict[str, int | str] = {"gap_us": gap_us, "spacing_us": spacing_us}
        yield Doubt(
            code("gap_below_spacing", probe=probe.name, **values, unknown=_percent(unknown)),
            (
                code("gap_at_least", probe=probe.name, gap_us=spacing_us),
                code("interval_at_most", probe=probe.name, interval_us=fit_us),
            ),
        )


def _percent(share: Fraction) -> str:
    return percent_text(share) + "%"
