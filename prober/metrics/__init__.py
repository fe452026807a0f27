"""What Prometheus reads: lines kept per probe and region as results arrive, joined when a scrape comes."""

from __future__ import annotations

from .exposition import Exposition

__all__ = ["Exposition"]
