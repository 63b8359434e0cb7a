"""The modules that calls are put to, across the process border: the same roles, in the engine child."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from pydantic import TypeAdapter, ValidationError

from reamo_mcp.errors import EngineFailed
from reamo_mcp.isolation.arrays import Array
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.failures import ChildFailed
from reamo_mcp.isolation.handling import Handler, Reply, Request
from reamo_mcp.media.decoded import Frame, Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.border import (
    Alive,
    EngineChild,
    Measures,
    ToldAnswer,
    measures_of,
    one_by_one,
    present,
    reply_of,
    with_pixels,
)
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.roles import Answer, Confirmation, HeardSpan, ModelCard, Region, TrackStep
from reamo_mcp.models.tracker_state import FollowedThing, Outline, Remembered, TrackerState
from reamo_mcp.types.record import Record

_TOGETHER = 16  # frames or crops in one message
_REGIONS = TypeAdapter(tuple[ToldAnswer[Region], ...])
_SPANS = TypeAdapter(tuple[ToldAnswer[HeardSpan], ...])
_CONFIRMATIONS = TypeAdapter(tuple[ToldAnswer[Confirmation], ...])


class _InPicture(Record):
    picture: Measures
    phrases: tuple[str, ...]


class _InSound(Record):
    start: float
    phrases: tuple[str, ...]


class _OfCrops(Record):
    crops: tuple[Measures, ...]
    phrases: tuple[str, ...]


class _FrameFacts(Record):
    """A frame without its pixels."""

    time: float
    until: float
    picture: Measures
    changed: bool
    shot_start: bool
    closing: bool


class _RememberedFacts(Record):
    picture: Measures
    outlines: tuple[Outline, ...]


class _StateFacts(Record):
    """A state without the pixels of what it remembers."""

    things: tuple[FollowedThing, ...]
    remembered: tuple[_RememberedFacts, ...]
    next_id: int
    looked: float | None


class _InFrames(Record):
    """The arrays beside it are the remembered pictures, then the frames."""

    frames: tuple[_FrameFacts, ...]
    phrases: tuple[str, ...]
    state: _StateFacts


class _Tracked(Record):
    """A step, or at the end the state, whose pictures travel beside it."""

    step: TrackStep | None = None
    state: _StateFacts | None = None


class HostedImageSegmenter:
    """An image segmenter that runs in the engine child."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
        """Return the regions of each phrase. Where the child dies over some, each is asked for by itself."""

        def ask(some: Sequence[str]) -> list[Answer[Region]]:
            asked = _InPicture(picture=measures_of(picture), phrases=tuple(some))
            return self._child.answers("segment_picture", asked, (picture.pixels,), _REGIONS, len(some), control)

        return one_by_one(ask, phrases) if phrases else []


class HostedAudioSegmenter:
    """An audio segmenter that runs in the engine child."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def segment(self, sound: Sound, phrases: Sequence[str], control: Control) -> list[Answer[HeardSpan]]:
        """Return the stretches of each phrase. Where the child dies over some, each is asked for by itself."""

        def ask(some: Sequence[str]) -> list[Answer[HeardSpan]]:
            asked = _InSound(start=sound.start, phrases=tuple(some))
            return self._child.answers("segment_sound", asked, (sound.samples,), _SPANS, len(some), control)

        return one_by_one(ask, phrases) if phrases else []


class HostedConfirmer:
    """A confirmer that runs in the engine child."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def confirm(self, crops: Sequence[Picture], phrases: Sequence[str], control: Control) -> list[Answer[Confirmation]]:
        """Return one answer per crop. Where the child dies over some, each is asked about by itself."""

        def ask(some: Sequence[tuple[Picture, str]]) -> list[Answer[Confirmation]]:
            asked = _OfCrops(
                crops=tuple(measures_of(crop) for crop, _ in some), phrases=tuple(phrase for _, phrase in some)
            )
            arrays = [crop.pixels for crop, _ in some]
            return self._child.answers("confirm", asked, arrays, _CONFIRMATIONS, len(some), control)

        pairs = list(zip(crops, phrases, strict=True))
        starts = range(0, len(pairs), _TOGETHER)
        return [answer for start in starts for answer in one_by_one(ask, pairs[start : start + _TOGETHER])]


