"""Regular expressions of the configuration: compiled when it is read, so that a wrong one never reaches a run."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from .schema import unusable

MAX_PATTERN = 4096  # characters


def compiled(pattern: str) -> re.Pattern[str]:
    """Compile a regular expression. Raises a validation error in clear words."""
    if len(pattern) > MAX_PATTERN:
        raise unusable(f"a regular expression is at most {MAX_PATTERN} characters")
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        hint = "signs such as ( [ * + ? . are taken as they are after a \\"
        raise unusable(f"not a regular expression: {error}", hint) from None


def _check(pattern: str) -> str:
    compiled(pattern)
    return pattern


Regex = Annotated[str, Field(min_length=1), AfterValidator(_check)]
"""Text that is a regular expression, searched for anywhere; `^` and `$` are the ends of the whole text."""
