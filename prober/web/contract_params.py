"""Parameters of questions about contracts: which period, whose report, in which language and for whom."""

from __future__ import annotations

from collections.abc import Sequence

from reports.render.speaker import Audience

from . import params
from .params import Json, Param

MAX_REVISION = 9_999
MAX_PAST = 36  # earlier periods that one report lists


def whole(name: str, about: str, most: int) -> Param[int]:
    """Declare a whole number from 0 on."""

    def read(value: str) -> int:
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and int(value) <= most):
            raise ValueError(f"expected a whole number up to {most}")
        return int(value)

    return Param(name, about, {"type": "integer", "minimum": 0, "maximum": most}, read)


def flag(name: str, about: str) -> Param[bool]:
    """Declare a yes or no."""

    def read(value: str) -> bool:
        if value not in ("true", "false"):
            raise ValueError("expected true or false")
        return value == "true"

    return Param(name, about, {"type": "boolean", "default": False}, read)


def one_of(name: str, about: str, known: Sequence[str]) -> Param[str]:
    """Declare one word of some."""

    def read(value: str) -> str:
        if value not in known:
            raise ValueError(f"expected one of {', '.join(known)}")
        return value

    return Param(name, about, {"type": "string", "enum": list(known)}, read)


def blank(name: str, about: str) -> Param[str]:
    """Declare a text that a form may send empty."""
    schema: Json = {"type": "string"}
    return Param(name, about, schema, lambda value: value)


AUDIENCES: tuple[Audience, ...] = ("customer", "provider")
_PERIOD = "such as 2026-03, 2026-Q1 or 2026; the period that runs if absent"

PERIOD = params.text("period", _PERIOD)
MONTH = params.text("month", "the same as `period`")
FROM = params.instant("from", "with `to`: the first instant of any span of time")
TO = params.instant("to", "its end, not included")
CUSTOMER = params.text("customer", "as this customer has it: only its versions, in its brand")
REVISION = whole("revision", "of a closed report this revision; the newest if absent", MAX_REVISION)
FRESH = flag("fresh", "work a closed period out anew, without closing it again")
PAST = whole("past", "how many earlier periods are listed; 12 if absent", MAX_PAST)
LANGUAGE = params.text("language", "such as en, de or zh; the customer's if absent")
AUDIENCE = one_of(
    "audience", "who reads it; `customer` if a customer is named, else `provider`", list(AUDIENCES)
)
CONTRACT = params.text("contract", "only of this contract")
OF_CUSTOMER = params.text("customer", "only of this customer")

WHAT = (PERIOD, MONTH, FROM, TO, REVISION, FRESH, PAST)
HOW = (LANGUAGE, AUDIENCE)

PAGE_PERIOD = blank("period", _PERIOD)
PAGE_CUSTOMER = blank("customer", "as this customer has it")
PAGE_LANGUAGE = blank("language", "such as en, de or zh")
PAGE_AUDIENCE = blank("audience", "`customer` or `provider`")
PAGE = (PAGE_PERIOD, PAGE_CUSTOMER, PAGE_LANGUAGE, PAGE_AUDIENCE, REVISION)
