"""English speech to words with times, on a CPU: a draft that knows which of its words are probably right.

Voice activity finds the utterances; two searches with unlike settings decode them. A word may look certain only where
both say it, at the same time, with a high posterior: either search alone is wrong too often. Given words are found in
the sound by forced alignment, words outside the dictionary by rules of pronunciation.
"""

import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from reamo_mcp.errors import EngineError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.embedded.pronunciation import pronunciations
from reamo_mcp.models.embedded.speech_decoder import FRAMES_PER_SECOND, DecodedWord, SpeechDecoder
from reamo_mcp.models.embedded.voice_activity import VoiceActivity
from reamo_mcp.models.roles import Answer, Failed, Found, HeardWord, ModelCard, SpeechTranscript
from reamo_mcp.types.grounding import TimeSpan

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_OTHER_LANGUAGE_WEIGHT = 4.5
_LEAST_POSTERIOR = 0.9
_LEAST_PHONES = 3  # "a", "the" and "of" are heard where anything is mumbled
_SAME_TIME = 0.5  # share of a word that the same word of the other search covers
_LEAST_FRAMES_PER_PHONE = 3.5  # the shortest path through a phone takes 3: a word at that pace was squeezed in
_MOST_FRAMES_PER_PHONE = 45.0
_LEAST_EVIDENCE = -0.001  # true words of the development recordings: above -0.0005; others: below, mostly by far
_LEAST_FILL = 0.8  # share of the speech that fitting words fill: wrong ones leave much of it as silence


class EmbeddedTranscriber:
    """Hears English by Silero's voice activity detector and PocketSphinx, one window at a time."""

    def __init__(self) -> None:
        self._activity = VoiceActivity()
        self._decoder = SpeechDecoder()
        self._other = SpeechDecoder(_OTHER_LANGUAGE_WEIGHT, two_passes=False)
        self._one_at_a_time = threading.Lock()  # detector and recognisers keep states

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        return ModelCard(
            role="transcriber",
            name="silero-vad+pocketsphinx",
            revision="1",
            accepts=("audio",),
            languages=("en",),
            draft=True,
            limits="English only; a rough draft: about half of the words of read speech are right, names seldom",
        )

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        """Yield what is said in each window, heard by itself. Raises ModelUnavailable."""
        for sound in sounds:
            with self._one_at_a_time:
                transcript = self._transcript(sound, control)
            yield transcript

    def align(self, sound: Sound, text: str, control: Control) -> Answer[HeardWord]:
        """Return the words of the text, split at white space, at the times they are spoken in this window.

        The text may go on after the window has ended: then its first words are returned. Tokens without letters or
        digits are left out. A word whose time is doubtful is not ``confident``. Nothing is returned where nobody
        speaks, or where the words do not fit into the speech.
        """
        try:
            with self._one_at_a_time:
                return Found(self._aligned(sound, text, control))
        except EngineError as error:
            return Failed(error.code, error.message)

    def _aligned(self, sound: Sound, text: str, control: Control) -> tuple[HeardWord, ...]:
        tokens = text.split()
        shouted = text.isupper()  # then capitals tell nothing about abbreviations
        ways = [pronunciations(token.lower() if shouted else token, self._decoder.phones) for token in tokens]
        spoken = [(token, way) for token, way in zip(tokens, ways, strict=True) if way]
        samples = pcm_of(sound)
        utterances = self._activity.utterances(samples, control)
        if not spoken or not utterances:
            return ()
        first, last = utterances[0].start, utterances[-1].end  # silence around would only cost time
        pcm = samples[first:last].tobytes()
        aligned = self._decoder.align(pcm, [way for _, way in spoken], control)
        start = sound.start + first / SAMPLE_RATE
        speech = [(at.start / SAMPLE_RATE + sound.start, at.end / SAMPLE_RATE + sound.start) for at in utterances]
        words = tuple(
            _timed(token, word, start, confidence=1.0, confident=_is_plausible(word, start, speech))
            for (token, _), word in zip(spoken, aligned.words, strict=False)
        )
        is_said = aligned.evidence >= _LEAST_EVIDENCE and _fill(words, speech) >= _LEAST_FILL
        return words if is_said else ()

    def _transcript(self, sound: Sound, control: Control) -> SpeechTranscript:
        samples = pcm_of(sound)
        speech: list[TimeSpan] = []
        words: list[HeardWord] = []
        for utterance in self._activity.utterances(samples, control):
            start = sound.start + utterance.start / SAMPLE_RATE
            speech.append(TimeSpan(start=start, end=sound.start + utterance.end / SAMPLE_RATE))
            words += self._heard(samples[utterance.start : utterance.end].tobytes(), start, control)
        return SpeechTranscript(speech=tuple(speech), words=tuple(words), language="en" if words else None)

    def _heard(self, pcm: bytes, start: float, control: Control) -> list[HeardWord]:
        words = self._decoder.recognise(pcm, control)
        if not any(map(_may_be_certain, words)):
            others: list[DecodedWord] = []
        else:
            others = self._other.recognise(pcm, control)
        return [
            _timed(word.text, word, start, word.posterior, _may_be_certain(word) and _is_said(word, others))
            for word in words
        ]


def pcm_of(sound: Sound) -> "NDArray[numpy.int16]":
    """Return the samples of a sound as the recogniser takes them: 16-bit."""
    import numpy

    return (numpy.clip(sound.samples, -1, 1) * 32767).astype(numpy.int16)


def _timed(text: str, word: DecodedWord, start: float, confidence: float, confident: bool) -> HeardWord:
    return HeardWord(
        text=text,
        start=max(0.0, start + word.start / FRAMES_PER_SECOND),
        end=max(0.0, start + word.end / FRAMES_PER_SECOND),
        confidence=confidence,
        confident=confident,
    )


def _may_be_certain(word: DecodedWord) -> bool:
    return word.posterior >= _LEAST_POSTERIOR and word.phones >= _LEAST_PHONES


def _is_said(word: DecodedWord, others: Sequence[DecodedWord]) -> bool:
    """Whether the other search hears the same word at the same time."""
    return any(
        other.text == word.text
        and min(other.end, word.end) - max(other.start, word.start) >= _SAME_TIME * (word.end - word.start)
        for other in others
    )


def _is_plausible(word: DecodedWord, start: float, speech: Sequence[tuple[float, float]]) -> bool:
    """Whether an aligned word has a length that it can have, and stands where somebody speaks."""
    pace = (word.end - word.start) / max(1, word.phones)
    middle = start + (word.start + word.end) / 2 / FRAMES_PER_SECOND
    spoken = any(begin <= middle <= end for begin, end in speech)
    return spoken and _LEAST_FRAMES_PER_PHONE <= pace <= _MOST_FRAMES_PER_PHONE


def _fill(words: Sequence[HeardWord], speech: Sequence[tuple[float, float]]) -> float:
    """Return which share of the speech from the first to the last word lies within words of a plausible length."""
    if not words:
        return 0.0
    first, last = words[0].start, words[-1].end
    spoken = sum(max(0.0, min(end, last) - max(start, first)) for start, end in speech)
    return sum(word.end - word.start for word in words if word.confident) / spoken if spoken else 0.0
