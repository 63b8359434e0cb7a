"""Perceiving a picture: its print, its faces and codes, and what its file says about itself."""

import math
from functools import partial

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Description, Picture
from reamo_mcp.models.roles import TextReader
from reamo_mcp.reading.metadata import metadata_reading
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.reading.recognised_text import text_of_lines
from reamo_mcp.reading.setbacks import Gap, answers_to, taken
from reamo_mcp.reading.sighting import Look, look, sightings_of
from reamo_mcp.types.coverage import MediumCoverage, UnsupportedAsk
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.media import ImageMedium
from reamo_mcp.types.reading import AtRegion, Place, Reading

LONGEST_SIDE = 2000
_READABLE_WIDTH = 1000  # pixels that a narrow side keeps, so that print on long screenshots stays readable
_MOST_PIXELS = 16_000_000
_LONGEST_OF_ALL = 30_000  # pixels; below the 32,767 that picture libraries resample


def perceive_picture(given: Given, description: Description, senses: Senses, control: Control) -> Perception:
    """Return what the senses find in one picture. Raises what the decoder raises if it cannot be decoded."""
    control.progress(0, 1, "pictures")
    picture = senses.decoder.picture(given.file, longest_side(description.width, description.height), control)
    pixels = float(description.width * description.height)
    readings: list[Reading] = []
    coverage: list[MediumCoverage] = []
    unsupported = [
        UnsupportedAsk(
            media_id=given.media_id,
            what="objects",
            reason="this engine sees print, faces and codes in pictures; it names no other things and follows no "
            "referring phrases",
        )
    ]
    if senses.text_reader is None:
        unsupported.append(UnsupportedAsk(media_id=given.media_id, what="picture_text", reason="no text reader"))
    else:
        reading, gap = _read_text(given, picture, senses.text_reader, control)
        readings.append(reading)
        coverage.append(_coverage(given.media_id, "picture_text", pixels, gap))

    looks = look(senses.detectors, picture, control)
    if looks:
        readings.append(_sight(given.media_id, looks))
        coverage += [_coverage(given.media_id, one.detector, pixels, one.gap) for one in looks]
    readings.extend(metadata_reading(given.media_id, description.facts))
    control.progress(1, 1, "pictures")
    return Perception(
        medium=ImageMedium(
            id=given.media_id,
            name=given.file.name,
            sha256=given.file.sha256,
            format=description.format,
            width=description.width,
            height=description.height,
        ),
        readings=tuple(readings),
        coverage=tuple(coverage),
        unsupported=tuple(unsupported),
        notices=(*description.notices, *_reduced(given.media_id, picture)),
    )


def longest_side(width: int, height: int) -> int:
    """Return the longer side, in pixels, at which a picture of this size is read.

    Pictures are read at 2000 pixels; long ones keep more, so that their print stays readable, within 16 megapixels.
    """
    longer, shorter = max(width, height, 1), max(1, min(width, height))
    scale = max(LONGEST_SIDE / longer, _READABLE_WIDTH / shorter)
    scale = min(1.0, scale, math.sqrt(_MOST_PIXELS / (longer * shorter)))
    return min(_LONGEST_OF_ALL, max(1, round(longer * scale)))


def _read_text(given: Given, picture: Picture, reader: TextReader, control: Control) -> tuple[Reading, Gap | None]:
    what = f"the print in {given.file.name}"
    (answer,) = answers_to(partial(reader.read, [picture], control), 1, what)
    lines, gap = taken(answer)
    placed = text_of_lines(lines, 0, _in_picture)
    reading = Reading(
        id=f"{given.media_id}.picture_text",
        media_id=given.media_id,
        kind="picture_text",
        model=reader.card.name,
        text=placed.text,
        words=placed.words,
    )
    return reading, gap


def _sight(media_id: str, looks: list[Look]) -> Reading:
    regions = [region for one in looks for region in one.regions]
    return Reading(
        id=f"{media_id}.sight",
        media_id=media_id,
        kind="sight",
        model="+".join(dict.fromkeys(one.model for one in looks)),
        sightings=sightings_of(regions, media_id, 1, _in_picture),
    )


def _in_picture(box: Box) -> Place:
    return AtRegion(parts=(box,))


def _coverage(media_id: str, reader: str, pixels: float, gap: Gap | None) -> MediumCoverage:
    missed = (gap.not_read("pixels", 0, pixels),) if gap else ()
    return MediumCoverage(
        media_id=media_id, reader=reader, unit="pixels", total=pixels, read=0 if gap else pixels, not_read=missed
    )


def _reduced(media_id: str, picture: Picture) -> tuple[Notice, ...]:
    if picture.scale > 0.5:
        return ()
    percent = round(100 * picture.scale)
    message = f"The picture was read at {percent} % of its size; print that is small in it may be missing"
    return (Notice(code="reduced", message=message, media_id=media_id),)
