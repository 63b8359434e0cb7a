"""Mentions of one thing, in one medium or several, become one entity."""
