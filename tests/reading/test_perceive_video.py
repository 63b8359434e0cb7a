from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from reamo_mcp.errors import Cancelled, CorruptMedia, EngineFailed
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.child_decoder import ChildDecoder
from reamo_mcp.media.decoded import Description, Frame, FramePlan, OpenFile, Outcome, Picture, StreamEnd
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.embedded.face_detector import FaceDetector
from reamo_mcp.models.embedded.text_reader import EmbeddedTextReader
from reamo_mcp.models.roles import Answer, Failed, Found, Line, ModelCard, ObjectDetector, ReadWord, Region, TextReader
from reamo_mcp.reading.perceive_video import perceive_video
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.settings import Limits
from reamo_mcp.types.coverage import NotRead
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.grounding import Box, TimeSpan
from reamo_mcp.types.media import Part
from reamo_mcp.types.reading import AtTrack, Fact, Reading
from tests.doubles.scripted_frames import SIZE, LevelReader, ScriptedFrames
from tests.media_samples import VideoSample, opened, turned, write_video

FILE = OpenFile(name="news.mp4", fd=-1, size=1, sha256="0" * 64, kind="video", format="mov")


@dataclass(frozen=True)
class BrightThings:
    """Detects squares by their gray levels: a detector that is always right."""

    levels: tuple[int, ...]

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="object_detector", name="bright", revision="1", vocabulary=("face",))

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        return [Found(tuple(self._regions(picture))) for picture in pictures]

    def _regions(self, picture: Picture) -> Iterator[Region]:
        for level in self.levels:
            rows, columns = numpy.nonzero(abs(picture.pixels[:, :, 1].astype(int) - level) < 8)
            if len(rows) > 50:
                box = _box(int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1)
                yield Region(type="face", box=_scaled(box, picture.scale), score=0.95)


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return Box(x=left, y=top, width=right - left, height=bottom - top)


def _scaled(box: Box, scale: float) -> Box:
    return Box(x=box.x / scale, y=box.y / scale, width=box.width / scale, height=box.height / scale)


def line(text: str) -> Line:
    box = Box(x=100, y=300, width=20 * len(text), height=30)
    return Line(text=text, box=box, words=(ReadWord(start=0, end=len(text), box=box),), confidence=0.95)


def frames(*times: float, unchanged: Sequence[float] = ()) -> list[Frame]:
    nothing = cast(Picture, None)
    return [Frame(time, time + 0.04, nothing, time not in unchanged, time == 0.0) for time in times]


def perceived(
    decoder: ScriptedFrames,
    reader: LevelReader | None,
    part: Part | None = None,
    facts: tuple[Fact, ...] = (),
    control: Control | None = None,
) -> Perception:
    @dataclass(frozen=True)
    class _Decoder:
        frames: Callable[[OpenFile, FramePlan, Outcome, Control], Iterator[Frame]]

    description = Description("video", "mov", *SIZE, duration=decoder.end.read, facts=facts)
    senses = Senses(decoder=cast(Decoder, _Decoder(decoder.decode)), text_reader=reader)
    return perceive_video(Given(FILE, "m1", part or Part()), description, senses, control or Unlimited())


def perceived_file(
    path: Path,
    reader: TextReader | None = None,
    detectors: Sequence[ObjectDetector] = (),
    format: str = "mov",
    decoder: Decoder | None = None,
    part: Part | None = None,
) -> Perception:
    decoder = decoder or LocalDecoder(Limits())
    with opened(path, format=format) as file:
        description = decoder.describe(file, Unlimited())
        senses = Senses(decoder=decoder, text_reader=reader, detectors=detectors)
        return perceive_video(Given(file, "m1", part or Part()), description, senses, Unlimited())


def reading(perception: Perception, kind: str) -> Reading:
    return next(one for one in perception.readings if one.kind == kind)


def place(found: Reading, quote: str) -> AtTrack:
    start = found.text.index(quote)
    (at,) = (word.place for word in found.words if word.start <= start < word.end)
    assert isinstance(at, AtTrack)
    return at


