"""Configurations of other monitors become ours; what cannot be carried over is told, line by line."""
