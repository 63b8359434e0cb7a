"""When phrases are heard in a sound, and the check without which a find does not count.

A model that compares sounds with phrases is asked about short windows of the sound; each speaks for the stretch in its
middle, and neighbouring stretches that say yes are one span. Such a model ranks: it gives every phrase some similarity
with every sound. So a phrase counts in a window only if it passes the threshold of the model, if it wins there by a
margin against phrases of what sounds are full of (speech, music, noise) and of what hardly any recording holds, and if
no two of the latter do as well anywhere else in the sound. A model that hears whatever it is asked passes for none.

Only what sounds is located here. Which words are said, and when, is the transcriber's alone to tell.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple, Protocol

import numpy
from numpy.typing import NDArray
from pydantic import Field

from reamo_mcp.errors import EngineFailed, OutOfMemory
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import Answer, Failed, Found, HeardSpan, ModelCard, Unsupported
from reamo_mcp.types.record import Record

WINDOW = 2.0
"""Seconds that are heard at once. Long enough to know most sounds by; longer ones blur when something begins."""
HOP = 0.5
"""Seconds for which a window speaks, and so how fine spans are."""

EVERYWHERE = {
    "silence": "silence silent quiet",
    "background noise": "noise noisy hiss hum humm static buzz",
    "a person speaking": "speech speak spoken spoke talk voice conversation chat lecture dialogue announce",
    "music playing": "music musical song melody tune instrument orchestra band guitar piano drum violin sing",
    "wind blowing": "wind windy breeze gust storm",
    "traffic on a road": "traffic road street car vehicle truck bus motor engine drive driv",
}
"""What sounds are full of, each with the words (without endings) of phrases that are not put against it."""

NOWHERE = (
    "bagpipes, a didgeridoo, a theremin, a kazoo, a harpsichord, an accordion, castanets, a sitar, yodeling, "
    "beatboxing, a cuckoo clock, a sewing machine, a fax machine, a pinball machine, bowling pins falling, "
    "popcorn popping, a sonar ping, a geiger counter, morse code, a slot machine, tap dancing, a whip cracking, "
    "a donkey braying, an elephant trumpeting, a walrus roaring, a rattlesnake rattling, a turkey gobbling, "
    "a humpback whale, a hyena laughing, a peacock screaming, a kookaburra calling, a foghorn"
).split(", ")
"""Sounds of many kinds, none of them common. One that shares a word with a phrase is not put against it."""

_OF_WORDS = frozenset("say said word name mention sentence quote utter pronounce".split())
_QUOTED = re.compile(r"[\"“”„«»]|(?<!\w)['‘‚]\w.*\w['’](?!\w)")
_ARTICLES = frozenset(("a", "an", "the", "of", "on"))
_QUIETEST = 2.0**-15  # a step of 16 bits: what is never louder is no sound
_UP = 3  # samples that a model hears for each one that there is: 48 kHz
_REACH = 64  # samples on each side of one that has a part in what is heard there
_CUT = 7690.0  # Hertz, half way down: all of what tripling the rate would mirror above 8 kHz is gone


class SoundDecision(Record):
    """When a model's finds count: from this similarity, and by this lead over every phrase that is not there."""

    threshold: float = Field(ge=0, le=1)
    margin: float = Field(gt=0, le=1)


OF_CLAP = SoundDecision(threshold=0.2, margin=0.05)
"""Neither number was tuned: no published weights were run here."""


class Extent(NamedTuple):
    """Samples of a sound, half-open."""

    begin: int
    end: int


@dataclass(frozen=True)
class Similarities:
    """How alike windows and phrases are: cosines, of shape (windows, phrases).

    ``scale`` is what the model multiplies them by before it takes them for logits.
    """

    values: NDArray[numpy.float64]
    scale: float


