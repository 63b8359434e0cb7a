"""Calls to the video tracker and the audio segmenter, from the answer of a reasoner to the places in the extraction."""

# The stubs of av leave the parameters of its packets and streams open:
# pyright: reportUnknownMemberType=false

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import av
import numpy
import pytest
from av.video.stream import VideoStream

from reamo_mcp.errors import EngineFailed
from reamo_mcp.extractor import Extractor
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Frame
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.asks import Capacity
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.following import FollowingTracker
from reamo_mcp.models.meta_response import MetaCall, MetaEntity, MetaEvent, MetaMention, MetaResponse, ModuleName
from reamo_mcp.models.roles import AudioSegmenter, ModelCard, TrackStep, VideoTracker
from reamo_mcp.models.sound_detection import SoundSegmenter
from reamo_mcp.models.tracker_state import TrackerState
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Entity, Extraction
from reamo_mcp.types.grounding import AudioSegment, Box, VideoTrack, Whole
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import EntityType, EventType, Ontology
from tests.doubles.moving_shapes import HEIGHT, SCALE, STEP, WIDTH, Film, Shape
from tests.doubles.scripted_reasoner import ScriptedReasoner
from tests.doubles.signal_modules import TONES, BlobDetector, BlobFollower, ToneSegmenter, blob_tracker
from tests.doubles.sound_scorers import ToneScorer
from tests.media_samples import VideoSample, write_sound, write_video

ONTOLOGY = Ontology(entity_types=(EntityType(name="object"),), event_types=(EventType(name="signal"),))
FILM = Film(
    (
        Shape("red", (24, 20), (0, 20), (3, 0)),
        Shape("blue", (20, 24), (120, 70), (-2, 0), enters=30),
    ),
    bar=(100, 126),
)
SECONDS = 20


