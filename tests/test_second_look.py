"""The second look on the whole way of a document: what segmenter and tracker see where nothing is does not count."""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mcp import Client
from PIL import Image, ImageDraw

from reamo_mcp.errors import Cancelled
from reamo_mcp.extractor import Extractor
from reamo_mcp.media.decoded import Picture
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.following import FollowingTracker
from reamo_mcp.models.meta_response import MetaCall, MetaEntity, MetaMention, MetaResponse, ModuleName
from reamo_mcp.models.phrase_detection import Decision
from reamo_mcp.models.roles import Failed
from reamo_mcp.server.build import build_server
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import Box, ImageRegion, VideoTrack
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import EntityType, Ontology
from tests.doubles.confirmers import ScriptedConfirmer, colour_confirmer
from tests.doubles.moving_shapes import Film, Shape
from tests.doubles.scripted_reasoner import ScriptedReasoner
from tests.doubles.signal_modules import COLOURS, AlwaysSegmenter, BlobDetector, BlobFollower
from tests.test_called_modules import write_film

ONTOLOGY = Ontology(entity_types=(EntityType(name="object"),))
REASON = "the second look at the crop did not see it"
ABSENT = [f"the {size} {thing}" for size in ("old", "small", "yellow", "painted") for thing in (
    "dog", "cat", "man", "woman", "car", "boat", "cup", "chair", "tree", "horse", "guitar", "ball", "hat", "sign",
    "bridge", "plane", "phone", "book", "bird", "cake", "clock", "door", "shoe", "cow", "bench",
)]  # fmt: skip
DOUBTFUL = Decision(threshold=0.3, margin=0.05, sure=0.95)  # the detector of blobs scores 0.9
SURE = Decision(threshold=0.3, margin=0.05, sure=0.9)


def asked(*phrases: str, module: ModuleName = "image_segmenter") -> MetaResponse:
    """Return a response that claims a thing for each phrase, and calls for it."""
    numbered = list(enumerate(phrases, 1))
    return MetaResponse(
        entities=tuple(
            MetaEntity(id=f"e{number}", type="object", name=phrase, mentions=(MetaMention(source="m1"),))
            for number, phrase in numbered
        ),
        calls=tuple(
            MetaCall(target=f"e{number}", medium="m1", module=module, instruction=phrase) for number, phrase in numbered
        ),
    )


@dataclass
class House:
    folder: Path
    response: MetaResponse
    confirmer: ScriptedConfirmer | None = field(default_factory=colour_confirmer)
    segmenter: AlwaysSegmenter = field(default_factory=AlwaysSegmenter)
    decision: Decision = DOUBTFUL

    def __post_init__(self) -> None:
        settings = Settings(cache=self.folder / "cache")
        engine = Engine(
            profile="scripted",
            reasoner=ScriptedReasoner(lambda _: self.response),
            image_segmenter=self.segmenter,
            video_tracker=FollowingTracker(BlobDetector(self.decision), BlobFollower()),
            confirmer=self.confirmer,
        )
        store = Store(settings.cache_folder(), settings.cache_bytes)
        self.extractor = Extractor(engine, LocalDecoder(Limits()), store, settings)

    async def extract(self, path: Path) -> Extraction:
        return await self.extractor.extract(Document.of(path), ONTOLOGY)

    def opened(self, settings: Settings) -> AbstractAsyncContextManager[Extractor]:
        """Stand in for `reamo_mcp.extractor.open_extractor`."""

        @asynccontextmanager
        async def opening() -> AsyncGenerator[Extractor]:
            yield self.extractor

        return opening()


def shapes(folder: Path, size: tuple[int, int] = (320, 240), **boxes: tuple[int, int, int, int]) -> Path:
    """Draw rectangles of named colours on white."""
    path = folder / "shapes.png"
    picture = Image.new("RGB", size, "white")
    for name, (left, top, right, bottom) in boxes.items():
        ImageDraw.Draw(picture).rectangle((left, top, right - 1, bottom - 1), fill=COLOURS[name.rstrip("_")])
    picture.save(path)
    return path


def located(extraction: Extraction) -> dict[str, Box]:
    return {
        one.name: place.parts[0]
        for one in extraction.entities
        for place in one.groundings
        if isinstance(place, ImageRegion)
    }


async def test_of_a_segmenter_that_always_answers_only_what_is_there_stays(tmp_path: Path) -> None:
    picture = shapes(tmp_path, red=(20, 30, 80, 90), blue=(150, 60, 200, 160))
    caught = kept = 0
    for start in range(0, len(ABSENT), 20):
        absent = ABSENT[start : start + 20]
        house = House(tmp_path / str(start), asked("the red figure", *absent, "a blue one"))
        extraction = await house.extract(picture)
        assert located(extraction).keys() <= {"the red figure", "a blue one", *absent}
        kept += len(located(extraction).keys() & {"the red figure", "a blue one"})
        caught += 20 - len(located(extraction).keys() & set(absent))
        assert house.confirmer is not None
        assert len(house.confirmer.looks) == 22
        assert house.confirmer.calls == 1
        assert {one.text: one.reason for one in extraction.ungrounded} == dict.fromkeys(absent, REASON)
        assert sorted(one.outcome for one in extraction.calls) == ["absent"] * 20 + ["located"] * 2
        assert extraction.status == "ok", extraction.warnings
    assert kept == 10
    assert caught == len(ABSENT) == 100


async def test_the_same_segmenter_without_a_second_look_is_believed(tmp_path: Path) -> None:
    house = House(tmp_path, asked(*ABSENT[:20]), confirmer=None)
    extraction = await house.extract(shapes(tmp_path, red=(20, 30, 80, 90)))
    assert len(located(extraction)) == 20


