"""How the project's own models are made."""
