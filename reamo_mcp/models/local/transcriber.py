"""Speech to words through local models: Whisper hears them, a CTC model places given ones.

Voice activity comes first: where nobody speaks no model is asked, and a word that lies outside all speech is dropped.
Long sound is heard in overlapping passes, whose words are stitched. This module needs no torch: the models do.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Protocol

from reamo_mcp.errors import EngineError, OutOfMemory
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.embedded.transcriber import pcm_of
from reamo_mcp.models.embedded.voice_activity import Utterance
from reamo_mcp.models.local.listening import Aligner, HeardPart, Recogniser
from reamo_mcp.models.local.speech_words import Pass, placed, plain, planned, stitched
from reamo_mcp.models.roles import Answer, Failed, Found, HeardWord, ModelCard, SpeechTranscript
from reamo_mcp.types.grounding import TimeSpan

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_OVERLAP = 2.5  # seconds that a pass reaches into its neighbours
_MARGIN = 0.3  # seconds by which the times of words may miss the speech
_TOGETHER = 8  # passes that are heard at once


class Activity(Protocol):
    """Tells where somebody speaks, in samples."""

    def utterances(self, samples: "NDArray[numpy.int16]", control: Control) -> tuple[Utterance, ...]:
        """Return the utterances in order, without overlap, none longer than 12 s."""
        ...


class LocalTranscriber:
    """Hears many languages, one call at a time. With ``language``, as in "en", it takes all speech for that one."""

    def __init__(
        self,
        card: ModelCard,
        activity: Activity,
        recogniser: Recogniser,
        aligner: Aligner | None = None,
        language: str | None = None,
    ) -> None:
        self.card = card
        self._activity = activity
        self._recogniser = recogniser
        self._aligner = aligner
        self._language = language
        self._one_at_a_time = threading.Lock()

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        """Yield what is said in each window, heard by itself. Raises ModelUnavailable and OutOfMemory."""
        for sound in sounds:
            with self._one_at_a_time:
                transcript = self._transcript(sound, control)
            yield transcript

    def align(self, sound: Sound, text: str, control: Control) -> Answer[HeardWord]:
        """Return the words of the text, split at white space, at the times they are spoken in this window.

        The text may go on after the window has ended: then its first words are returned. Where the aligner does not
        know the letters, the words are those that the recogniser hears. Tokens without letters or digits are left out.
        """
        try:
            with self._one_at_a_time:
                return Found(tuple(self._aligned(sound, text.split(), control)))
        except (EngineError, OutOfMemory) as error:
            return Failed(error.code, error.message)

    def _aligned(self, sound: Sound, tokens: Sequence[str], control: Control) -> list[HeardWord]:
        spoken = [token for token in tokens if plain(token)]
        if not spoken:
            return []
        if self._aligner is None or not self._aligner.knows(" ".join(spoken)):
            return placed(spoken, self._transcript(sound, control).words)
        utterances = self._activity.utterances(pcm_of(sound), control)
        if not utterances:
            return []
        first, last = utterances[0].start, utterances[-1].end
        words = self._aligner.place(sound.samples[first:last], spoken, control)
        return _spoken(_moved(words, sound.start + first / SAMPLE_RATE), _speech(sound, utterances))

    def _transcript(self, sound: Sound, control: Control) -> SpeechTranscript:
        utterances = self._activity.utterances(pcm_of(sound), control)
        speech = _speech(sound, utterances)
        longest, overlap = int(self._recogniser.longest * SAMPLE_RATE), int(_OVERLAP * SAMPLE_RATE)
        passes = planned([(one.start, one.end) for one in utterances], longest, overlap)
        heard, language = self._heard(sound, passes, control)
        words = stitched(heard, [sound.start + one.seam / SAMPLE_RATE for one in passes[1:]], _OVERLAP)
        return SpeechTranscript(speech=speech, words=tuple(_in_order(_spoken(words, speech))), language=language)

    def _heard(
        self, sound: Sound, passes: Sequence[Pass], control: Control
    ) -> tuple[list[list[HeardWord]], str | None]:
        """Return the words of each pass, and the language that they were taken for."""
        found: list[list[HeardWord]] = []
        language = self._language
        for start in range(0, len(passes), _TOGETHER):
            some = passes[start : start + _TOGETHER]
            parts = self._asked([sound.samples[one.start : one.end] for one in some], language, control)
            language = language or parts[0].language
            for one, part in zip(some, parts, strict=True):
                found.append(_moved(part.words, sound.start + one.start / SAMPLE_RATE))
            control.progress(
                passes[start + len(some) - 1].end / SAMPLE_RATE, len(sound.samples) / SAMPLE_RATE, "seconds"
            )
        return found, language

    def _asked(
        self, parts: "Sequence[NDArray[numpy.float32]]", language: str | None, control: Control
    ) -> list[HeardPart]:
        """Return what is heard of the parts, in halves if they are too much for the memory together."""
        try:
            return self._recogniser.hear(parts, language, control)
        except OutOfMemory:
            if len(parts) == 1:
                raise
        half = len(parts) // 2
        first = self._asked(parts[:half], language, control)
        return [*first, *self._asked(parts[half:], language or first[0].language, control)]


def _speech(sound: Sound, utterances: Sequence[Utterance]) -> tuple[TimeSpan, ...]:
    return tuple(
        TimeSpan(start=sound.start + one.start / SAMPLE_RATE, end=sound.start + one.end / SAMPLE_RATE)
        for one in utterances
    )


def _moved(words: Sequence[HeardWord], by: float) -> list[HeardWord]:
    return [
        word.model_copy(update={"start": max(0.0, word.start + by), "end": max(0.0, word.end + by)}) for word in words
    ]


def _spoken(words: Sequence[HeardWord], speech: Sequence[TimeSpan]) -> list[HeardWord]:
    """Return the words that lie where somebody speaks, without the silence that their times took in."""
    found: list[HeardWord] = []
    whole = _uncut(speech)
    for word in words:
        shared = [(min(word.end, at.end) - max(word.start, at.start), at) for at in whole]
        most, at = max(shared, key=lambda pair: pair[0])
        if most < -_MARGIN:
            continue
        if most > 0:
            word = word.model_copy(update={"start": max(word.start, at.start), "end": min(word.end, at.end)})
        found.append(word)
    return found


def _uncut(speech: Sequence[TimeSpan]) -> list[TimeSpan]:
    """Return the speech without the cuts that keep utterances short, as a word may stand across one."""
    whole: list[TimeSpan] = []
    for at in speech:
        if whole and at.start <= whole[-1].end:
            whole[-1] = TimeSpan(start=whole[-1].start, end=at.end)
        else:
            whole.append(at)
    return whole


def _in_order(words: Sequence[HeardWord]) -> Iterator[HeardWord]:
    """Yield the words, none beginning before the one before it has begun, none after it has ended."""
    begun = 0.0
    for word in words:
        start = max(word.start, begun)
        yield word.model_copy(update={"start": start, "end": max(word.end, start)})
        begun = start
