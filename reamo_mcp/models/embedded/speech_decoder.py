"""PocketSphinx, wrapped: short stretches of speech in, words with frames out.

Sound is fed in small blocks, so that work can be stopped at any time. The recogniser normalises each utterance by the
mean of its features; fed in blocks it would have to guess that mean, so the sound passes a front end once before it is
searched.
"""

# pocketsphinx is a compiled module without annotations; its types end at this module:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false

import math
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE

if TYPE_CHECKING:
    from pocketsphinx import Decoder

FRAMES_PER_SECOND = 100
_BLOCK = SAMPLE_RATE // 5 * 2  # bytes: a tenth of a second of 16-bit samples, searched in well under half a second
_FRONT_END = "front end"
_PHONES = "phones"
_PHRASES = "phrases"
_LEAST_LIKELY = "1e-1"  # how much worse than phones in any order a phrase may explain the sound
_VARIANT = re.compile(r"\(\d+\)$")


@dataclass(frozen=True)
class DecodedWord:
    """A word, its frames (half-open), its posterior, and its number of phones."""

    text: str
    start: int
    end: int
    posterior: float
    phones: int


@dataclass(frozen=True)
class Alignment:
    """Words fitted to a sound, and the evidence that they are what is said in it.

    ``evidence`` is the logarithm of how much better the words explain the sound than any phones in any order do, per
    frame. Phones in any order may fit anything, so it is about zero for the true words and below for others.
    """

    words: tuple[DecodedWord, ...] = ()
    evidence: float = -math.inf


