"""The internal listener: own API, metrics, health, reload. Never to be opened to the world."""

from __future__ import annotations

from . import quick as quick  # before aiohttp
from .app import internal_app

__all__ = ["internal_app"]
