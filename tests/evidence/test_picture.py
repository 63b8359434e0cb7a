from io import BytesIO
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from reamo_mcp.errors import SourceChanged
from reamo_mcp.evidence.picture import MOST_BYTES, drawn
from reamo_mcp.extractor import Extractor
from reamo_mcp.media.decoded import Picture
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.roles import Region
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.grounding import Box, VideoTrack
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.doubles.scripted_roles import ScriptedDetector, ScriptedTextExtractor
from tests.media_samples import VideoSample, number_in, write_video

ONTOLOGY = Ontology.of(entity_types=["person"])


def image_of(jpeg: bytes | None) -> "numpy.ndarray[tuple[int, int, int], numpy.dtype[numpy.uint8]]":
    assert jpeg is not None
    return numpy.asarray(Image.open(BytesIO(jpeg)).convert("RGB"))


def is_red(pixels: "numpy.ndarray[tuple[int, int, int], numpy.dtype[numpy.uint8]]") -> int:
    red, green, blue = (pixels[..., channel].astype(int) for channel in range(3))
    return int(((red > 150) & (green < 110) & (blue < 110)).sum())


def test_the_place_is_framed_and_the_picture_cut_around_it() -> None:
    pixels = numpy.full((600, 1000, 3), 255, numpy.uint8)
    pixels[300:320, 500:560] = 0
    shown = image_of(drawn(Picture(pixels, 0.5, 2000, 1200), [Box(x=1000, y=600, width=120, height=40)]))
    assert shown.shape[1] < 500
    assert is_red(shown) > 200
    assert (shown.sum(axis=2) < 200).sum() > 800, "what was framed can be seen"


@settings(max_examples=15, deadline=None)
@given(st.integers(1, 1600), st.integers(1, 1600), st.floats(0, 1), st.floats(0, 1), st.integers(0, 9))
def test_no_picture_is_larger_than_allowed(width: int, height: int, x: float, y: float, seed: int) -> None:
    pixels = numpy.random.default_rng(seed).integers(0, 256, (height, width, 3), numpy.uint8)
    box = Box(x=x * width, y=y * height, width=(1 - x) * width, height=(1 - y) * height)
    assert len(drawn(Picture(pixels, 1.0, width, height), [box])) <= MOST_BYTES
    assert len(drawn(Picture(pixels, 1.0, width, height), [])) <= MOST_BYTES


@pytest.fixture
def extractor(tmp_path: Path) -> Extractor:
    face = Region(type="face", box=Box(x=20, y=30, width=40, height=40), score=0.9)
    engine = Engine(
        profile="scripted",
        text_extractor=ScriptedTextExtractor({"Ada": "person"}),
        detectors=(ScriptedDetector((face,)),),
    )
    store = Store(tmp_path / "cache", 1 << 20)
    return Extractor(engine, LocalDecoder(Limits()), store, Settings())


async def test_a_region_of_a_picture_is_shown_from_the_file(extractor: Extractor, tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    Image.new("RGB", (200, 200), "white").save(path)
    extraction = await extractor.extract(Document.of(path), ONTOLOGY)
    place = extraction.entities[0].groundings[0]
    assert is_red(image_of(await extractor.look(Document.of(path), extraction, place))) > 100


async def test_a_track_is_shown_by_the_frame_of_its_keyframe(extractor: Extractor, tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", VideoSample(frames=60))
    extraction = await extractor.extract(Document.of(path), ONTOLOGY)
    track = extraction.entities[0].groundings[0]
    assert isinstance(track, VideoTrack)
    whole = track.model_copy(
        update={"keyframes": tuple(frame.model_copy(update={"time": 1.0}) for frame in track.keyframes[:1])}
    )
    around = whole.keyframes[0].model_copy(update={"parts": (Box(x=0, y=0, width=319, height=179),)})
    shown = image_of(
        await extractor.look(Document.of(path), extraction, whole.model_copy(update={"keyframes": (around,)}))
    )
    assert number_in(numpy.asarray(Image.fromarray(shown).resize((320, 180)))) == 30


async def test_a_text_has_nothing_to_see_and_a_changed_file_is_told(extractor: Extractor, tmp_path: Path) -> None:
    text, picture = tmp_path / "a.txt", tmp_path / "a.png"
    text.write_text("Ada", encoding="utf-8")
    Image.new("RGB", (90, 90), "white").save(picture)
    document = Document.of(text, picture)
    extraction = await extractor.extract(document, ONTOLOGY)
    in_text, in_picture = (place for entity in extraction.entities for place in entity.groundings)
    assert await extractor.look(document, extraction, in_text) is None
    Image.new("RGB", (91, 90), "white").save(picture)
    with pytest.raises(SourceChanged):
        await extractor.look(document, extraction, in_picture)
