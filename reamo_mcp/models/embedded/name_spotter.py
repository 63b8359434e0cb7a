"""Names that the other media of a document hold, listened for in speech.

The recogniser of the embedded engine knows no names outside its dictionary, and a draft transcript gets them wrong.
But a name that is known from elsewhere can be sought by its sounds: from the dictionary, or by rules of pronunciation.
Short names sound like parts of other words, so only names of many sounds are sought.
"""

import re
import threading
from collections.abc import Sequence

from reamo_mcp.errors import EngineError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.embedded.pronunciation import pronunciations
from reamo_mcp.models.embedded.speech_decoder import FRAMES_PER_SECOND, SpeechDecoder
from reamo_mcp.models.embedded.transcriber import pcm_of
from reamo_mcp.models.embedded.voice_activity import VoiceActivity
from reamo_mcp.models.roles import Answer, Failed, Found, HeardWord, ModelCard

LEAST_PHONES = 7
"""Fewest sounds of a name that is sought. On real speech, shorter ones were heard where nobody said them."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*\.?|\d+")


class EmbeddedNameSpotter:
    """Finds names by PocketSphinx's search for phrases, within what Silero's detector takes for speech."""

    def __init__(self) -> None:
        self._activity = VoiceActivity()
        self._decoder = SpeechDecoder()
        self._one_at_a_time = threading.Lock()  # detector and recogniser keep states

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        return ModelCard(
            role="name_spotter",
            name="silero-vad+pocketsphinx-phrases",
            revision="1",
            accepts=("audio",),
            limits=f"names of at least {LEAST_PHONES} sounds, as an English speaker says them",
        )

    def spot(self, sound: Sound, names: Sequence[str], control: Control) -> Answer[HeardWord]:
        """Return the names that are said in this window, in order of time, each as one item."""
        try:
            with self._one_at_a_time:
                return Found(self._spotted(sound, names, control))
        except EngineError as error:
            return Failed(error.code, error.message)

    def _spotted(self, sound: Sound, names: Sequence[str], control: Control) -> tuple[HeardWord, ...]:
        sought = {name: phones for name in dict.fromkeys(names) if (phones := self._sounds(name))}
        if not sought:
            return ()
        samples = pcm_of(sound)
        found: list[HeardWord] = []
        for utterance in self._activity.utterances(samples, control):
            start = sound.start + utterance.start / SAMPLE_RATE
            pcm = samples[utterance.start : utterance.end].tobytes()
            for index, said in self._decoder.spot(pcm, tuple(sought.values()), control):
                found.append(
                    HeardWord(
                        text=tuple(sought)[index],
                        start=max(0.0, start + said.start / FRAMES_PER_SECOND),
                        end=max(0.0, start + said.end / FRAMES_PER_SECOND),
                        confidence=said.posterior,
                        confident=True,
                    )
                )
        return tuple(_apart(found))

    def _sounds(self, name: str) -> tuple[str, ...]:
        """Return the phones of each word of a name; nothing if it has too few, or a word that cannot be spoken."""
        ways = [pronunciations(word, self._decoder.phones) for word in _WORD.findall(name)]
        if not all(ways):
            return ()
        phones = tuple(way[0] for way in ways)
        return phones if sum(len(word.split()) for word in phones) >= LEAST_PHONES else ()


def _apart(found: Sequence[HeardWord]) -> list[HeardWord]:
    """Return the names in order of time, of those that overlap the longest."""
    kept: list[HeardWord] = []
    for word in sorted(found, key=lambda word: (word.start - word.end, word.start)):
        if all(word.end <= other.start or other.end <= word.start for other in kept):
            kept.append(word)
    return sorted(kept, key=lambda word: word.start)
