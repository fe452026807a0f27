"""OpenSLO v1: contracts as documents that other tools read, and the way back."""
