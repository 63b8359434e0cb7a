"""Roles whose answers are written by the test, and counters around real ones. They run no model."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import (
    Cue,
    DecodedText,
    Description,
    Frame,
    FramePlan,
    OpenFile,
    Outcome,
    Page,
    Picture,
    SoundWindow,
)
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import (
    Answer,
    EntityMention,
    EventMention,
    Failed,
    Found,
    HeardWord,
    Line,
    Mentions,
    ModelCard,
    Region,
    RelationMention,
    SpeechTranscript,
)
from reamo_mcp.types.ontology import Ontology


@dataclass
class ScriptedTextExtractor:
    """Finds the names it was given wherever a text has them; the first two of a text are related by every type.

    With ``fails_on``, a text that holds these words makes it fail on that text alone.
    """

    names: dict[str, str]
    triggers: dict[str, str] = field(default_factory=dict[str, str])
    fails_on: str | None = None
    revision: str = "1"
    texts: list[str] = field(default_factory=list[str])
    before: Callable[[Control], None] = lambda _: None

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="text_extractor", name="scripted", revision=self.revision, calibrated=True)

    def extract(self, texts: Sequence[str], ontology: Ontology, control: Control) -> list[Answer[Mentions]]:
        control.check()
        self.texts.extend(texts)
        self.before(control)
        return [self._answer(text, ontology) for text in texts]

    def _answer(self, text: str, ontology: Ontology) -> Answer[Mentions]:
        if self.fails_on is not None and self.fails_on in text:
            return Failed("engine_failed", "the script says so")
        asked = {kind.name for kind in ontology.entity_types}
        names = sorted((name for name, kind in self.names.items() if kind in asked), key=len, reverse=True)
        found = re.finditer("|".join(map(re.escape, names)), text) if names else ()
        entities = [
            EntityMention(type=self.names[name[0]], start=name.start(), end=name.end(), score=0.9) for name in found
        ]
        relations = (
            [RelationMention(type=kind.name, head=0, tail=1, score=0.8) for kind in ontology.relation_types]
            if len(entities) > 1
            else []
        )
        events = [
            EventMention(type=kind, start=found.start(), end=found.end(), score=0.7)
            for trigger, kind in self.triggers.items()
            if kind in {event.name for event in ontology.event_types}
            for found in re.finditer(re.escape(trigger), text)
        ]
        return Found((Mentions(entities=tuple(entities), relations=tuple(relations), events=tuple(events)),))


@dataclass
class ScriptedTextReader:
    """Reads the same lines in every picture."""

    lines: tuple[Line, ...] = ()
    pictures: int = 0

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="text_reader", name="scripted", revision="1")

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        control.check()
        self.pictures += len(pictures)
        return [Found(self.lines) for _ in pictures]


@dataclass
class ScriptedDetector:
    """Sees the same regions in every picture."""

    regions: tuple[Region, ...] = ()
    pictures: int = 0

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="object_detector", name="scripted", revision="1", vocabulary=("face",))

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        control.check()
        self.pictures += len(pictures)
        return [Found(self.regions) for _ in pictures]


@dataclass
class ScriptedTranscriber:
    """Hears the words it was given, each at its time, whatever the sound is."""

    words: tuple[HeardWord, ...] = ()
    windows: int = 0

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="transcriber", name="scripted", revision="1", draft=True)

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        for sound in sounds:
            self.windows += 1
            end = sound.start + len(sound.samples) / 16_000
            yield SpeechTranscript(
                speech=(), words=tuple(word for word in self.words if sound.start <= word.start < end)
            )

    def align(self, sound: Sound, text: str, control: Control) -> Answer[HeardWord]:
        return Found(())


@dataclass
class ScriptedNameSpotter:
    """Hears a name at its time if it is asked for it, and fails after as many windows as it bears."""

    name: HeardWord
    bears: int = 100
    asked: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="name_spotter", name="scripted", revision="1")

    def spot(self, sound: Sound, names: Sequence[str], control: Control) -> Answer[HeardWord]:
        control.check()
        self.asked.append(tuple(names))
        if len(self.asked) > self.bears:
            return Failed("engine_failed", "the engine died over speech")
        inside = sound.start <= self.name.start < sound.start + len(sound.samples) / 16_000
        return Found((self.name,) if inside and self.name.text in names else ())


@dataclass
class CountedDecoder:
    """A real decoder that counts what it was asked."""

    decoder: Decoder
    calls: list[str] = field(default_factory=list[str])

    def describe(self, file: OpenFile, control: Control) -> Description:
        self.calls.append("describe")
        return self.decoder.describe(file, control)

    def text(self, file: OpenFile, control: Control) -> DecodedText:
        self.calls.append("text")
        return self.decoder.text(file, control)

    def pages(
        self, file: OpenFile, wanted: tuple[int, int] | None, outcome: Outcome, control: Control
    ) -> Iterator[Page]:
        self.calls.append("pages")
        return self.decoder.pages(file, wanted, outcome, control)

    def page_picture(self, file: OpenFile, page: int, longest_side: int, control: Control) -> Picture:
        self.calls.append("page_picture")
        return self.decoder.page_picture(file, page, longest_side, control)

    def picture(self, file: OpenFile, longest_side: int, control: Control) -> Picture:
        self.calls.append("picture")
        return self.decoder.picture(file, longest_side, control)

    def sound(
        self, file: OpenFile, seconds: tuple[float, float] | None, outcome: Outcome, control: Control
    ) -> Iterator[SoundWindow]:
        self.calls.append("sound")
        return self.decoder.sound(file, seconds, outcome, control)

    def frames(self, file: OpenFile, plan: FramePlan, outcome: Outcome, control: Control) -> Iterator[Frame]:
        self.calls.append("frames")
        return self.decoder.frames(file, plan, outcome, control)

    def subtitles(self, file: OpenFile, control: Control) -> tuple[Cue, ...]:
        self.calls.append("subtitles")
        return self.decoder.subtitles(file, control)
