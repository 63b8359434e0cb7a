"""Speech of tones: each letter is a pitch, so that a recogniser without a model hears every word exactly.

What is heard depends on the samples alone: a word that a cut goes through is heard in part, as by a real recogniser.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy
from numpy.typing import NDArray

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.embedded.voice_activity import Utterance
from reamo_mcp.models.local.letters import Alphabet, placed_by_scores
from reamo_mcp.models.local.listening import HeardPart
from reamo_mcp.models.roles import HeardWord

Samples = NDArray[numpy.float32]

FRAME = SAMPLE_RATE // 50
LETTERS = "abcdefghijklmnopqrstuvwxyz"
_LETTER = 4  # frames of a letter, the last of them silent
_BETWEEN_WORDS = 6  # frames of silence between words
_HANGOVER = 16  # frames of silence within an utterance
_AUDIBLE = 0.02  # mean size of samples


def tone_speech(words: Sequence[str], pauses: dict[int, float] | None = None) -> tuple[Samples, list[HeardWord]]:
    """Return the sound of these words and when each is said; ``pauses`` are seconds after words, by their number."""
    parts: list[Samples] = []
    said: list[HeardWord] = []
    at = 0
    for number, word in enumerate(words):
        tones = [_tone(LETTERS.index(letter)) for letter in word]
        length = sum(map(len, tones))
        said.append(_heard(word, at // FRAME, (at + length) // FRAME - 1, 1.0))
        silence = _BETWEEN_WORDS * FRAME + round((pauses or {}).get(number, 0.0) * 50) * FRAME
        parts += [*tones, numpy.zeros(silence, numpy.float32)]
        at += length + silence
    return numpy.concatenate(parts) if parts else numpy.empty(0, numpy.float32), said


def _tone(letter: int) -> Samples:
    time = numpy.arange((_LETTER - 1) * FRAME) / SAMPLE_RATE
    tone = 0.3 * numpy.sin(2 * numpy.pi * _pitch(letter) * time)
    return numpy.concatenate((tone, numpy.zeros(FRAME))).astype(numpy.float32)


def _pitch(letter: int) -> int:
    return 400 + 100 * letter


def _letters_in(samples: Samples) -> list[int | None]:
    """Return which letter sounds in each frame."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    if not len(frames):
        return []
    spectra = numpy.abs(numpy.fft.rfft(frames))
    pitches = spectra[:, [_pitch(letter) * FRAME // SAMPLE_RATE for letter in range(len(LETTERS))]]
    loud = numpy.abs(frames).mean(1) >= _AUDIBLE
    return [int(best) if audible else None for best, audible in zip(pitches.argmax(1), loud, strict=True)]


def _heard(text: str, start: int, end: int, confidence: float) -> HeardWord:
    return HeardWord(text=text, start=start / 50, end=end / 50, confidence=confidence, confident=True)


class ToneActivity:
    """Somebody speaks where there is a tone. Utterances are cut after 12 s, be it through a word."""

    def utterances(self, samples: "NDArray[numpy.int16]", control: Control) -> tuple[Utterance, ...]:
        control.check()
        found: list[tuple[int, int]] = []
        for number, letter in enumerate(_letters_in((samples / 32767).astype(numpy.float32))):
            if letter is None:
                continue
            if found and number - found[-1][1] <= _HANGOVER and number - found[-1][0] < 600:
                found[-1] = (found[-1][0], number + 1)
            else:
                found.append((found[-1][1] if found and number - found[-1][1] <= _HANGOVER else number, number + 1))
        return tuple(Utterance(start * FRAME, end * FRAME, 1.0) for start, end in found)


@dataclass
class ToneRecogniser:
    """Hears the words of tones; counts what it is asked. ``fails_on`` is called with the parts first."""

    longest: float = 30.0
    asked: list[list[float]] = field(default_factory=list[list[float]])

    def hear(self, parts: Sequence[Samples], language: str | None, control: Control) -> list[HeardPart]:
        control.check()
        self.asked.append([len(part) / SAMPLE_RATE for part in parts])
        return [HeardPart(language or "en", tuple(self._words(part))) for part in parts]

    def _words(self, samples: Samples) -> Iterator[HeardWord]:
        runs = [(letter, len(list(frames))) for letter, frames in groupby(_letters_in(samples))]
        text, start, at = "", 0, 0
        for letter, length in [*runs, (None, _BETWEEN_WORDS)]:
            if letter is not None:
                start = start if text else at
                text += LETTERS[letter]
            elif length >= _BETWEEN_WORDS - 1 and text:
                yield _heard(text, start, at, 0.9)
                text = ""
            at += length


@dataclass
class ToneAligner:
    """Places given words by the letters that sound."""

    def knows(self, text: str) -> bool:
        return _ALPHABET.knows(text)

    def place(self, samples: Samples, words: Sequence[str], control: Control) -> list[HeardWord]:
        control.check()
        letters = _letters_in(samples)
        likely = numpy.full((len(letters), len(LETTERS) + 1), 0.001, numpy.float32)
        for frame, letter in enumerate(letters):
            likely[frame, 0 if letter is None else letter + 1] = 1 - 0.001 * len(LETTERS)
        return placed_by_scores(numpy.log(likely), words, _ALPHABET, 0, FRAME / SAMPLE_RATE)


_ALPHABET = Alphabet({letter: number + 1 for number, letter in enumerate(LETTERS)})