def test_a_line_is_read_with_the_time_during_which_it_is_seen() -> None:
    reader = LevelReader(lambda time: Found((line("Nancy"),) if 1 <= time < 4 else ()))
    perception = perceived(ScriptedFrames(frames(0, 1, 2, 3, 4, 5), StreamEnd(6)), reader)
    (found,) = perception.readings
    assert (found.id, found.kind, found.text) == ("m1.video_text", "video_text", "Nancy")
    at = place(found, "Nancy")
    assert (at.start, at.end) == (1, 3.04)
    assert at.visible == (TimeSpan(start=1, end=3.04),)
    assert at.keyframes[0].parts == (line("Nancy").box,)


def test_frames_that_show_nothing_new_are_not_read_again() -> None:
    reader = LevelReader(lambda time: Found((line("Nancy"),)))
    decoder = ScriptedFrames(frames(0, 1, 2, 3, 4, unchanged=(1, 2, 4)), StreamEnd(5))
    perception = perceived(decoder, reader)
    assert reader.seen == [0, 3]
    assert place(reading(perception, "video_text"), "Nancy").end == 4.04


def test_what_was_read_is_whole_although_the_decoder_reuses_its_memory() -> None:
    reader = LevelReader(lambda time: Found((line(f"second {round(time)}"),)))
    perceived(ScriptedFrames(frames(0, 1, 2, 3, 4, 5), StreamEnd(6)), reader)
    assert reader.seen == [0, 1, 2, 3, 4, 5]


def test_everything_that_was_looked_at_stands_in_the_coverage() -> None:
    perception = perceived(ScriptedFrames(frames(0, 1, 2), StreamEnd(3)), LevelReader(lambda _: Found(())))
    (covered,) = perception.coverage
    assert (covered.reader, covered.unit, covered.total, covered.read) == ("video_text", "seconds", 3, 3)


def test_what_the_decoder_could_not_read_stands_in_the_coverage() -> None:
    missed = NotRead(unit="seconds", start=3, end=10, reason="the file ends before its header says")
    notice = Notice(code="truncated", message="cut")
    decoder = ScriptedFrames(frames(0, 1, 2), StreamEnd(3, (missed,), (notice,)))
    perception = perceived(decoder, LevelReader(lambda _: Found(())))
    (covered,) = perception.coverage
    assert (covered.total, covered.read, covered.not_read) == (10, 3, (missed,))
    assert notice in perception.notices


def test_frames_that_could_not_be_read_stand_in_the_coverage() -> None:
    reader = LevelReader(lambda time: Failed("engine_failed", "broken") if 1 <= time <= 2 else Found(()))
    (covered,) = perceived(ScriptedFrames(frames(0, 1, 2, 3, 4), StreamEnd(5)), reader).coverage
    assert covered.not_read == (NotRead(unit="seconds", start=1, end=3, reason="broken", retryable=True),)
    assert covered.read == 3


def test_an_engine_that_dies_is_told_in_the_coverage() -> None:
    reader = LevelReader(lambda _: Found(()), error=EngineFailed("it died", "restart it"))
    (covered,) = perceived(ScriptedFrames(frames(0, 1, 2, 3, 4), StreamEnd(5)), reader).coverage
    assert covered.read == 0
    assert {missed.reason for missed in covered.not_read} == {"it died"}


def test_what_was_read_before_the_decoder_failed_is_kept() -> None:
    reader = LevelReader(lambda _: Found((line("Nancy"),)))
    decoder = ScriptedFrames(frames(0, 1, 2, 3), StreamEnd(9), error=CorruptMedia("damaged", "send another"))
    perception = perceived(decoder, reader)
    assert reading(perception, "video_text").text == "Nancy"
    (covered,) = perception.coverage
    assert [(missed.end, missed.reason) for missed in covered.not_read] == [(9, "damaged")]


def test_a_video_of_which_nothing_can_be_decoded_is_an_error() -> None:
    decoder = ScriptedFrames((), StreamEnd(9), error=CorruptMedia("damaged", "send another"))
    with pytest.raises(CorruptMedia):
        perceived(decoder, LevelReader(lambda _: Found(())))


