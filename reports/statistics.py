"""The statistical line: what randomly placed runs say of the share of down time, with no word on hidden outages.

One-sided Clopper-Pearson bounds, computed in integers and decimals and rounded outward, so that comparing one with
1 - claim is safe; what a claim needs; and the finding they give. Not here: which results are trials, nor the bounds
in time (`figures`).

Why it holds. On the schedules `stratified` and `round` each run begins at an instant drawn evenly from its own share
of time, independently of all others. So run i fails with probability p_i, the part of its share in which the service
was down, and the p_i add up to (number of runs) x (true share of down time), however outages fall. A sum of
independent trials with unequal p_i is never more spread out than the binomial with their mean (W. Hoeffding, On the
distribution of the number of successes in independent trials, 1956): at a distance of one or more from its mean, each
tail is at most the binomial's. So bounds that keep their word for equal p_i keep it here, and no assumption on the
service is needed but that it does not know the draws. Runs at fixed instants have no such law: an outage at the same
second of every hour is met by all of them or by none.

What it speaks of: the share of time in which a run fails. The runs of a `stratified` probe are attempts from one region
after the other, so the line is on the mean over its regions, weighted by the time that each was dealt; with `round` all
regions look at once, so a slot is one trial of what the quorum says.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from math import factorial
from typing import Final

from reports.figures import Finding

CONFIDENCE: Final = Fraction(95, 100)
"""Of each bound by itself."""

PLACES: Final = 20
"""Decimals of a bound."""

Z_TWO_SIDED_95: Final = Decimal("1.95996398454005423552")
"""The 97.5 % point of the normal distribution."""

RANDOM_SCHEDULES: Final = frozenset({"stratified", "round"})
"""Where a trial is an attempt, and a slot."""

_DIGITS = 60  # of the working: ln(n!) of a billion takes 11 of them, and 40 must be left
_BITS = 128  # of the fractions of a sum
_SMALL = 1 << 20  # in the last of these bits: where a sum of falling terms may stop
_MOST_STEPS = 50  # three will do
_ROUGH_STEPS, _ROUGH_DIGITS = 3, 28  # before them; of a billion trials 9 digits cancel out
_SETTLED = Decimal("1e-26")  # a step that no longer moves any of PLACES decimals
_GUARD = Decimal("1e-24")  # more than all rounding on the way, less than the last of PLACES decimals
_HALF_LN_2PI = Decimal("0.918938533204672741780329736405617639861397473637783412817151540483")
_STIRLING_FROM = 1000
_BERNOULLI = tuple(
    Fraction(*pair)
    for pair in (
        (1, 6),
        (-1, 30),
        (1, 42),
        (-1, 30),
        (5, 66),
        (-691, 2730),
        (7, 6),
        (-3617, 510),
        (43867, 798),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatLine:
    """The second line of a finding; `lower` and `upper` bound the share that failed, each at `confidence`.

    If it does not apply, `why_not` is a code and there are neither bounds nor a finding.
    """

    applies: bool
    why_not: str | None = None
    confidence: Fraction = CONFIDENCE
    schedule: str = ""
    trials: int = 0
    bad: int = 0
    lower: Decimal | None = None
    upper: Decimal | None = None
    finding: Finding | None = None


def line(
    trials: int,
    bad: int,
    claim: Fraction,
    schedule: str,
    confidence: Fraction = CONFIDENCE,
    *,
    unknown: int = 0,
    more_than: bool = False,
) -> StatLine:
    """Return what `bad` failed ones of `trials` say of the claim; a trial is an attempt, with `round` a slot.

    BACKED if the upper bound is at most 1 - claim, BROKEN if the lower one is above it (with `more_than`: below,
    and at least), else NOT PROVEN. `unknown` further trials, whose outcome nobody knows, count as failed in the
    upper bound and as good in the lower one; `trials` does not hold them. Why it may not apply: `fixed_schedule`,
    `no_trials`, or, for a schedule of another name, that name (`mixed`). Raises ValueError as `upper` does.
    """
    if schedule not in RANDOM_SCHEDULES:
        return not_applicable("fixed_schedule" if schedule in ("fixed", "end") else schedule, schedule)
    if trials == 0:
        return not_applicable("no_trials", schedule)
    least = lower(bad, trials + unknown, confidence)
    most = upper(bad + unknown, trials + unknown, confidence)
    return StatLine(
        applies=True,
        confidence=confidence,
        schedule=schedule,
        trials=trials,
        bad=bad,
        lower=least,
        upper=most,
        finding=_finding(Fraction(least), Fraction(most), 1 - claim, more_than),
    )


def not_applicable(why: str, schedule: str = "") -> StatLine:
    """Return a line that says by a code why there is none, such as `no_trials`, `composed`, `off` or `mixed`."""
    return StatLine(applies=False, why_not=why, schedule=schedule)


def weaker(finding: Finding, line_finding: Finding | None) -> Finding:
    """Return what both findings support: NOT PROVEN unless they agree; None has no say."""
    return finding if line_finding in (None, finding) else Finding.NOT_PROVEN


def upper(bad: int, trials: int, confidence: Fraction = CONFIDENCE) -> Decimal:
    """Return the upper one-sided bound on the share that fails, rounded up to 20 decimals.

    It is the share p for which `bad` failures or fewer have the probability 1 - confidence: the beta quantile
    Beta(confidence; bad + 1, trials - bad) of C. Clopper and E. Pearson, 1934. Raises ValueError unless
    0 <= bad <= trials, trials > 0 and 1/2 < confidence < 1.
    """
    with localcontext() as context:
        context.prec = _DIGITS
        return 1 - lower(trials - bad, trials, confidence)


@lru_cache(maxsize=4096)
def lower(bad: int, trials: int, confidence: Fraction = CONFIDENCE) -> Decimal:
    """Return the lower one-sided bound on the share that fails, rounded down to 20 decimals; see `upper`.

    It is the p for which `bad` failures or more have the probability a = 1 - confidence. With y = ln p, both y's
    density and so its distribution function are log-concave: Newton's steps for ln P(X >= bad) = ln a approach
    the root from below after the first one and never pass it, so stopping early errs on the safe side.
    """
    _check(bad, trials, confidence)
    if bad == 0:
        return Decimal(0)
    with localcontext() as context:
        context.prec = _DIGITS
        target = _ln(1 - confidence)
        root = target / trials if bad == trials else _root(bad, trials, target)
        safe = (root - _GUARD).exp()
        return Decimal(int(safe.scaleb(PLACES))).scaleb(-PLACES)


def two_sided(bad: int, trials: int, confidence: Fraction = CONFIDENCE) -> tuple[Decimal, Decimal]:
    """Return the two-sided Clopper-Pearson interval: half of the error on either side."""
    each = 1 - (1 - confidence) / 2
    return lower(bad, trials, each), upper(bad, trials, each)


def wilson(bad: int, trials: int, z: Decimal = Z_TWO_SIDED_95) -> tuple[Decimal, Decimal]:
    """Return E. Wilson's interval (1927), to about 50 digits; for charts only, as it may cover too little."""
    with localcontext() as context:
        context.prec = _DIGITS
        share, square = Decimal(bad) / trials, z * z / trials
        middle = share + square / 2
        spread = (square * (share * (1 - share) + square / 4)).sqrt()
        return (middle - spread) / (1 + square), (middle + spread) / (1 + square)


