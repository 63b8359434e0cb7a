"""A phrase and what it names: where modules that see and hear find it, beside where it is written."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import pytest
from PIL import Image, ImageDraw

from reamo_mcp.errors import Cancelled, EngineFailed
from reamo_mcp.extractor import Extractor
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.roles import Answer, Confirmer, ImageSegmenter, Region
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import AudioSegment, ImageRegion, TextSpan, VideoTrack
from reamo_mcp.types.media import Document
from tests.doubles.confirmers import colour_confirmer
from tests.doubles.moving_shapes import Film, Shape
from tests.doubles.scripted_reasoner import ColourSegmenter
from tests.doubles.signal_modules import AlwaysSegmenter, ToneSegmenter, blob_tracker
from tests.media_samples import write_sound
from tests.test_called_modules import write_film, write_tones


@dataclass
class House:
    folder: Path
    segmenter: ImageSegmenter = field(default_factory=ColourSegmenter)
    confirmer: Confirmer | None = None

    async def ground(self, phrase: str, *paths: Path, text: str | None = None) -> Extraction:
        settings = Settings(cache=self.folder / "cache")
        engine = Engine(
            profile="scripted",
            image_segmenter=self.segmenter,
            video_tracker=blob_tracker(),
            audio_segmenter=ToneSegmenter(),
            confirmer=self.confirmer,
        )
        store = Store(settings.cache_folder(), settings.cache_bytes)
        extractor = Extractor(engine, LocalDecoder(Limits()), store, settings)
        return await extractor.ground(Document.of(*paths, text=text), phrase)

    def picture(self, *areas: tuple[str, tuple[int, int, int, int]]) -> Path:
        path = self.folder / f"picture{len(list(self.folder.iterdir()))}.png"
        image = Image.new("RGB", (200, 100), "white")
        for colour, box in areas:
            ImageDraw.Draw(image).rectangle(box, fill=colour)
        image.save(path)
        return path


@dataclass
class FailingSegmenter(ColourSegmenter):
    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
        raise EngineFailed("it died")


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_every_place_where_a_picture_shows_it_stands_beside_where_it_is_written(house: House) -> None:
    picture = house.picture(("red", (10, 10, 49, 49)), ("red", (120, 30, 179, 79)), ("blue", (60, 10, 90, 40)))
    found = await house.ground("red thing", picture, text="A red thing lay there. Nobody saw it.")
    (entity,) = found.entities
    shown = [place for place in entity.groundings if isinstance(place, ImageRegion)]
    assert sorted((place.parts[0].x, place.parts[0].y) for place in shown) == [(10, 10), (120, 30)]
    assert all(place.media_id == "m2" and place.score == 0.9 and place.score_kind == "model" for place in shown)
    assert [place.quote for place in entity.groundings if isinstance(place, TextSpan)] == ["red thing"]
    assert entity.absent == ()
    assert found.status == "ok"
    (call,) = found.calls
    assert (call.id, call.module, call.instruction, call.outcome) == ("c1", "image_segmenter", "red thing", "located")
    assert {place.provenance.call for place in shown} == {"c1"}


async def test_a_picture_that_was_looked_into_in_vain_is_absent(house: House) -> None:
    shows, does_not = house.picture(("red", (10, 10, 49, 49))), house.picture(("blue", (10, 10, 49, 49)))
    found = await house.ground("the red thing", shows, does_not)
    assert found.entities[0].absent == ("m2",)
    assert not found.ungrounded
    nowhere = await house.ground("the green thing", shows, does_not)
    assert not nowhere.entities
    assert [(claim.media_id, claim.reason) for claim in nowhere.ungrounded] == [
        (medium, "it was searched; nothing in it says or shows this") for medium in ("m1", "m2")
    ]
    assert nowhere.status == "ok"


async def test_what_moves_is_a_track_and_what_sounds_a_stretch_of_time(house: House) -> None:
    film = Film((Shape("red", (24, 20), (0, 20), (3, 0)),), bar=(100, 126))
    video = write_film(house.folder / "film.mkv", film, 24)
    seen = await house.ground("the red thing", video)
    (track,) = seen.entities[0].groundings
    assert isinstance(track, VideoTrack)
    assert (track.start, track.end) == pytest.approx((0.0, 6.0), abs=0.3)
    sound = write_tones(house.folder / "tones.wav", 9.0, ("low", 1.0, 2.0), ("high", 3.0, 4.0), ("low", 6.0, 8.0))
    heard = await house.ground("a low tone", sound)
    spans = [place for place in heard.entities[0].groundings if isinstance(place, AudioSegment)]
    assert [(round(span.start, 1), round(span.end, 1)) for span in spans] == [(1.0, 2.0), (6.0, 8.0)]


async def test_a_module_that_fails_claims_no_absence_and_another_try_is_worth_it(tmp_path: Path) -> None:
    house = House(tmp_path, segmenter=FailingSegmenter())
    found = await house.ground("the red thing", house.picture(), text="The red thing.")
    assert [place.media_id for place in found.entities[0].groundings] == ["m1"]
    assert found.entities[0].absent == ()
    (claim,) = found.ungrounded
    assert claim.media_id == "m2"
    assert "it died" in claim.reason
    assert found.status == "partial"
    assert found.retryable


async def test_what_a_module_does_not_understand_is_told_and_is_no_absence(house: House) -> None:
    found = await house.ground("a dog", house.picture(("red", (10, 10, 49, 49))))
    assert not found.entities
    assert [claim.reason for claim in found.ungrounded] == ["it could not be looked for: only colours are understood"]
    assert ("m1", "phrases", "only colours are understood") in [
        (ask.media_id, ask.what, ask.reason) for ask in found.coverage.unsupported
    ]
    assert found.status == "ok", "all was read, and another try would say the same"


async def test_what_a_second_look_does_not_see_is_no_place_of_it(tmp_path: Path) -> None:
    house = House(tmp_path, segmenter=AlwaysSegmenter(), confirmer=colour_confirmer())
    found = await house.ground("the red dog", house.picture())
    assert not found.entities
    assert found.calls[0].outcome == "absent"


async def test_looking_for_a_phrase_can_be_cancelled(house: House) -> None:
    class Stops(ColourSegmenter):
        def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
            raise Cancelled("the caller cancelled")

    house.segmenter = Stops()
    with pytest.raises(Cancelled):
        await house.ground("the red thing", house.picture())


async def test_silence_is_searched_too(house: House) -> None:
    silence = write_sound(house.folder / "silence.wav", numpy.zeros(3 * 16_000, numpy.float32))
    found = await house.ground("a low tone", silence, text="A low tone.")
    assert found.entities[0].absent == ("m2",)
