"""Engines that are wrong in a known way: what they lose is plain arithmetic."""

from collections.abc import Callable
from pathlib import Path

from reamo_mcp.errors import EngineFailed
from reamo_mcp.evaluation.case import Case
from reamo_mcp.types.extraction import Entity, Extraction
from reamo_mcp.types.grounding import (
    AudioSegment,
    Box,
    Grounding,
    ImageRegion,
    Keyframe,
    TextSpan,
    VideoTrack,
)

Spoil = Callable[[Extraction], Extraction]


class GoldAnswers:
    """Knows the gold, spoils it, and counts how often it was asked; fails on ``failing`` cases."""

    def __init__(
        self,
        spoil: Spoil = lambda gold: gold,
        failing: tuple[str, ...] = (),
        failure: Callable[[], Exception] = lambda: EngineFailed("it does not want to"),
    ) -> None:
        self.asked: list[str] = []
        self.spoil = spoil
        self.failing = failing
        self.failure = failure
        self.name = "gold"
        self.identity = "gold 1"

    async def answer(self, case: Case, folder: Path) -> Extraction:
        self.asked.append(case.id)
        if case.id in self.failing:
            raise self.failure()
        return self.spoil(case.gold)


def every_place(change: Callable[[Grounding], Grounding]) -> Spoil:
    """Change each place of each entity and trigger."""

    def spoil(gold: Extraction) -> Extraction:
        entities = tuple(
            entity.model_copy(update={"groundings": tuple(change(place) for place in entity.groundings)})
            for entity in gold.entities
        )
        events = tuple(
            event.model_copy(
                update={
                    "trigger": event.trigger.model_copy(
                        update={"groundings": tuple(change(place) for place in event.trigger.groundings)}
                    )
                }
            )
            for event in gold.events
        )
        return gold.model_copy(update={"entities": entities, "events": events})

    return spoil


def shifted_span(place: Grounding) -> Grounding:
    """One character to the right."""
    if not isinstance(place, TextSpan):
        return place
    return place.model_copy(update={"start": place.start + 1, "end": place.end + 1, "quote": None})


def shifted_box(place: Grounding) -> Grounding:
    """A tenth of the width to the right, of a place that is given by boxes; a tenth of the time later."""

    def moved(boxes: tuple[Box, ...]) -> tuple[Box, ...]:
        return tuple(box.model_copy(update={"x": box.x + box.width / 10}) for box in boxes)

    match place:
        case ImageRegion():
            return place.model_copy(update={"parts": moved(place.parts), "mask": None})
        case VideoTrack():
            keyframes = tuple(Keyframe(time=frame.time, parts=moved(frame.parts)) for frame in place.keyframes)
            return place.model_copy(update={"keyframes": keyframes})
        case AudioSegment():
            later = (place.end - place.start) / 10
            return place.model_copy(update={"start": place.start + later, "end": place.end + later})
        case _:
            return place


def swapped_types(gold: Extraction) -> Extraction:
    """People become organizations and the other way round; all else stays."""
    swap = {"person": "organization", "organization": "person"}
    return gold.model_copy(
        update={
            "entities": tuple(
                entity.model_copy(update={"type": swap.get(entity.type, entity.type)}) for entity in gold.entities
            )
        }
    )


def always_answering(where: Grounding) -> Spoil:
    """One more place, in a corner where nothing is, for an entity that gold does not know."""

    def spoil(gold: Extraction) -> Extraction:
        surplus = Entity(id="surplus", type="person", name="Nobody Anywhere", groundings=(where,))
        return gold.model_copy(update={"entities": (*gold.entities, surplus)})

    return spoil
