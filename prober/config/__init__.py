"""The configuration: reading `probes.yaml` and the environment into values the daemon uses."""

from __future__ import annotations

from .config import Config, Confirm, Probe, Region, Service
from .faults import ConfigError, Fault
from .load import load, load_text

__all__ = ["Config", "ConfigError", "Confirm", "Fault", "Probe", "Region", "Service", "load", "load_text"]