class HostedVideoTracker:
    """A video tracker that runs in the engine child, some frames at a time."""

    def __init__(self, child: EngineChild, card: ModelCard) -> None:
        self._child = child
        self.card = card

    def track(
        self, frames: Iterable[Frame], phrases: Sequence[str], state: TrackerState, control: Control
    ) -> Iterator[TrackStep]:
        """Yield one step per frame. Raises OutOfMemory, and EngineFailed where the child dies."""
        waiting = iter(frames)
        while some := list(islice(waiting, _TOGETHER)):
            try:
                yield from self._tracked(some, phrases, state, control)
            except ChildFailed as failure:
                raise EngineFailed(
                    f"the engine {'could not start' if failure.cause == 'not_started' else 'died'} over a video",
                    "Try once more; see `reamo-mcp doctor`",
                ) from None

    def _tracked(
        self, frames: Sequence[Frame], phrases: Sequence[str], state: TrackerState, control: Control
    ) -> Iterator[TrackStep]:
        facts, pictures = _facts_of(state)
        asked = _InFrames(frames=tuple(_frame_facts(one) for one in frames), phrases=tuple(phrases), state=facts)
        steps = 0
        ended = False
        for reply in self._child.replies("track", asked, (*pictures, *(one.picture.pixels for one in frames)), control):
            try:
                told = _Tracked.model_validate_json(reply.body)
            except ValidationError:
                raise ChildFailed("protocol", "a step of no known form") from None
            if told.step is not None:
                steps += 1
                yield told.step
            elif told.state is not None:
                ended = True
                _take_over(state, told.state, [pixels.copy() for pixels in reply.arrays])
        if not ended or steps != len(frames):
            raise ChildFailed("protocol", "another number of steps")


def module_handlers(engine: Engine) -> dict[str, Handler]:
    """Return the handlers of the engine child for the modules of its engine."""

    def segment_picture(request: Request, control: Control) -> Iterator[Reply]:
        ask = _InPicture.model_validate_json(request.body)
        picture = with_pixels(ask.picture, request.arrays[0])
        yield reply_of(_REGIONS, present(engine.image_segmenter).segment(picture, ask.phrases, Alive(control)))

    def segment_sound(request: Request, control: Control) -> Iterator[Reply]:
        ask = _InSound.model_validate_json(request.body)
        sound = Sound(request.arrays[0], ask.start)
        yield reply_of(_SPANS, present(engine.audio_segmenter).segment(sound, ask.phrases, Alive(control)))

    def confirm(request: Request, control: Control) -> Iterator[Reply]:
        ask = _OfCrops.model_validate_json(request.body)
        crops = [with_pixels(one, pixels) for one, pixels in zip(ask.crops, request.arrays, strict=True)]
        yield reply_of(_CONFIRMATIONS, present(engine.confirmer).confirm(crops, ask.phrases, Alive(control)))

    def track(request: Request, control: Control) -> Iterator[Reply]:
        ask = _InFrames.model_validate_json(request.body)
        state = TrackerState()
        known = len(ask.state.remembered)
        _take_over(state, ask.state, request.arrays[:known])
        frames = [
            Frame(
                one.time,
                one.until,
                with_pixels(one.picture, pixels),
                changed=one.changed,
                shot_start=one.shot_start,
                closing=one.closing,
            )
            for one, pixels in zip(ask.frames, request.arrays[known:], strict=True)
        ]
        for step in present(engine.video_tracker).track(frames, ask.phrases, state, Alive(control)):
            yield Reply(_Tracked(step=step).model_dump_json().encode())
        facts, pictures = _facts_of(state)
        yield Reply(_Tracked(state=facts).model_dump_json().encode(), pictures)

    return {"segment_picture": segment_picture, "segment_sound": segment_sound, "confirm": confirm, "track": track}


def _frame_facts(frame: Frame) -> _FrameFacts:
    return _FrameFacts(
        time=frame.time,
        until=frame.until,
        picture=measures_of(frame.picture),
        changed=frame.changed,
        shot_start=frame.shot_start,
        closing=frame.closing,
    )


def _facts_of(state: TrackerState) -> tuple[_StateFacts, list[Array]]:
    facts = _StateFacts(
        things=state.things,
        remembered=tuple(
            _RememberedFacts(picture=measures_of(one.picture), outlines=one.outlines) for one in state.remembered
        ),
        next_id=state.next_id,
        looked=state.looked,
    )
    return facts, [one.picture.pixels for one in state.remembered]


def _take_over(state: TrackerState, facts: _StateFacts, pixels: Sequence[Array]) -> None:
    state.things = facts.things
    state.remembered = tuple(
        Remembered(with_pixels(one.picture, array), one.outlines)
        for one, array in zip(facts.remembered, pixels, strict=True)
    )
    state.next_id = facts.next_id
    state.looked = facts.looked
