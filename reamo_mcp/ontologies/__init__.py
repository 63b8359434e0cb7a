"""Ontologies that are installed with the project, and how own ones are read."""
