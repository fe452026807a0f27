"""Regular expressions of the configuration: compiled when it is read, and of a kind that cannot hang.

RE2 matches in time linear to the text, whatever the expression, so that no target can stall an agent by what it
sends. The price is no lookaround and no back-references, as in the exporter that people come from. The library is
loaded by the first expression: many an agent has none, and has to be small.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, AnyStr, Protocol, cast

from pydantic import AfterValidator, Field

from .schema import unusable

MAX_PATTERN = 4096  # characters
# Steps of one search, at worst an instruction a byte: under a second. Linear time alone is no bound: with `a.{500}z`, a
# target that chooses its text well makes each megabyte take six seconds.
MAX_STEPS = 500_000_000
_LOOKAROUND = ("(?=", "(?!", "(?<=", "(?<!")


class Match(Protocol[AnyStr]):
    """What a search found."""

    @property
    def re(self) -> Pattern[AnyStr]:
        """The expression that was searched for."""

    def group(self, number: int = 0, /) -> AnyStr:
        """Return the text of the whole match or of a group."""

    def groups(self) -> tuple[AnyStr | None, ...]:
        """Return the texts of all groups."""

    def groupdict(self) -> dict[AnyStr, AnyStr | None]:
        """Return the texts of all named groups."""

    def start(self, number: int = 0, /) -> int:
        """Return where the match begins."""

    def end(self, number: int = 0, /) -> int:
        """Return where the match ends."""

    def expand(self, template: AnyStr, /) -> AnyStr:
        """Return the template with group references such as `\\1` filled in."""


class Pattern(Protocol[AnyStr]):
    """A compiled expression."""

    @property
    def groupindex(self) -> Mapping[AnyStr, int]:
        """The numbers of named groups."""

    @property
    def programsize(self) -> int:
        """Instructions of the program that it was compiled to."""

    @property
    def groups(self) -> int:
        """How many groups there are."""

    def search(self, text: AnyStr | bytearray, /) -> Match[AnyStr] | None:
        """Return the first match anywhere in the text."""

    def fullmatch(self, text: AnyStr | bytearray, /) -> Match[AnyStr] | None:
        """Return the match of the whole text."""


def compiled(pattern: str) -> Pattern[str]:
    """Compile an expression over text. Raises a validation error in clear words."""
    return cast("Pattern[str]", _compiled(pattern, pattern, "UTF8"))


def longest(pattern: Pattern[AnyStr]) -> int:
    """Return how many bytes may be searched for a pattern without holding up the agent, whatever the bytes."""
    return MAX_STEPS // max(pattern.programsize, 1)


def compiled_bytes(pattern: str, flags: str = "") -> Pattern[bytes]:
    """Compile an expression over bytes, each byte a sign of its own, with flags such as `m` or `s`."""
    prefix = f"(?{flags})" if flags else ""
    return cast("Pattern[bytes]", _compiled((prefix + pattern).encode(), pattern, "LATIN1"))


def _compiled(text: str | bytes, pattern: str, encoding: str) -> object:
    import re2  # type: ignore[import-untyped]  # it has no types of its own

    if len(pattern) > MAX_PATTERN:
        raise unusable(f"a regular expression is at most {MAX_PATTERN} characters")
    options = re2.Options()
    options.encoding = getattr(re2.Options.Encoding, encoding)
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise unusable(f"not a regular expression: {_words(error)}", _hint(pattern)) from None


def _words(error: Exception) -> str:
    said = error.args[0] if error.args else "it cannot be read"
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _hint(pattern: str) -> str:
    if any(sign in pattern for sign in _LOOKAROUND):
        return "lookaround is not supported: it can take for ever; split the rule into contains, regex and absent"
    return "signs such as ( [ * + ? . are taken as they are after a \\"


def _check(pattern: str) -> str:
    compiled(pattern)
    return pattern


Regex = Annotated[str, Field(min_length=1), AfterValidator(_check)]
"""Text that is a regular expression (RE2), searched for anywhere; `^` and `$` are the ends of the whole text."""
