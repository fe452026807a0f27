"""The exporter's rules on rcodes and on the records of a section, each seen as a line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from checks.core.dns_texts import RecordText
from checks.core.quote import quoted

from .expressions import search_text

if TYPE_CHECKING:
    from .other_options import RecordRules

_RCODES = {
    **{name: number for number, name in enumerate(
        ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
         "NOTAUTH", "NOTZONE"))},
    "BADSIG": 16, "BADVERS": 16, "BADKEY": 17, "BADTIME": 18, "BADMODE": 19, "BADNAME": 20, "BADALG": 21,
    "BADTRUNC": 22, "BADCOOKIE": 23,
}  # fmt: skip


def serial_of(records: list[RecordText]) -> int:
    """Return the serial number of the last SOA record, 0 without one."""
    return next((each.serial for each in reversed(records) if each.serial is not None), 0)


def rcode_number(name: str) -> int | None:
    """Return an rcode by its name, None where there is no such name."""
    return _RCODES.get(name)


def is_accepted(rcode: int, names: tuple[str, ...]) -> bool:
    """Say whether an rcode is among those named (none named: NOERROR); a name of no rcode accepts nothing."""
    numbers = [rcode_number(name) for name in names or ("NOERROR",)]
    return None not in numbers and rcode in numbers


def problem_of(records: list[RecordText], rules: RecordRules) -> str | None:
    """Return what the rules have against a section, None if nothing."""
    if not records and (rules.fail_if_not_matches_regexp or rules.fail_if_none_matches_regexp):
        return "there are no records to match"
    for record in records:
        if found := _first(record, rules.fail_if_matches_regexp, matches=True):
            return f"{quoted(record.line)} matches {quoted(found)}"
        # As in the exporter, whatever the rule is called: every record has to match.
        demanded = (*rules.fail_if_all_match_regexp, *rules.fail_if_not_matches_regexp)
        if missed := _first(record, demanded, matches=False):
            return f"{quoted(record.line)} does not match {quoted(missed)}"
    anyone = rules.fail_if_none_matches_regexp
    if anyone and not any(_first(each, anyone, matches=True) is not None for each in records):
        return "no record matches"
    return None


def _first(record: RecordText, patterns: tuple[str, ...], *, matches: bool) -> str | None:
    return next((each for each in patterns if search_text(each, record.line) is matches), None)
