"""Names planted at known places are found there: the whole embedded engine, on documents of every combination."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reamo_mcp.extractor import Extractor
from reamo_mcp.models.profiles import open_decoder, open_engine
from reamo_mcp.ontologies.loading import load_ontology
from reamo_mcp.settings import Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import AudioSegment, Box, Grounding, ImageRegion, TextSpan, VideoTrack, Whole
from reamo_mcp.types.media import Document
from tests.doubles.scripted_roles import ScriptedTextExtractor
from tests.planted.documents import Channel, Planted, PlantedDocument, planted_documents

pytestmark = pytest.mark.timeout(900)  # sixty documents through every model

LEAST_OVERLAP = 0.6
LEAST_LOCATED = 0.85


@dataclass
class Tally:
    """Of the names known from the clean text: how many there are in a channel, and how many were located there."""

    known: int = 0
    located: int = 0

    @property
    def share(self) -> float:
        return self.located / self.known if self.known else 0.0


@pytest.fixture(scope="module")
def documents(tmp_path_factory: pytest.TempPathFactory) -> list[PlantedDocument]:
    return planted_documents(tmp_path_factory.mktemp("planted"))


@asynccontextmanager
async def opened(cache: Path, *, blind: bool = False) -> AsyncGenerator[Extractor]:
    settings = Settings(cache=cache)
    store = Store(cache, settings.cache_bytes)
    with open_engine(settings, store.readings) as engine, open_decoder(settings) as decoder:
        chosen = replace(engine, text_extractor=ScriptedTextExtractor({})) if blind else engine
        yield Extractor(chosen, decoder, store, settings)


async def tallies(extractor: Extractor, documents: list[PlantedDocument]) -> dict[Channel, Tally]:
    ontology = load_ontology("general")
    counts: dict[Channel, Tally] = {}
    for document in documents:
        extraction = await extractor.extract(Document.of(*document.files.values()), ontology)
        media = dict(zip(document.files, (medium.id for medium in extraction.document.media), strict=True))
        for channel, sentence in document.sentences.items():
            clean = await extractor.extract(Document.of(text=sentence), ontology)
            known = {entity.name for entity in clean.entities}
            for planted in document.planted:
                if planted.channel == channel and planted.name in known:
                    counts.setdefault(channel, Tally()).known += 1
                    counts[channel].located += is_located(planted, extraction, media[channel])
                    if channel == "speech" and not said_elsewhere(planted, document):
                        assert_heard_alone(planted, extraction)
    return counts


def said_elsewhere(planted: Planted, document: PlantedDocument) -> bool:
    return any(planted.name in sentence for channel, sentence in document.sentences.items() if channel != "speech")


def assert_heard_alone(planted: Planted, extraction: Extraction) -> None:
    for entity in extraction.entities:
        if entity.name == planted.name:
            assert all(isinstance(place, AudioSegment | Whole) for place in entity.groundings), entity


def is_located(planted: Planted, extraction: Extraction, media_id: str) -> bool:
    places = [
        place
        for entity in extraction.entities
        if entity.name == planted.name
        for place in entity.groundings
        if place.media_id == media_id
    ]
    return any(covers(place, planted) for place in places)


def covers(place: Grounding, planted: Planted) -> bool:
    match place:
        case TextSpan():
            return place.quote == planted.name
        case ImageRegion():
            return overlap(place.parts, planted.boxes) >= LEAST_OVERLAP
        case VideoTrack():
            timely = place.start < planted.end and place.end > planted.start
            return timely and overlap(place.keyframes[0].parts, planted.boxes) >= LEAST_OVERLAP
        case AudioSegment():
            return planted.start <= place.start <= place.end <= planted.end
        case _:
            return False


def overlap(found: tuple[Box, ...], planted: tuple[Box, ...]) -> float:
    """Return the mean overlap of the boxes, line by line; another number of lines counts as none."""
    if len(found) != len(planted):
        return 0.0
    return sum(one.intersection_over_union(other) for one, other in zip(found, planted, strict=True)) / len(found)


async def test_names_of_the_clean_text_are_located_where_they_were_planted(
    documents: list[PlantedDocument], tmp_path: Path
) -> None:
    assert len(documents) == 60
    async with opened(tmp_path / "cache") as extractor:
        counts = await tallies(extractor, documents)
    for channel, tally in counts.items():
        print(f"{channel}: {tally.located} of {tally.known}")  # noqa: T201 -- shown with -s, to be quoted
    assert counts["text"].known >= 60, "the extractor finds names in clean text at all"
    for channel in ("text", "picture", "scan", "video"):
        assert counts[channel].share >= LEAST_LOCATED, (channel, counts[channel])
    assert counts["speech"].known >= 60


async def test_an_engine_that_finds_nothing_fails_this_measure(
    documents: list[PlantedDocument], tmp_path: Path
) -> None:
    async with opened(tmp_path / "cache", blind=True) as extractor:
        counts = await tallies(extractor, documents[:3])
    assert sum(tally.located for tally in counts.values()) == 0