def test_only_the_wanted_part_is_asked_for() -> None:
    decoder = ScriptedFrames(frames(2, 3), StreamEnd(4))
    perception = perceived(decoder, LevelReader(lambda _: Found(())), Part(seconds=(2, 4)))
    assert [(plan.start, plan.end, plan.step) for plan in decoder.plans] == [(2, 4, 1)]
    assert (perception.coverage[0].total, perception.coverage[0].read) == (2, 2)


def test_what_the_engine_cannot_see_is_told() -> None:
    perception = perceived(ScriptedFrames(frames(0), StreamEnd(1)), None)
    assert {ask.what for ask in perception.unsupported} == {"objects", "actions", "video_text"}


def test_what_the_file_says_about_itself_is_a_reading_of_facts() -> None:
    chapter = Fact(name="chapter", value="Beirut", time=TimeSpan(start=0, end=1))
    perception = perceived(ScriptedFrames(frames(0), StreamEnd(1)), None, facts=(chapter,))
    assert reading(perception, "metadata").facts == (chapter,)


def test_work_that_shall_stop_stops_between_frames() -> None:
    @dataclass
    class Stopping:
        checks: int = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks > 3:
                raise Cancelled("stop")

        def progress(self, done: float, total: float, unit: str) -> None: ...

    with pytest.raises(Cancelled):
        perceived(ScriptedFrames(frames(*range(100)), StreamEnd(100)), None, control=Stopping())


def test_progress_counts_the_seconds_of_the_video_and_never_runs_backwards(tmp_path: Path) -> None:
    told: list[tuple[float, float, str]] = []

    class Listening:
        def check(self) -> None: ...

        def progress(self, done: float, total: float, unit: str) -> None:
            told.append((done, total, unit))

    path = write_video(tmp_path / "a.mp4", VideoSample(frames=90))
    decoder = LocalDecoder(Limits())
    with opened(path) as file:
        description = decoder.describe(file, Unlimited())
        perceive_video(Given(file, "m1"), description, Senses(decoder), Listening())
    assert {unit for _, _, unit in told} == {"seconds"}
    assert len(told) >= 3
    assert [done for done, _, _ in told] == sorted(done for done, _, _ in told)
    assert told[-1][:2] == (pytest.approx(3), pytest.approx(3))


def caption(text: str, letters: int = 28) -> "NDArray[numpy.uint8]":
    font = ImageFont.load_default(letters)
    left, top, right, bottom = font.getbbox(text)
    picture = Image.new("L", (round(right - left), round(bottom - top)), 30)
    ImageDraw.Draw(picture).text((-left, -top), text, font=font, fill=240)
    return numpy.asarray(picture, numpy.uint8)


def test_a_caption_that_moves_is_one_track_with_its_true_time_and_place(tmp_path: Path) -> None:
    pixels = caption("Nancy Ajram in Beirut")
    high, wide = pixels.shape
    first, last = 25, 85  # of 100 frames

    def left(number: int) -> int:
        return 40 + 2 * number

    def draw(number: int, picture: "NDArray[numpy.uint8]") -> None:
        picture[:] = 30
        if first <= number < last:
            picture[200 : 200 + high, left(number) : left(number) + wide] = pixels

    path = write_video(tmp_path / "a.mp4", VideoSample(frames=100, size=SIZE, picture=draw))
    found = reading(perceived_file(path, EmbeddedTextReader(2)), "video_text")
    assert found.text.split() == ["Nancy", "Ajram", "in", "Beirut"]
    for word in found.words:
        at = word.place
        assert isinstance(at, AtTrack)
        assert (at.start, at.end) == (pytest.approx(first / 30, abs=2e-3), pytest.approx(last / 30, abs=2e-3))
    tracks = [word.place for word in found.words if isinstance(word.place, AtTrack)]
    for frame, other in zip(tracks[0].keyframes, tracks[-1].keyframes, strict=True):
        box = frame.parts[0].union(other.parts[0])
        assert (
            box.intersection_over_union(
                _box(left(round(frame.time * 30)), 200, left(round(frame.time * 30)) + wide, 200 + high)
            )
            >= 0.6
        )
    assert len(tracks[0].keyframes) >= 2


