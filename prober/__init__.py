"""Prober: schedule, run, carry, judge, store, tell, serve. The trunk: imports run checks <- prober -> reports."""

__version__ = "0.1.0"
