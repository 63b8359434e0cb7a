"""From what detectors found in one picture to sightings, each with its place."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.roles import ObjectDetector, Region
from reamo_mcp.reading.setbacks import Gap, answers_to, taken
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.reading import Place, Sighting


@dataclass(frozen=True)
class Look:
    """What one detector said about one picture. It is named by what it looks for; ``gap`` is why it did not look."""

    detector: str
    model: str
    regions: tuple[Region, ...]
    gap: Gap | None = None


def named(detector: ObjectDetector) -> str:
    """Return what a detector looks for, as its name in the coverage."""
    return ", ".join(detector.card.vocabulary or ("objects",))


def look(detectors: Sequence[ObjectDetector], picture: Picture, control: Control) -> list[Look]:
    """Show the picture to each detector. One that fails does not keep the others from looking."""
    looks: list[Look] = []
    for detector in detectors:
        control.check()
        name = named(detector)
        (answer,) = answers_to(partial(detector.detect, [picture], control), 1, f"a picture ({name})")
        looks.append(Look(name, detector.card.name, *taken(answer)))
    return looks


def sightings_of(
    regions: Sequence[Region], media_id: str, first: int, place: Callable[[Box], Place]
) -> tuple[Sighting, ...]:
    """Return the regions as sightings, numbered from ``first``."""
    return tuple(
        Sighting(
            id=f"{media_id}.sight.{number}",
            type=region.type,
            place=place(region.box),
            score=region.score,
            score_kind=region.score_kind,
            value=region.value,
        )
        for number, region in enumerate(regions, first)
    )
