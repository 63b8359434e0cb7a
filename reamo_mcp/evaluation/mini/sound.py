"""Recordings: each word an invented sound, spliced between known silences, so that every time is exact.

A word is made letter by letter: vowels as a voice of 12 harmonics, louder near two formants; other letters as short
hisses or hums. All in whole numbers, so that a seed gives the same samples on every machine. No recogniser knows these
words; what is said stands in the transcript that lies beside the recording (WebVTT, one cue per word). So a case of
sound measures what is made of timed words, not how well speech is recognised.
"""

import wave
from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sin
from pathlib import Path

import numpy
from numpy.typing import NDArray

from reamo_mcp.evaluation.randomness import Dice

RATE = 16_000
_STEP = RATE // 1000  # samples of a millisecond: all times are whole milliseconds
_TABLE = numpy.array([round(32767 * sin(2 * pi * index / 1024)) for index in range(1024)], dtype=numpy.int64)
_FORMANTS = {"a": (750, 1200), "e": (500, 1850), "i": (300, 2300), "o": (500, 900), "u": (320, 800), "y": (300, 2000)}
_HISSES = frozenset("cfhkpqstxz")


@dataclass(frozen=True)
class SpokenWord:
    """A word of the transcript, ``text[start:end]``, and its samples ``first`` to ``last`` (half-open)."""

    start: int
    end: int
    first: int
    last: int

    @property
    def begins(self) -> float:
        """Its first moment in seconds."""
        return self.first / RATE

    @property
    def ends(self) -> float:
        """Its last moment in seconds."""
        return self.last / RATE


@dataclass(frozen=True)
class Recording:
    """Samples, what is said, and when."""

    samples: NDArray[numpy.int16]
    text: str
    words: tuple[SpokenWord, ...]

    @property
    def duration(self) -> float:
        """Length in seconds."""
        return len(self.samples) / RATE

    def times(self, start: int, end: int) -> tuple[float, float]:
        """Return from when to when ``text[start:end]`` is spoken; parts of words take the whole word."""
        said = [word for word in self.words if word.start < end and start < word.end]
        return said[0].begins, said[-1].ends


def speak(sentences: Sequence[str], level: int, dice: Dice) -> Recording:
    """Return a recording of sentences. Level 1: slow, clear pauses; 2: faster; 3: fast, with a hiss behind it."""
    pace, gap = {1: (85, 160), 2: (65, 100), 3: (50, 60)}[level]
    text = " ".join(sentences)
    pitch = dice.between(95, 220)
    parts: list[NDArray[numpy.int64]] = [_silence(250)]
    words: list[SpokenWord] = []
    place, clock = 0, len(parts[0])
    for word in text.split(" "):
        sound = _word(word, pace, pitch, dice)
        words.append(SpokenWord(place, place + len(word), clock, clock + len(sound)))
        pause = _silence(gap * (3 if word.endswith(".") else 1) + dice.below(40))
        parts += [sound, pause]
        clock += len(sound) + len(pause)
        place += len(word) + 1
    samples = numpy.concatenate([*parts, _silence(250)])
    if level == 3:
        samples = samples + _noise(len(samples), 260, dice)
    return Recording(numpy.clip(samples, -32768, 32767).astype(numpy.int16), text, tuple(words))


def save_recording(recording: Recording, sound: Path, transcript: Path) -> None:
    """Write the samples as WAV and the words as WebVTT."""
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(recording.samples.astype("<i2").tobytes())
    cues = ["WEBVTT\n"]
    for word in recording.words:
        said = recording.text[word.start : word.end]
        cues.append(f"{_clock(word.first)} --> {_clock(word.last)}\n{said}\n")
    transcript.write_text("\n".join(cues), encoding="utf-8")


def _word(word: str, pace: int, pitch: int, dice: Dice) -> NDArray[numpy.int64]:
    letters = [letter for letter in word.lower() if letter.isalnum()] or ["a"]
    sounds = [_letter(letter, (pace + dice.below(20)) * _STEP, pitch, dice) for letter in letters]
    return numpy.concatenate(sounds)


def _letter(letter: str, length: int, pitch: int, dice: Dice) -> NDArray[numpy.int64]:
    if letter in _HISSES:
        sound = _noise(length, 3000, dice)
    else:
        formants = _FORMANTS.get(letter, (250, 1100))
        loud = 9000 if letter in _FORMANTS else 5000
        sound = _voice(length, pitch, formants) * loud // 32767
    edge = 4 * _STEP
    ramp = numpy.arange(1, edge + 1, dtype=numpy.int64)
    sound[:edge] = sound[:edge] * (ramp + edge) // (2 * edge)  # from half, so that a word begins where it says
    sound[-edge:] = sound[-edge:] * (ramp[::-1] + edge) // (2 * edge)
    return sound


def _voice(length: int, pitch: int, formants: tuple[int, int]) -> NDArray[numpy.int64]:
    clock = numpy.arange(length, dtype=numpy.int64)
    total = numpy.zeros(length, dtype=numpy.int64)
    weights = 0
    for harmonic in range(1, 13):
        frequency = pitch * harmonic
        distance = min(abs(frequency - formant) for formant in formants)
        weight = 100_000 // (100 + distance)
        weights += weight
        # A start of its own for each harmonic: without it they would all cross zero together.
        total += weight * _TABLE[(clock * frequency * 1024 // RATE + 97 * harmonic) % 1024]
    return total * 2 // weights


def _noise(length: int, most: int, dice: Dice) -> NDArray[numpy.int64]:
    index = numpy.arange(length, dtype=numpy.uint64) + numpy.uint64(dice.bits() >> 1)
    mixed = index * numpy.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    values = (mixed >> numpy.uint64(32)).astype(numpy.int64) % (2 * most + 1)
    return values - most


def _silence(milliseconds: int) -> NDArray[numpy.int64]:
    return numpy.zeros(milliseconds * _STEP, dtype=numpy.int64)


def _clock(sample: int) -> str:
    milliseconds = sample // _STEP
    seconds, rest = divmod(milliseconds, 1000)
    return f"00:{seconds // 60:02}:{seconds % 60:02}.{rest:03}"
