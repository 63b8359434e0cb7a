"""The truth instead of what was recognised: tells errors of reading from errors of recognition.

Print has an oracle in pictures; what is printed in films is read as ever. Speech has one where a case has one
recording: its words at the times at which they are spoken, be the transcript given or not.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.engines import ExtractorAnswers
from reamo_mcp.extractor import Extractor
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import (
    Answer,
    Found,
    HeardWord,
    Line,
    ModelCard,
    SpeechTranscript,
    TextReader,
    Transcriber,
    Unsupported,
)
from reamo_mcp.types.extraction import Extraction


class Oracle(Protocol):
    """A role that is told the truth of each case before it is asked."""

    def learn(self, case: Case) -> None:
        """Take the truth of a case, instead of that of the case before."""
        ...


class OracleTextReader:
    """Knows the print of the pictures of one case; leaves pictures of other sizes to a real reader."""

    def __init__(self, otherwise: TextReader | None) -> None:
        self._otherwise = otherwise
        self._lines: dict[tuple[float, float], tuple[Line, ...]] = {}

    @property
    def card(self) -> ModelCard:
        """What it is."""
        return ModelCard(role="text_reader", name="oracle", revision="1")

    def learn(self, case: Case) -> None:
        """Take the print of a case."""
        self._lines = {
            (medium.width, medium.height): case.print_in[medium.name]
            for medium in case.gold.document.media
            if medium.kind == "image" and medium.name in case.print_in
        }

    def read(self, pictures: Sequence[Picture], control: Control) -> "list[Answer[Line]]":
        """Return the true lines of each picture."""
        answers: list[Answer[Line]] = []
        for picture in pictures:
            known = self._lines.get((picture.original_width, picture.original_height))
            if known is None and self._otherwise is not None:
                answers += self._otherwise.read([picture], control)
            else:
                answers.append(Found(known or ()))
        return answers


class OracleTranscriber:
    """Knows the words of the one recording of a case; leaves cases without such words to a real transcriber."""

    def __init__(self, otherwise: Transcriber | None) -> None:
        self._otherwise = otherwise
        self._words: tuple[HeardWord, ...] = ()

    @property
    def card(self) -> ModelCard:
        """What it is."""
        return ModelCard(role="transcriber", name="oracle", revision="1")

    def learn(self, case: Case) -> None:
        """Take the words of a case, if it has one recording."""
        self._words = next(iter(case.spoken_in.values())) if len(case.spoken_in) == 1 else ()

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        """Yield the true words of each window of sound."""
        if not self._words and self._otherwise is not None:
            yield from self._otherwise.transcribe(sounds, control)
            return
        for sound in sounds:
            control.check()
            yield SpeechTranscript(speech=(), words=self._spoken(sound))

    def align(self, sound: Sound, text: str, control: Control) -> Answer[HeardWord]:
        """Return the true words of a window of sound, whatever text is given."""
        if self._words:
            return Found(self._spoken(sound))
        return self._otherwise.align(sound, text, control) if self._otherwise else Unsupported("nothing is known")

    def _spoken(self, sound: Sound) -> tuple[HeardWord, ...]:
        end = sound.start + len(sound.samples) / SAMPLE_RATE
        return tuple(word for word in self._words if sound.start <= word.start < end)


class OracleAnswers(ExtractorAnswers):
    """An extractor with a role that is told the truth before each case."""

    def __init__(self, extractor: Extractor, name: str, oracle: Oracle) -> None:
        super().__init__(extractor, name)
        self._oracle = oracle

    async def answer(self, case: Case, folder: Path) -> Extraction:
        """Return the extraction of all media at once."""
        self._oracle.learn(case)
        return await super().answer(case, folder)
