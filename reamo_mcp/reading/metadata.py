"""What a file says about itself, as a reading."""

from reamo_mcp.types.reading import Fact, Reading


def metadata_reading(media_id: str, facts: tuple[Fact, ...]) -> tuple[Reading, ...]:
    """Return the reading of these facts, none where the file says nothing about itself."""
    if not facts:
        return ()
    return (Reading(id=f"{media_id}.metadata", media_id=media_id, kind="metadata", model="metadata", facts=facts),)