class SpeechDecoder:
    """One recogniser with the English models of its package. Not safe for concurrent calls.

    ``language_weight`` is how much the language model counts against the sound; ``two_passes`` searches twice, the
    second time over the words that the first one found.
    """

    def __init__(self, language_weight: float = 6.5, two_passes: bool = True) -> None:
        self._language_weight = language_weight
        self._two_passes = two_passes
        self._decoder: Decoder | None = None
        self._phrases: list[str] = []
        self._recogniser = ""
        self._mean = ""

    def recognise(self, pcm: bytes, control: Control) -> list[DecodedWord]:
        """Return the words of one utterance of 16-bit samples, without silence and noise."""
        decoder = self._open()
        self._normalise(decoder, pcm, control)
        decoder.activate_search(self._recogniser)
        self._feed(decoder, pcm, control)
        return self._words(decoder)

    def align(self, pcm: bytes, pronunciations: list[tuple[str, ...]], control: Control) -> Alignment:
        """Return one decoded word for each of the first words, as many as can be fitted to the sound.

        Args:
            pcm: 16-bit samples.
            pronunciations: For each word its ways of being spoken, at least one, as phones separated by blanks.
            control: Asked every tenth of a second of sound.
        """
        decoder = self._open()
        names = [self._name(decoder, spoken) for spoken in pronunciations]
        mean = self._normalise(decoder, pcm, control)
        decoder.activate_search(_PHONES)
        self._feed(decoder, pcm, control)
        free = self._likelihood(decoder)
        try:
            decoder.set_align_text(" ".join(names))
            decoder.set_cmn(mean)
            self._feed(decoder, pcm, control)
            words = self._words(decoder)
            fitted = self._likelihood(decoder)
        except RuntimeError:  # the words are too many for so few frames
            return Alignment()
        finally:
            decoder.activate_search(self._recogniser)
        if [word.text for word in words] != names[: len(words)]:
            return Alignment()
        frames = max(1, len(pcm) * FRAMES_PER_SECOND // (2 * SAMPLE_RATE))
        return Alignment(tuple(words), (fitted - free) / frames)

    def spot(self, pcm: bytes, phrases: Sequence[Sequence[str]], control: Control) -> list[tuple[int, DecodedWord]]:
        """Return where phrases are said: the index of the phrase, and its stretch as one word (its phones not counted).

        A phrase is found where it explains the sound about as well as any phones in any order do.

        Args:
            pcm: 16-bit samples of one utterance.
            phrases: For each phrase its words, each as phones separated by blanks.
            control: Asked every tenth of a second of sound.
        """
        decoder = self._open()
        # Two ways of writing may sound alike; the first of them stands for both.
        index = dict[str, int]()
        for number, phrase in enumerate(phrases):
            index.setdefault(" ".join(self._name(decoder, (phones,)) for phones in phrase), number)
        if list(index) != self._phrases:
            # The recogniser takes several phrases from a file only.
            with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="ascii") as file:
                file.writelines(f"{name} /{_LEAST_LIKELY}/\n" for name in index)
                file.flush()
                decoder.add_kws(_PHRASES, file.name)
            self._phrases = list(index)
        mean = self._normalise(decoder, pcm, control)
        decoder.activate_search(_PHRASES)
        decoder.set_cmn(mean)
        try:
            self._feed(decoder, pcm, control)
            return [(index[word.text], word) for word in self._words(decoder) if word.text in index]
        finally:
            decoder.activate_search(self._recogniser)

    def phones(self, word: str) -> str | None:
        """Return the phones of a word of the dictionary, None for an unknown word."""
        return self._open().lookup_word(word)

    def _name(self, decoder: "Decoder", spoken: tuple[str, ...]) -> str:
        """Return the name under which the dictionary holds these pronunciations."""
        name = "=" + "|".join(phones.replace(" ", "-") for phones in spoken)
        if decoder.lookup_word(name) is None:
            for number, phones in enumerate(spoken, 1):
                decoder.add_word(name if number == 1 else f"{name}({number})", phones, False)
        return name

    def _normalise(self, decoder: "Decoder", pcm: bytes, control: Control) -> str:
        """Set the mean of the features of this sound, and return it."""
        decoder.activate_search(_FRONT_END)
        decoder.set_cmn(self._mean)
        self._feed(decoder, pcm, control)
        mean = decoder.get_cmn(True)
        decoder.set_cmn(mean)
        return mean

    def _likelihood(self, decoder: "Decoder") -> float:
        """Return the logarithm of the score of the best path."""
        best = decoder.hyp()
        return math.log(best.score) if best is not None and best.score > 0 else -math.inf

    def _feed(self, decoder: "Decoder", pcm: bytes, control: Control) -> None:
        decoder.start_utt()
        try:
            for at in range(0, len(pcm), _BLOCK):
                control.check()
                decoder.process_raw(pcm[at : at + _BLOCK])
        finally:
            decoder.end_utt()

    def _words(self, decoder: "Decoder") -> list[DecodedWord]:
        if decoder.hyp() is None:
            return []
        return [
            DecodedWord(
                text=_VARIANT.sub("", segment.word.strip()),
                start=segment.start_frame,
                end=segment.end_frame + 1,
                posterior=min(1.0, max(0.0, segment.prob)),
                phones=len((decoder.lookup_word(segment.word) or "").split()),
            )
            for segment in decoder.seg()
            if not segment.word.startswith(("<", "["))
        ]

    def _open(self) -> "Decoder":
        if self._decoder is None:
            try:
                from pocketsphinx import Decoder

                decoder = Decoder(
                    samprate=float(SAMPLE_RATE),
                    loglevel="FATAL",
                    lw=self._language_weight,
                    fwdflat=self._two_passes,
                )
            except (ImportError, OSError, RuntimeError, ValueError) as error:
                raise ModelUnavailable(
                    f"The speech recogniser cannot be opened ({type(error).__name__})",
                    "Install it again: pip install --force-reinstall pocketsphinx",
                ) from None
            self._recogniser = decoder.current_search()
            self._mean = decoder.get_cmn(False)
            decoder.add_keyphrase(_FRONT_END, "hello")  # the cheapest search; what it finds is dropped
            decoder.add_allphone_file(_PHONES, None)
            self._decoder = decoder
        return self._decoder
