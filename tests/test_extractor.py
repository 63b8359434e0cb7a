import asyncio
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.from_thread
import anyio.to_thread
import numpy
import pytest
from PIL import Image

from reamo_mcp.errors import Cancelled, CorruptMedia, PathNotAllowed, ReamoError
from reamo_mcp.extractor import Extractor, Request
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.threads import Progress
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.media.opening import Allowed
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.profiles import remembering
from reamo_mcp.models.roles import HeardWord, Line, ReadWord, Region
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.grounding import Box, ImageRegion, TextSpan
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.doubles.scripted_roles import (
    CountedDecoder,
    ScriptedDetector,
    ScriptedNameSpotter,
    ScriptedTextExtractor,
    ScriptedTextReader,
    ScriptedTranscriber,
)
from tests.media_samples import write_sound

ONTOLOGY = Ontology.of(entity_types=["person", "location"], relation_types=["lives in"], event_types=["travel"])
POSTER = Line(
    text="Ada Byron",
    box=Box(x=10, y=10, width=90, height=20),
    words=(
        ReadWord(start=0, end=3, box=Box(x=10, y=10, width=30, height=20)),
        ReadWord(start=4, end=9, box=Box(x=50, y=10, width=50, height=20)),
    ),
    confidence=0.99,
)
SAID = HeardWord(text="Ada Byron", start=0.5, end=1.2, confidence=1, confident=True)
FACE = Region(type="face", box=Box(x=5, y=40, width=20, height=20), score=0.95)


@dataclass
class House:
    """An extractor over real opening, decoding and store, with scripted models."""

    folder: Path
    texts: ScriptedTextExtractor = field(
        default_factory=lambda: ScriptedTextExtractor(
            {"Ada Byron": "person", "Ada": "person", "London": "location"}, {"went": "travel"}
        )
    )
    reader: ScriptedTextReader = field(default_factory=lambda: ScriptedTextReader((POSTER,)))
    detector: ScriptedDetector = field(default_factory=lambda: ScriptedDetector((FACE,)))
    spotter: ScriptedNameSpotter = field(default_factory=lambda: ScriptedNameSpotter(SAID))

    def __post_init__(self) -> None:
        settings = Settings(cache=self.folder / "cache")
        self.store = Store(settings.cache_folder(), settings.cache_bytes)
        self.decoder = CountedDecoder(LocalDecoder(Limits()))
        engine = Engine(
            profile="scripted",
            text_extractor=self.texts,
            text_reader=self.reader,
            transcriber=ScriptedTranscriber(),
            name_spotter=self.spotter,
            detectors=(self.detector,),
        )
        self.extractor = Extractor(remembering(engine, self.store.readings), self.decoder, self.store, settings)

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def poster(self, name: str = "poster.png") -> Path:
        path = self.folder / name
        Image.new("RGB", (200, 100), "white").save(path)
        return path


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def test_a_text_and_a_picture_give_one_entity_with_a_place_in_each(house: House) -> None:
    text = house.file("story.txt", "Then Ada Byron went to London.")
    extraction = await house.extractor.extract(Document.of(text, house.poster()), ONTOLOGY)
    ada, london = (next(entity for entity in extraction.entities if entity.name == name) for name in NAMES)
    assert [(type(place), place.media_id, place.quote) for place in ada.groundings] == [
        (TextSpan, "m1", "Ada Byron"),
        (ImageRegion, "m2", "Ada Byron"),
    ]
    assert london.absent == ("m2",)
    assert [(relation.type, relation.head, relation.tail) for relation in extraction.relations] == [
        ("lives in", ada.id, london.id)
    ]
    assert [event.trigger.text for event in extraction.events] == ["went"]
    assert any(entity.name == "" and entity.type == "person" for entity in extraction.entities), "the nameless face"
    assert extraction.status == "ok"


NAMES = ("Ada Byron", "London")


async def test_other_types_on_the_same_files_cost_no_decoding_and_no_reading(house: House) -> None:
    document = Document.of(house.file("a.txt", "Ada in London"), house.poster())
    await house.extractor.extract(document, ONTOLOGY)
    decoded, read, seen = len(house.decoder.calls), house.reader.pictures, house.detector.pictures
    extraction = await house.extractor.extract(document, Ontology.of(entity_types=["location"]))
    assert [entity.name for entity in extraction.entities] == ["London"]
    assert (len(house.decoder.calls), house.reader.pictures, house.detector.pictures) == (decoded, read, seen)


