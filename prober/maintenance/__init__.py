"""Announced maintenance: schedules to windows, what goes on record and when, what is known now.

Light to import: whatever needs the extra `ical` imports it when it is used.
"""
