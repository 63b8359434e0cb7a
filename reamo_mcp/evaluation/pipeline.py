"""The baseline of the paper's comparison: the same models, one medium per pass, the name as the phrase.

The first medium (the text where there is one) alone says what there is; every other medium is only searched for those
names. What is only in another medium is lost, and nothing is linked but equal names: what reading all media together
adds is what this baseline lacks.
"""

from itertools import count
from pathlib import Path

from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.engines import WANTED, ExtractorAnswers
from reamo_mcp.extractor import Extractor, Readings, Request
from reamo_mcp.grounding.locating import Locator
from reamo_mcp.linking.compose import readings_of
from reamo_mcp.types.extraction import Entity, Extraction
from reamo_mcp.types.grounding import Grounding, Provenance
from reamo_mcp.types.media import Document

_FOUND_BY = Provenance(model="pipeline", step="locate")


class PipelineAnswers(ExtractorAnswers):
    """One pass over the first medium, then a search for its names in the others."""

    def __init__(self, extractor: Extractor) -> None:
        super().__init__(extractor, "pipeline")

    async def answer(self, case: Case, folder: Path) -> Extraction:
        """Return what the first medium says, and where the others say the same names."""
        document = case.document(folder)
        first = Document(sources=document.sources[:1])
        found = await self._extractor.extract(first, case.ontology, request=Request(tasks=WANTED[case.task]))
        if len(document.sources) == 1:
            return found
        return _searched(found, await self._extractor.read(document))


def _searched(found: Extraction, readings: Readings) -> Extraction:
    read = readings_of(readings.perceptions)
    locator = Locator(readings.document, read)
    others = [medium.id for medium in readings.document.media[1:]]
    numbers = count(1)

    def more(entity: Entity) -> tuple[Grounding, ...]:
        if not entity.name:
            return ()
        return tuple(
            place.model_copy(update={"id": f"s{next(numbers)}"})
            for media_id in others
            for place in locator.places(entity.name, media_id, _FOUND_BY)
        )

    covered = (part for perception in readings.perceptions for part in perception.coverage if part.media_id in others)
    known = {reading.id for reading in found.readings}
    return Extraction(
        document=readings.document,
        readings=(*found.readings, *(reading for reading in read if reading.id not in known)),
        entities=tuple(
            entity.model_copy(update={"groundings": (*entity.groundings, *more(entity))}) for entity in found.entities
        ),
        relations=found.relations,
        events=found.events,
        coverage=found.coverage.model_copy(
            update={"media": (*found.coverage.media, *covered), "failed": readings.failed}
        ),
        engine=found.engine,
    )
