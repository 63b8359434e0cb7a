"""What of an answer can be meant, whatever the model made of the grammar: a remote engine may heed none.

Types and roles that nobody asked for are refused, also where the grammar would have kept them from being written. Lists
are cut at what one answer may hold. A hint of a place or a time that cannot be meant is taken off its call, never bent
into shape.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.meta_grammar import Form
from reamo_mcp.models.meta_response import Corners, MetaCall, MetaEntity, MetaEvent, MetaRelation, MetaResponse
from reamo_mcp.models.roles import Region
from reamo_mcp.types.extraction import Ungrounded
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.media import AudioMedium, ImageMedium, Medium, OpenedDocument, VideoMedium

_BEYOND = 0.02  # of a side or of a duration: how far a hint may stand out
_NOT_ASKED_FOR = "nobody asked for this type"


@dataclass
class Checked:
    """What can be meant, what was refused with the reason, and how many items were more than an answer may hold."""

    response: MetaResponse
    refused: list[Ungrounded] = field(default_factory=list[Ungrounded])
    surplus: int = 0


def checked(response: MetaResponse, form: Form, document: OpenedDocument) -> Checked:
    """Return what of an answer to an ask of this form can be meant."""
    bounds = form.bounds
    lists: list[tuple[Sequence[object], int]] = [
        (response.entities, bounds.entities),
        (response.relations, bounds.relations),
        (response.events, bounds.events),
        (response.calls, bounds.calls),
        *((entity.mentions, bounds.mentions) for entity in response.entities[: bounds.entities]),
        *((event.arguments, bounds.arguments) for event in response.events[: bounds.events]),
    ]
    result = Checked(response, surplus=sum(max(0, len(items) - most) for items, most in lists))
    ontology = form.ontology
    result.response = MetaResponse(
        entities=tuple(_entities(response.entities[: bounds.entities], form, result.refused)),
        relations=tuple(
            _relations(
                response.relations[: bounds.relations],
                _spellings(kind.name for kind in ontology.relation_types),
                result.refused,
            )
        ),
        events=tuple(_events(response.events[: bounds.events], form, result.refused)),
        calls=tuple(_call(call, document) for call in response.calls[: bounds.calls]),
        more=response.more,
    )
    return result


def regions_inside(regions: Sequence[Region], picture: Picture) -> tuple[Region, ...]:
    """Return what lies in a picture of what a module says it sees there; what stands out of it ends at its edge."""
    boxes = [_inside(region.box, picture.original_width, picture.original_height) for region in regions]
    return tuple(
        region if box == region.box else region.model_copy(update={"box": box})
        for region, box in zip(regions, boxes, strict=True)
        if box is not None
    )


def _inside(box: Box, width: float, height: float) -> Box | None:
    if not all(math.isfinite(edge) for edge in (box.x, box.y, box.right, box.bottom)):
        return None
    left, top = max(0.0, box.x), max(0.0, box.y)
    right, bottom = min(width, box.right), min(height, box.bottom)
    if right <= left or bottom <= top:
        return None
    whole = (left, top, right, bottom) == (box.x, box.y, box.right, box.bottom)
    return box if whole else Box(x=left, y=top, width=right - left, height=bottom - top)


def _folded(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _spellings(names: Iterable[str]) -> dict[str, str]:
    """Return the names of types or roles by their folded form."""
    return {_folded(name): name for name in names}


def _entities(entities: Sequence[MetaEntity], form: Form, refused: list[Ungrounded]) -> Iterator[MetaEntity]:
    types = _spellings(kind.name for kind in form.ontology.entity_types)
    for entity in entities:
        kind = types.get(_folded(entity.type))
        if kind is None:
            refused.append(_refusal("entity", entity.type, entity.name))
        else:
            mentions = entity.mentions[: form.bounds.mentions]
            yield entity.model_copy(update={"type": kind, "mentions": mentions})


def _relations(
    relations: Sequence[MetaRelation], types: Mapping[str, str], refused: list[Ungrounded]
) -> Iterator[MetaRelation]:
    for relation in relations:
        kind = types.get(_folded(relation.type))
        if kind is None:
            refused.append(_refusal("relation", relation.type, f"{relation.head} - {relation.tail}"))
        else:
            yield relation.model_copy(update={"type": kind})


def _events(events: Sequence[MetaEvent], form: Form, refused: list[Ungrounded]) -> Iterator[MetaEvent]:
    kinds = {_folded(kind.name): kind for kind in form.ontology.event_types}
    for event in events:
        kind = kinds.get(_folded(event.type))
        if kind is None:
            refused.append(_refusal("event", event.type, event.trigger))
            continue
        roles = _spellings(role.name for role in kind.roles)
        arguments = [
            argument.model_copy(update={"role": roles.get(_folded(argument.role), argument.role)})
            for argument in event.arguments[: form.bounds.arguments]
        ]
        known = [argument for argument in arguments if not roles or argument.role in roles.values()]
        refused += [
            _refusal("argument", f"{kind.name}: {argument.role}", argument.value or argument.entity or "")
            for argument in arguments
            if argument not in known
        ]
        yield event.model_copy(update={"type": kind.name, "arguments": tuple(known)})


def _call(call: MetaCall, document: OpenedDocument) -> MetaCall:
    medium = next((one for one in document.media if one.id == call.medium), None)
    box, time = _box(call.box, medium), _time(call.time, medium)
    if (box, time) == (call.box, call.time):
        return call
    return call.model_copy(update={"box": box, "time": time})


def _box(box: Corners | None, medium: Medium | None) -> Corners | None:
    if box is None or not isinstance(medium, ImageMedium | VideoMedium):
        return None
    left, top, right, bottom = box
    wide, high = _BEYOND * medium.width, _BEYOND * medium.height
    if not (-wide <= left < right <= medium.width + wide and -high <= top < bottom <= medium.height + high):
        return None  # nor is one of a number that is none: it compares with nothing
    return max(0.0, left), max(0.0, top), min(medium.width, right), min(medium.height, bottom)


def _time(time: tuple[float, float] | None, medium: Medium | None) -> tuple[float, float] | None:
    if time is None or not isinstance(medium, AudioMedium | VideoMedium):
        return None
    start, end = time
    latest = medium.duration * (1 + _BEYOND)
    return (start, min(end, medium.duration)) if 0 <= start < end <= latest and start < medium.duration else None


def _refusal(kind: str, type_name: str, said: str) -> Ungrounded:
    return Ungrounded.model_validate({"kind": kind, "type": type_name, "text": said, "reason": _NOT_ASKED_FOR})
