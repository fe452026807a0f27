"""Whether a set-up can prove a claim: what a perfect period would show, and what would help if that is not enough.

A perfect period is one in which every slot of every region ran when due and passed. Here: the figures and codes of
that, from a contract alone. Not here: how runs lie in time (`spacing`), what was measured, nor words.

A code is `code key=value...`: keys that end in `_us` are microseconds, values that end in % percentages, `probe` and
`region` are names.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from reports.contract import Contract, ProbeTerms, Requests, Slices, Weighted
from reports.perfect import Doubt, alone, code, is_pooled, perfect
from reports.spacing import sure_us
from reports.statistics import RANDOM_SCHEDULES, trials_needed

_MOST_DENOMINATOR = 10**12


@dataclass(frozen=True, slots=True, kw_only=True)
class Provable:
    """What a set-up can show. `best` is the lowest figure that a perfect period leads one to expect.

    Reasons, which together rule BACKED out:
      too_few_regions probe regions needed        the quorum cannot be reached: no outage could ever be sure
      no_attempts interval_us                     the period is over before the first run is due
      claim_above_everything                      more than 100 % is promised
      region_without_probes region                it has a weight, and nothing runs there
      gap_below_spacing probe gap_us spacing_us unknown         runs may lie further apart than the gap allows
      minutes_without_attempts probe interval_us attempts unknown   minutes with too few runs, in enough regions
      slices_without_attempts length_us unknown   slices with no run at all, which are unknown by contract
      too_few_trials trials needed                the statistical line would not be BACKED even without a failure
      claim_without_error                         no number of trials shows statistically that nothing ever fails

    Needs, of which those of one reason are alternatives: `gap_at_least probe gap_us`, `interval_at_most probe
    interval_us`, `regions_at_least probe regions`, `slices_at_least length_us`, `statistics_beside`, `lower_claim`.

    Risks do not rule it out, but a little that goes wrong does: `sure_outage_above_budget smallest_us budget_us` (an
    outage that spends the budget may go unseen), `one_region_unproves probe budget_us` (a region that is silent for
    longer makes as much time unknown), `one_region_hides_outages probe` (while one is silent, no outage is sure).
    """

    possible: bool
    best: Fraction | None
    reasons: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    risks: tuple[str, ...] = ()


def smallest_sure_outage_us(contract: Contract) -> int | None:
    """Return the length from which on an outage is surely met by runs of enough regions; None if none ever is.

    It must be seen by all regions and last while those runs do. Of several probes it is the one that meets it last,
    for an outage may be that of any. Methods that count attempts, and POOLED regions, need one region's run;
    weighted regions each count by themselves. The reasoning is that of `spacing.sure_us`.
    """
    found = [_sure_us(contract, probe) for probe in contract.probes()]
    lengths = [each for each in found if each is not None]
    return max(lengths) if lengths and len(lengths) == len(found) else None


def advice(contract: Contract, period_us: int, claim: Fraction | None = None) -> Provable:
    """Return whether this set-up could back a claim (the contract's own by default) in a perfect period.

    `period_us` is how much of the period counts. What is random about a schedule enters by what is to be expected.
    """
    promised = contract.claim if claim is None else claim
    impossible = [*_unreachable(contract), *_too_short(contract, period_us)]
    if impossible:
        return _provable(None, impossible)
    loss = perfect(contract)
    best = _best(contract, loss.share, period_us)
    doubts: list[Doubt] = []
    if not _meets(best, promised, contract.more_than):
        above = Doubt("claim_above_everything", ("lower_claim",))
        doubts += loss.doubts if loss.share else (above,)
    doubts += _by_trials(contract, period_us, promised)
    return _provable(_handy(best), doubts, tuple(_risks(contract, period_us, promised)))


def trials_of(contract: Contract, period_us: int) -> int | None:
    """Return how many trials a perfect period gives the statistical line; None where it does not apply."""
    probes = contract.probes()
    if len(probes) != 1 or probes[0].schedule not in RANDOM_SCHEDULES:
        return None
    slots = period_us // probes[0].interval_us
    return slots if probes[0].schedule == "round" else slots * len(probes[0].regions)


def _sure_us(contract: Contract, probe: ProbeTerms) -> int | None:
    method = contract.method
    if isinstance(method, Weighted) and method.by == "regions":
        return sure_us(alone(probe, probe.regions[0])) if probe.regions else None
    return sure_us(probe, pooled=is_pooled(contract) or isinstance(method, Requests | Slices))


def _provable(best: Fraction | None, doubts: Sequence[Doubt], risks: tuple[str, ...] = ()) -> Provable:
    return Provable(
        possible=not doubts,
        best=best,
        reasons=tuple(doubt.reason for doubt in doubts),
        needs=tuple(dict.fromkeys(need for doubt in doubts for need in doubt.needs)),
        risks=risks,
    )


def _unreachable(contract: Contract) -> Iterator[Doubt]:
    for probe in contract.probes():
        if not 1 <= probe.needed <= len(probe.regions):
            regions, needed = len(probe.regions), max(probe.needed, 1)
            yield Doubt(
                code("too_few_regions", probe=probe.name, regions=regions, needed=needed),
                (code("regions_at_least", probe=probe.name, regions=needed),),
            )


def _too_short(contract: Contract, period_us: int) -> Iterator[Doubt]:
    intervals = [probe.interval_us for probe in contract.probes()]
    if not intervals or period_us < min(intervals):
        yield Doubt(code("no_attempts", interval_us=min(intervals, default=0)))


def _best(contract: Contract, share: Fraction, period_us: int) -> Fraction:
    """Return the lowest figure if `share` of the period is unknown, over the contract's denominator."""
    counts_time = not isinstance(contract.method, Requests | Slices)
    if contract.denominator.rule == "fixed" and counts_time:
        share = share * period_us / contract.denominator.length_us
    return max(1 - share, Fraction(0))


def _handy(ratio: Fraction) -> Fraction:
    """Return an expected share for people and documents: cut to 12 decimals where its own form has many digits."""
    return ratio if ratio.denominator <= _MOST_DENOMINATOR else Fraction(int(ratio * 10**12), 10**12)


def _meets(ratio: Fraction, claim: Fraction, more_than: bool) -> bool:
    return ratio > claim if more_than else ratio >= claim


def _by_trials(contract: Contract, period_us: int, claim: Fraction) -> Iterator[Doubt]:
    """Yield why the statistical line could not be BACKED, where the finding is the weaker of the two."""
    trials = trials_of(contract, period_us)
    if contract.statistics != "weaker" or trials is None:
        return
    needed = trials_needed(claim)
    if needed is None:
        yield Doubt("claim_without_error", ("lower_claim", "statistics_beside"))
    elif trials < needed:
        probe = contract.probes()[0]
        a_slot = 1 if probe.schedule == "round" else len(probe.regions)
        needs = [code("interval_at_most", probe=probe.name, interval_us=period_us // -(-needed // a_slot))]
        if probe.schedule != "round":
            regions = -(-needed // (period_us // probe.interval_us))
            needs.append(code("regions_at_least", probe=probe.name, regions=regions))
        reason = code("too_few_trials", trials=trials, needed=needed)
        yield Doubt(reason, (*needs, "statistics_beside"))


def _risks(contract: Contract, period_us: int, claim: Fraction) -> Iterator[str]:
    whole_us = contract.denominator.length_us if contract.denominator.rule == "fixed" else period_us
    budget_us = int((1 - claim) * whole_us)
    smallest_us = smallest_sure_outage_us(contract)
    if smallest_us is not None and smallest_us > budget_us:
        yield code("sure_outage_above_budget", smallest_us=smallest_us, budget_us=budget_us)
    if isinstance(contract.method, Requests | Slices) or is_pooled(contract):
        return
    decisive = {
        probe.name for service in contract.services if service.needed == 1 for probe in service.probes
    }
    for probe in contract.probes():
        if probe.needed == 1 and probe.name in decisive:
            yield code("one_region_unproves", probe=probe.name, budget_us=budget_us)
        elif probe.needed == len(probe.regions):
            yield code("one_region_hides_outages", probe=probe.name)
