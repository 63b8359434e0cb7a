"""The calls of a reasoner in the answer: what was asked of a module for which thing, and what became of it."""

from collections.abc import Sequence
from dataclasses import replace

from reamo_mcp.linking.assemble import Assembled
from reamo_mcp.reading.calls import CallResult
from reamo_mcp.types.extraction import Call, Entity
from reamo_mcp.types.grounding import Box, TimeSpan


def called(results: Sequence[CallResult], found: Assembled) -> tuple[Assembled, tuple[Call, ...]]:
    """Return the calls with the entities of the answer as targets, and entities that know where they were absent.

    A call whose target did not reach the answer (it has no proof) keeps the id of the candidate.
    """
    absent: dict[str, list[str]] = {}
    calls: list[Call] = []
    for result in results:
        call = result.asked.call
        target = found.by_candidate.get(result.asked.target, result.asked.target)
        if result.outcome == "absent":
            absent.setdefault(target, []).append(call.medium)
        calls.append(
            Call(
                id=result.asked.id,
                target=target,
                media_id=call.medium,
                module=call.module,
                instruction=call.instruction,
                box=None if call.box is None else _box(*call.box),
                time=None if call.time is None else TimeSpan(start=call.time[0], end=max(call.time)),
                outcome=result.outcome,
            )
        )
    entities = tuple(_absent(entity, absent.get(entity.id, ())) for entity in found.entities)
    return replace(found, entities=entities), tuple(calls)


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(x=left, y=top, width=max(0.0, right - left), height=max(0.0, bottom - top))


def _absent(entity: Entity, media: Sequence[str]) -> Entity:
    held = {grounding.media_id for grounding in entity.groundings}
    missing = [media_id for media_id in media if media_id not in held]
    return entity.model_copy(update={"absent": tuple(dict.fromkeys((*entity.absent, *missing)))})
