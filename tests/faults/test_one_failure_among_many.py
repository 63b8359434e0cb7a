"""What fails costs itself alone: the other pictures, pages, sounds, models and files of a document are still read."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import pytest

from reamo_mcp.errors import Cancelled, CorruptMedia, DecodeLimit, EngineFailed, OutOfMemory
from reamo_mcp.extractor import Extractor, Request
from reamo_mcp.isolation.control import Control
from reamo_mcp.jobs import JobRequest, Jobs
from reamo_mcp.media.decoded import Cue, DecodedText, Frame, FramePlan, OpenFile, Outcome, Page, Picture, SoundWindow
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.media.opening import Allowed
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.roles import Answer, HeardWord, Line, ReadWord, Region
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.media import Document, Part
from reamo_mcp.types.ontology import Ontology
from tests.doubles.scripted_roles import (
    CountedDecoder,
    ScriptedDetector,
    ScriptedTextExtractor,
    ScriptedTextReader,
    ScriptedTranscriber,
)
from tests.faults.resumable import drawn_pages
from tests.hostile.documents import page, pdf
from tests.hostile.pictures import png
from tests.media_samples import VideoSample, write_video

PERSONS = Ontology.of(entity_types=["person"])
FAILURES = (
    CorruptMedia("it is damaged"),
    DecodeLimit("it took too long"),
    OutOfMemory("the memory is full"),
    EngineFailed("the model died"),
    RuntimeError("a defect"),
    MemoryError(),
)
NAME = Line(
    text="Alice",
    box=Box(x=1, y=1, width=50, height=10),
    words=(ReadWord(start=0, end=5, box=Box(x=1, y=1, width=50, height=10)),),
    confidence=0.99,
)
SAID = HeardWord(text="Bob", start=0.2, end=0.5, confidence=0.9, confident=True)


@dataclass
class FailingDecoder(CountedDecoder):
    """A real decoder whose methods raise what the test says; pages raise at their number."""

    failures: dict[str, Exception] = field(default_factory=dict[str, Exception])
    bad_page: int = 0

    def frames(self, file: OpenFile, plan: FramePlan, outcome: Outcome, control: Control) -> Iterator[Frame]:
        self._fail("frames")
        return super().frames(file, plan, outcome, control)

    def sound(
        self, file: OpenFile, seconds: tuple[float, float] | None, outcome: Outcome, control: Control
    ) -> Iterator[SoundWindow]:
        self._fail("sound")
        return super().sound(file, seconds, outcome, control)

    def subtitles(self, file: OpenFile, control: Control) -> tuple[Cue, ...]:
        self._fail("subtitles")
        return super().subtitles(file, control)

    def text(self, file: OpenFile, control: Control) -> DecodedText:
        self._fail("text")
        return super().text(file, control)

    def picture(self, file: OpenFile, longest_side: int, control: Control) -> Picture:
        self._fail("picture")
        return super().picture(file, longest_side, control)

    def pages(
        self, file: OpenFile, wanted: tuple[int, int] | None, outcome: Outcome, control: Control
    ) -> Iterator[Page]:
        for one in super().pages(file, wanted, outcome, control):
            if one.number == self.bad_page:
                self._fail("pages")
            yield one

    def _fail(self, method: str) -> None:
        if method in self.failures:
            raise self.failures[method]


@dataclass
class FailingReader(ScriptedTextReader):
    """Reads the same lines in every picture, or raises."""

    error: Exception | None = None

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        if self.error is not None:
            raise self.error
        return super().read(pictures, control)


@dataclass
class FailingDetector(ScriptedDetector):
    """Sees the same regions in every picture, or raises."""

    error: Exception | None = None

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        if self.error is not None:
            raise self.error
        return super().detect(pictures, control)


@dataclass
class House:
    """An extractor with a decoder and models that fail when they are told to."""

    folder: Path
    decoder: FailingDecoder = field(default_factory=lambda: FailingDecoder(LocalDecoder(Limits())))
    reader: FailingReader = field(default_factory=lambda: FailingReader((NAME,)))
    detector: FailingDetector = field(default_factory=FailingDetector)

    def __post_init__(self) -> None:
        settings = Settings(cache=self.folder / "cache")
        self.store = Store(settings.cache_folder(), settings.cache_bytes)
        engine = Engine(
            profile="scripted",
            text_extractor=ScriptedTextExtractor({"Alice": "person", "Bob": "person"}),
            text_reader=self.reader,
            transcriber=ScriptedTranscriber((SAID,)),
            detectors=(self.detector,),
        )
        self.extractor = Extractor(engine, self.decoder, self.store, settings)

    async def found(self, *paths: Path) -> Extraction:
        return await self.extractor.extract(Document.of(*paths), PERSONS)


def names(extraction: Extraction) -> set[str]:
    return {entity.name for entity in extraction.entities}


def gaps(extraction: Extraction) -> dict[str, bool]:
    """The readers that missed something, and whether another try may help."""
    return {part.reader: gap.retryable for part in extraction.coverage.media for gap in part.not_read}


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    return write_video(tmp_path / "film.mp4", VideoSample(30, sound_start=0.0, sound_seconds=1.0))


def failed_by(error: Exception) -> str:
    return type(error).__name__


@pytest.mark.parametrize("error", FAILURES, ids=failed_by)
async def test_what_is_said_in_a_video_survives_its_pictures(error: Exception, house: House, film: Path) -> None:
    house.decoder.failures["frames"] = error
    found = await house.found(film)
    assert (names(found), found.status) == ({"Bob"}, "partial")
    retryable = not isinstance(error, CorruptMedia)
    assert gaps(found) == {"video_text": retryable, "face": retryable}


@pytest.mark.parametrize("error", FAILURES, ids=failed_by)
async def test_what_is_seen_in_a_video_survives_its_sound(error: Exception, house: House, film: Path) -> None:
    house.decoder.failures["sound"] = error
    found = await house.found(film)
    assert (names(found), found.status) == ({"Alice"}, "partial")
    assert gaps(found) == {"speech": not isinstance(error, CorruptMedia)}


@pytest.mark.parametrize("error", FAILURES, ids=failed_by)
@pytest.mark.parametrize("method", ["subtitles", "text"])
async def test_where_a_transcript_cannot_be_read_the_sound_is_heard(
    method: str, error: Exception, house: House, tmp_path: Path
) -> None:
    said = ((0.2, 0.8, "Alice"),) if method == "subtitles" else ()
    film = write_video(tmp_path / "told.mkv", VideoSample(30, sound_start=0.0, sound_seconds=1.0, subtitles=said))
    if method == "text":
        film.with_suffix(".srt").write_text("1\n00:00:00,200 --> 00:00:00,800\nAlice\n", encoding="utf-8")
    house.reader.lines = ()
    house.decoder.failures[method] = error
    found = await house.found(film)
    assert names(found) == {"Bob"}
    (warning,) = [one for one in found.warnings if one.code == "transcript"]
    assert warning.retryable is not isinstance(error, CorruptMedia)
    house.decoder.failures.clear()
    assert names(await house.found(film)) == ({"Alice"} if warning.retryable else {"Bob"})


async def test_a_silent_video_whose_pictures_and_subtitles_fail_is_an_error(house: House, tmp_path: Path) -> None:
    film = write_video(tmp_path / "silent.mkv", VideoSample(30, subtitles=((0.2, 0.8, "Alice"),)))
    house.decoder.failures = {"frames": DecodeLimit("too slow"), "subtitles": CorruptMedia("damaged")}
    with pytest.raises(DecodeLimit):
        await house.found(film)


@pytest.mark.parametrize("method", ["frames", "sound"])
async def test_what_fails_of_a_part_is_told_of_that_part(method: str, house: House, film: Path) -> None:
    house.decoder.failures[method] = EngineFailed("the model died")
    request = Request(part=Part(seconds=(0.4, 0.7)))
    found = await house.extractor.extract(Document.of(film), PERSONS, request=request)
    missed = [gap for part in found.coverage.media for gap in part.not_read]
    assert missed
    assert {(gap.start, gap.end) for gap in missed} == {(0.4, 0.7)}


async def test_a_video_whose_pictures_and_sound_fail_is_an_error(house: House, film: Path) -> None:
    house.decoder.failures = {"frames": DecodeLimit("too slow"), "sound": CorruptMedia("damaged")}
    with pytest.raises(DecodeLimit):
        await house.found(film)


@pytest.mark.parametrize("error", FAILURES[2:], ids=failed_by)
async def test_a_model_that_raises_costs_what_it_would_have_found(error: Exception, house: House, film: Path) -> None:
    document = film.with_name("pages.pdf")
    document.write_bytes(drawn_pages(2))
    house.reader.error = error
    found = await house.found(film, document)
    assert names(found) == {"Bob"}
    assert gaps(found) == {"video_text": True, "picture_text": True}
    house.reader.error, house.detector.error = None, error
    found = await house.found(film, document)
    assert names(found) == {"Alice", "Bob"}
    assert gaps(found) == {"face": True}
    house.detector.error = None
    assert (await house.found(film, document)).status == "ok"


@pytest.mark.parametrize("error", FAILURES[1:], ids=failed_by)
@pytest.mark.parametrize("bad", [1, 2, 3])
async def test_a_page_over_which_the_decoder_dies_does_not_sink_the_others(
    bad: int, error: Exception, house: House, tmp_path: Path
) -> None:
    document = tmp_path / "pages.pdf"
    document.write_bytes(drawn_pages(3))
    house.decoder.failures["pages"], house.decoder.bad_page = error, bad
    found = await house.found(document)
    (text,) = [part for part in found.coverage.media if part.reader == "text"]
    assert (text.read, [(gap.start, gap.end, gap.retryable) for gap in text.not_read]) == (2, [(bad, bad + 1, True)])
    assert names(found) == {"Alice"}


async def test_a_document_of_one_page_over_which_the_decoder_dies_is_an_error(house: House, tmp_path: Path) -> None:
    document = tmp_path / "page.pdf"
    document.write_bytes(pdf(page(b"")))
    house.decoder.failures["pages"], house.decoder.bad_page = DecodeLimit("too slow"), 1
    with pytest.raises(DecodeLimit):
        await house.found(document)


async def test_a_defect_met_in_one_file_is_logged_with_its_place_and_the_others_are_read(
    house: House, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    picture, text = tmp_path / "a.png", tmp_path / "b.txt"
    picture.write_bytes(png(20, 20))
    text.write_text("Alice met Bob", encoding="utf-8")
    house.decoder.failures["picture"] = RuntimeError("a defect")
    with caplog.at_level(logging.ERROR):
        found = await house.found(picture, text)
    assert names(found) == {"Alice", "Bob"}
    assert [(one.name, one.code) for one in found.coverage.failed] == [("a.png", "engine_failed")]
    assert "a defect" not in found.model_dump_json()
    assert "in _fail" in caplog.text, "no traceback"


async def test_a_defect_met_in_the_only_file_is_a_typed_error_with_its_cause(house: House, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png(20, 20))
    house.decoder.failures["picture"] = RuntimeError("a defect")
    with pytest.raises(EngineFailed) as raised:
        await house.found(tmp_path / "a.png")
    assert isinstance(raised.value.__cause__, RuntimeError)


@pytest.mark.parametrize("method", ["frames", "sound"])
async def test_work_that_was_cancelled_ends_whatever_could_still_be_read(method: str, house: House, film: Path) -> None:
    house.decoder.failures[method] = Cancelled("enough")
    with pytest.raises(Cancelled):
        await house.found(film)


async def test_the_same_request_of_a_server_tries_again_what_failed_and_keeps_what_did_not(
    house: House, film: Path
) -> None:
    asked = JobRequest(document=Document.of(film), ontology=PERSONS)
    allowed = Allowed.named()

    async def outcome(jobs: Jobs) -> tuple[str, Extraction]:
        result_id = await jobs.ask(asked, allowed, "caller")
        found = await jobs.outcome(result_id, 60, allowed, "caller")
        assert found is not None
        return result_id, found

    async with anyio.create_task_group() as group:
        jobs = Jobs(house.extractor, house.store.results, house.store.jobs, b"secret", 4, group)
        house.decoder.failures["sound"] = EngineFailed("the model died")
        first_id, first = await outcome(jobs)
        assert await jobs.finished_result(first_id) == first, "what could be read is there to be paged through"
        house.decoder.failures.clear()
        second_id, second = await outcome(jobs)
        assert (second_id, second.status, names(second)) == (first_id, "ok", {"Alice", "Bob"})
        decoded = list(house.decoder.calls)
        assert (await outcome(jobs))[1] == second
        assert house.decoder.calls == decoded, "a finished result was made again"
