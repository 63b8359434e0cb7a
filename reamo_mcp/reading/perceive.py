"""From an opened file to its readings: the one place that knows which reader a medium takes."""

from reamo_mcp.isolation.control import Control
from reamo_mcp.reading.perceive_document import perceive_document
from reamo_mcp.reading.perceive_picture import perceive_picture
from reamo_mcp.reading.perceive_sound import perceive_sound
from reamo_mcp.reading.perceive_text import perceive_text
from reamo_mcp.reading.perceive_video import perceive_video
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.types.coverage import MediumCoverage
from reamo_mcp.types.media import TextMedium
from reamo_mcp.types.reading import Reading


def perceive(given: Given, senses: Senses, control: Control) -> Perception:
    """Return what was perceived of one file. Raises errors of `reamo_mcp.errors` if nothing of it can be read."""
    description = senses.decoder.describe(given.file, control)
    match description.kind:
        case "image":
            return perceive_picture(given, description, senses, control)
        case "audio":
            return perceive_sound(given, description, senses, control)
        case "video":
            return perceive_video(given, description, senses, control)
        case "document" if description.pages:
            return perceive_document(given, description, senses, control)
        case "document" | "text":
            return perceive_text(given, description, senses, control)


def perceive_given_text(text: str, name: str, media_id: str, sha256: str) -> Perception:
    """Return the perception of a text that was given as such: it needs no decoder."""
    medium = TextMedium(id=media_id, name=name, sha256=sha256, format="text", text=text, encoding="utf-8")
    reading = Reading(id=f"{media_id}.text", media_id=media_id, kind="text", model="given", text=text)
    covered = MediumCoverage(media_id=media_id, reader="text", unit="characters", total=len(text), read=len(text))
    return Perception(medium=medium, readings=(reading,), coverage=(covered,))


def renamed(perception: Perception, media_id: str, name: str) -> Perception:
    """Return the same perception under another id and name of its medium, as another document needs it."""
    old = perception.medium.id

    def own(identity: str) -> str:
        return f"{media_id}{identity[len(old) :]}" if identity.startswith(f"{old}.") else identity

    readings = tuple(
        reading.model_copy(
            update={
                "id": own(reading.id),
                "media_id": media_id,
                "sightings": tuple(
                    sighting.model_copy(update={"id": own(sighting.id)}) for sighting in reading.sightings
                ),
            }
        )
        for reading in perception.readings
    )
    here = {"media_id": media_id}
    return Perception(
        medium=perception.medium.model_copy(update={"id": media_id, "name": name}),
        readings=readings,
        coverage=tuple(item.model_copy(update=here) for item in perception.coverage),
        unsupported=tuple(item.model_copy(update=here) for item in perception.unsupported),
        notices=tuple(item.model_copy(update=here) for item in perception.notices),
    )