def trials_needed(claim: Fraction, bad: int = 0, confidence: Fraction = CONFIDENCE) -> int | None:
    """Return how few trials with `bad` failures make the line BACKED; None for a claim of 1, which none can."""
    lost = 1 - claim
    if lost <= 0:
        return None
    too_few, enough = bad, max(2 * bad, 1)
    while upper(bad, enough, confidence) > lost:
        too_few, enough = enough, 2 * enough
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        if upper(bad, middle, confidence) > lost:
            too_few = middle
        else:
            enough = middle
    return enough


def bound_text(bound: Decimal, significant: int = 6, *, up: bool) -> str:
    """Return a bound with that many significant digits as a plain decimal, rounded `up` or down."""
    if bound == 0:
        return "0"
    places = significant - 1 - bound.adjusted()
    scaled = Fraction(bound) * Fraction(10) ** places
    whole = -(-scaled // 1) if up else scaled // 1
    return f"{Decimal(whole).scaleb(-places):f}"


def _finding(least: Fraction, most: Fraction, lost: Fraction, more_than: bool) -> Finding:
    if most < lost or (most == lost and not more_than):
        return Finding.BACKED
    return Finding.BROKEN if least > lost or (least == lost and more_than) else Finding.NOT_PROVEN


def _check(bad: int, trials: int, confidence: Fraction) -> None:
    if trials <= 0 or not 0 <= bad <= trials:
        raise ValueError(f"{bad} of {trials} cannot have failed (use 0 to the number of trials)")
    if not Fraction(1, 2) < confidence < 1:
        raise ValueError(f"a confidence of {confidence} is no use (take one above 1/2 and below 1)")


def _root(bad: int, trials: int, target: Decimal) -> Decimal:
    """Solve ln P(X >= bad; p) = target for y = ln p, where 0 < bad < trials; precision as in the context.

    P(X >= bad) = P(X = bad) x S with S of `_series`, and d ln P / d y = bad / S.
    """
    ways = _ln_factorial(trials) - _ln_factorial(bad) - _ln_factorial(trials - bad)
    with localcontext() as rough:
        # The first steps lie far from the root in any case, and the last ones approach it from wherever they begin.
        rough.prec = _ROUGH_DIGITS
        y = _near(bad, trials, target).ln()
        for _ in range(_ROUGH_STEPS):
            y += _step(bad, trials, target, ways, y)
    for _ in range(_MOST_STEPS):
        step = _step(bad, trials, target, ways, y)
        y += step
        # What is left is about its square, times the curvature, which the number of trials bounds.
        if abs(step) < _SETTLED or step * step * trials < _SETTLED:
            break
    return y


def _near(bad: int, trials: int, target: Decimal) -> Decimal:
    """Return about the root, as E. Wilson's interval has it; in the context's precision."""
    z = _normal_point(target)
    share, square = Decimal(bad) / trials, z * z / trials
    spread = (square * (share * (1 - share) + square / 4)).sqrt()
    return (share + square / 2 - spread) / (1 + square)


def _step(bad: int, trials: int, target: Decimal, ways: Decimal, y: Decimal) -> Decimal:
    p = y.exp()
    series = _series(bad, trials, p)
    now = ways + bad * y + (trials - bad) * (1 - p).ln() + series.ln()
    return (target - now) * series / bad


def _series(bad: int, trials: int, p: Decimal) -> Decimal:
    """Return P(X >= bad) / P(X = bad), never too small and too large by less than 1e-28 of it.

    Each term is the one before times (trials - j) p / ((j + 1) (1 - p)), a factor that falls with j: where it is
    below 1, all terms to come add up to less than a geometric series.
    """
    odds = int(p / (1 - p) * (1 << _BITS)) + 1
    term = total = 1 << _BITS
    for j in range(bad, trials):
        factor, part = (trials - j) * odds, (j + 1) << _BITS
        term = term * factor // part + 1
        total += term
        if term < _SMALL and factor < part:
            total += term * factor // (part - factor) + 1
            break
    return Decimal(total) / (1 << _BITS)


@lru_cache(maxsize=4096)  # of the precision that all of this is worked out in
def _ln_factorial(n: int) -> Decimal:
    """Return ln n!; from 1000 on by Stirling's series, which errs by less than its first term left out (1e-57)."""
    if n < _STIRLING_FROM:
        return Decimal(factorial(n)).ln()
    found = (n + Decimal("0.5")) * Decimal(n).ln() - n + _HALF_LN_2PI
    for k, number in enumerate(_BERNOULLI, start=1):
        found += _decimal(number / (2 * k * (2 * k - 1))) / Decimal(n) ** (2 * k - 1)
    return found


def _normal_point(ln_tail: Decimal) -> Decimal:
    """Return about the point of the normal distribution with this tail (Abramowitz and Stegun, 26.2.23).

    Good to three decimals: a start for Newton's steps and nothing more.
    """
    t = (-2 * ln_tail).sqrt()
    above = Decimal("2.515517") + Decimal("0.802853") * t + Decimal("0.010328") * t * t
    below = 1 + Decimal("1.432788") * t + Decimal("0.189269") * t * t + Decimal("0.001308") * t**3
    return t - above / below


@lru_cache(maxsize=64)  # as above
def _ln(ratio: Fraction) -> Decimal:
    return _decimal(ratio).ln()


def _decimal(ratio: Fraction) -> Decimal:
    return Decimal(ratio.numerator) / ratio.denominator