async def test_a_name_that_a_file_writes_is_heard_in_another_whatever_their_order(house: House) -> None:
    sound = write_sound(house.folder / "talk.wav", numpy.zeros(3 * 16_000, numpy.float32))
    text = house.file("story.txt", "Then Ada Byron went to London.")
    extraction = await house.extractor.extract(Document.of(sound, text), ONTOLOGY)
    ada = next(entity for entity in extraction.entities if entity.name == "Ada Byron")
    assert [(place.kind, place.media_id) for place in ada.groundings] == [("audio_segment", "m1"), ("text_span", "m2")]
    assert house.spotter.asked == [("Then Ada Byron", "Ada Byron", "London")]
    house.decoder.calls.clear()
    await house.extractor.extract(Document.of(sound, text), Ontology.of(entity_types=["location"]))
    assert not house.decoder.calls
    await house.extractor.extract(Document.of(sound), ONTOLOGY)
    assert len(house.spotter.asked) == 1, "alone it has no names to listen for"


async def test_a_phrase_is_listened_for_and_where_speech_is_a_draft_its_absence_is_not_claimed(house: House) -> None:
    sound = write_sound(house.folder / "talk.wav", numpy.zeros(3 * 16_000, numpy.float32))
    mute = write_sound(house.folder / "mute.wav", numpy.zeros(2_000, numpy.float32))
    said = await house.extractor.ground(Document.of(sound, mute), "Ada Byron")
    assert [(place.kind, place.media_id) for place in said.entities[0].groundings] == [("audio_segment", "m1")]
    unsaid = await house.extractor.ground(Document.of(sound, mute), "Grace Hopper")
    assert not unsaid.entities
    assert [claim.media_id for claim in unsaid.ungrounded] == ["m1", "m2"]
    assert "draft" in unsaid.ungrounded[0].reason


async def test_the_same_request_asks_no_model_again(house: House) -> None:
    document = Document.of(house.file("a.txt", "Ada in London"), house.poster())
    first = await house.extractor.extract(document, ONTOLOGY)
    asked = len(house.texts.texts)
    assert await house.extractor.extract(document, ONTOLOGY) == first
    assert len(house.texts.texts) == asked


async def test_a_changed_file_under_the_same_name_is_read_anew(house: House) -> None:
    path = house.file("a.txt", "Ada")
    await house.extractor.extract(Document.of(path), ONTOLOGY)
    path.write_text("London", encoding="utf-8")
    extraction = await house.extractor.extract(Document.of(path), ONTOLOGY)
    assert [entity.name for entity in extraction.entities] == ["London"]


