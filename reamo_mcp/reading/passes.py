"""What a reasoner is shown at once: all of a small document, or as much of a large one as fits into one ask.

A picture, a window of sound or of video stands beside what was read of it, so that names in print or speech meet what
is seen. Texts are cut where paragraphs, sentences or words end. Everything is shown once, in the order of the document.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Capacity, Passage, PicturePassage, SoundPassage, TextPassage, VideoPassage
from reamo_mcp.reading.material import Material
from reamo_mcp.reading.setbacks import Gap, setback
from reamo_mcp.reading.visible_text import VisibleText, visible_text
from reamo_mcp.types.coverage import Unit
from reamo_mcp.types.grounding import Via
from reamo_mcp.types.media import AudioMedium, ImageMedium, Medium, OpenedDocument, VideoMedium
from reamo_mcp.types.reading import AtTime, Reading

_TEXT_BEARING = frozenset(("text", "picture_text", "transcript", "video_text"))
_BREAKS = ("\n\n", "\n", ". ", " ")


@dataclass(frozen=True)
class Extent:
    """How much of a medium something is, in the unit of the coverage."""

    media_id: str
    unit: Unit
    start: float
    end: float


@dataclass(frozen=True)
class Piece:
    """One passage, how much of an ask it fills, and the stretch of a reading that quotes from it are looked for in."""

    passage: Passage
    extent: Extent
    characters: int = 0
    pictures: int = 0
    frames: int = 0
    seconds: float = 0.0
    scope: tuple[Via, ...] = ()


@dataclass(frozen=True)
class Unseen:
    """A stretch that could not be decoded, and why."""

    extent: Extent
    gap: Gap


@dataclass
class Pass:
    """The pieces of one ask."""

    pieces: list[Piece] = field(default_factory=list[Piece])

    def fits(self, piece: Piece, capacity: Capacity) -> bool:
        """Return whether a piece can be added; the first one always can."""
        pieces = [*self.pieces, piece]
        return not self.pieces or (
            sum(one.characters for one in pieces) <= capacity.characters
            and sum(one.pictures for one in pieces) <= capacity.pictures
            and sum(one.frames for one in pieces) <= capacity.frames
            and sum(one.seconds for one in pieces) <= capacity.seconds
        )

    def scopes(self) -> Mapping[str, tuple[Via, ...]]:
        """Return the stretches of readings by the source that quotes name."""
        scopes: dict[str, tuple[Via, ...]] = {}
        for piece in self.pieces:
            if isinstance(piece.passage, TextPassage):
                scopes[piece.passage.source] = (*scopes.get(piece.passage.source, ()), *piece.scope)
        return scopes

    def media(self) -> tuple[str, ...]:
        """Return the media of the pieces, in order."""
        return tuple(dict.fromkeys(piece.extent.media_id for piece in self.pieces))


def passes(
    document: OpenedDocument, readings: Sequence[Reading], material: Material, capacity: Capacity, control: Control
) -> Iterator[Pass | Unseen]:
    """Yield what is shown at once, pass by pass, and what cannot be shown. At most one pass is in memory."""
    current = Pass()
    for medium in document.media:
        own = [reading for reading in readings if reading.media_id == medium.id and reading.kind in _TEXT_BEARING]
        for piece in _pieces(medium, own, material, capacity, control):
            control.check()
            if isinstance(piece, Unseen):
                yield piece
                continue
            if not current.fits(piece, capacity):
                yield current
                current = Pass()
            current.pieces.append(piece)
    if current.pieces:
        yield current


def _pieces(
    medium: Medium, readings: Sequence[Reading], material: Material, capacity: Capacity, control: Control
) -> Iterator[Piece | Unseen]:
    transcripts = [reading for reading in readings if reading.kind == "transcript" and _is_timed(reading)]
    rest = [reading for reading in readings if reading not in transcripts]
    shown = medium.id in material.files
    if not shown:
        transcripts, rest = [], list(readings)
    try:
        match medium:
            case ImageMedium() if shown:
                yield _picture(medium, material, capacity, control)
            case AudioMedium() if shown:
                yield from _sounds(medium, transcripts, material, capacity, control)
            case VideoMedium() if shown:
                yield from _videos(medium, transcripts, material, capacity, control)
            case _:
                rest = list(readings)
    except Exception as error:  # the texts are worth having without it
        yield Unseen(_whole(medium), Gap.by(setback(error, medium.name)))
    for reading in rest:
        yield from _text_pieces(reading, visible_text(reading), capacity)


def _whole(medium: Medium) -> Extent:
    match medium:
        case ImageMedium():
            return Extent(medium.id, "pixels", 0, medium.width * medium.height)
        case AudioMedium() | VideoMedium():
            return Extent(medium.id, "seconds", 0, medium.duration)
        case _:
            return Extent(medium.id, "characters", 0, 0)


def _picture(medium: ImageMedium, material: Material, capacity: Capacity, control: Control) -> Piece:
    picture = material.picture(medium.id, capacity.picture_side, control)
    return Piece(PicturePassage(medium.id, picture), _whole(medium), pictures=1)


def _sounds(
    medium: AudioMedium, transcripts: Sequence[Reading], material: Material, capacity: Capacity, control: Control
) -> Iterator[Piece]:
    told = _Told(transcripts)
    for sound in material.sounds(medium.id, capacity.seconds, control):
        end = sound.start + len(sound.samples) / SAMPLE_RATE
        extent = Extent(medium.id, "seconds", sound.start, end)
        yield Piece(SoundPassage(medium.id, sound), extent, seconds=end - sound.start)
        yield from told.until(end, capacity)
    yield from told.until(float("inf"), capacity)


def _videos(
    medium: VideoMedium, transcripts: Sequence[Reading], material: Material, capacity: Capacity, control: Control
) -> Iterator[Piece]:
    told = _Told(transcripts)
    for video in material.videos(medium, capacity, control):
        end = video.times[-1] + video.step
        extent = Extent(medium.id, "seconds", video.times[0], end)
        yield _video(video, extent)
        yield from told.until(end, capacity)
    yield from told.until(float("inf"), capacity)


def _video(video: VideoPassage, extent: Extent) -> Piece:
    seconds = 0.0 if video.sound is None else len(video.sound.samples) / SAMPLE_RATE
    return Piece(video, extent, frames=len(video.times), seconds=seconds)


def _is_timed(reading: Reading) -> bool:
    return any(isinstance(word.place, AtTime) for word in reading.words)


class _Told:
    """Hands out transcripts window by window: the words that begin before a time and were not handed out yet."""

    def __init__(self, transcripts: Sequence[Reading]) -> None:
        self._transcripts = [(reading, visible_text(reading)) for reading in transcripts]
        self._at = [0] * len(transcripts)

    def until(self, time: float, capacity: Capacity) -> Iterator[Piece]:
        for number, (reading, visible) in enumerate(self._transcripts):
            end = len(reading.text)
            for word in reading.words:
                if word.start >= self._at[number] and isinstance(word.place, AtTime) and word.place.start >= time:
                    end = word.start
                    break
            if end > self._at[number]:
                yield from _text_pieces(reading, visible, capacity, self._at[number], end)
                self._at[number] = end


def _text_pieces(
    reading: Reading, visible: VisibleText, capacity: Capacity, start: int = 0, end: int | None = None
) -> Iterator[Piece]:
    """Yield the visible text of ``[start, end)`` of a reading in stretches of at most half an ask."""
    end = len(reading.text) if end is None else end
    text = visible.text
    first = _here(visible, start)
    last = len(text) if end >= len(reading.text) else _here(visible, end)
    at = first
    while at < last:
        stop = _cut(text, at, min(last, at + max(200, capacity.characters // 2)), last)
        scope = tuple(_scope(reading, visible, at, stop))
        if text[at:stop].strip() and scope:
            extent = Extent(reading.media_id, "characters", scope[0].start, scope[-1].end)
            passage = TextPassage(reading.id, reading.kind, text[at:stop].strip("\n"))
            yield Piece(passage, extent, characters=stop - at, scope=scope)
        at = stop


def _here(visible: VisibleText, offset: int) -> int:
    """Return where an offset of the reading stands in its visible text."""
    place = 0
    for here, there, length in visible.starts:
        if offset < there:
            return here
        place = here + min(length, offset - there)
    return place


def _cut(text: str, start: int, stop: int, last: int) -> int:
    if stop >= last:
        return last
    for sign in _BREAKS:
        at = text.rfind(sign, start + (stop - start) // 2, stop)
        if at > start:
            return at + len(sign)
    return stop


def _scope(reading: Reading, visible: VisibleText, start: int, stop: int) -> Iterator[Via]:
    for here, there, length in visible.starts:
        low, high = max(start, here), min(stop, here + length)
        if low < high:
            yield Via(reading=reading.id, start=there + low - here, end=there + high - here)
