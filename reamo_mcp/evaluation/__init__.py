"""Metrics, benchmarks and the data they run on."""
