"""Readings and results kept by content, model and request."""
