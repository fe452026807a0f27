"""Stand-in services for `prober demo`: real servers on loopback that fail on a script."""

from .standins import StandIns, stand_ins

__all__ = ["StandIns", "stand_ins"]
