"""The records that every layer shares; `grounding` states their conventions once."""
