"""Where a phrase is said, shown as text or written: one phrase against all readings of a document."""

from collections.abc import Iterator, Sequence

from reamo_mcp.grounding.locating import Locator
from reamo_mcp.linking.assemble import Assembled
from reamo_mcp.linking.compose import compose, readings_of
from reamo_mcp.reading.perception import Perception
from reamo_mcp.types.coverage import FailedMedium
from reamo_mcp.types.extraction import Engine, Entity, Extraction, Ungrounded
from reamo_mcp.types.grounding import Grounding, Provenance
from reamo_mcp.types.media import OpenedDocument

PHRASE = "phrase"
_FOUND_BY = Provenance(model="quote search", step="locate")


def ground_phrase(
    phrase: str,
    document: OpenedDocument,
    perceptions: Sequence[Perception],
    failed: Sequence[FailedMedium],
    engine: Engine,
) -> Extraction:
    """Return an extraction with one entity, the phrase, and every place of it; with none where nothing says it.

    A medium without any readable words cannot be searched; it is told as ungrounded, not as absent.
    """
    readings = readings_of(perceptions)
    locator = Locator(document, readings)
    with_words = {reading.media_id for reading in readings if reading.text.strip()}
    places: list[Grounding] = []
    absent: list[str] = []
    for medium in document.media:
        found = list(locator.places(phrase, medium.id, _FOUND_BY))
        places.extend(found)
        if not found and medium.id in with_words:
            absent.append(medium.id)
    numbered = tuple(place.model_copy(update={"id": f"g{number}"}) for number, place in enumerate(places, start=1))
    drafts = {reading.media_id for reading in readings if reading.draft}
    surely = tuple(medium for medium in absent if medium not in drafts)
    entity = Entity(id="e1", type=PHRASE, name=phrase, groundings=numbered, absent=surely) if numbered else None
    misses = tuple(_misses(phrase, document, absent, with_words, drafts, found_somewhere=bool(numbered)))
    answer = Assembled(entities=(entity,) if entity else (), relations=(), events=(), ungrounded=misses)
    return compose(answer, document, perceptions, failed, engine)


def _misses(
    phrase: str,
    document: OpenedDocument,
    absent: Sequence[str],
    with_words: set[str],
    drafts: set[str],
    *,
    found_somewhere: bool,
) -> Iterator[Ungrounded]:
    for medium in document.media:
        if medium.id in absent and medium.id in drafts:
            reason = "it was not heard, but what is said is known from a draft with wrong words only: it may be said"
        elif medium.id in absent and not found_somewhere:
            reason = "its words were searched; none of them say this"
        elif medium.id not in with_words:
            reason = "no words could be read in it, so the phrase could not be looked for"
        else:
            continue
        yield Ungrounded(kind="entity", type=PHRASE, text=phrase, reason=reason, media_id=medium.id)
