"""What an SLO of a file says in its own words: its objectives, indicators and time window, read and noted.

Here: items in, values out; what is no number or no length of time is told. Not here: what contract follows (`read`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from prober.config.faults import quote
from prober.config.sources import Item

from .budgeting import TimeWindow
from .library import Document, Library, document_of

_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{0,40})?([eE][+-]?[0-9]{1,2})?|\.[0-9]{1,40}")
_METHODS = ("Occurrences", "Timeslices", "RatioTimeslices")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One objective of an SLO."""

    line: int
    title: str
    target: Decimal | None
    slice_target: Decimal | None
    slice_window: str | None
    weight: Decimal | None
    indicator: Document | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Slo:
    """An SLO with all that its document says."""

    document: Document
    service: str
    description: str
    method: str
    window: TimeWindow | None
    window_line: int
    indicator: Document | None
    targets: tuple[Target, ...]

    @property
    def is_composite(self) -> bool:
        """Whether the objectives have indicators of their own."""
        return any(target.indicator is not None for target in self.targets)


def read_slo(document: Document, files: Library) -> Slo | None:
    """Read an SLO; None with a note if it says too little to make anything of."""
    spec, draft = document.spec, files.draft
    if spec is None or not document.name:
        draft.drop(document.item, f"{document}: without metadata.name and spec it is left out")
        return None
    method = _text(spec, "budgetingMethod")
    if method not in _METHODS:
        draft.drop(document.item, f"{document}: {quote(method)} is no budgetingMethod: it is left out")
        return None
    window = _window(spec.get("timeWindow"), document, files)
    objectives = spec.get("objectives")
    _alerts(spec.get("alertPolicies"), document, files)
    return Slo(
        document=document,
        service=_text(spec, "service"),
        description=_text(spec, "description"),
        method=method,
        window=window,
        window_line=_line(spec.get("timeWindow"), document),
        indicator=_indicator(spec, document, files),
        targets=tuple(
            _target(item, document, files) for item in (objectives.each() if objectives is not None else ())
        ),
    )


def _target(item: Item, slo: Document, files: Library) -> Target:
    whole, percent = item.get("target"), item.get("targetPercent")
    target = _number(whole, files) if whole is not None else None
    if percent is not None:
        share = _number(percent, files)
        if whole is not None:
            files.draft.note(percent, f"{slo}: target and targetPercent exclude each other: target is taken")
        elif share is not None:
            target = share.scaleb(-2) if share else share
    _text(item, "op")  # means nothing without a value
    if (value := item.get("value")) is not None:
        files.draft.drop(
            value, f"{slo}: what is good enough is the probe's to say, such as expect: {{within: 800ms}}: "
            f"a value of {quote(value.text)} is not carried over"
        )  # fmt: skip
    return Target(
        line=item.line,
        title=_text(item, "displayName"),
        target=target,
        slice_target=_number(item.get("timeSliceTarget"), files),
        slice_window=_slice_window(item),
        weight=_number(item.get("compositeWeight"), files),
        indicator=_indicator(item, slo, files),
    )


def _slice_window(item: Item) -> str | None:
    """Return the length of a slice; a bare number is minutes."""
    text = _text(item, "timeSliceWindow")
    return f"{text}m" if text.isdecimal() else text or None


def _number(item: Item | None, files: Library) -> Decimal | None:
    """Return a number exactly as it is written."""
    if item is None:
        return None
    text = item.text
    if not _NUMBER.fullmatch(text):
        files.draft.note(item, f"{item.path}: {quote(text)} is no number of zero or more")
        return None
    return Decimal(text)


def _indicator(item: Item, slo: Document, files: Library) -> Document | None:
    inline, reference = item.get("indicator"), item.get("indicatorRef")
    if inline is not None:
        return document_of("SLI", inline, files.draft)
    if reference is None:
        return None
    found = files.get("SLI", reference.text)
    if found is None:
        files.draft.note(reference, f"{slo}: no SLI named {quote(reference.text)} is in the file")
        return Document(kind="SLI", item=reference, name=reference.text, title="", marks={}, mark_lines={})
    return found


def _window(item: Item | None, slo: Document, files: Library) -> TimeWindow | None:
    if item is None or not item.each():
        return None
    first, *others = item.each()
    for other in others:
        files.draft.drop(other, f"{slo}: a second time window is not carried over")
    calendar = first.get("calendar")
    rolling = first.get("isRolling")
    is_rolling = calendar is None
    if rolling is not None:
        is_rolling = rolling.text.lower() == "true"
    if is_rolling and calendar is not None:
        files.draft.note(calendar, f"{slo}: what rolls has no calendar: it is left behind")
    return TimeWindow(
        duration=_text(first, "duration"),
        is_rolling=is_rolling,
        start=_text(calendar, "startTime"),
        zone=_text(calendar, "timeZone"),
    )


def _alerts(item: Item | None, slo: Document, files: Library) -> None:
    """Take note of alert policies: ours are made again, those of others are left behind."""
    for each in item.each() if item is not None else ():
        reference = each.get("alertPolicyRef")
        policy = files.get("AlertPolicy", reference.text) if reference is not None else None
        if policy is not None and "made-by" in policy.marks:
            continue
        if not each.is_scalar or each.glimpse() is not None:
            files.draft.drop(each, f"{slo}: alerts are not carried over: prober rules makes them")


def _text(item: Item | None, key: str) -> str:
    found = item.get(key) if item is not None else None
    return found.text if found is not None else ""


def _line(item: Item | None, document: Document) -> int:
    return item.line if item is not None else document.line
