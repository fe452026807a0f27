"""Prober: schedule, run, carry, judge, store, tell and serve. The only trunk; imports run checks <- prober -> reports."""

__version__ = "0.1.0"
