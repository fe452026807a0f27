"""Whether the libraries of the extra `ical` are installed; asked without importing them, which takes a while."""

from __future__ import annotations

from importlib.util import find_spec

from .rules import MissingExtra

LIBRARIES = ("dateutil", "icalendar", "recurring_ical_events")


def need_extra(key: str) -> None:
    """Raise MissingExtra, naming the key that needs it, where one of the libraries is missing."""
    if any(find_spec(name) is None for name in LIBRARIES):
        raise MissingExtra(key)
