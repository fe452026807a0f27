"""What is allowed in a contract and yet unwise: claims that cannot be proven, tables and gaps that hide something.

Pure. A remark is a code and its values, `code key=value...`, as in reports; words are the caller's. Not here: what is
refused (`prober.config.contract_limits`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from prober.config.contract_terms import format_percent
from reports.contract import Contract, CreditTerms, Weighted
from reports.intervals import length, union
from reports.provable import advice
from reports.ratio import percent_text

_DAY_US = 86_400_000_000
_DAYS = {"month": 30, "billing": 30, "quarter": 90, "year": 365}


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing about one version of a contract. Texts are `code key=value...`; lengths have keys that end in `_us`."""

    contract: str
    from_day: date | None
    text: str
    reasons: tuple[str, ...] = ()
    """Why, each by itself enough."""
    needs: tuple[str, ...] = ()
    """What would help; any one of those for a reason is enough."""
    is_risk: bool = False
    """Nothing is wrong as long as nothing goes wrong: for information."""


def remarks(contracts: Sequence[Contract]) -> list[Remark]:
    """Return what is to be said about contracts, in their order."""
    return [remark for contract in contracts for remark in _about(contract)]


def counted_us(contract: Contract) -> int:
    """Return how much of its usual window counts: a month is taken as 30 days, a year as 365, less closed hours."""
    days = _DAYS.get(contract.window.unit, contract.window.number)
    if not contract.hours:
        return days * _DAY_US
    minutes = sum(
        length(union((part.start, part.end) for part in contract.hours if weekday in part.weekdays))
        for weekday in range(7)
    )
    return days * _DAY_US * minutes // (7 * 1440)


def _about(contract: Contract) -> Iterator[Remark]:
    def remark(text: str, **more: Any) -> Remark:  # Any: fields of a remark
        return Remark(contract=contract.name, from_day=contract.from_day, text=text, **more)

    told = advice(contract, counted_us(contract), contract.claim)
    if not told.possible:
        text = _impossible(contract.claim, told.best, contract.more_than)
        yield remark(text, reasons=told.reasons, needs=told.needs)
    texts = [*_unweighted(contract), *_credits(contract)]
    yield from map(remark, texts if not told.possible else [*_gaps(contract), *texts])
    for risk in told.risks:
        yield remark(risk, is_risk=True)


def _impossible(claim: Fraction, best: Fraction | None, more_than: bool) -> str:
    if best is None:
        return f"cannot_be_measured claim={format_percent(claim)}"
    if best > claim or (best == claim and not more_than):
        return f"cannot_be_backed_by_statistics claim={format_percent(claim)}"
    return f"cannot_be_backed claim={format_percent(claim)} best={percent_text(best, claim)}%"


def _gaps(contract: Contract) -> Iterator[str]:
    if contract.gap_us is None:
        return
    for probe in contract.probes():
        if contract.gap_us < probe.interval_us:
            yield f"gap_below_interval gap_us={contract.gap_us} probe={probe.name} interval_us={probe.interval_us}"


def _unweighted(contract: Contract) -> Iterator[str]:
    if isinstance(contract.method, Weighted):
        weighted = {name for name, _ in contract.method.weights}
        names = {
            "regions": [region for probe in contract.probes() for region in probe.regions],
            "probes": [probe.name for probe in contract.probes()],
            "services": [service.name for service in contract.services],
        }[contract.method.by]
        for name in dict.fromkeys(names):
            if name not in weighted:
                yield f"unweighted of={contract.method.by} name={name}"


def _credits(contract: Contract) -> Iterator[str]:
    top = _top(contract.credits) if contract.credits else None
    if top is not None and top < contract.claim:
        yield f"credits_below_claim below={format_percent(top)} claim={format_percent(contract.claim)}"


def _top(terms: CreditTerms) -> Fraction | None:
    """Return the availability below which something is given back."""
    edges = [tier.below for tier in terms.tiers] + [below for below, _ in terms.days_of_service]
    return max(edges, default=None)
