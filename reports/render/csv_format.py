"""Reports as CSV: three files, one row a contract, an outage, a day. For spreadsheets and scripts.

Headings and codes are the same in every language, numbers have a decimal point, instants are RFC 3339; only the
column `finding_text` is in words. UTF-8 with a byte order mark, as spreadsheets look for one. A text that a
spreadsheet would take for a formula gets an apostrophe before it.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from fractions import Fraction

from reports.document import Bounds, ContractReport, Number, Ratio, Seconds
from reports.render import speaker as speakers
from reports.render.opening import finding_code, finding_word
from reports.render.speaker import Audience, Speaker, exact
from reports.words import Words

BOM = b"\xef\xbb\xbf"
FORMULA = "=+-@"
DIGITS = 6  # of seconds: results are timed in microseconds

Row = dict[str, str]


def render(reports: Sequence[ContractReport], words: Words, *, audience: Audience) -> dict[str, bytes]:
    """Return the files by name: `summary.csv`, `outages.csv`, `days.csv`."""
    found = [speakers.speaker(each, words, audience) for each in reports]
    return {
        "summary.csv": _table([_summary(each) for each in found], _summary_names()),
        "outages.csv": _table([row for each in found for row in _outages(each)], OUTAGE_NAMES),
        "days.csv": _table([row for each in found for row in _days(each)], DAY_NAMES),
    }


def text(value: str | None) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    shown = value or ""
    return f"'{shown}" if shown.lstrip()[:1] in tuple(FORMULA) or shown[:1] in ("\n", "\r", "\t") else shown


def _table(rows: Iterable[Row], names: Sequence[str]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, names, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return BOM + out.getvalue().encode("utf-8", "replace")


def _seconds(value: Number | Fraction, up: bool = False) -> str:
    """Return seconds as a decimal, truncated after the microsecond; `up`: the next one."""
    ratio = exact(value) if isinstance(value, Number) else value
    scaled, rest = divmod(abs(ratio.numerator) * 10**DIGITS, ratio.denominator)
    whole, decimals = divmod(scaled + (1 if up and rest else 0), 10**DIGITS)
    tail = f".{decimals:0{DIGITS}}".rstrip("0").rstrip(".")
    return f"{'-' if ratio < 0 else ''}{whole}{tail}"


def _lengths(name: str, seconds: Seconds) -> Row:
    return {
        f"{name}_sure_seconds": _seconds(seconds.lowest),
        f"{name}_measured_seconds": _seconds(seconds.measured),
        f"{name}_possible_seconds": _seconds(seconds.highest, up=True),
    }


def _ratio(name: str, ratio: Ratio | None) -> Row:
    """Return a ratio as truncated percentage and as exact fraction; three empty cells without data."""
    values = ("", "", "") if ratio is None else (text(ratio.text), str(ratio.num), str(ratio.den))
    return dict(zip((f"{name}_percent", f"{name}_num", f"{name}_den"), values, strict=True))


def _bounds(bounds: Bounds) -> Row:
    return {
        **_ratio("lowest", bounds.lowest),
        **_ratio("measured", bounds.measured),
        **_ratio("highest", bounds.highest),
    }


def _which(report: ContractReport) -> Row:
    return {
        "contract": text(report.contract),
        "customer": text(report.customer),
        "period": text(report.period.label),
        "part": str(report.period.part),
    }


_WHICH = ["contract", "customer", "period", "part"]


def _summary(speaker: Speaker) -> Row:
    report = speaker.report
    is_blank = finding_code(report) == "no_data"
    lengths = _lengths("down", report.down_seconds)
    return {
        **_which(report),
        "contract_title": text(report.title),
        "customer_title": text(report.customer_title),
        "service_title": text(report.service_title),
        "from": report.period.from_,
        "to": report.period.to,
        "zone": report.period.zone,
        "as_of": report.period.as_of or "",
        "period_seconds": str(report.period.seconds),
        "method": report.method.name,
        "finding": finding_code(report),
        "finding_text": text(finding_word(speaker)),
        **_ratio("claim", report.claim),
        **_bounds(report.availability),
        **(dict.fromkeys(lengths, "") if is_blank else lengths),
        "eligible_seconds": _seconds(report.eligible_seconds),
        "excluded_seconds": _seconds(report.excluded.seconds),
        "unknown_seconds": _seconds(report.coverage.unknown_seconds, up=True),
        "coverage_percent": report.coverage.ratio.text,
        "imported_results": str(report.imported.results),
        "imported_until": report.imported.until or "",
        "outages": "" if is_blank else str(report.outages_total or len(report.outages)),
        **_credit(report),
        "revision": str(report.provenance.revision),
        "digest": report.provenance.digest or "",
    }


def _credit(report: ContractReport) -> Row:
    credit = report.credit
    shares = {"lowest": credit.lowest_share, "highest": credit.highest_share}
    days = {"lowest": credit.lowest_days, "highest": credit.highest_days}
    return {
        "credit": credit.kind,
        "credit_lowest": credit.lowest or "",
        "credit_highest": credit.highest or "",
        "credit_currency": text(credit.currency),
        **{f"credit_{side}_percent": share.text if share else "" for side, share in shares.items()},
        **{f"credit_{side}_days": "" if count is None else str(count) for side, count in days.items()},
        "credit_claim_by": credit.claim_by or "",
    }


_SUMMARY = """
contract customer period part contract_title customer_title service_title from to zone as_of period_seconds method
finding finding_text claim_percent claim_num claim_den lowest_percent lowest_num lowest_den measured_percent
measured_num measured_den highest_percent highest_num highest_den down_sure_seconds down_measured_seconds
down_possible_seconds eligible_seconds excluded_seconds unknown_seconds coverage_percent outages credit credit_lowest
credit_highest credit_currency credit_lowest_percent credit_highest_percent credit_lowest_days credit_highest_days
credit_claim_by revision digest imported_results imported_until
"""


def _summary_names() -> list[str]:
    return _SUMMARY.split()


OUTAGE_NAMES = [
    *_WHICH,
    *[
        "number",
        "from",
        "to",
        "began_before",
        "goes_on",
        "sure_seconds",
        "measured_seconds",
        "possible_seconds",
    ],
    *[
        "bracket_from",
        "bracket_to",
        "counted_seconds",
        "probes",
        "regions",
        "codes",
        "incident",
        "detail",
        "results",
    ],
]


def _outages(speaker: Speaker) -> list[Row]:
    rows = []
    for each in speaker.report.outages:
        lengths = {key.removeprefix("_"): value for key, value in _lengths("", each.seconds).items()}
        rows.append(
            {
                **_which(speaker.report),
                "number": str(each.number),
                "from": each.from_,
                "to": each.to,
                "began_before": str(each.began_before).lower(),
                "goes_on": str(each.goes_on).lower(),
                **lengths,
                "bracket_from": each.bracket_from,
                "bracket_to": each.bracket_to,
                "counted_seconds": _seconds(each.counted_seconds),
                "probes": _names(speaker, "probe", each.probes),
                "regions": _names(speaker, "region", (seen.region for seen in each.regions)),
                "codes": text(" ".join(each.codes)),
                "incident": text(each.incident),
                "detail": text(each.detail) if speaker.is_internal else "",
                "results": text(each.results) if speaker.is_internal else "",
            }
        )
    return rows


def _names(speaker: Speaker, kind: str, names: Iterable[str]) -> str:
    """Return names with blanks between, or for a customer those that customers know, with semicolons."""
    found = list(dict.fromkeys(names))
    if speaker.is_internal:
        return text(" ".join(found))
    return text("; ".join(speaker.report.titles.get(f"{kind}:{name}", name) for name in found))


DAY_NAMES = [
    *_WHICH,
    *[
        "day",
        "from",
        "to",
        "seconds",
        "state",
        "down_sure_seconds",
        "down_measured_seconds",
        "down_possible_seconds",
    ],
    *["unknown_seconds", "excluded_seconds"],
]


def _days(speaker: Speaker) -> list[Row]:
    return [
        {
            **_which(speaker.report),
            "day": each.day,
            "from": each.from_,
            "to": each.to,
            "seconds": str(each.seconds),
            "state": each.state,
            **_lengths("down", each.down_seconds),
            "unknown_seconds": _seconds(each.unknown_seconds, up=True),
            "excluded_seconds": _seconds(each.excluded_seconds),
        }
        for each in speaker.report.days
    ]
