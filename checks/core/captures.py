"""What the expressions of a dialogue find: looked for within bounds, kept to be sent again, and noted as facts.

The same for streams (`dialogue.py`) and messages (`websocket_talk.py`).
"""

from __future__ import annotations

from .dialogue_steps import Reference, Template
from .failures import Code, Stop
from .patterns import Match, Pattern, longest
from .quote import printable
from .watch import Watch

MAX_CAPTURED, MAX_CAPTURES = 200, 20  # characters of one fact, number of them
MAX_REUSED = 4096  # bytes of one captured value that is sent again


class Search:
    """One expression looked for again and again, as more comes.

    A target that chooses its text and its pieces well makes each search costly, and each piece causes one: it is their
    sum that has a bound.
    """

    __slots__ = ("_left", "_pattern")

    def __init__(self, pattern: Pattern[bytes]) -> None:
        self._pattern = pattern
        self._left = longest(pattern)  # bytes

    def within(self, text: bytes | bytearray) -> Match[bytes] | None:
        """Return the first match; raises `Stop` with DIALOGUE_LIMIT when all that was searched is too much."""
        self._left -= len(text)
        if self._left < 0:
            raise Stop(
                Code.DIALOGUE_LIMIT, "what came would take too long to be searched for this expression"
            )
        return self._pattern.search(text)


class Captures:
    """What groups matched in one run: by number the last ones, by name all."""

    __slots__ = ("_known", "_watch")

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._known: dict[str, bytes] = {}

    def keep(self, match: Match[bytes]) -> None:
        """Take over what groups have matched; those with a name become facts."""
        # Copied out: a match over a bytearray gives bytearrays.
        named = {
            name.decode(): bytes(value) for name, value in match.groupdict().items() if value is not None
        }
        values = enumerate((match.group(), *match.groups()))
        kept = {name: value for name, value in self._known.items() if not name.isdigit()}
        self._known = kept | {str(number): bytes(value or b"") for number, value in values} | named
        if not named:
            return
        captured = self._watch.facts.setdefault("captured", {})
        assert isinstance(captured, dict)  # nobody else writes this fact
        captured.update({name: printable(value, MAX_CAPTURED) for name, value in named.items()})
        for name in list(captured)[MAX_CAPTURES:]:
            del captured[name]

    def filled(self, parts: Template) -> bytes:
        """Return the text of a template. Raises `Stop` when a value is too long to be sent again."""
        return b"".join(self._value(part) if isinstance(part, Reference) else part for part in parts)

    def _value(self, reference: Reference) -> bytes:
        value = self._known.get(reference, b"")
        if len(value) > MAX_REUSED:
            raise Stop(
                Code.DIALOGUE_LIMIT, f"what {{{reference}}} stands for is longer than {MAX_REUSED} bytes"
            )
        return value
