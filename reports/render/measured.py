"""Chapters of a sheet about the figure itself: claimed against measured, the strip of days, and the error budget."""

from __future__ import annotations

from collections import Counter

from reports.document import Bounds, Budget, Burn, Day, Number, Seconds
from reports.render.opening import claim_words, finding_code
from reports.render.parts import Cell, Section, StripDay, Table, Tone
from reports.render.speaker import Speaker, exact

SIDES = (("lowest", "highest"), ("measured", "measured"), ("highest", "lowest"))
"""The sides of an availability, each with the side of the down time that makes it."""

TIME_UNITS = ("seconds", "us")
"""Units of a budget whose numbers are seconds."""

DAY_UPPER = (False, True, True, False)
"""Whether a length of a day is told rounded up: down as measured not, at most and unknown, excluded not."""

DAY_TONES: dict[str, Tone] = {"up": "good", "down": "bad", "possible": "unsure", "unknown": "muted"}


def compared(speaker: Speaker) -> Section:
    """Return the claim beside the measured figure and its bounds, with and without what is excluded."""
    report, words = speaker.report, speaker.words
    paragraphs = [words.say("measured.rule")]
    if report.by_rule is not None:
        rule = words.code("unknown_rule_short", report.unknown_rule)
        paragraphs.append(words.say("measured.by_rule", ratio=words.ratio(report.by_rule), rule=rule))
    return speaker.section("measured", paragraphs, tables=[_claimed(speaker), _bare(speaker)])


def _claimed(speaker: Speaker) -> Table:
    report = speaker.report
    columns = [
        speaker.column("figure"),
        speaker.column("availability", "percent"),
        speaker.column("down", "duration"),
    ]
    columns += [speaker.column("lost", "number")] if report.attempts else []
    claim = Cell(text=claim_words(speaker), raw=exact(report.claim))
    rows = [(speaker.message("label.claim"), claim, *_allowed(speaker))]
    for side, other in SIDES:
        share = speaker.measured(report.availability) if side == "measured" else None
        share = share or speaker.percent(getattr(report.availability, side))
        rows.append((speaker.message(f"label.{side}"), share, *_lost(speaker, other)))
    return speaker.table("bounds", columns, rows)


def _allowed(speaker: Speaker) -> list[Cell]:
    """Return the down time and the lost attempts that the claim allows, where the budget says."""
    budget, none = speaker.report.budget, speaker.none()
    if budget is None:
        return [none, none] if speaker.report.attempts else [none]
    if budget.unit in TIME_UNITS:
        return [speaker.duration(budget.total)] + ([none] if speaker.report.attempts else [])
    return [none, speaker.amount(budget.total)] if speaker.report.attempts else [none]


def _lost(speaker: Speaker, side: str) -> list[Cell]:
    report, is_upper = speaker.report, side == "highest"
    if finding_code(report) == "no_data":
        return [speaker.percent(None)] * (2 if report.attempts else 1)
    down: Number = getattr(report.down_seconds, side)
    cells = [speaker.duration(down, up=is_upper)]
    return cells + ([speaker.amount(getattr(report.attempts, side), up=is_upper)] if report.attempts else [])


def _bare(speaker: Speaker) -> Table:
    """Return the same figures with nothing taken out, where something was."""
    report, bare = speaker.report, speaker.report.without_exclusions
    rows = [
        (
            speaker.message(f"label.{side}"),
            _figure(speaker, report.availability, side),
            _figure(speaker, bare, side),
        )
        for side, _ in SIDES
    ]
    columns = [
        speaker.column("figure"),
        speaker.column("with_exclusions", "percent"),
        speaker.column("without_exclusions", "percent"),
    ]
    is_needed = bool(report.excluded.windows) or bare != report.availability
    return speaker.table(
        "with_and_without", columns, rows if is_needed else [], speaker.words.say("measured.bare")
    )


def _figure(speaker: Speaker, bounds: Bounds, side: str) -> Cell:
    return speaker.measured(bounds) if side == "measured" else speaker.percent(getattr(bounds, side))


def days(speaker: Speaker) -> Section:
    """Return the strip of days, and a table of those that have something to tell."""
    found, words = speaker.report.days, speaker.words
    strip = [_strip_day(speaker, day) for day in found]
    if finding_code(speaker.report) == "no_data":
        return speaker.section("days", [words.say("figure.no_data_sentence")], strip=strip)
    counted = Counter(day.state for day in found)
    states = [each for each in ("up", "possible", "down", "unknown", "excluded", "future") if counted[each]]
    summary = speaker.join(words.count(f"days.{state}", counted[state]) for state in states)
    kinds = ("down", "possible", "unknown", "excluded")
    columns = [speaker.column("day", "date"), speaker.column("state")]
    columns += [speaker.column(name, "duration") for name in ("down", *kinds[1:])]
    rows = [_day_row(speaker, day) for day in found if day.state in kinds]
    return speaker.section(
        "days",
        [summary + words.say("format.stop") if summary else ""],
        strip=strip,
        tables=[speaker.table("days", columns, rows)],
    )


