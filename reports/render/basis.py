"""Chapters of a sheet about what the figures rest on: the method in words, assumptions, provenance.

A reader must be able to recompute the figures from here: the rules are whole sentences, the ratios exact fractions.
"""

from __future__ import annotations

from fractions import Fraction

from reports.document import Number
from reports.render.parts import Cell, Fact, Section, Table
from reports.render.speaker import Speaker, exact

_CHOICES = (("periods", "unknown"), ("slices", "empty"))
"""Options of methods whose value is a word: each value has a sentence of its own."""


def method(speaker: Speaker) -> Section:
    """Return how it was counted, what such a measurement can show, and the exact fractions."""
    report, words = speaker.report, speaker.words
    sentences = [
        *_method(speaker),
        _denominator(speaker),
        words.code("unknown_rule", report.unknown_rule),
        words.code("quorum", report.quorum),
        words.say("method.more_than" if report.more_than else "method.at_least"),
        words.say("method.one_count"),
        words.say("method.truncated"),
    ]
    if report.method.preset is not None:
        sentences.insert(0, words.say("method.preset", preset=report.method.preset))
    tables = [_fractions(speaker), _exact_down(speaker)]
    return speaker.section(
        "method",
        [words.say("format.gap").join(sentences), *_sight(speaker), *_statistics(speaker)],
        tables=tables,
    )


def _method(speaker: Speaker) -> list[str]:
    """Return the method in sentences, with the options that make a difference."""
    words, name = speaker.words, speaker.report.method.name
    options = _options(speaker)
    key = name if name != "weighted" else f"weighted_{options.get('by', 'regions')}"
    found = [_down_minute(speaker, options), words.code("method", key, **options)]
    for kind, option in _CHOICES:
        if name == kind and option in options:
            found.append(words.code(f"option.{kind}.{option}", options[option]))
    if options.get("min_attempts", "1") != "1":
        found.append(words.say("option.min_attempts", min_attempts=options["min_attempts"]))
    if options.get("good_minutes", "1") != "1":
        found.append(words.say("option.good_minutes", good_minutes=options["good_minutes"]))
    if options.get("ignored"):
        found.append(words.say("option.ignored", ignored=options["ignored"]))
    return [each for each in found if each]


def _down_minute(speaker: Speaker, options: dict[str, str]) -> str:
    """Return when a minute is down, for methods that count minutes."""
    if "threshold" not in options:
        return ""
    if speaker.report.method.options["threshold"].rstrip("% ") == "100":
        return speaker.words.say("method.minute_down_all")
    return speaker.words.say("method.minute_down", threshold=options["threshold"])


def _options(speaker: Speaker) -> dict[str, str]:
    """Return the options as texts of the language: lengths in words, shares as percentages."""
    found = speaker.values(speaker.report.method.options)
    raw = speaker.report.method.options
    if "threshold" in raw:
        found["threshold"] = speaker.words.percent(raw["threshold"].rstrip("% "))
    return found


def _confidence(speaker: Speaker) -> str:
    percent = Fraction(speaker.report.statistics.confidence) * 100
    digits = 0 if percent.denominator == 1 else 3
    return speaker.words.say("format.percent", number=speaker.words.fraction(percent, digits))


def _denominator(speaker: Speaker) -> str:
    words, options = speaker.words, _options(speaker)
    length = options.get("denominator") or options.get("fixed")
    if speaker.report.denominator == "fixed" and length is not None:
        return words.say("denominator.fixed_length", length=length)
    return words.code("denominator", speaker.report.denominator)


def _sight(speaker: Speaker) -> list[str]:
    """Return how short an outage surely shows, and whether this set-up could back the claim at all."""
    report, words, found = speaker.report, speaker.words, []
    if report.smallest_sure_outage_seconds is not None:
        length = words.duration(report.smallest_sure_outage_seconds, up=True)
        found.append(words.say("method.smallest", length=length))
    advice = report.advice
    risks = [speaker.coded("advice.risk", each) for each in advice.risks]
    if advice.possible:
        return found + risks
    best = words.say("advice.best", best=words.ratio(advice.best)) if advice.best else ""
    found.append(
        words.say("format.gap").join(each for each in (words.say("advice.impossible"), best) if each)
    )
    found += [speaker.coded("advice.reason", each) for each in advice.reasons]
    if advice.needs:
        needs = speaker.join(speaker.coded("advice.need", each) for each in advice.needs)
        found.append(words.say("advice.needs", needs=needs))
    return found + risks


