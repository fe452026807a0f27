"""Contracts over a store: what was seen is read and handed to the pure figures of `reports`, live and for documents."""