def write_film(path: Path, film: Film, frames: int) -> Path:
    """Encode a film without loss, four frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=round(1 / STEP))
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        for number, frame in enumerate(film.frames(0, frames)):
            picture = av.VideoFrame.from_ndarray(numpy.ascontiguousarray(frame.picture.pixels), format="rgb24")
            picture.pts = number
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def write_tones(path: Path, seconds: float, *tones: tuple[str, float, float]) -> Path:
    """Encode silence with tones of a name from a time until another."""
    samples = numpy.zeros(round(seconds * 16_000), numpy.float32)
    for name, start, end in tones:
        at = numpy.arange(round(start * 16_000), round(end * 16_000))
        samples[at] += (0.3 * numpy.sin(2 * numpy.pi * TONES[name] * at / 16_000)).astype(numpy.float32)
    return write_sound(path, samples)


def thing(number: int, name: str, medium: str = "m1") -> MetaEntity:
    return MetaEntity(id=f"e{number}", type="object", name=name, mentions=(MetaMention(source=medium),))


def call(
    target: str,
    phrase: str,
    module: ModuleName = "video_tracker",
    medium: str = "m1",
    time: tuple[float, float] | None = None,
    box: tuple[float, float, float, float] | None = None,
) -> MetaCall:
    return MetaCall(target=target, medium=medium, module=module, instruction=phrase, time=time, box=box)


@dataclass
class House:
    folder: Path
    response: MetaResponse
    tracker: VideoTracker | None = field(default_factory=blob_tracker)
    listener: AudioSegmenter | None = field(default_factory=ToneSegmenter)

    async def extract(self, *paths: Path) -> Extraction:
        settings = Settings(cache=self.folder / "cache")
        self.reasoner = ScriptedReasoner(lambda _: self.response, Capacity(seconds=600))
        engine = Engine(
            profile="scripted", reasoner=self.reasoner, video_tracker=self.tracker, audio_segmenter=self.listener
        )
        store = Store(settings.cache_folder(), settings.cache_bytes)
        return await Extractor(engine, LocalDecoder(Limits()), store, settings).extract(Document.of(*paths), ONTOLOGY)


def named(extraction: Extraction, name: str) -> Entity:
    return next(one for one in extraction.entities if one.name == name)


def track_of(entity: Entity) -> VideoTrack:
    (place,) = entity.groundings
    assert isinstance(place, VideoTrack)
    return place


def true_box(film: Film, time: float, colour: str) -> Box:
    box, _ = film.visible(round(time / STEP))[colour]
    return Box(x=box.x * SCALE, y=box.y * SCALE, width=box.width * SCALE, height=box.height * SCALE)


async def test_a_thing_that_is_called_for_is_followed_through_the_video(tmp_path: Path) -> None:
    response = MetaResponse(
        entities=(thing(1, "ball"), thing(2, "hoop")), calls=(call("e1", "the red one"), call("e2", "the blue one"))
    )
    house = House(tmp_path, response)
    extraction = await house.extract(write_film(tmp_path / "film.mkv", FILM, round(SECONDS / STEP)))
    assert house.reasoner.asks[0].form.modules == (("m1", "video_tracker"),)
    assert [one.outcome for one in extraction.calls] == ["located", "located"]
    red, blue = track_of(named(extraction, "ball")), track_of(named(extraction, "hoop"))
    assert red.start == 0
    assert 30 * STEP <= blue.start <= 30 * STEP + 1.0
    for colour, track in (("red", red), ("blue", blue)):
        assert track.end == pytest.approx(SECONDS)
        assert track.provenance.model == "blobs + blobs"
        for frame in track.keyframes:
            assert frame.parts[0].intersection_over_union(true_box(FILM, frame.time, colour)) > 0.7
    assert extraction.status == "ok", extraction.warnings


async def test_the_time_behind_the_bar_is_observed_but_not_visible(tmp_path: Path) -> None:
    response = MetaResponse(entities=(thing(1, "ball"),), calls=(call("e1", "the red one"),))
    film = Film((Shape("red", (18, 20), (60, 20), (1, 0)),), bar=(90, 120))
    extraction = await House(tmp_path, response).extract(write_film(tmp_path / "film.mkv", film, 80))
    track = track_of(named(extraction, "ball"))
    hidden = [number * STEP for number in range(80) if "red" not in film.visible(number)]
    assert hidden
    for time in hidden:
        assert not any(span.start < time + 0.1 < span.end for span in track.visible)
        assert any(span.start <= time < span.end for span in track.observed)
    assert len(track.visible) == 2


async def test_what_the_tracker_does_not_see_is_absent(tmp_path: Path) -> None:
    response = MetaResponse(entities=(thing(1, "kite"),), calls=(call("e1", "the yellow one"),))
    extraction = await House(tmp_path, response).extract(write_film(tmp_path / "film.mkv", FILM, 20))
    assert [one.outcome for one in extraction.calls] == ["absent"]
    assert extraction.entities == ()
    assert [(one.text, one.reason) for one in extraction.ungrounded] == [("kite", "the video tracker does not see it")]


async def test_two_things_of_one_phrase_get_two_tracks_and_a_hint_of_time_chooses(tmp_path: Path) -> None:
    film = Film(
        (Shape("red", (24, 20), (0, 20), (1, 0), leaves=30), Shape("blue", (20, 24), (60, 70), (1, 0), enters=40))
    )
    response = MetaResponse(
        entities=(thing(1, "second"), thing(2, "first")),
        calls=(call("e1", "a shape", time=(12.0, 14.0)), call("e2", "a shape")),
    )
    extraction = await House(tmp_path, response).extract(write_film(tmp_path / "film.mkv", film, 70))
    assert track_of(named(extraction, "second")).start >= 40 * STEP
    assert track_of(named(extraction, "first")).end <= 31 * STEP


async def test_a_hint_of_place_chooses_among_the_things_of_a_phrase(tmp_path: Path) -> None:
    film = Film((Shape("red", (40, 40), (0, 0), (0, 0)), Shape("blue", (10, 10), (120, 90), (0, 0))))
    response = MetaResponse(
        entities=(thing(1, "small"),), calls=(call("e1", "a shape", box=(110.0, 85.0, 140.0, 110.0)),)
    )
    extraction = await House(tmp_path, response).extract(write_film(tmp_path / "film.mkv", film, 16))
    assert track_of(named(extraction, "small")).keyframes[0].parts[0].x == pytest.approx(120)


async def test_frames_that_show_nothing_new_are_not_put_to_the_tracker(tmp_path: Path) -> None:
    detector, follower = BlobDetector(), BlobFollower()
    shown: list[int] = []
    follower.check = shown.append
    film = Film((Shape("red", (40, 40), (20, 20), (0, 0)),))
    response = MetaResponse(entities=(thing(1, "poster"),), calls=(call("e1", "the red one"),))
    house = House(tmp_path, response, FollowingTracker(detector, follower))
    extraction = await house.extract(write_film(tmp_path / "film.mkv", film, 80))
    assert len(shown) < 8
    track = track_of(named(extraction, "poster"))
    assert [(span.start, span.end) for span in track.visible] == [pytest.approx((0, 20))]


@dataclass
class Tired:
    """Follows as the blob tracker does, for some windows."""

    windows: int
    tracker: FollowingTracker = field(default_factory=blob_tracker)

    @property
    def card(self) -> ModelCard:
        return self.tracker.card

    def track(
        self, frames: Iterable[Frame], phrases: Sequence[str], state: TrackerState, control: Control
    ) -> Iterator[TrackStep]:
        self.windows -= 1
        if self.windows < 0:
            raise EngineFailed("the engine died over a video")
        yield from self.tracker.track(frames, phrases, state, control)


async def test_where_the_tracker_fails_what_was_found_stays_and_nothing_is_called_absent(tmp_path: Path) -> None:
    response = MetaResponse(
        entities=(thing(1, "ball"), thing(2, "hoop")), calls=(call("e1", "the red one"), call("e2", "the blue one"))
    )
    extraction = await House(tmp_path, response, Tired(1)).extract(write_film(tmp_path / "film.mkv", FILM, 80))
    assert [one.outcome for one in extraction.calls] == ["located", "failed"]
    assert track_of(named(extraction, "ball")).end <= 16 * STEP + 1e-6
    assert isinstance(named(extraction, "hoop").groundings[0], Whole)
    assert extraction.status == "partial"
    assert {one.code for one in extraction.warnings} == {"call_incomplete", "call_failed"}


async def test_every_place_where_a_sound_is_heard_is_told_and_one_over_a_seam_is_one(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "tones.wav", 130, ("low", 5, 8), ("low", 58, 62.5), ("high", 100, 101))
    response = MetaResponse(
        entities=(thing(1, "horn"), thing(2, "whistle"), thing(3, "bell")),
        calls=(
            call("e1", "a low tone", "audio_segmenter"),
            call("e2", "a high tone", "audio_segmenter"),
            call("e3", "a middle tone", "audio_segmenter"),
        ),
    )
    house = House(tmp_path, response)
    extraction = await house.extract(path)
    assert house.reasoner.asks[0].form.modules == (("m1", "audio_segmenter"),)
    assert [one.outcome for one in extraction.calls] == ["located", "located", "absent"]
    spans = {
        name: [
            (place.start, place.end) for place in named(extraction, name).groundings if isinstance(place, AudioSegment)
        ]
        for name in ("horn", "whistle")
    }
    assert spans["horn"] == [pytest.approx((5, 8), abs=0.06), pytest.approx((58, 62.5), abs=0.06)]
    assert spans["whistle"] == [pytest.approx((100, 101), abs=0.06)]
    assert [one.text for one in extraction.ungrounded] == ["bell"]


async def test_sounds_judged_window_by_window_are_told_and_words_are_left_to_the_transcript(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "tones.wav", 90, ("low", 5, 9), ("low", 57, 63))
    response = MetaResponse(
        entities=(thing(1, "horn"), thing(2, "bell"), thing(3, "voice")),
        calls=(
            call("e1", "a low tone", "audio_segmenter"),
            call("e2", "a high tone", "audio_segmenter"),
            call("e3", 'the name "Ada" is said', "audio_segmenter"),
        ),
    )
    extraction = await House(tmp_path, response, listener=SoundSegmenter(ToneScorer())).extract(path)
    assert [one.outcome for one in extraction.calls] == ["located", "absent", "failed"]
    spans = [
        (place.start, place.end) for place in named(extraction, "horn").groundings if isinstance(place, AudioSegment)
    ]
    assert spans == [pytest.approx((5, 9), abs=0.5), pytest.approx((57, 63), abs=0.5)]
    assert not any(isinstance(place, AudioSegment) for place in named(extraction, "voice").groundings)
    assert any("which words are said" in one.message for one in extraction.warnings)


async def test_a_hint_of_time_chooses_among_the_places_of_a_sound(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "tones.wav", 20, ("low", 2, 3), ("low", 10, 11))
    response = MetaResponse(
        entities=(thing(1, "horn"),), calls=(call("e1", "a low tone", "audio_segmenter", time=(9.0, 12.0)),)
    )
    extraction = await House(tmp_path, response).extract(path)
    (place,) = named(extraction, "horn").groundings
    assert isinstance(place, AudioSegment)
    assert place.start == pytest.approx(10, abs=0.06)


async def test_a_phrase_that_the_segmenter_does_not_understand_is_no_absence(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "tones.wav", 5, ("low", 2, 3))
    response = MetaResponse(entities=(thing(1, "dog"),), calls=(call("e1", "a dog barks", "audio_segmenter"),))
    extraction = await House(tmp_path, response).extract(path)
    assert [one.outcome for one in extraction.calls] == ["failed"]
    assert named(extraction, "dog").absent == ()
    assert "only tones are understood" in {one.message.partition(": ")[2] for one in extraction.warnings}


async def test_an_event_that_is_heard_is_where_it_is_heard(tmp_path: Path) -> None:
    path = write_tones(tmp_path / "tones.wav", 12, ("high", 7, 9))
    event = MetaEvent(id="v1", type="signal", trigger="whistle", evidence=(MetaMention(source="m1"),))
    response = MetaResponse(events=(event,), calls=(call("v1", "a high tone", "audio_segmenter"),))
    extraction = await House(tmp_path, response).extract(path)
    trigger = extraction.events[0].trigger
    assert trigger.text == "whistle"
    (place,) = trigger.groundings
    assert isinstance(place, AudioSegment)
    assert (place.start, place.end) == pytest.approx((7, 9), abs=0.06)


async def test_a_video_with_sound_is_offered_to_both_modules_and_a_silent_one_to_the_tracker(tmp_path: Path) -> None:
    loud = write_video(tmp_path / "loud.mp4", VideoSample(frames=30, sound_start=0.0, sound_seconds=1))
    silent = write_video(tmp_path / "silent.mp4", VideoSample(frames=30))
    house = House(tmp_path, MetaResponse())
    await house.extract(loud, silent)
    assert house.reasoner.asks[0].form.modules == (
        ("m1", "video_tracker"),
        ("m1", "audio_segmenter"),
        ("m2", "video_tracker"),
    )


async def test_an_engine_without_the_modules_offers_none(tmp_path: Path) -> None:
    house = House(tmp_path, MetaResponse(), tracker=None, listener=None)
    await house.extract(write_video(tmp_path / "a.mp4", VideoSample(frames=30, sound_start=0.0, sound_seconds=1)))
    assert house.reasoner.asks[0].form.modules == ()
