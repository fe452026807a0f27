"""Checks: code that looks at one thing once. Knows nothing of schedules, stores or reports."""
