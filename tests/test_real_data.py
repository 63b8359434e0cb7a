"""Every real file that is at hand is read without a crash into a record that keeps its promises."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reamo_mcp.errors import ReamoError
from reamo_mcp.extractor import open_extractor
from reamo_mcp.ontologies.loading import load_ontology
from reamo_mcp.settings import Settings
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import AudioSegment, Box, Grounding, ImageRegion, TextSpan, VideoSegment, VideoTrack
from reamo_mcp.types.media import AudioMedium, Document, DocumentMedium, ImageMedium, Medium, TextMedium, VideoMedium

pytestmark = [pytest.mark.data, pytest.mark.timeout(900)]

_SLACK = 0.51  # pixels or points: boxes are rounded to hundredths, sizes to whole units
_MOST_BYTES = 4_000  # of one text here: the walk is about kinds of files, not about their length


def files_of(folder: Path, suffixes: frozenset[str]) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix.lower() in suffixes)


TEXTS = frozenset((".txt", ".tsv", ".md", ".json", ".jsonl", ".ann", ".conll", ".iob2", ".xml", ".xhtml", ".csv"))
PICTURES = frozenset((".jpg", ".jpeg", ".png"))
SOUNDS = frozenset((".wav", ".flac", ".mp3", ".ogg", ".m4a"))


@pytest.mark.parametrize(
    ("folder", "suffixes"),
    [
        ("text", TEXTS),
        ("images", PICTURES),
        pytest.param("audio", SOUNDS, marks=pytest.mark.big),  # minutes: every recording is transcribed
        ("video", PICTURES),
    ],
)
async def test_every_file_gives_a_valid_record(
    real_data: Path, tmp_path: Path, folder: str, suffixes: frozenset[str]
) -> None:
    chosen = files_of(real_data / "dev" / folder, suffixes)
    assert chosen, f"no files of {folder}"
    refused: list[ReamoError] = []
    async with open_extractor(Settings(cache=tmp_path / "cache")) as extractor:
        for path in chosen:
            part = path
            if folder == "text" and path.stat().st_size > _MOST_BYTES:
                part = tmp_path / f"part_{path.name}"
                part.write_bytes(path.read_bytes()[:_MOST_BYTES].rpartition(b"\n")[0])
            try:
                extraction = await extractor.extract(Document.of(part), load_ontology("general"))
            except ReamoError as error:
                refused.append(error)
                continue
            check(extraction, path.name)
    assert len(refused) <= 0.05 * len(chosen), refused
    assert all(error.hint for error in refused)


def check(extraction: Extraction, name: str) -> None:
    """The record: every quote is the slice of its source, every box in its picture, every time in the duration."""
    assert Extraction.model_validate_json(extraction.model_dump_json()) == extraction
    readings = {reading.id: reading.text for reading in extraction.readings}
    for place in extraction.groundings():
        medium = extraction.document.medium(place.media_id)
        assert medium is not None
        if place.quote is not None and place.via is not None:
            assert readings[place.via.reading][place.via.start : place.via.end] == place.quote, (name, place)
        elif isinstance(place, TextSpan):
            assert isinstance(medium, TextMedium)
            assert medium.text[place.start : place.end] == place.quote, (name, place)
        for box, width, height in boxes(place, medium):
            assert box.x >= -_SLACK, (name, place)
            assert box.y >= -_SLACK, (name, place)
            assert box.right <= width + _SLACK, (name, place)
            assert box.bottom <= height + _SLACK, (name, place)
        if isinstance(place, AudioSegment | VideoSegment | VideoTrack):
            assert isinstance(medium, AudioMedium | VideoMedium)
            assert 0 <= place.start <= place.end <= medium.duration + 0.05, (name, place)
    for part in extraction.coverage.media:
        assert part.read <= part.total + 1e-6, (name, part)


def boxes(place: Grounding, medium: Medium) -> Iterator[tuple[Box, float, float]]:
    match place, medium:
        case ImageRegion(page=None), ImageMedium():
            for box in place.parts:
                yield box, medium.width, medium.height
        case TextSpan(), DocumentMedium():
            for part in place.parts:
                size = medium.page_sizes[part.page - 1]
                yield part.box, size.width, size.height
        case VideoTrack(), VideoMedium():
            for keyframe in place.keyframes:
                for box in keyframe.parts:
                    yield box, medium.width, medium.height
        case _:
            return
