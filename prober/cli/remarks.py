"""Remarks about contracts, in words. Which remarks there are is `prober.accounts.remarks`' business."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from checks.core.values import format_duration
from prober.accounts.remarks import Remark

MAX_ALIKE = 3
"""Remarks, reasons and needs of one kind that are written out."""

_AT_MOST = frozenset({"interval_us", "budget_us"})
"""Lengths that something must not be longer than: rounding down, and only that, leaves them true."""
_SECOND_US, _MINUTE_US = 1_000_000, 60_000_000

WORDS = {
    "cannot_be_measured": "the claim of {claim} cannot be backed, not even in a perfect period",
    "cannot_be_backed": "the claim of {claim} cannot be backed, not even in a perfect period: {best} at best",
    "cannot_be_backed_by_statistics": "the claim of {claim} cannot be backed by the statistical line, not even in a "
    "perfect period",
    "gap_below_interval": "gap {gap_us} is shorter than the interval of {probe}, {interval_us}: time between its "
    "results is mostly unknown",
    "unweighted": "{name} has no weight among the {of}: it does not count",
    "credits_below_claim": "credits begin below {below}: from there to the claim of {claim} nothing is given back",
    "sure_outage_above_budget": "an outage is sure to be seen from {smallest_us} on, and {budget_us} may be lost",
    "one_region_unproves": "if one region of {probe} is silent for more than {budget_us}, the claim is not proven",
    "one_region_hides_outages": "while one region of {probe} is silent, no outage of it is sure",
}
REASONS = {
    "too_few_regions": "{probe} has {regions} regions, and {needed} must see a failure",
    "no_attempts": "the period is over before a run is due, which takes {interval_us}",
    "claim_above_everything": "more than 100% is promised",
    "region_without_probes": "{region} has a weight, and no probe runs there",
    "gap_below_spacing": "runs of {probe} may lie {spacing_us} apart, and gap is {gap_us}: {unknown} is unknown",
    "minutes_without_attempts": "{probe} runs every {interval_us}, and each minute needs {attempts}: {unknown} of "
    "them are unknown",
    "slices_without_attempts": "slices of {length_us} may hold no run: {unknown} of them are unknown",
    "too_few_trials": "the statistical line has {trials} runs and takes {needed} without a failure",
    "claim_without_error": "no number of runs shows that nothing ever fails",
}
NEEDS = {
    "gap_at_least": "gap: {gap_us}",
    "interval_at_most": "interval: {interval_us} for {probe}",
    "regions_at_least": "{regions} regions for {probe}",
    "slices_at_least": "slices of {length_us}",
    "statistics_beside": "statistics: beside",
    "lower_claim": "a lower claim",
}


def told(remarks: Sequence[Remark]) -> Iterator[tuple[str, list[str]]]:
    """Yield each remark's first line, `warning: ...` or `note: ...`, and its further lines.

    Many of one kind about one version are cut short: one probe in a thousand is as good as the others.
    """
    for _, alike in groupby(remarks, lambda remark: (remark.contract, remark.from_day, _code(remark.text))):
        group = list(alike)
        for number, remark in enumerate(group[:MAX_ALIKE], 1):
            first, *further = lines(remark)
            if number == MAX_ALIKE < len(group):
                further.append(f"and {len(group) - number:,} more like it")
            yield f"{'note' if remark.is_risk else 'warning'}: {first}", further


def lines(remark: Remark) -> Iterator[str]:
    """Yield a remark as text: what it is about and what it says, then why, and what would help."""
    since = f" (from {remark.from_day.isoformat()})" if remark.from_day else ""
    yield f"{remark.contract}{since}: {worded(remark.text, WORDS)}"
    yield from _some(remark.reasons, REASONS)
    if remark.needs:
        yield f"what would help: {'; '.join(_some(remark.needs, NEEDS))}"


def _some(texts: Sequence[str], words: dict[str, str]) -> Iterator[str]:
    for _, alike in groupby(sorted(texts, key=_code), _code):
        said = list(dict.fromkeys(worded(text, words) for text in alike))
        yield from said[:MAX_ALIKE]
        if len(said) > MAX_ALIKE:
            yield f"and {len(said) - MAX_ALIKE:,} more like it"


def _code(text: str) -> str:
    return text.partition(" ")[0]


def worded(text: str, words: dict[str, str]) -> str:
    """Put `code key=value...` in words; a code that has none, or lacks a value for them, is shown as it is."""
    code, *pairs = text.split()
    values = {name: _value(name, value) for name, _, value in (pair.partition("=") for pair in pairs)}
    try:
        return words[code].format_map(values)
    except KeyError:
        pass
    shown = ", ".join(f"{name}: {value}" for name, value in values.items())
    return f"{code} ({shown})" if shown else code


def _value(name: str, value: str) -> str:
    if not (name.endswith("_us") and value.isdigit()):
        return value
    length_us = int(value)
    if name in _AT_MOST and length_us > _MINUTE_US:
        length_us -= length_us % _SECOND_US
    return format_duration(length_us)
