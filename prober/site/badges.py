"""Badges: a word about a service for other people's pages, as an image and as the JSON that shields.io reads. Pure.

The JSON has just the four keys that its schema needs: https://shields.io/badges/endpoint-badge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import msgspec
from markupsafe import Markup

from prober.hub.serving import History
from prober.hub.verdict import State
from prober.hub.view import View

from .components import Component, components, sight
from .figures import short_figure
from .page import WORDS
from .sla import Promise

FIGURES = ("status", "uptime", "contract")
GREEN, AMBER, RED, GREY, BLUE = "#0b7a5c", "#935900", "#b93815", "#56606a", "#1f5fbf"
DARK = "#3a424a"
_STATES = {State.UP: GREEN, State.DEGRADED: AMBER, State.DOWN: RED, State.UNKNOWN: GREY}
_FINDINGS = {"backed": GREEN, "broken": RED, "not_proven": AMBER, "no_data": GREY}
MAX_TEXT = 60  # signs of either side
HEIGHT, PADDING = 20, 6
_NARROW, _WIDE = frozenset("iIjlt.,:;|!'()[]f r"), frozenset("mwMWQO@%ABCDGHKNRUVXYZ")


class BadgeShape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The schema of shields.io."""

    schema_version: Literal[1] = 1
    label: str
    message: str
    color: str


@dataclass(frozen=True, slots=True)
class Badge:
    """Label, message and colour."""

    label: str
    message: str
    colour: str


def figure_asked(query: Mapping[str, str]) -> str | None:
    """Return which figure the parameters of a badge ask for; None where they ask for what there is not."""
    figure = query.get("figure", FIGURES[0])
    return figure if figure in FIGURES and len(query) == ("figure" in query) else None


def component_of(view: View, name: str) -> Component | None:
    """Return the component of a name in the configuration, if the public may know it."""
    return next((found for found in components(view) if found.key.partition(":")[2] == name), None)


def status_badge(view: View, component: Component, now_us: int) -> Badge:
    """Return how a component is, as the page tells it; not known where we cannot tell."""
    seen = sight(view, components(view), now_us)
    state = State.UNKNOWN if seen.is_stale or seen.is_blind else component.state
    return Badge(component.title, WORDS[state].lower(), _STATES[state])


def uptime_badge(history: History, component: Component, now_us: int, imported: bool = False) -> Badge:
    """Return the availability of 90 days, as the page shows it; `imported`: there is history that it leaves out."""
    found = short_figure(history.rolling(component.key, now_us), history.ready)
    message = f"{found.main}, without imported history" if imported else found.main
    return Badge(f"{component.title}, 90 days", message, BLUE if found.has_data else GREY)


def contract_badge(component: Component, promise: Promise) -> Badge:
    """Return what is measured of the running period, and the finding."""
    label = f"{component.title}, {promise.claim} promised"
    origin = " (imported)" if promise.origin else ""
    return Badge(label, f"{promise.measured}, {promise.finding.lower()}{origin}", _FINDINGS[promise.code])


def as_json(badge: Badge) -> bytes:
    """Return a badge as shields.io reads it."""
    return msgspec.json.encode(BadgeShape(label=badge.label, message=badge.message, color=badge.colour))


def as_svg(badge: Badge) -> bytes:
    """Return a badge as an image; its words are its text and its title."""
    label, message = _cut(badge.label), _cut(badge.message)
    left, right = width_of(label), width_of(message)
    whole = left + right
    return (
        Markup(
            '<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="{height}" role="img" '
            'aria-label="{label}: {message}"><title>{label}: {message}</title>'
            '<clipPath id="r"><rect width="{whole}" height="{height}" rx="3"/></clipPath>'
            '<g clip-path="url(#r)"><path fill="{dark}" d="M0 0h{left}v{height}H0z"/>'
            '<path fill="{colour}" d="M{left} 0h{right}v{height}H{left}z"/></g>'
            '<g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" '
            'font-size="11"><text x="{left_middle}" y="14" textLength="{left_text}">{label}</text>'
            '<text x="{right_middle}" y="14" textLength="{right_text}">{message}</text></g></svg>\n'
        )
        .format(
            whole=whole,
            height=HEIGHT,
            label=label,
            message=message,
            dark=DARK,
            colour=badge.colour,
            left=left,
            right=right,
            left_middle=left / 2,
            right_middle=left + right / 2,
            left_text=left - 2 * PADDING,
            right_text=right - 2 * PADDING,
        )
        .encode()
    )


def width_of(text: str) -> int:
    """Return how wide a text of 11 pixels is about; the image makes it just that wide."""
    return 2 * PADDING + round(sum(map(_sign_width, text)))


def _sign_width(sign: str) -> float:
    if ord(sign) > 0x2E7F:  # East Asian signs and pictures
        return 11.0
    return 4.4 if sign in _NARROW else 8.6 if sign in _WIDE else 7.0


def _cut(text: str) -> str:
    shown = "".join(sign for sign in text if sign.isprintable())
    return shown if len(shown) <= MAX_TEXT else f"{shown[: MAX_TEXT - 1]}…"