class SoundScorer(Protocol):
    """Compares stretches of a sound with phrases."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    @property
    def decision(self) -> SoundDecision:
        """When its finds count."""
        ...

    def fits(self, phrase: str) -> bool:
        """Return whether the phrase is short enough to be asked for."""
        ...

    def similarities(
        self, samples: NDArray[numpy.float32], windows: Sequence[Extent], phrases: Sequence[str], control: Control
    ) -> Similarities:
        """Compare each window, in order of time, of mono samples at 16 kHz with each phrase.

        Raises OutOfMemory and EngineFailed.
        """
        ...


class SoundSegmenter:
    """Finds when phrases are heard. What fails the check is not there."""

    def __init__(self, scorer: SoundScorer) -> None:
        self._scorer = scorer

    @property
    def card(self) -> ModelCard:
        """The model, in its role."""
        return self._scorer.card.model_copy(update={"role": "audio_segmenter"})

    def segment(self, sound: Sound, phrases: Sequence[str], control: Control) -> list[Answer[HeardSpan]]:
        """Return the spans of each phrase, in the order of time."""
        control.check()
        answers: dict[str, Answer[HeardSpan]] = {}
        for phrase in phrases:
            if asks_for_words(phrase):
                answers[phrase] = Unsupported("which words are said is for the transcript to tell: name a sound")
            elif not self._scorer.fits(phrase):
                answers[phrase] = Unsupported("the phrase is too long for the model: describe the sound in fewer words")
        asked = [phrase for phrase in dict.fromkeys(phrases) if phrase not in answers]
        try:
            heard = _heard(self._scorer, sound, asked, control)
            answers |= {phrase: Found(spans) for phrase, spans in zip(asked, heard, strict=True)}
        except (OutOfMemory, EngineFailed) as error:
            answers |= dict.fromkeys(asked, Failed(error.code, error.message))
        return [answers[phrase] for phrase in phrases]


def _heard(scorer: SoundScorer, sound: Sound, phrases: Sequence[str], control: Control) -> list[tuple[HeardSpan, ...]]:
    samples = numpy.clip(numpy.nan_to_num(sound.samples), -1.0, 1.0)  # a file may hold numbers that are no sound
    loud = [extent for extent in stretches(len(samples)) if not is_silent(samples[extent.begin : extent.end])]
    if not loud or not phrases:
        return [()] * len(phrases)
    texts = list(dict.fromkeys((*phrases, *EVERYWHERE, *NOWHERE)))
    windows = [window_of(extent, len(samples)) for extent in loud]
    alike = scorer.similarities(samples, windows, texts, control)
    place = {text: number for number, text in enumerate(texts)}
    found: list[tuple[HeardSpan, ...]] = []
    for phrase in phrases:
        everywhere, nowhere = (
            alike.values[:, [place[text] for text in rivals]] for rivals in (common_rivals(phrase), rare_rivals(phrase))
        )
        own = alike.values[:, place[phrase]]
        wins = winning(own, everywhere, nowhere, scorer.decision)
        scores = shares(own, numpy.concatenate((everywhere, nowhere), axis=1), alike.scale)
        found.append(joined(loud, wins, scores, sound.start))
    return found


def stretches(length: int) -> list[Extent]:
    """Return the stretches of a hop that a sound of so many samples consists of; the last may be shorter."""
    hop = round(HOP * SAMPLE_RATE)
    return [Extent(begin, min(length, begin + hop)) for begin in range(0, length, hop)]


def window_of(extent: Extent, length: int) -> Extent:
    """Return the window around a stretch, cut at the ends of the sound.

    It never reaches further to one side than to the other by more than a hop: else the stretches at the ends would
    speak for what begins later.
    """
    hop = round(HOP * SAMPLE_RATE)
    beside = (round(WINDOW * SAMPLE_RATE) - hop) // 2
    before, after = min(beside, extent.begin), min(beside, length - extent.end)
    return Extent(extent.begin - min(before, after + hop), extent.end + min(after, before + hop))


def is_silent(samples: NDArray[numpy.float32]) -> bool:
    """Return whether nothing sounds, not even softly."""
    return not (numpy.abs(samples) > _QUIETEST).any()


def asks_for_words(phrase: str) -> bool:
    """Return whether a phrase asks for what is said, and not for a sound: all speech sounds like "she says hello"."""
    return _QUOTED.search(phrase) is not None or not _OF_WORDS.isdisjoint(_words(phrase))


def common_rivals(phrase: str) -> list[str]:
    """Return what sounds are full of, without what the phrase names."""
    said = _words(phrase)
    return [rival for rival, names in EVERYWHERE.items() if said.isdisjoint(names.split())]


def rare_rivals(phrase: str) -> list[str]:
    """Return the sounds that hardly any recording holds, without those that the phrase names."""
    said = _words(phrase)
    return [rival for rival in NOWHERE if said.isdisjoint(_words(rival))]


def _words(phrase: str) -> set[str]:
    """Return the words of a phrase as they are and without their endings."""
    said = set(re.findall(r"\w+", phrase.casefold())) - _ARTICLES
    return said | {word.removesuffix(ending) for word in said for ending in ("s", "es", "ed", "ing")}


def winning(
    own: NDArray[numpy.float64],
    everywhere: NDArray[numpy.float64],
    nowhere: NDArray[numpy.float64],
    decision: SoundDecision,
) -> NDArray[numpy.bool_]:
    """Return in which windows a phrase counts.

    Args:
        own: Its similarities, of shape (windows,).
        everywhere: Those of what sounds are full of, of shape (windows, rivals).
        nowhere: Those of what hardly any recording holds, of shape (windows, rivals).
        decision: When finds of the model count.
    """
    best_here = numpy.concatenate((everywhere, nowhere), axis=1).max(axis=1, initial=-1.0)
    # The second best, as one of them may really be in the sound.
    best_anywhere = numpy.sort(nowhere.max(axis=0, initial=-1.0))[-2:-1].max(initial=-1.0)
    bar = max(decision.threshold, float(best_anywhere) + decision.margin)
    return (own >= bar) & (own >= best_here + decision.margin)


def shares(own: NDArray[numpy.float64], rivals: NDArray[numpy.float64], scale: float) -> NDArray[numpy.float64]:
    """Return the probability of a phrase in each window if one of it and its rivals must be there (softmax)."""
    logits = scale * numpy.concatenate((own[:, None], rivals), axis=1)
    weights = numpy.exp(logits - logits.max(axis=1, keepdims=True))
    return weights[:, 0] / weights.sum(axis=1)


def joined(
    extents: Sequence[Extent], wins: Iterable[bool], scores: Iterable[float], start: float
) -> tuple[HeardSpan, ...]:
    """Return the spans that neighbouring stretches with a win make, in the order of time, with their mean score.

    ``start`` is the time of the first sample of the sound.
    """
    runs: list[list[tuple[Extent, float]]] = []
    for extent, win, score in zip(extents, wins, scores, strict=True):
        if not win:
            continue
        if runs and runs[-1][-1][0].end == extent.begin:
            runs[-1].append((extent, score))
        else:
            runs.append([(extent, score)])
    return tuple(
        HeardSpan(
            start=start + run[0][0].begin / SAMPLE_RATE,
            end=start + run[-1][0].end / SAMPLE_RATE,
            score=min(1.0, sum(float(score) for _, score in run) / len(run)),
        )
        for run in runs
    )


def tripled(samples: NDArray[numpy.float32], extent: Extent) -> NDArray[numpy.float32]:
    """Return a stretch of a sound at 48 kHz instead of 16: exactly three samples for each of its own.

    What lies around the stretch has its part in it, so that stretches fit together without a seam. What sounds above
    7.4 kHz is softer or gone.
    """
    before, after = max(0, extent.begin - _REACH), min(len(samples), extent.end + _REACH)
    missing = (_REACH - (extent.begin - before), _REACH - (after - extent.end))
    around = numpy.pad(samples[before:after].astype(numpy.float64), missing)
    low_pass = _low_pass()
    phases = [numpy.convolve(around, low_pass[phase::_UP], mode="valid") for phase in range(_UP)]
    return numpy.stack(phases, axis=1).reshape(-1).astype(numpy.float32)


@cache
def _low_pass() -> NDArray[numpy.float64]:
    """Return a windowed sinc whose every third value, from each of the first three, makes one of three samples."""
    places = numpy.arange(-_UP * _REACH, _UP * _REACH + 1)
    step = 2 * _CUT / (_UP * SAMPLE_RATE)
    values = numpy.sinc(step * places) * numpy.kaiser(len(places), 8.0)
    return numpy.append(_UP * values / values.sum(), [0.0] * (_UP - 1))  # as many values for each of the three
