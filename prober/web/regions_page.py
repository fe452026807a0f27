"""`/regions`: regions, their agents and what each sees, on one page for people. It needs no script and renews itself.

Not here: what is wrong with a region in words (`prober.hub.sightings`), how pieces are drawn (`markup`).
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from aiohttp import web
from markupsafe import Markup

from checks.core.result import Outcome
from prober.config import Region
from prober.hub.moments import ago
from prober.hub.sightings import (
    MAX_QUOTED,
    Tally,
    Trouble,
    agent_standing,
    agents_of,
    doubt_us,
    seen_us,
    standing_of,
    tallies,
    troubles,
    watch_of,
)
from prober.hub.verdict import State
from prober.hub.view import AgentView, ProbeView, RegionView, View
from prober.store.base import AsideRow, StoreError
from prober.wire import SpoolState

from .agent_shapes import newest_first
from .markup import (
    NOTHING,
    breakable,
    clock_text,
    head,
    join,
    length,
    row,
    share,
    signed,
    size,
    with_small,
    word,
)
from .routes import Call

REFRESH_SECONDS = 10
MAX_PROBES = 200  # rows of the matrix; those on which regions disagree come first
MAX_ASIDE = 10
MAX_EVENTS = 3  # of a clock
REGION_COLUMNS = ("region", "is", "on record up to", "void results", "missed slots", "agents")
AGENT_COLUMNS = ("agent", "region", "is", "behind", "on its disk", "clock", "process", "kept aside")
LAST = "when it was there last"
ASIDE_COLUMNS = ("agent", "when", "why")
_STATES = {
    State.UP: ("good", "✓"),
    State.DEGRADED: ("mild", "▲"),
    State.DOWN: ("bad", "✗"),
    State.UNKNOWN: ("none", "?"),
}
_LINKS = {"up": ("good", "✓"), "away": ("mild", "▲"), "down": ("bad", "✗"), "refused": ("bad", "✗")}
_MODES = {"share": "sharing its probes", "all": "each running all"}
_STANDINGS = {
    "sound": ("good", "✓", "sound"),
    "alone": ("mild", "▲", "alone"),
    "waiting": ("mild", "▲", "waiting"),
    "no_agent": ("mild", "▲", "no agent"),
    "silent": ("bad", "✗", "silent"),
    "cut_off": ("bad", "✗", "cut off"),
}


async def regions_page(call: Call) -> web.Response:
    """Answer with the page."""
    try:
        rows = await call.served.store.aside(MAX_ASIDE, data=False)
    except StoreError:
        rows = []  # the rest of the page needs no store, and is wanted most when it cannot be read
    headers = {"Content-Security-Policy": _policy(), "Refresh": str(REFRESH_SECONDS)}
    body = page(call.served.view, rows, call.now_us)
    return web.Response(text=body, content_type="text/html", headers=headers)


@cache
def _own(name: str) -> Markup:
    """Return one of our own files as it stands; it holds nothing from outside."""
    return Markup((Path(__file__).parent / name).read_text(encoding="utf-8").strip())


@cache
def _policy() -> str:
    digest = b64encode(sha256(_own("regions.css").encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )


def page(view: View, aside: Sequence[AsideRow], now_us: int) -> str:
    """Return the page as HTML."""
    found, counted, regions = troubles(view, now_us), tallies(view), view.config.regions
    probes = sorted(view.probes.values(), key=_gravity)
    grave = sum(trouble.is_grave for trouble in found)
    columns = [Markup("{}<small>{}</small>").format(region.name, region.title) for region in regions]
    return _own("regions.html").format(
        title=f"({grave}) Regions" if grave else "Regions",
        style=_own("regions.css"),
        now=clock_text(now_us),
        seconds=REFRESH_SECONDS,
        notes=join(map(_note, found)) or Markup('<li class="good">✓ Every region delivers and has a network</li>'),
        region_columns=head(REGION_COLUMNS),
        regions=join(_region(view, region, counted[region.name], now_us) for region in regions),
        agent_columns=head(AGENT_COLUMNS),
        agents=join(_agent(view, agent, now_us) for agent in view.agents.values()),
        probe_columns=head(["probe", *columns]),
        probes=join(_probe(shown, regions, now_us) for shown in probes[:MAX_PROBES]),
        more=_more(len(probes) - MAX_PROBES),
        aside=_aside(aside, now_us),
    )  # fmt: skip


def _note(trouble: Trouble) -> Markup:
    tone, sign = ("bad", "✗") if trouble.is_grave else ("mild", "▲")
    return Markup('<li class="{}">{} {}</li>').format(tone, sign, trouble.words)


def _region(view: View, region: Region, tally: Tally, now_us: int) -> Markup:
    watch, agents = watch_of(view, region.name), agents_of(view, region.name)
    reach = NOTHING if not watch.complete_us else _instant(watch.complete_us, now_us)
    return row(REGION_COLUMNS, (
        with_small(region.name, region.title),
        word(*_STANDINGS[standing_of(region, watch, agents)]),
        reach,
        share(tally.void, tally.results, tally.void_share),
        share(tally.missed, tally.slots, tally.missed_share),
        with_small(f"{len(agents)}", "on this machine" if region.local else _MODES[region.agents]),
    ))  # fmt: skip


def _instant(at_us: int, now_us: int) -> Markup:
    return with_small(f"{ago(now_us - at_us)} ago", clock_text(at_us))


def _agent(view: View, agent: AgentView, now_us: int) -> Markup:
    is_there = agent.up or not agent.remote  # of one that is not, the rest is what it was
    software = f"version {agent.software[:MAX_QUOTED]}" if agent.software else ""
    key = f"key {agent.fingerprint}" if agent.fingerprint else ""
    return row(AGENT_COLUMNS, (
        with_small(agent.name, software, key),
        ", ".join(agent.regions),
        _link(agent, now_us),
        ago(now_us - agent.complete_us) if agent.complete_us else NOTHING,
        NOTHING if agent.spool is None else _spool(agent.spool, now_us, is_there),
        _clock(view, agent, now_us) if agent.remote else NOTHING,
        _process(agent) if is_there else NOTHING,
        f"{agent.aside:,}" if agent.remote else NOTHING,
    ))  # fmt: skip


def _link(agent: AgentView, now_us: int) -> Markup:
    standing = agent_standing(agent)
    since_us = (agent.connected_us or agent.started_us) if agent.up else seen_us(agent, now_us)
    told = f"for {ago(now_us - since_us)}" if since_us and not agent.refused else ""
    enrolled = f"enrolled {clock_text(agent.enrolled_us)[:10]}" if agent.enrolled_us else ""
    return with_small(word(*_LINKS[standing], standing), agent.refused[:MAX_QUOTED], told, enrolled)


def _spool(spool: SpoolState, now_us: int, is_there: bool) -> Markup:
    waiting = f"{spool.results:,} results" if spool.results else "nothing waits"
    oldest = f"{size(spool.bytes)}, oldest {ago(now_us - spool.oldest_us)} old" if spool.oldest_us else ""
    why = f" ({spool.dropped_why[:MAX_QUOTED]})" if spool.dropped_why else ""
    dropped = f"▲ gave up {spool.dropped_results:,}{why}" if spool.dropped_results else ""
    return with_small(waiting, oldest, "" if is_there else LAST, dropped)


def _clock(view: View, agent: AgentView, now_us: int) -> Markup:
    shown, clock = "not measured yet", agent.clock
    if clock is not None:
        is_off = doubt_us(clock) > view.config.agents.max_clock_offset_us
        shown = f"{'✗ ' if is_off else ''}{signed(clock.offset_us)} ± {length(clock.error_us)}"
    events = (
        f"{event.kind} {signed(event.by_us)}, {ago(now_us - event.at_us)} ago"
        for event in newest_first(agent.clock_events)[:MAX_EVENTS]
    )
    return with_small(shown, "" if agent.up else LAST, *events)


def _process(agent: AgentView) -> Markup:
    restarts = f"restarted {agent.restarts:,} times" if agent.restarts else ""
    if agent.health is None:
        return with_small(NOTHING, restarts)
    return with_small(f"{length(agent.health.worst_lag_us)} lag", size(agent.health.resident_bytes), restarts)


def _gravity(shown: ProbeView) -> int:
    """Put first what regions disagree on, then what is not up."""
    states = {region.state for region in shown.regions.values()}
    if len(states) > 1:
        return 0
    return 2 if states == {State.UP} else 1


def _probe(shown: ProbeView, regions: Sequence[Region], now_us: int) -> Markup:
    state = f"{_STATES[shown.state][1]} {shown.state.value}"
    cells = [_cell(shown.regions.get(region.name), now_us) for region in regions]
    return row(["probe", *(region.name for region in regions)], [with_small(shown.probe.name, state), *cells])


def _cell(region: RegionView | None, now_us: int) -> Markup:
    if region is None:
        return Markup('<span class="none">– <span class="hide">not run there</span></span>')
    since = because = ""
    if region.state is not State.UP:
        since = f"for {ago(now_us - region.since_us)}" if region.since_us else ""
        because = region.because[:MAX_QUOTED]
    shown = word(*_STATES[region.state], region.state.value)
    return with_small(shown, since, breakable(because), breakable(_newest(region, because)))


def _newest(region: RegionView, because: str) -> str:
    """Return what the newest result was, where the state does not say so already."""
    last = region.last
    if last is None:
        return ""
    code = last.failure.code[:MAX_QUOTED] if last.failure is not None else ""
    if (region.state, last.outcome, code) in (
        (State.UP, Outcome.PASS, ""),
        (State.DOWN, Outcome.FAIL, because),
    ):
        return ""
    return f"newest: {last.outcome.value}" + (f", {code}" if code and code != because else "")


def _more(count: int) -> Markup:
    if count <= 0:
        return Markup("")
    words = Markup('<p class="more">and {} more that fare no worse: <a href="/api/v1/regions">all</a></p>')
    return words.format(f"{count:,}")


def _aside(rows: Sequence[AsideRow], now_us: int) -> Markup:
    if not rows:
        return Markup("")
    filled = join(
        row(ASIDE_COLUMNS, (
            with_small(each.agent, f"epoch {each.epoch}, batch {each.sequence}"),
            f"{ago(now_us - each.noted_us)} ago",
            each.reason[:MAX_QUOTED],
        ))
        for each in rows
    )  # fmt: skip
    return Markup(
        '<h2>Batches kept aside, the newest (<a href="/api/v1/aside">all</a>)</h2>\n'
        '<div class="card"><table class="stack"><thead>{}</thead><tbody>{}</tbody></table></div>'
    ).format(head(ASIDE_COLUMNS), filled)
