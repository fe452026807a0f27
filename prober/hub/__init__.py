"""The hub: takes results in, judges, stores, tells."""
