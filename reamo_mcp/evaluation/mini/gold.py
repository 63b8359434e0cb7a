"""The gold of a case: every thing told, with every place where it is written, printed, drawn or spoken.

A name that several sentences or media tell is one entity. Places of print and speech carry their words as ``quote``;
places of drawings have none. Triggers are placed in texts and in sound; the paper gives them no place in pictures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from reamo_mcp.evaluation.mini.film import FRAMES_PER_SECOND, Film, Frame
from reamo_mcp.evaluation.mini.poster import Poster
from reamo_mcp.evaluation.mini.sound import Recording
from reamo_mcp.evaluation.mini.story import Mark, Modality, Sentence, Told
from reamo_mcp.evaluation.recognition import Task
from reamo_mcp.media.run_lengths import encoded
from reamo_mcp.types.extraction import Argument, Engine, Entity, Event, Extraction, Relation, Trigger
from reamo_mcp.types.grounding import (
    AudioSegment,
    Box,
    Grounding,
    ImageRegion,
    Keyframe,
    Provenance,
    TextSpan,
    TimeSpan,
    VideoTrack,
)
from reamo_mcp.types.media import Medium, OpenedDocument

BY = Provenance(model="muie-mini", step="locate")
Thing = tuple[str, str]
"""Type and name."""


@dataclass
class Places:
    """What was rendered, for the media that a case has."""

    text: str | None = None
    poster: Poster | None = None
    recording: Recording | None = None
    film: Film | None = None


class GoldBuilder:
    """Puts the gold of one case together."""

    def __init__(self, task: Task, places: Places) -> None:
        self._task: Task = task
        self._places = places
        self._count = 0

    def build(self, told: dict[Modality, Told], media: Sequence[Medium], engine: Engine) -> Extraction:
        """Return what should be found."""
        self._names = {medium.kind: medium.id for medium in media}
        found: dict[Thing, list[Grounding]] = {}
        for modality, content in told.items():
            starts = _starts(content.sentences)
            for index, sentence in enumerate(content.sentences):
                for mark in sentence.marks:
                    if mark.type:
                        name = sentence.text[mark.start : mark.end]
                        places = found.setdefault((mark.type, name), [])
                        places += self._said(modality, index, starts[index], mark, name, trigger=False)
            for thing, place in self._drawn(modality, content):
                found.setdefault(thing, []).append(place)
        entities = {
            thing: Entity(id=f"e{number}", type=thing[0], name=thing[1], groundings=tuple(places))
            for number, (thing, places) in enumerate(found.items(), start=1)
        }
        return Extraction(
            document=OpenedDocument(id="gold", media=tuple(media)),
            entities=tuple(entities.values()),
            relations=tuple(self._relations(told, entities)) if self._task == "RE" else (),
            events=tuple(self._events(told, entities)) if self._task == "EE" else (),
            engine=engine,
        )

    def _relations(self, told: dict[Modality, Told], entities: dict[Thing, Entity]) -> Iterator[Relation]:
        known: set[tuple[str, str, str]] = set()
        for _, _, _, sentence in _telling(told):
            assert sentence.pattern is not None
            ends = {
                mark.role: entities[(mark.type, sentence.text[mark.start : mark.end])].id for mark in sentence.marks
            }
            link = (sentence.pattern.type, ends["head"], ends["tail"])
            if link not in known:
                known.add(link)
                yield Relation(id=f"r{len(known)}", type=link[0], head=link[1], tail=link[2])

    def _events(self, told: dict[Modality, Told], entities: dict[Thing, Entity]) -> Iterator[Event]:
        for number, (modality, index, start, sentence) in enumerate(_telling(told), start=1):
            assert sentence.pattern is not None
            trigger = next(mark for mark in sentence.marks if not mark.type)
            word = sentence.text[trigger.start : trigger.end]
            yield Event(
                id=f"v{number}",
                type=sentence.pattern.type,
                trigger=Trigger(
                    text=word, groundings=tuple(self._said(modality, index, start, trigger, word, trigger=True))
                ),
                arguments=tuple(
                    Argument(role=mark.role, entity=entities[(mark.type, sentence.text[mark.start : mark.end])].id)
                    for mark in sentence.marks
                    if mark.type
                ),
            )

    def _said(
        self, modality: Modality, index: int, start: int, mark: Mark, quote: str, *, trigger: bool
    ) -> Iterator[Grounding]:
        first, last = start + mark.start, start + mark.end
        places = self._places
        if modality == "T":
            yield TextSpan(
                id=self._id(), media_id=self._names["text"], start=first, end=last, quote=quote, provenance=BY
            )
        elif modality == "A":
            assert places.recording is not None
            begins, ends = places.recording.times(first, last)
            yield AudioSegment(
                id=self._id(), media_id=self._names["audio"], start=begins, end=ends, quote=quote, provenance=BY
            )
        elif modality == "I" and not trigger:
            assert places.poster is not None
            yield self._region(places.poster.place(index, mark.start, mark.end), quote)
        elif modality == "V" and not trigger:
            assert places.film is not None

            def seen(frame: Frame) -> tuple[Box, ...]:
                return frame.place(mark.start, mark.end) if frame.sentence == index else ()

            yield self._track(places.film, seen, quote)

    def _drawn(self, modality: Modality, content: Told) -> Iterator[tuple[Thing, Grounding]]:
        if modality == "I" and (poster := self._places.poster) is not None:
            for drawn in poster.things:
                if drawn.name:
                    thing = (drawn.type, drawn.name)
                    yield thing, self._region(drawn.label, drawn.name)
                    yield (
                        thing,
                        ImageRegion(
                            id=self._id(),
                            media_id=self._names["image"],
                            parts=(drawn.box,),
                            mask=encoded(drawn.pixels),
                            provenance=BY,
                        ),
                    )
        if modality == "V" and (film := self._places.film) is not None:
            for depicted in content.depicted:
                thing = (depicted.type, depicted.name)
                yield thing, self._track(film, lambda frame: frame.label, depicted.name)
                yield thing, self._track(film, lambda frame: (frame.thing_box,) if frame.thing_box else (), None)

    def _region(self, boxes: tuple[Box, ...], quote: str) -> ImageRegion:
        return ImageRegion(id=self._id(), media_id=self._names["image"], parts=boxes, quote=quote, provenance=BY)

    def _track(self, film: Film, seen: Callable[[Frame], tuple[Box, ...]], quote: str | None) -> VideoTrack:
        keyframes = tuple(
            Keyframe(time=index / FRAMES_PER_SECOND, parts=boxes)
            for index, frame in enumerate(film.frames)
            if (boxes := seen(frame))
        )
        end = keyframes[-1].time + 1 / FRAMES_PER_SECOND
        return VideoTrack(
            id=self._id(),
            media_id=self._names["video"],
            start=keyframes[0].time,
            end=end,
            keyframes=keyframes,
            observed=(TimeSpan(start=0, end=film.duration),),
            visible=(TimeSpan(start=keyframes[0].time, end=end),),
            quote=quote,
            provenance=BY,
        )

    def _id(self) -> str:
        self._count += 1
        return f"g{self._count}"


def _starts(sentences: Sequence[Sentence]) -> list[int]:
    """Return where each sentence begins in the text that joins them with blanks."""
    starts: list[int] = []
    place = 0
    for sentence in sentences:
        starts.append(place)
        place += len(sentence.text) + 1
    return starts


def _telling(told: dict[Modality, Told]) -> Iterator[tuple[Modality, int, int, Sentence]]:
    """Yield the sentences that tell something: their medium, number, start and content."""
    for modality, content in told.items():
        starts = _starts(content.sentences)
        for index, sentence in enumerate(content.sentences):
            if sentence.pattern is not None:
                yield modality, index, starts[index], sentence
