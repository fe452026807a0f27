"""Contracts out of our own annotations: each is trusted as far as the words of its document still say the same."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from prober.config.contracts import ContractBlock
from prober.config.faults import quote
from prober.imports.draft import Draft, Raw, slug

from .budgeting import (
    Form,
    form_of,
    method_from,
    percent,
    target_of,
    time_window,
    window_from,
    written_window,
)
from .targets import Slo
from .words import MAX_DESCRIPTION, MAX_TITLE, PREFIX

_KEYS = frozenset(field.alias or name for name, field in ContractBlock.model_fields.items()) - {"service"}
_NATIVE = ("method", "window", "claim")


@dataclass(frozen=True, slots=True)
class Own:
    """A contract that we wrote, but for the names of its services."""

    raw: Raw


def own_contract(slo: Slo, draft: Draft) -> Own | None:
    """Return the contract of an SLO that we wrote; None for those of others, and where too little is left of ours."""
    marks = slo.document.marks
    target = slo.targets[0].target if slo.targets else None
    if "method" not in marks or target is None or slo.window is None:
        return None
    window, _ = window_from(slo.window)
    if window is None or len({each.target for each in slo.targets}) > 1:
        return None
    _tell_unknown(slo, draft)
    marked = {key: value for key, value in marks.items() if key in _KEYS}
    plain: Raw = {
        "name": slug(slo.document.name),
        "claim": percent(Fraction(target)),
        "window": str(window),
        "timezone": slo.window.zone,
        "method": method_from(_form(slo))[0],
    }
    raw = {**plain, **marked}
    for key in _changed(slo, target, raw):
        if key in marked:
            draft.note(
                slo.document.mark_lines[key],
                f"{slo.document}: the annotation {PREFIX}{key} no longer fits the document, which is followed",
            )
        raw[key] = plain[key]
    raw |= _texts(slo, marked)
    return Own({key: value for key, value in raw.items() if value not in ("", None)})


def _changed(slo: Slo, target: Decimal, raw: Raw) -> list[str]:
    """Name the annotations that the words of the document contradict."""
    try:
        block = ContractBlock.model_validate({**raw, "service": "service", "services": []})
    except ValueError:  # pydantic's error is one; the reader of the result tells what is wrong with the rest
        return [key for key in _NATIVE if not _is_sound(key, raw)]
    found = []
    if form_of(block.method) != _form(slo):
        found.append("method")
    wanted = window_from(written_window(time_window(block.window, block.timezone, block.effective.from_day)))
    if slo.window is not None and wanted[0] != window_from(slo.window)[0]:
        found.append("window")
    if target_of(block.claim) != target:
        found.append("claim")
    return found


def _is_sound(key: str, raw: Raw) -> bool:
    try:
        ContractBlock.model_validate({"name": "a", "service": "a", "claim": "1%", key: raw[key]})
    except ValueError:
        return False
    return True


def _form(slo: Slo) -> Form:
    first = slo.targets[0]
    weights = tuple((target.title, target.weight or Decimal(1)) for target in slo.targets)
    return Form(
        slo.method,  # type: ignore[arg-type]  # `read_slo` lets no other pass
        slice_target=first.slice_target,
        slice_window=first.slice_window,
        weights=weights if slo.is_composite else (),
    )


def _texts(slo: Slo, marked: Raw) -> Raw:
    """Return title and promise: the document's own if it says another one than the annotation."""
    title, promise = marked.get("title"), marked.get("promise")
    is_same_title = isinstance(title, str) and title[:MAX_TITLE] == slo.document.title
    is_same_promise = isinstance(promise, str) and promise[:MAX_DESCRIPTION] == slo.description
    return {
        "title": title if is_same_title else slo.document.title,
        "promise": promise if is_same_promise else slo.description,
    }


def _tell_unknown(slo: Slo, draft: Draft) -> None:
    for key in slo.document.marks.keys() - _KEYS:
        draft.note(
            slo.document.mark_lines[key], f"{slo.document}: the annotation {quote(PREFIX + key)} is not known"
        )
