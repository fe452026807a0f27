"""The drop-in for the Prometheus blackbox exporter: its modules, its probers, its metrics, its `/probe`."""
