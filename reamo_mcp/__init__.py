"""Grounded knowledge from files."""