def day_rows(speaker: Speaker) -> Table:
    """Return a table of every day, for formats that calculate."""
    columns = [speaker.column("day", "date"), speaker.column("state")]
    columns += [speaker.column(name, "duration") for name in ("down", "possible", "unknown", "excluded")]
    return speaker.table("days", columns, [_day_row(speaker, day) for day in speaker.report.days])


def _day_row(speaker: Speaker, day: Day) -> tuple[Cell, ...]:
    state = Cell(text=speaker.words.code("day", day.state), raw=day.state, tone=DAY_TONES.get(day.state, ""))
    lengths = [day.down_seconds.measured, day.down_seconds.highest, day.unknown_seconds, day.excluded_seconds]
    is_known = day.state != "future" and exact(day.unknown_seconds) < day.seconds
    cells = [speaker.duration(each, up=is_upper) for each, is_upper in zip(lengths, DAY_UPPER, strict=True)]
    return (speaker.date(day.day), state, *([cells[0]] if is_known else [speaker.none()]), *cells[1:])


def _strip_day(speaker: Speaker, day: Day) -> StripDay:
    words = speaker.words
    word = words.code("day", day.state)
    lengths = {
        "down": day.down_seconds.measured,
        "unknown": day.unknown_seconds,
        "excluded": day.excluded_seconds,
    }
    told = [
        words.say(f"strip.{name}", length=words.duration(each, up=name == "unknown"))
        for name, each in lengths.items()
        if each.num
    ]
    if day.state in ("possible", "future") or not told:
        told = [word]
    label = words.day(day.day)
    return StripDay(
        day=day.day,
        label=label,
        state=day.state,
        word=word,
        text=words.say("strip.day", day=label, text=speaker.join(told)),
        seconds=day.seconds,
        down=exact(day.down_seconds.measured),
        possible=exact(day.down_seconds.highest),
        unknown=exact(day.unknown_seconds),
    )


def budget(speaker: Speaker) -> Section | None:
    """Return what the claim allows, what is spent and left, burn rates, and the forecast of a running period."""
    found, words = speaker.report.budget, speaker.words
    if found is None:
        return None
    paragraphs = [words.say("budget.rule")]
    if found.lost_since is not None:
        since = words.instant(found.lost_since, speaker.report.period.zone)
        paragraphs.append(words.say("budget.lost", since=since))
    if found.forecast is not None:
        best, worst = words.ratio(found.forecast.highest), words.ratio(found.forecast.lowest)
        paragraphs.append(words.say("budget.forecast", best=best, worst=worst))
    return speaker.section(
        "budget", paragraphs, tables=[_spent(speaker, found), _burns(speaker, found.burns)]
    )


def _spent(speaker: Speaker, found: Budget) -> Table:
    kind = "duration" if found.unit in TIME_UNITS else "number"
    columns = [speaker.column("figure")]
    columns += [
        speaker.column(name, "duration" if kind == "duration" else "number")
        for name in ("at_least", "as_measured", "at_most")
    ]
    total = _of_unit(speaker, found, found.total)
    rows: list[tuple[Cell, ...]] = [(speaker.message("budget.total"), total, total, total)]
    for name in ("spent", "left"):
        sides: Seconds = getattr(found, name)
        # What is spent at most is told rounded up; so is an overspent rest, which then is further below zero.
        uppers = {"spent": (False, False, True), "left": (sides.lowest.num < 0, False, False)}[name]
        values = (sides.lowest, sides.measured, sides.highest)
        cells = [_of_unit(speaker, found, each, up) for each, up in zip(values, uppers, strict=True)]
        rows.append((speaker.message(f"budget.{name}"), *cells))
    return speaker.table("budget", columns, rows, speaker.words.code("budget.unit", found.unit))


def _of_unit(speaker: Speaker, found: Budget, value: Number, up: bool = False) -> Cell:
    return speaker.duration(value, up) if found.unit in TIME_UNITS else speaker.amount(value, up=up)


def _burns(speaker: Speaker, burns: list[Burn]) -> Table:
    names = ("long_window", "long_rate", "short_window", "short_rate", "factor")
    columns = [*(speaker.column(name) for name in names), speaker.column("state")]
    rows = []
    for each in burns:
        state = speaker.message(f"burn.{'firing' if each.firing else 'calm'}")
        rates = [
            speaker.none() if rate is None else _rate(speaker, rate)
            for rate in (each.long_rate, each.short_rate)
        ]
        factor = _rate(speaker, each.factor)
        rows.append((speaker.text(each.long), rates[0], speaker.text(each.short), rates[1], factor, state))
    return speaker.table("burns", columns, rows, speaker.words.say("burn.caption"))


def _rate(speaker: Speaker, text: str) -> Cell:
    return speaker.text(speaker.words.decimal(text))
