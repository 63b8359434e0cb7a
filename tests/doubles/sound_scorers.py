"""Scorers of sounds of known habits, without weights: one that hears tones, and one that hears whatever it is asked."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy
from numpy.typing import NDArray

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import ModelCard
from reamo_mcp.models.sound_detection import Extent, Similarities, SoundDecision
from tests.doubles.signal_modules import TONES

DECISION = SoundDecision(threshold=0.5, margin=0.05)
_PART = SAMPLE_RATE // 100


def tones(length: float, *planted: tuple[str, float, float], start: float = 0.0) -> Sound:
    """Return soft noise with tones at times of the container's clock."""
    samples = numpy.random.default_rng(0).normal(0, 0.003, round(length * SAMPLE_RATE))
    for name, begin, end in planted:
        first, last = (round((time - start) * SAMPLE_RATE) for time in (begin, end))
        samples[first:last] += 0.3 * numpy.sin(2 * numpy.pi * TONES[name] * numpy.arange(last - first) / SAMPLE_RATE)
    return Sound(samples.astype(numpy.float32), start)


@dataclass
class ToneScorer:
    """Finds a window the more like a phrase such as "a low tone", the more of it that tone fills."""

    decision: SoundDecision = DECISION
    longest: int = 60
    before: Callable[[], None] = lambda: None
    asked: list[Extent] = field(default_factory=list[Extent])

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="sound_scorer", name="tones", revision="1")

    def fits(self, phrase: str) -> bool:
        return len(phrase) <= self.longest

    def similarities(
        self, samples: NDArray[numpy.float32], windows: Sequence[Extent], phrases: Sequence[str], control: Control
    ) -> Similarities:
        assert (numpy.abs(samples) <= 1).all(), "no model need expect anything but sound"
        self.before()
        self.asked += windows
        parts = samples[: len(samples) // _PART * _PART].reshape(-1, _PART)
        loud: dict[str, NDArray[numpy.float64]] = {}
        for name, tone in TONES.items():
            wave = numpy.exp(-2j * numpy.pi * tone * numpy.arange(_PART) / SAMPLE_RATE)
            loud[name] = numpy.asarray(numpy.abs(parts @ wave) / _PART > 0.02, numpy.float64)
        values = numpy.zeros((len(windows), len(phrases)))
        for column, phrase in enumerate(phrases):
            for name in set(re.findall(r"\w+", phrase)) & TONES.keys():
                for row, window in enumerate(windows):
                    inside = loud[name][window.begin // _PART : window.end // _PART]
                    values[row, column] = inside.mean() if len(inside) else 0.0
        return Similarities(values, 20.0)


@dataclass
class AlwaysScorer:
    """Finds each window as like each phrase as ``habit`` says of the phrase and the number of the window."""

    habit: Callable[[str, int], float]
    decision: SoundDecision = DECISION

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="sound_scorer", name="always", revision="1")

    def fits(self, phrase: str) -> bool:
        return True

    def similarities(
        self, samples: NDArray[numpy.float32], windows: Sequence[Extent], phrases: Sequence[str], control: Control
    ) -> Similarities:
        rows = [[self.habit(phrase, number) for phrase in phrases] for number in range(len(windows))]
        return Similarities(numpy.array(rows, numpy.float64), 20.0)
