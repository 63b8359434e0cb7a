"""Where a phrase is said, shown as text or written, and where the modules of an engine see or hear what it names."""

from collections.abc import Iterator, Sequence

from reamo_mcp.grounding.locating import Locator
from reamo_mcp.grounding.rejection import Rejection
from reamo_mcp.linking.assemble import Assembled
from reamo_mcp.linking.compose import compose, readings_of
from reamo_mcp.reading.calls import CallResult, incomplete
from reamo_mcp.reading.perception import Perception
from reamo_mcp.types.coverage import FailedMedium, UnsupportedAsk
from reamo_mcp.types.extraction import Call, Engine, Entity, Extraction, Notice, Ungrounded
from reamo_mcp.types.grounding import Grounding, Provenance
from reamo_mcp.types.media import OpenedDocument

PHRASE = "phrase"
_FOUND_BY = Provenance(model="quote search", step="locate")
_NOT_SAID = "its words were searched; none of them say this"
_NOT_SEEN = "it was searched; nothing in it says or shows this"
_ABSENT = (_NOT_SAID, _NOT_SEEN)


def ground_phrase(
    phrase: str,
    document: OpenedDocument,
    perceptions: Sequence[Perception],
    failed: Sequence[FailedMedium],
    engine: Engine,
    sought: Sequence[CallResult] = (),
    notices: Sequence[Notice] = (),
) -> Extraction:
    """Return an extraction with one entity, the phrase, and every place of it; with none where nothing says it.

    ``sought`` is what the modules that see and hear found of it. A medium without any readable words into which no
    module looked cannot be searched; it is told as ungrounded, not as absent.
    """
    readings = readings_of(perceptions)
    locator = Locator(document, readings)
    with_words = {reading.media_id for reading in readings if reading.text.strip()}
    drafts = {reading.media_id for reading in readings if reading.draft}
    places: list[Grounding] = []
    absent: list[str] = []
    misses: list[Ungrounded] = []
    for medium in document.media:
        asked = [result for result in sought if result.asked.call.medium == medium.id]
        found = [*locator.places(phrase, medium.id, _FOUND_BY), *_seen(asked, locator)]
        places.extend(found)
        if found:
            continue
        reason = _why_nowhere(asked, has_words=medium.id in with_words, is_draft=medium.id in drafts)
        if reason in _ABSENT:
            absent.append(medium.id)
        misses.append(Ungrounded(kind="entity", type=PHRASE, text=phrase, reason=reason, media_id=medium.id))
    numbered = tuple(place.model_copy(update={"id": f"g{number}"}) for number, place in enumerate(places, start=1))
    entity = Entity(id="e1", type=PHRASE, name=phrase, groundings=numbered, absent=tuple(absent)) if numbered else None
    open_ends = tuple(miss for miss in misses if entity is None or miss.media_id not in absent)
    answer = Assembled(entities=(entity,) if entity else (), relations=(), events=(), ungrounded=open_ends)
    beyond = [result for result in sought if result.outcome == "failed" and not result.retryable]
    told = tuple(incomplete(result for result in sought if result not in beyond))
    return compose(
        answer,
        document,
        perceptions,
        failed,
        engine,
        unsupported=[
            UnsupportedAsk(media_id=result.asked.call.medium, what="phrases", reason=result.reason) for result in beyond
        ],
        calls=tuple(_call(result, entity) for result in sought),
        notices=(*notices, *told),
        complete=not told,
    )


def _seen(asked: Sequence[CallResult], locator: Locator) -> Iterator[Grounding]:
    for result in asked:
        for mention in result.mentions:
            place = locator.locate(mention)
            if not isinstance(place, Rejection):
                yield place


def _call(result: CallResult, entity: Entity | None) -> Call:
    call = result.asked.call
    return Call(
        id=result.asked.id,
        target=entity.id if entity else PHRASE,
        media_id=call.medium,
        module=call.module,
        instruction=call.instruction,
        outcome=result.outcome,
    )


def _why_nowhere(asked: Sequence[CallResult], *, has_words: bool, is_draft: bool) -> str:
    """Return why a medium has no place of the phrase; one of `_ABSENT` if it was searched in vain."""
    failure = next((result.reason for result in asked if result.outcome == "failed"), None)
    if failure is not None:
        return f"it could not be looked for: {failure}"
    if is_draft:
        return "it was not heard, but what is said is known from a draft with wrong words only: it may be said"
    if asked:
        return _NOT_SEEN
    return _NOT_SAID if has_words else "no words could be read in it, so the phrase could not be looked for"
