"""The highest slot of each series that has its fate: what an agent that starts again must not run once more. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from prober.wire import Gap, Kind, Record

MAX_SERIES = 50_000  # remembered; beyond that those are forgotten that told nothing for the longest time
_decoder = msgspec.msgpack.Decoder(tuple[bytes, dict[int, int]])


class Accounted:
    """Slots by series, of one hub: the numbers of series mean nothing at another."""

    def __init__(self, hub: bytes = b"") -> None:
        self.hub = hub
        self._slots: dict[int, int] = {}

    @classmethod
    def read(cls, data: bytes) -> Accounted:
        """Return what `bytes` wrote; of what cannot be read nothing is known."""
        made = cls()
        try:
            made.hub, made._slots = _decoder.decode(data)
        except msgspec.MsgspecError:
            return cls()
        return made

    def __bytes__(self) -> bytes:
        return msgspec.msgpack.encode((self.hub, self._slots))

    def add(self, hub: bytes, records: Iterable[Record], gaps: Iterable[Gap]) -> None:
        """Take note of scheduled results and of slots without one."""
        if hub != self.hub:
            self.hub, self._slots = hub, {}
        for record in records:
            if record.kind == Kind.SCHEDULED:
                self._raise(record.series, record.slot)
        for gap in gaps:
            self._raise(gap.series, gap.last)

    def take(self, other: Accounted) -> None:
        """Take in what another one knows of newer results."""
        if not other._slots:
            return
        if other.hub != self.hub:
            self.hub, self._slots = other.hub, {}
        for series, slot in other._slots.items():
            self._raise(series, slot)

    def of(self, hub: bytes | None) -> dict[int, int]:
        """Return the slots of a hub's series (None: whichever hub was told of last)."""
        return dict(self._slots) if hub is None or hub == self.hub else {}

    def _raise(self, series: int, slot: int) -> None:
        before = self._slots.pop(series, slot)
        self._slots[series] = max(before, slot)
        if len(self._slots) > MAX_SERIES:
            del self._slots[next(iter(self._slots))]