def two_squares(number: int, picture: "NDArray[numpy.uint8]") -> None:
    """Two squares that cross on their ways."""
    picture[:] = 90
    for level, left, top in ((240, 10 + 2 * number, 40), (170, 560 - 2 * number, 60)):
        picture[top : top + 60, left : left + 60] = level


def test_faces_that_cross_keep_their_tracks(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=240, size=SIZE, picture=two_squares))
    sightings = reading(perceived_file(path, detectors=[BrightThings((240, 170))]), "sight").sightings
    assert [sighting.id for sighting in sightings] == ["m1.sight.1", "m1.sight.2"]
    for sighting, start, speed in zip(sightings, (10, 560), (2, -2), strict=True):
        at = sighting.place
        assert isinstance(at, AtTrack)
        assert (at.start, at.end) == (0, pytest.approx(8, abs=1.05))
        for frame in at.keyframes:
            assert frame.parts[0].x == pytest.approx(start + speed * round(frame.time * 30), abs=4)


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_boxes_are_those_of_the_upright_frame(tmp_path: Path, clockwise: int) -> None:
    def draw(number: int, picture: "NDArray[numpy.uint8]") -> None:
        picture[:] = 90
        picture[20:60, 40:120] = 240  # top left of a lying picture of 640 x 360

    source = write_video(tmp_path / "a.mp4", VideoSample(frames=20, size=SIZE, picture=draw))
    perception = perceived_file(turned(source, tmp_path / "b.mp4", clockwise), detectors=[BrightThings((240,))])
    (sighting,) = reading(perception, "sight").sightings
    assert isinstance(sighting.place, AtTrack)
    width, height = SIZE
    expected = {
        90: Box(x=height - 60, y=40, width=40, height=80),
        180: Box(x=width - 120, y=height - 60, width=80, height=40),
        270: Box(x=20, y=width - 120, width=40, height=80),
    }[clockwise]
    medium = perception.medium
    assert medium.kind == "video"
    assert (medium.width, medium.height) == (SIZE if clockwise == 180 else (height, width))
    for frame in sighting.place.keyframes:
        assert frame.parts[0].intersection_over_union(expected) > 0.85


def test_the_decoder_child_gives_the_same_as_the_decoder_at_home(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=75, size=SIZE, picture=two_squares))
    detectors = [BrightThings((240, 170))]
    child = ChildDecoder(Limits())
    try:
        assert perceived_file(path, detectors=detectors, decoder=child) == perceived_file(path, detectors=detectors)
    finally:
        child.close()


@pytest.mark.data
def test_real_frames_keep_every_box_and_time_inside(real_data: Path, tmp_path: Path) -> None:
    pictures = sorted((real_data / "dev" / "video" / "davis_tennis").glob("*.jpg"))[:8]
    if not pictures:
        pytest.skip("no frames of a video")
    size = Image.open(pictures[0]).size
    shown = (size[0] // 2 * 2, size[1] // 2 * 2)

    def draw(number: int, picture: "NDArray[numpy.uint8]") -> None:
        gray = Image.open(pictures[number // 10]).convert("L")
        picture[:] = numpy.asarray(gray, numpy.uint8)[: shown[1], : shown[0]]

    path = write_video(tmp_path / "a.mp4", VideoSample(frames=10 * len(pictures), size=shown, picture=draw))
    perception = perceived_file(path, EmbeddedTextReader(2), [FaceDetector(2)])
    medium = perception.medium
    assert medium.kind == "video"
    words = [word.place for word in reading(perception, "video_text").words]
    seen = [sighting.place for sighting in reading(perception, "sight").sightings]
    for at in (*words, *seen):
        assert isinstance(at, AtTrack)
        assert 0 <= at.start < at.end <= medium.duration
        for frame in at.keyframes:
            box = frame.parts[0]
            assert box.x >= 0
            assert box.y >= 0
            assert box.right <= medium.width
            assert box.bottom <= medium.height
