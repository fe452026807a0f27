"""What keeps an agent from starting, in words for whoever starts it."""

from __future__ import annotations


class AgentError(Exception):
    """The agent cannot start; the text says why, and in a hint what to try."""
