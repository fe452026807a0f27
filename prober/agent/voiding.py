"""Makes a result VOID: the reason in front, what the run itself saw kept behind it."""

from __future__ import annotations

import msgspec

from checks.core.failures import Code
from checks.core.result import Fact, Failure, Outcome, Result


def voided(result: Result, code: Code, detail: str, facts: dict[str, Fact] | None = None) -> Result:
    """Return the result as trouble of our own; `facts` are added to its facts."""
    return msgspec.structs.replace(
        result,
        outcome=Outcome.VOID,
        failures=(Failure(code.value, detail), *result.failures),
        facts=result.facts | (facts or {}),
    )
