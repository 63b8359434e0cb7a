"""Modules and a reader that know the truth of one case: what is lost then, is lost on the way. For tests alone.

A phrase is known if it is that of a thing of the gold (`phrase_of`); what it means is where the gold has the thing
without words: as a drawing, or as a sound.
"""

from collections.abc import Iterable, Iterator, Sequence

from reamo_mcp.evaluation.mini import poster
from reamo_mcp.evaluation.mini.cases import Rendered
from reamo_mcp.evaluation.mini.drawing import Printed
from reamo_mcp.evaluation.oracle import OracleTranscriber
from reamo_mcp.evaluation.places import seen_at
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, Frame, Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.roles import (
    Answer,
    Found,
    HeardSpan,
    Line,
    ModelCard,
    ReadWord,
    Reasoner,
    Region,
    TrackedRegion,
    TrackStep,
)
from reamo_mcp.models.tracker_state import TrackerState
from reamo_mcp.types.extraction import Entity, Extraction
from reamo_mcp.types.grounding import AudioSegment, ImageRegion, VideoTrack


def phrase_of(entity: Entity) -> str:
    """Return how a reasoner that knows the gold asks for a thing."""
    return f"the {entity.type} {entity.name}"


class OracleImageSegmenter:
    """Knows where the gold has drawn things in the one picture of a case, with their outlines."""

    card = ModelCard(role="image_segmenter", name="oracle", revision="1")

    def __init__(self, gold: Extraction) -> None:
        self._gold = gold

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
        control.check()
        return [Found(tuple(self._regions(phrase))) for phrase in phrases]

    def _regions(self, phrase: str) -> Iterator[Region]:
        for entity in self._gold.entities:
            for place in entity.groundings if phrase_of(entity) == phrase else ():
                if isinstance(place, ImageRegion) and place.quote is None:
                    yield Region(type=phrase, box=place.parts[0], score=1.0, mask=place.mask)


class OracleVideoTracker:
    """Knows where the gold has drawn things in each frame of the one video of a case."""

    card = ModelCard(role="video_tracker", name="oracle", revision="1")

    def __init__(self, gold: Extraction) -> None:
        self._tracks = [
            (number, phrase_of(entity), place)
            for number, entity in enumerate(gold.entities, 1)
            for place in entity.groundings
            if isinstance(place, VideoTrack) and place.quote is None
        ]

    def track(
        self, frames: Iterable[Frame], phrases: Sequence[str], state: TrackerState, control: Control
    ) -> Iterator[TrackStep]:
        for frame in frames:
            control.check()
            regions = tuple(
                TrackedRegion(id=number, region=Region(type=phrase, box=box, score=1.0))
                for number, phrase, track in self._tracks
                if phrase in phrases
                for box in seen_at(track, frame.time)
            )
            yield TrackStep(time=frame.time, regions=regions)


class OracleAudioSegmenter:
    """Knows when the gold has sounds that are no words, in the one recording of a case."""

    card = ModelCard(role="audio_segmenter", name="oracle", revision="1")

    def __init__(self, gold: Extraction) -> None:
        self._gold = gold

    def segment(self, sound: Sound, phrases: Sequence[str], control: Control) -> list[Answer[HeardSpan]]:
        control.check()
        return [Found(tuple(self._spans(phrase, sound))) for phrase in phrases]

    def _spans(self, phrase: str, sound: Sound) -> Iterator[HeardSpan]:
        end = sound.start + len(sound.samples) / SAMPLE_RATE
        for entity in self._gold.entities:
            for place in entity.groundings if phrase_of(entity) == phrase else ():
                if isinstance(place, AudioSegment) and place.quote is None:
                    first, last = max(place.start, sound.start), min(place.end, end)
                    if first < last:
                        yield HeardSpan(start=first, end=last, score=1.0)


class OracleReader:
    """Knows what is printed in the picture of a case, and in each frame of its film by the pixels.

    Its words end where letters end, so that a name before a comma has a box of its own.
    """

    card = ModelCard(role="text_reader", name="oracle", revision="1")

    def __init__(self, rendered: Rendered) -> None:
        self._of_frame: dict[bytes, tuple[Line, ...]] = {}
        self._of_poster: tuple[Line, ...] = ()
        picture, film = rendered.poster, rendered.film
        if picture is not None:
            printed = zip(rendered.told["I"].sentences, picture.sentences, strict=True)
            lines = [line for sentence, pieces in printed for line in _lines(sentence.text, pieces)]
            labels = [line for thing in picture.things for line in _lines(thing.name, thing.name_in_print)]
            self._of_poster = (*lines, *labels)
        for frame in film.frames if film is not None else ():
            told = rendered.told["V"]
            lines = list(_lines(told.sentences[frame.sentence].text, frame.words))
            for depicted, box in zip(told.depicted, frame.label, strict=False):  # of one box: as if it were one word
                word = ReadWord(start=0, end=len(depicted.name), box=box)
                lines.append(Line(text=depicted.name, box=box, words=(word,), confidence=1.0))
            self._of_frame[frame.canvas.tobytes()] = tuple(lines)

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        return [Found(self._read(picture)) for picture in pictures]

    def _read(self, picture: Picture) -> tuple[Line, ...]:
        known = self._of_frame.get(picture.pixels.tobytes())
        is_poster = (picture.original_width, picture.original_height) == (poster.WIDTH, poster.HEIGHT)
        return known if known is not None else self._of_poster if is_poster else ()


def _lines(text: str, printed: Sequence[Printed]) -> Iterator[Line]:
    for number in sorted({piece.line for piece in printed}):
        pieces = [piece for piece in printed if piece.line == number]
        first, last = pieces[0].start, pieces[-1].end
        words = tuple(ReadWord(start=one.start - first, end=one.end - first, box=one.box) for one in pieces)
        box = words[0].box
        for word in words:
            box = box.union(word.box)
        yield Line(text=text[first:last], box=box, words=words, confidence=1.0)


def oracle_engine(rendered: Rendered, reasoner: Reasoner) -> Engine:
    """Return an engine whose every role but the reasoner knows the truth of a case."""
    hearer = OracleTranscriber(None)
    hearer.learn(rendered.case)
    gold = rendered.case.gold
    return Engine(
        profile="oracle",
        text_reader=OracleReader(rendered),
        transcriber=hearer,
        reasoner=reasoner,
        image_segmenter=OracleImageSegmenter(gold),
        video_tracker=OracleVideoTracker(gold),
        audio_segmenter=OracleAudioSegmenter(gold),
    )