def _statistics(speaker: Speaker) -> list[str]:
    line, words = speaker.report.statistics, speaker.words
    if not line.applies:
        why = line.why_not or "off"
        if why == "imported" and not speaker.report.imported.used:
            why = "no_trials"  # what was imported lies in other periods: it is no reason here
        return [words.say("statistics.off", why=words.code("why_not", why))]
    values = {
        "confidence": _confidence(speaker),
        "bad": words.integer(line.bad),
        "trials": words.integer(line.trials),
        "lower": words.decimal(line.lower),
        "upper": words.decimal(line.upper),
        "finding": words.code("finding", line.finding or "no_data"),
    }
    return [words.say("statistics.line", **values)] + (
        [words.say("statistics.weakens")] if line.weakens else []
    )


def _fractions(speaker: Speaker) -> Table:
    """Return the three figures as fractions, to the last digit."""
    bounds = speaker.report.availability
    rows = []
    for side in ("lowest", "measured", "highest"):
        ratio = getattr(bounds, side)
        if ratio is not None:
            name = speaker.message(f"label.{side}")
            rows.append(
                (name, Cell(text=str(ratio.num), raw=ratio.num), Cell(text=str(ratio.den), raw=ratio.den))
            )
    columns = [
        speaker.column("figure"),
        speaker.column("numerator", "number"),
        speaker.column("denominator", "number"),
    ]
    return speaker.table("fractions", columns, rows, speaker.words.say("method.fractions"))


def _exact_down(speaker: Speaker) -> Table:
    """Return the lengths that the figures are made of, in exact seconds."""
    report = speaker.report
    lengths = {
        "period": Number(num=report.period.seconds, den=1),
        "eligible": report.eligible_seconds,
        "down": report.down_seconds.measured,
        "sure": report.down_seconds.lowest,
        "possible": report.down_seconds.highest,
        "unknown": report.coverage.unknown_seconds,
        "excluded": report.excluded.seconds,
    }
    rows = [
        (speaker.message(f"label.{name}_seconds"), Cell(text=_exact(value.num, value.den), raw=exact(value)))
        for name, value in lengths.items()
    ]
    return speaker.table(
        "exact_seconds", [speaker.column("figure"), speaker.column("exact_seconds", "number")], rows
    )


def _exact(num: int, den: int) -> str:
    return str(num) if den == 1 else f"{num}/{den}"


def assumptions(speaker: Speaker) -> Section:
    """Return what the bounds rest on, with the values."""
    rows = []
    for each in speaker.report.assumptions:
        told = speaker.words.code("assumption", each.code, **speaker.values(each.values))
        rows.append((speaker.text(told), speaker.text(each.code)))
    table = speaker.table("assumptions", [speaker.column("assumption"), speaker.column("code")], rows)
    return speaker.section("assumptions", [speaker.words.say("assumptions.intro")], tables=[table])


def provenance(speaker: Speaker) -> Section:
    """Return from what, and by what, the report was made."""
    found, words = speaker.report.provenance, speaker.words
    edition = words.say("provenance.revision", revision=str(found.revision))
    if not found.revision:
        edition = words.say("provenance.not_closed")
    why = words.code("late", found.late) if found.late else ""
    facts: list[Fact] = [
        speaker.fact("edition", speaker.text(edition), why),
        speaker.fact("made", speaker.instant(found.made)),
        speaker.fact("zone", speaker.text(speaker.report.period.zone)),
        speaker.fact("software", speaker.text(found.software)),
        speaker.fact("tzdata", speaker.text(found.tzdata)),
    ]
    digests = {
        "digest": found.digest,
        "supersedes": found.supersedes,
        "contract_digest": found.contract,
        "results_digest": found.results,
        "configuration_digest": found.configuration,
    }
    facts += [speaker.fact(name, speaker.text(value)) for name, value in digests.items() if value]
    return speaker.section("provenance", [words.say("provenance.intro"), _sources(speaker)], facts)


def _sources(speaker: Speaker) -> str:
    imported, words = speaker.report.imported, speaker.words
    if not imported.used or imported.until is None:
        return ""
    return words.say("provenance.imported", until=words.instant(imported.until, speaker.report.period.zone))
