"""Turns results over time into figures, findings and documents; no I/O, no clock, no daemon."""
