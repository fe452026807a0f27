"""What keeps an agent from starting, in words for whoever starts it."""

from __future__ import annotations


class AgentError(Exception):
    """The agent cannot start: what is wrong, and what to try."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.hint = hint


def reason(error: OSError) -> str:
    """Return what the system says, in the middle of a sentence."""
    return (error.strerror or str(error)).lower()
