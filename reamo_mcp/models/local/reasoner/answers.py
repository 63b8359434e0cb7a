"""Answers as a family writes them and as the project records them: boxes and times, on the way out and back.

The text that a model is trained to give is `target`; what a model gave is brought back by `recorded`. Boxes and times
of a call are hints where to look. One that cannot be meant (no area, outside of its picture, an end before its start)
is taken off its call, never bent into shape.
"""

from collections.abc import Mapping

from reamo_mcp.models.local.reasoner.families.family import Family, Shown
from reamo_mcp.models.meta_response import Corners, MetaCall, MetaResponse, written

_BEYOND = 0.02  # of a side: how far a box may stand out of its picture


def target(response: MetaResponse, family: Family, shown: Mapping[str, Shown]) -> str:
    """Return the text that a model of the family answers with; ``shown`` tells how each medium is seen."""

    def converted(call: MetaCall) -> MetaCall:
        seen = shown.get(call.medium)
        box = None if call.box is None or seen is None else family.to_family(call.box, seen)
        time = None if call.time is None else (round(call.time[0], 2), round(call.time[1], 2))
        return call.model_copy(update={"box": box, "time": time})

    return written(response.model_copy(update={"calls": tuple(converted(call) for call in response.calls)}))


def recorded(response: MetaResponse, family: Family, shown: Mapping[str, Shown]) -> MetaResponse:
    """Return an answer of the family in pixels of the originals, without hints that cannot be meant."""

    def converted(call: MetaCall) -> MetaCall:
        seen = shown.get(call.medium)
        box = None if call.box is None or seen is None else _within(family.from_family(call.box, seen), seen)
        time = call.time if call.time is not None and 0 <= call.time[0] < call.time[1] else None
        return call.model_copy(update={"box": box, "time": time})

    return response.model_copy(update={"calls": tuple(converted(call) for call in response.calls)})


def _within(box: Corners, shown: Shown) -> Corners | None:
    width, height = shown.original
    left, top, right, bottom = box
    inside = (
        -_BEYOND * width <= left < right <= (1 + _BEYOND) * width
        and -_BEYOND * height <= top < bottom <= (1 + _BEYOND) * height
    )
    return (max(0.0, left), max(0.0, top), min(width, right), min(height, bottom)) if inside else None
