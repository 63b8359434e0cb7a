"""From media to readings, and from readings to candidates."""
