"""The functions `match` and `search` of JSONPath (RFC 9535) over expressions that cannot hang.

The library's own compile them for an engine that backtracks, and the pattern may even come from the document.
"""

from __future__ import annotations

from functools import lru_cache

from jsonpath.function_extensions import ExpressionType, FilterFunction

from .patterns import Pattern, compiled, longest


class RegexFunction(FilterFunction):
    """Whether a text matches an expression, as a whole or somewhere; what is no text never does."""

    arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012  # declared so by the library
    return_type = ExpressionType.LOGICAL

    def __init__(self, *, whole: bool) -> None:
        self._whole = whole

    def __call__(self, value: object, pattern: object) -> bool:
        """Return whether it matches; an expression that cannot be compiled, or would take too long, matches nothing."""
        if not isinstance(value, str) or not isinstance(pattern, str):
            return False
        expression = _cached(pattern)
        if expression is None or len(value) > longest(expression):
            return False
        try:
            return (expression.fullmatch if self._whole else expression.search)(value) is not None
        except UnicodeError:  # a lone surrogate
            return False


@lru_cache(maxsize=128)
def _cached(pattern: str) -> Pattern[str] | None:
    try:
        return compiled(pattern)
    except ValueError:
        return None
