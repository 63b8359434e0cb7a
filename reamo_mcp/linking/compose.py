"""The answer as a whole: what was found beside what was read, what was not, and by whom."""

from collections.abc import Sequence

from reamo_mcp.linking.assemble import Assembled
from reamo_mcp.reading.perception import Perception
from reamo_mcp.types.coverage import Coverage, FailedMedium, UnsupportedAsk
from reamo_mcp.types.extraction import Call, Engine, Extraction, Notice
from reamo_mcp.types.media import OpenedDocument
from reamo_mcp.types.reading import Reading


def readings_of(perceptions: Sequence[Perception]) -> tuple[Reading, ...]:
    """Return the readings of all media, in order."""
    return tuple(reading for perception in perceptions for reading in perception.readings)


def compose(
    found: Assembled,
    document: OpenedDocument,
    perceptions: Sequence[Perception],
    failed: Sequence[FailedMedium],
    engine: Engine,
    *,
    unsupported: Sequence[UnsupportedAsk] = (),
    notices: Sequence[Notice] = (),
    calls: Sequence[Call] = (),
    complete: bool = True,
) -> Extraction:
    """Return the extraction; it is partial where not all was read or, without ``complete``, not all was looked through.

    The text of a text medium stands in the medium itself and is not repeated among the readings.
    """
    texts = {medium.id for medium in document.media if medium.kind == "text"}
    coverage = Coverage(
        media=tuple(part for perception in perceptions for part in perception.coverage),
        unsupported=(*(ask for perception in perceptions for ask in perception.unsupported), *unsupported),
        failed=tuple(failed),
    )
    return Extraction(
        document=document,
        readings=tuple(
            reading
            for reading in readings_of(perceptions)
            if not (reading.kind == "text" and reading.media_id in texts)
        ),
        entities=found.entities,
        relations=found.relations,
        events=found.events,
        calls=tuple(calls),
        ungrounded=found.ungrounded,
        coverage=coverage,
        status="ok" if coverage.complete and complete else "partial",
        engine=engine,
        warnings=(*(notice for perception in perceptions for notice in perception.notices), *notices),
    )
