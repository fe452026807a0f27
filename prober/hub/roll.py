"""The remote agents that are known: their pinned keys, what is shown of them, when each gave its last sign of life.

Here is what outlives a link. Not here: the links themselves and what is told over them (`remotes.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prober.agent.keys import fingerprint
from prober.config import Config
from prober.store.base import AgentRow
from prober.wire import Challenge, Hello

from .enrolment import Enrolment, Stranger
from .plan import remote_regions
from .remote import RemoteAgent
from .shares import Presence
from .upkeep import Upkeep
from .view import AgentView, View

RECENT_US = 1_800_000_000  # seen so shortly before the hub's start, an agent is given time to come back
SEEN_EVERY_US = 600_000_000  # how often it goes on record that an agent was seen


class Roll:
    """One per hub. Instants are the hub's wall clock, those named `steady` its monotonic clock, in micro-seconds."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._enrolment = Enrolment()
        self._upkeeps: dict[str, Upkeep] = {}
        self._alive_us: dict[str, int] = {}  # steady: the last sign of life of those without a link
        self._config = view.config

    def restore(self, rows: Iterable[AgentRow], now_us: int, steady_us: int) -> None:
        """Begin with those on record."""
        self._enrolment = Enrolment(rows)
        for row in self._enrolment.rows.values():
            if now_us - row.seen_us <= RECENT_US:
                self._alive_us[row.name] = steady_us

    def adopt(self, config: Config, now_us: int) -> None:
        """Show the agents of another configuration's regions."""
        self._config = config
        self.sweep(now_us)

    def row(self, name: str) -> AgentRow | None:
        """Return a known agent."""
        return self._enrolment.rows.get(name)

    def admit(self, challenge: Challenge, hello: Hello, now_us: int) -> AgentRow:
        """Return who is let in, and is known from now on. Raises Stranger, shown with whom it was mistaken for."""
        try:
            row = self._enrolment.admit(challenge, hello, now_us)
        except Stranger as problem:
            shown = self._view.agents.get(problem.name)
            if shown is not None and not shown.up:  # one that is linked is not the stranger
                shown.refused = str(problem)
            raise
        self._enrolment.pin(row)
        return row

    def joined(self, agent: RemoteAgent, now_us: int) -> None:
        """Show that an agent's link is open."""
        assert agent.row is not None
        assert agent.hello is not None
        view = self.upkeep(agent.row).view
        view.up, view.left, view.refused = True, False, ""
        view.software, view.wire_version = agent.row.software, agent.hello.version
        view.started_us, view.connected_us = agent.hello.started_us, now_us

    def left(self, agent: RemoteAgent, now_us: int) -> AgentRow | None:
        """Show that an agent's link has ended; returns what goes on record of it. None: it was forgotten."""
        row = self._enrolment.see(agent.name, now_us)
        if row is not None:
            view = self.upkeep(row).view
            view.up, view.connected_us, view.gone_us = False, 0, now_us
            view.series = 0
            self._alive_us[row.name] = agent.alive_us
        return row

    def show_duty(self, agent: RemoteAgent, series: int) -> None:
        """Show how many series an agent runs."""
        assert agent.row is not None
        self.upkeep(agent.row).view.series = series

    def seen_anew(self, name: str, now_us: int) -> AgentRow | None:
        """Return what goes on record of an agent that is linked, every so often; None: nothing yet."""
        row = self.row(name)
        return (
            self._enrolment.see(name, now_us)
            if row is not None and now_us - row.seen_us >= SEEN_EVERY_US
            else None
        )

    def forget(self, name: str) -> bool:
        """Know an agent no longer; False if nobody was known by that name."""
        self._alive_us.pop(name, None)
        self._hide(name)
        return self._enrolment.forget(name)

    def upkeep(self, row: AgentRow) -> Upkeep:
        """Return what keeps the view of an agent, which is shown from now on unless it was forgotten."""
        found = self._upkeeps.get(row.name) or Upkeep(_view(row))
        if row.name in self._enrolment.rows:
            self._upkeeps[row.name] = found
            self._view.agents[row.name] = found.view
        return found

    def presences(self, links: Iterable[RemoteAgent]) -> Iterator[tuple[str, Presence]]:
        """Yield when each agent gave its last sign of life, with its region."""
        linked = set()
        for agent in links:
            linked.add(agent.name)
            yield agent.access.region, Presence(name=agent.name, heard_us=agent.alive_us, is_linked=True)
        for name, heard_us in self._alive_us.items():
            row = self.row(name)
            if row is not None and name not in linked:
                yield row.region, Presence(name=name, heard_us=heard_us, is_linked=False)

    def sweep(self, now_us: int) -> list[str]:
        """Show who was seen lately and hide all others; returns who may be forgotten, for there are too many."""
        regions, oldest_us = remote_regions(self._config), now_us - self._config.agents.forget_after_us
        for row in self._enrolment.rows.values():
            shown = self._view.agents.get(row.name)
            if row.region in regions and (row.seen_us >= oldest_us or (shown is not None and shown.up)):
                view = self.upkeep(row).view
                if not view.up:
                    view.gone_us = view.gone_us or row.seen_us
            else:
                self._hide(row.name)
        return self._enrolment.stale(oldest_us)

    def _hide(self, name: str) -> None:
        if name in self._upkeeps:
            del self._upkeeps[name]
            self._view.agents.pop(name, None)


def _view(row: AgentRow) -> AgentView:
    return AgentView(
        name=row.name,
        regions=(row.region,),
        remote=True,
        software=row.software,
        fingerprint=fingerprint(row.key),
        enrolled_us=row.enrolled_us,
    )
