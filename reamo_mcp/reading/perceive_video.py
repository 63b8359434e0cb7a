"""Perceiving a video: the print, faces and codes in its pictures, followed through time, and what is said in it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

from reamo_mcp.errors import ReamoError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Description, Frame, FramePlan, Outcome, Picture, StreamEnd
from reamo_mcp.models.roles import Answer, Line, ObjectDetector, Region, TextReader
from reamo_mcp.reading.expected_names import expected_names
from reamo_mcp.reading.frame_view import FrameView
from reamo_mcp.reading.metadata import metadata_reading
from reamo_mcp.reading.perceive_sound import Heard, perceive_speech
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.reading.setbacks import Gap, answers_to, setback, taken
from reamo_mcp.reading.sighting import named
from reamo_mcp.reading.track import Moment, Thing, Track
from reamo_mcp.reading.tracked_text import text_of_tracks
from reamo_mcp.reading.tracks import Tracker
from reamo_mcp.types.coverage import MediumCoverage, NotRead, UnsupportedAsk
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.media import VideoMedium
from reamo_mcp.types.reading import Reading, Sighting

STEP = 1.0
"""Seconds between two frames that are looked at, at most."""
LONGEST_SIDE = 1280  # pixels at which frames are read: captions keep their letters, and reading takes half the time
_BATCH = 4  # frames that are handed to the models together
VIDEO_TEXT = "video_text"
"""The reader of print in frames, as named in the coverage."""

T = TypeVar("T")


@dataclass(frozen=True)
class _Kept:
    """A frame that stays valid while the decoder goes on; ``picture`` is None where it is not looked at."""

    moment: Moment
    picture: Picture | None
    closing: bool


@dataclass
class _Sight:
    """What was seen so far, and the stretches that readers and detectors could not read, by their names."""

    tracker: Tracker = field(default_factory=lambda: Tracker(STEP))
    failures: dict[str, list[NotRead]] = field(default_factory=dict[str, list[NotRead]])
    read: float = 0.0  # the end of the last frame that was taken in
    scale: float = 1.0


@dataclass(frozen=True)
class _Share:
    """Tells progress as a share of the whole, so that it never runs backwards from one step to the next."""

    control: Control
    start: float
    share: float

    def check(self) -> None:
        self.control.check()

    def progress(self, done: float, total: float, unit: str) -> None:
        self.control.progress(total * self.start + done * self.share, total, unit)


def perceive_video(given: Given, description: Description, senses: Senses, control: Control) -> Perception:
    """Return what is written, seen and said in a video, each with its time and its place in the frames.

    Frames are looked at after cuts and sudden changes and once a second; those that show nothing new are not read
    again. Damaged pictures do not keep the sound from being read, nor the other way round; what failed stands in the
    coverage. Raises what the decoder raises if neither can be read.
    """
    has_speech = description.has_sound or description.has_subtitles or given.sidecar is not None
    start, promised = given.wanted(description.duration)
    outcome = Outcome()
    sight = _Sight(read=start)
    failure: ReamoError | None = None
    try:
        _watch(given, senses, sight, outcome, _Share(control, 0.0, 0.5 if has_speech else 1.0))
    except Exception as error:  # what is said in it is worth having without them
        failure = setback(error, f"the pictures of {given.file.name}")
        if not has_speech and sight.read <= start:
            raise failure from failure.__cause__
    tracks = sight.tracker.tracks()
    written = tuple(_text_reading(given.media_id, senses, tracks))
    heard = Heard()
    if has_speech:
        names = dict.fromkeys((*given.expected, *expected_names(written)))
        given = replace(given, expected=tuple(names))
        heard = _heard(given, description, senses, failure, _Share(control, 0.5, 0.5))

    end = outcome.end or StreamEnd(0.0)
    if failure is not None:
        missed = Gap.by(failure).not_read("seconds", sight.read, max(sight.read, promised))
        end = StreamEnd(sight.read, (missed,))
    duration = max(description.duration, end.read, *(track.end for track in tracks), 0.0)
    control.progress(duration, duration, "seconds")
    return Perception(
        medium=VideoMedium(
            id=given.media_id,
            name=given.file.name,
            sha256=given.file.sha256,
            format=description.format,
            width=description.width,
            height=description.height,
            duration=duration,
            has_sound=description.has_sound,
        ),
        readings=(
            *written,
            *_sight_reading(given.media_id, senses, tracks),
            *heard.readings,
            *metadata_reading(given.media_id, description.facts),
        ),
        coverage=(*_coverage(given.media_id, senses, sight, start, end), *heard.coverage),
        unsupported=(*_unsupported(given.media_id, senses), *heard.unsupported),
        notices=(*description.notices, *end.notices, *_reduced(given.media_id, sight), *heard.notices),
    )


def _watch(given: Given, senses: Senses, sight: _Sight, outcome: Outcome, control: Control) -> None:
    """Take in all planned frames, a few at a time."""
    start, end = given.part.seconds or (0.0, None)
    plan = FramePlan(step=STEP, start=start, end=end, longest_side=LONGEST_SIDE)
    kept: list[_Kept] = []
    for frame in senses.decoder.frames(given.file, plan, outcome, control):
        control.check()
        sight.scale = frame.picture.scale
        kept.append(_kept(frame))
        if sum(one.picture is not None for one in kept) >= _BATCH:
            _look(kept, senses, sight, control)
            kept = []
    _look(kept, senses, sight, control)


def _kept(frame: Frame) -> _Kept:
    moment = Moment(frame.time, frame.until, frame.shot_start)
    if not frame.changed:
        return _Kept(moment, None, frame.closing)
    shown = frame.picture
    picture = Picture(shown.pixels.copy(), shown.scale, shown.original_width, shown.original_height)
    return _Kept(moment, picture, frame.closing)


def _look(kept: Sequence[_Kept], senses: Senses, sight: _Sight, control: Control) -> None:
    """Show the frames that are worth it to the models, and link what they find."""
    looked_at = [(one.moment, one.picture) for one in kept if one.picture is not None and not one.closing]
    moments, pictures = [moment for moment, _ in looked_at], [picture for _, picture in looked_at]
    found: list[list[Thing]] = [[] for _ in looked_at]
    if senses.text_reader is not None and pictures:
        for things, lines in zip(found, _read(senses.text_reader, pictures, moments, sight, control), strict=True):
            things += lines
    for detector in senses.detectors if pictures else ():
        for things, regions in zip(found, _detected(detector, pictures, moments, sight, control), strict=True):
            things += regions

    things_of = iter(found)
    for one in kept:
        control.check()
        sight.read = one.moment.until
        if one.picture is None:
            sight.tracker.hold(one.moment)
        elif one.closing:
            sight.tracker.close(one.moment, FrameView.of(one.picture))
        else:
            sight.tracker.see(one.moment, next(things_of), FrameView.of(one.picture))


def _read(
    reader: TextReader, pictures: Sequence[Picture], moments: Sequence[Moment], sight: _Sight, control: Control
) -> "list[tuple[Line, ...]]":
    answers = answers_to(partial(reader.read, pictures, control), len(pictures), "the print in frames")
    return _items(VIDEO_TEXT, answers, moments, sight)


def _detected(
    detector: ObjectDetector, pictures: Sequence[Picture], moments: Sequence[Moment], sight: _Sight, control: Control
) -> "list[tuple[Region, ...]]":
    name = named(detector)
    answers = answers_to(partial(detector.detect, pictures, control), len(pictures), f"frames ({name})")
    return _items(name, answers, moments, sight)


def _items(
    reader: str, answers: "Sequence[Answer[T]]", moments: Sequence[Moment], sight: _Sight
) -> list[tuple[T, ...]]:
    """Return what was found in each frame; frames that failed are noted."""
    found: list[tuple[T, ...]] = []
    for answer, moment in zip(answers, moments, strict=True):
        items, gap = taken(answer)
        found.append(items)
        if gap is not None:
            missed = gap.not_read("seconds", moment.time, max(moment.until, moment.time + STEP))
            sight.failures.setdefault(reader, []).append(missed)
    return found


def _heard(
    given: Given, description: Description, senses: Senses, failure: ReamoError | None, control: Control
) -> Heard:
    """Return what is said, or that the sound could not be read. Raises ``failure`` if the pictures failed as well."""
    try:
        return perceive_speech(given, description, senses, control)
    except Exception as error:  # what is seen in it is worth having without the sound
        silence = setback(error, f"the sound of {given.file.name}")
        if failure is not None:
            raise failure from failure.__cause__
        start, promised = given.wanted(description.duration)
        missed = Gap.by(silence).not_read("seconds", start, promised)
        covered = MediumCoverage(
            media_id=given.media_id, reader="speech", unit="seconds", total=promised - start, read=0, not_read=(missed,)
        )
        return Heard(coverage=(covered,))


def _text_reading(media_id: str, senses: Senses, tracks: Sequence[Track]) -> Iterator[Reading]:
    if senses.text_reader is None:
        return
    placed = text_of_tracks(tracks)
    yield Reading(
        id=f"{media_id}.{VIDEO_TEXT}",
        media_id=media_id,
        kind="video_text",
        model=senses.text_reader.card.name,
        text=placed.text,
        words=placed.words,
    )


def _sight_reading(media_id: str, senses: Senses, tracks: Sequence[Track]) -> Iterator[Reading]:
    if not senses.detectors:
        return
    followed = [(track, track.thing) for track in tracks]
    regions = [(track, thing) for track, thing in followed if isinstance(thing, Region)]
    yield Reading(
        id=f"{media_id}.sight",
        media_id=media_id,
        kind="sight",
        model="+".join(dict.fromkeys(detector.card.name for detector in senses.detectors)),
        sightings=tuple(
            Sighting(
                id=f"{media_id}.sight.{number}",
                type=region.type,
                place=track.place(),
                score=track.score,
                score_kind=region.score_kind,
                value=region.value,
            )
            for number, (track, region) in enumerate(regions, 1)
        ),
    )


def _coverage(media_id: str, senses: Senses, sight: _Sight, start: float, end: StreamEnd) -> Iterator[MediumCoverage]:
    """Yield what each reader saw of what there was to see: what was decoded, and what is known to be missing."""
    stop = max(start, end.read, *(missed.end for missed in end.not_read))
    readers = [VIDEO_TEXT] if senses.text_reader is not None else []
    for reader in (*readers, *(named(detector) for detector in senses.detectors)):
        failed = _merged(sight.failures.get(reader, ()))
        not_read = (*(_until(missed, end.read) for missed in failed), *end.not_read)
        unread = sum(missed.end - missed.start for missed in not_read)
        yield MediumCoverage(
            media_id=media_id,
            reader=reader,
            unit="seconds",
            total=stop - start,
            read=max(0.0, stop - start - unread),
            not_read=not_read,
        )


def _merged(stretches: Iterable[NotRead]) -> list[NotRead]:
    """Return the stretches, which begin one after the other, without overlaps; those of one reason are joined."""
    merged: list[NotRead] = []
    for stretch in stretches:
        if merged and stretch.start <= merged[-1].end:
            last = merged.pop()
            if (last.reason, last.retryable) == (stretch.reason, stretch.retryable):
                stretch = stretch.model_copy(update={"start": last.start})
            else:
                merged.append(_until(last, stretch.start))
        merged.append(stretch)
    return merged


def _until(stretch: NotRead, end: float) -> NotRead:
    return stretch.model_copy(update={"end": max(stretch.start, min(stretch.end, end))})


def _unsupported(media_id: str, senses: Senses) -> Iterator[UnsupportedAsk]:
    yield UnsupportedAsk(
        media_id=media_id,
        what="objects",
        reason="this engine sees print, faces and codes in videos; it names no other things and follows no referring "
        "phrases",
    )
    yield UnsupportedAsk(
        media_id=media_id, what="actions", reason="this engine sees what is in frames, not what happens between them"
    )
    if senses.text_reader is None:
        yield UnsupportedAsk(media_id=media_id, what=VIDEO_TEXT, reason="no text reader")


def _reduced(media_id: str, sight: _Sight) -> Iterator[Notice]:
    if sight.scale <= 0.5:
        percent = round(100 * sight.scale)
        message = f"The video was read at {percent} % of its size; print that is small in it may be missing"
        yield Notice(code="reduced", message=message, media_id=media_id)