async def test_what_the_segmenter_is_sure_of_costs_no_look(tmp_path: Path) -> None:
    house = House(tmp_path, asked("the red figure", "the old dog"), segmenter=AlwaysSegmenter(lambda _: 0.5))
    extraction = await house.extract(shapes(tmp_path, red=(20, 30, 80, 90)))
    assert len(located(extraction)) == 2
    assert house.confirmer is not None
    assert house.confirmer.calls == 0


async def test_the_next_best_find_of_a_phrase_stands_in_for_one_that_is_not_seen(tmp_path: Path) -> None:
    def left_is_wrong(crop: Picture, phrase: str) -> float:
        return 0.1 if crop.original_width > 60 else 0.9

    house = House(tmp_path, asked("a red one"), confirmer=ScriptedConfirmer(left_is_wrong))
    extraction = await house.extract(shapes(tmp_path, red=(20, 30, 80, 90), red_=(200, 100, 230, 130)))
    assert located(extraction) == {"a red one": Box(x=200, y=100, width=30, height=30)}


async def test_a_crop_has_the_pixels_of_the_original_though_the_segmenter_saw_a_smaller_picture(tmp_path: Path) -> None:
    house = House(tmp_path, asked("the red figure"))
    await house.extract(shapes(tmp_path, (3200, 2400), red=(600, 900, 700, 980)))
    assert house.confirmer is not None
    ((crop, phrase),) = house.confirmer.looks
    assert phrase == "the red figure"
    assert crop.scale == 1
    high, wide = crop.pixels.shape[:2]
    assert (wide, high) == (crop.original_width, crop.original_height)
    assert wide == pytest.approx(100 * 1.3, abs=6)
    assert high == pytest.approx(80 * 1.3, abs=6)
    red = abs(crop.pixels.astype(int) - COLOURS["red"]).max(axis=2) < 5
    assert red.sum() == 100 * 80


async def test_a_look_that_fails_leaves_a_find_as_it_was(tmp_path: Path) -> None:
    confirmer = ScriptedConfirmer(lambda _crop, _phrase: Failed("engine_failed", "the engine died over this"))
    extraction = await House(tmp_path, asked("the old dog"), confirmer).extract(shapes(tmp_path, red=(20, 30, 80, 90)))
    assert located(extraction).keys() == {"the old dog"}
    assert extraction.status == "ok", extraction.warnings


async def test_cancelling_during_a_look_ends_the_work(tmp_path: Path) -> None:
    def cancelled(crop: Picture, phrase: str) -> float:
        raise Cancelled("the caller cancelled")

    with pytest.raises(Cancelled):
        await House(tmp_path, asked("a dog"), ScriptedConfirmer(cancelled)).extract(shapes(tmp_path, red=(2, 3, 8, 9)))


FILM = Film((Shape("red", (24, 20), (0, 20), (3, 0)), Shape("blue", (20, 24), (120, 70), (-2, 0))))


def sees(*phrases: str) -> Callable[[Picture, str], float]:
    return lambda _, phrase: 0.9 if phrase in phrases else 0.1


async def test_a_doubtful_track_counts_only_if_a_look_at_one_of_its_frames_sees_it(tmp_path: Path) -> None:
    confirmer = ScriptedConfirmer(sees("the red one"))
    house = House(tmp_path, asked("the red one", "the blue one", module="video_tracker"), confirmer)
    extraction = await house.extract(write_film(tmp_path / "film.mkv", FILM, 24))
    assert [one.outcome for one in extraction.calls] == ["located", "absent"]
    (entity,) = extraction.entities
    assert [type(place) for place in entity.groundings] == [VideoTrack]
    assert [(one.text, one.reason) for one in extraction.ungrounded] == [("the blue one", REASON)]
    assert confirmer.calls == 1
    crops = {phrase: crop.pixels for crop, phrase in confirmer.looks}
    assert crops.keys() == {"the red one", "the blue one"}
    for colour in ("red", "blue"):
        pixels = crops[f"the {colour} one"]
        assert (abs(pixels.astype(int) - COLOURS[colour]).max(axis=2) < 40).mean() > 0.4


async def test_tracks_of_which_the_tracker_is_sure_cost_no_look(tmp_path: Path) -> None:
    confirmer = ScriptedConfirmer(sees())
    house = House(tmp_path, asked("the red one", module="video_tracker"), confirmer, decision=SURE)
    extraction = await house.extract(write_film(tmp_path / "film.mkv", FILM, 24))
    assert [one.outcome for one in extraction.calls] == ["located"]
    assert confirmer.calls == 0


async def test_an_agent_is_told_what_a_second_look_did_not_see_and_who_looked(tmp_path: Path) -> None:
    house = House(tmp_path, asked("the red figure", "the old dog"))
    path = shapes(tmp_path, red=(20, 30, 80, 90))
    server = build_server(Settings(cache=tmp_path / "served"), open_extractor=house.opened)
    async with Client(server) as client:
        answer = await client.call_tool("extract_entities", {"files": [str(path)], "entity_types": ["object"]})
        assert not answer.is_error, answer.content
        assert answer.structured_content is not None
        assert [item["text"] for item in answer.structured_content["items"]] == ["the red figure"]
        wanted = {"result_id": answer.structured_content["result_id"], "kinds": ["ungrounded"], "detail": "full"}
        rest = await client.call_tool("get_result", wanted)
        assert rest.structured_content is not None
        (item,) = rest.structured_content["items"]
        status = await client.call_tool("server_status", {})
    assert item["text"] == "the old dog"
    assert REASON in str(item)
    assert status.structured_content is not None
    assert "confirmer: scripted confirmer 1" in status.structured_content["models"]
