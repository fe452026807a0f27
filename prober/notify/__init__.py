"""Telling people elsewhere: what goes out of the daemon by itself. One file a way."""