async def test_a_file_that_cannot_be_read_does_not_sink_the_others(house: House) -> None:
    good, broken = house.file("a.txt", "Ada in London"), house.file("b.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    missing = house.folder / "missing.pdf"
    extraction = await house.extractor.extract(Document.of(good, broken, missing), ONTOLOGY)
    assert extraction.status == "partial"
    assert {entity.name for entity in extraction.entities} == {"Ada", "London"}
    assert {(Path(failed.name).name, failed.code) for failed in extraction.coverage.failed} == {
        ("b.png", CorruptMedia.code),
        ("missing.pdf", PathNotAllowed.code),
    }


async def test_a_single_file_that_cannot_be_read_is_an_error_that_names_it(house: House) -> None:
    broken = house.file("b.png", b"\x89PNG\r\n\x1a\n" + b"\0" * 40)
    with pytest.raises(CorruptMedia, match=r"b\.png"):
        await house.extractor.extract(Document.of(broken), ONTOLOGY)


async def test_a_reading_that_the_extractor_fails_on_leaves_the_rest_and_a_partial_status(house: House) -> None:
    house.texts.fails_on = "poison"
    document = Document.of(house.file("a.txt", "Ada"), house.file("b.txt", "poison in London"))
    extraction = await house.extractor.extract(document, ONTOLOGY)
    assert [entity.name for entity in extraction.entities] == ["Ada"]
    assert extraction.status == "partial"
    assert [(notice.code, notice.media_id) for notice in extraction.warnings] == [("engine_failed", "m2")]


async def test_only_the_modalities_asked_for_are_read(house: House) -> None:
    document = Document.of(house.file("a.txt", "Ada in London"), house.poster())
    extraction = await house.extractor.extract(document, ONTOLOGY, request=Request(modalities=("text",)))
    assert [medium.kind for medium in extraction.document.media] == ["text"]
    assert [notice.code for notice in extraction.warnings] == ["skipped"]
    assert house.reader.pictures == 0


async def test_items_below_the_least_score_are_told_as_ungrounded(house: House) -> None:
    document = Document.of(house.file("a.txt", "Ada in London"))
    extraction = await house.extractor.extract(document, ONTOLOGY, request=Request(min_score=0.95))
    assert extraction.entities == ()
    assert {item.text for item in extraction.ungrounded} >= {"Ada", "London"}


async def test_entities_alone_are_given_when_only_they_are_asked_for(house: House) -> None:
    document = Document.of(house.file("a.txt", "Ada went to London"))
    extraction = await house.extractor.extract(document, ONTOLOGY, request=Request(tasks=("entities",)))
    assert len(extraction.entities) == 2
    assert extraction.relations == ()
    assert extraction.events == ()


async def test_a_picture_without_a_text_extractor_says_that_names_are_unsupported(house: House) -> None:
    engine = Engine(profile="scripted", text_reader=house.reader)
    extractor = Extractor(engine, house.decoder, house.store, Settings())
    extraction = await extractor.extract(Document.of(house.poster()), ONTOLOGY)
    assert "names in text" in {ask.what for ask in extraction.coverage.unsupported}


async def test_files_outside_the_allowed_folders_are_refused(house: House, tmp_path: Path) -> None:
    outside = house.file("a.txt", "Ada")
    inside = tmp_path / "inside"
    inside.mkdir()
    with pytest.raises(PathNotAllowed):
        await house.extractor.extract(Document.of(outside), ONTOLOGY, allowed=Allowed.below([inside]))


async def test_progress_tells_the_stages_in_order(house: House) -> None:
    seen: list[Progress] = []
    document = Document.of(house.file("a.txt", "Ada"), house.poster())
    await house.extractor.extract(document, ONTOLOGY, report=seen.append)
    stages = list(dict.fromkeys(progress.stage for progress in seen))
    assert stages[-1] == "ground"
    assert "read" in stages
    assert all(0 <= progress.done <= progress.total for progress in seen)


async def test_cancellation_is_obeyed_within_a_second(house: House) -> None:
    working = anyio.Event()
    thread_events: list[float] = []

    def work_for_long(control: Control) -> None:
        anyio.from_thread.run_sync(working.set)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            control.check()
            time.sleep(0.01)  # a model at work, in its thread
        thread_events.append(time.monotonic())

    house.texts.before = work_for_long
    document = Document.of(house.file("a.txt", "Ada"))
    began = 0.0
    async with anyio.create_task_group() as group:
        group.start_soon(house.extractor.extract, document, ONTOLOGY)
        await working.wait()
        began = time.monotonic()
        group.cancel_scope.cancel()
    assert time.monotonic() - began < 1
    assert thread_events == []
    house.texts.before = lambda _: None
    extraction = await house.extractor.extract(document, ONTOLOGY)
    assert [entity.name for entity in extraction.entities] == ["Ada"]


async def test_a_timeout_of_asyncio_is_obeyed_as_any_other_cancellation(house: House) -> None:
    working, stopped = threading.Event(), threading.Event()

    def work_for_long(control: Control) -> None:
        working.set()
        deadline = time.monotonic() + 20
        try:
            while time.monotonic() < deadline:
                control.check()
                time.sleep(0.01)  # a model at work, in its thread
        except Cancelled:
            stopped.set()
            raise

    house.texts.before = work_for_long
    document = Document.of(house.file("a.txt", "Ada"))
    task = asyncio.create_task(house.extractor.extract(document, ONTOLOGY))
    await anyio.to_thread.run_sync(working.wait)
    began = time.monotonic()
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(task, 0.01)
    assert time.monotonic() - began < 1
    assert stopped.is_set()


async def test_work_that_does_not_look_up_is_left_behind_within_a_second(house: House) -> None:
    working, release = threading.Event(), threading.Event()

    def work_without_a_look(control: Control) -> None:
        working.set()
        release.wait(20)

    house.texts.before = work_without_a_look
    task = asyncio.create_task(house.extractor.extract(Document.of(house.file("a.txt", "Ada")), ONTOLOGY))
    await anyio.to_thread.run_sync(working.wait)
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 5
    release.set()


async def test_the_fingerprint_is_that_of_the_content_not_of_the_name(house: House) -> None:
    one, other = house.file("one.txt", "Ada"), house.file("two.txt", "Ada")
    assert await house.extractor.fingerprint(Document.of(one)) == await house.extractor.fingerprint(Document.of(other))
    third = house.file("three.txt", "Lin")
    assert await house.extractor.fingerprint(Document.of(one)) != await house.extractor.fingerprint(Document.of(third))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("empty.txt", b""),
        ("empty.png", b""),
        ("truncated.jpg", b"\xff\xd8\xff\xe0\x00\x10JFIF"),
        ("unknown.bin", bytes(range(256)) * 4),
        ("encoding.txt", b"\x81\x8d\x8f\x90\x9d" * 50 + b"\x00\x01"),
    ],
)
async def test_bad_files_give_one_clear_error_with_a_remedy(house: House, name: str, content: bytes) -> None:
    path = house.file(name, content)
    with pytest.raises(ReamoError) as raised:
        await house.extractor.extract(Document.of(path), ONTOLOGY)
    assert name in raised.value.message
    assert raised.value.hint


async def test_a_folder_and_a_file_without_permission_are_refused_by_name(house: House) -> None:
    folder = house.folder / "folder"
    folder.mkdir()
    with pytest.raises(ReamoError, match="folder") as raised:
        await house.extractor.extract(Document.of(folder), ONTOLOGY)
    assert raised.value.hint
