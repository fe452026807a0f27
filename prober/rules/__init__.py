"""Rules for alerting systems, made from contracts, over our own metrics."""
