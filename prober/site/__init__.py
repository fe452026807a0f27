"""The public listener: the status page and the Statuspage v2 API. Shows nothing that customers should not know."""

from __future__ import annotations

import prober.web  # noqa: F401  # before aiohttp

from .app import public_app

__all__ = ["public_app"]
