"""The audio segmenter of a local machine: CLAP, which compares sounds with phrases.

A window is shorter than what CLAP was trained on, so it is repeated until it is as long, as its authors do with short
recordings. The features are those that transformers computes, but for many windows at once and on the device.
"""

# torch and transformers are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy
import torch
from numpy.typing import NDArray

from reamo_mcp.errors import OutOfMemory
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.local.weights import Loaded, Weights, load_model, opening, unavailable
from reamo_mcp.models.local.work_on_device import interruptible, layers_of, told_if_out_of_memory
from reamo_mcp.models.roles import ModelCard
from reamo_mcp.models.sound_detection import (
    OF_CLAP,
    WINDOW,
    Extent,
    Similarities,
    SoundDecision,
    SoundSegmenter,
    tripled,
)

_RATE = 48_000  # of what CLAP hears
_UP = _RATE // SAMPLE_RATE
_TOGETHER = {"cpu": 2, "cuda": 32}  # windows that are compared at once: on a processor, more would be no faster
_LONGEST = 77  # word pieces of the texts that CLAP was trained on
_COUNTED = frozenset(f"text_model.embeddings.{name}" for name in ("position_ids", "token_type_ids"))  # not learned
_MOST_KNOWN = 256  # texts that need not be read again
_QUIETEST = 1e-10  # power below which transformers' features do not go


class Listening(NamedTuple):
    """A loaded CLAP of transformers and what prepares its inputs."""

    extractor: Any
    tokenizer: Any
    model: Any


class LocalSoundScorer:
    """Compares stretches of a sound with phrases. The model is loaded by the first call."""

    def __init__(
        self, load: Callable[[], Listening], name: str, revision: str, decision: SoundDecision = OF_CLAP
    ) -> None:
        self._loaded = Loaded(load)
        self._known: dict[str, torch.Tensor] = {}
        self.decision = decision
        self.card = ModelCard(role="sound_scorer", name=name, revision=revision)

    def fits(self, phrase: str) -> bool:
        """Return whether the phrase is no longer than the texts that the model learned. Raises ModelUnavailable."""
        return len(self._loaded.get().tokenizer(sentence(phrase))["input_ids"]) <= _LONGEST

    def similarities(
        self, samples: NDArray[numpy.float32], windows: Sequence[Extent], phrases: Sequence[str], control: Control
    ) -> Similarities:
        """Compare each window with each phrase. Where memory does not suffice for many windows, fewer are compared.

        Raises ModelUnavailable, OutOfMemory where it does not suffice for one, and what ``control.check`` raises.
        """
        listening = self._loaded.get()
        with torch.inference_mode(), interruptible(layers_of(listening.model), control):
            read = self._read(listening, phrases)
            together = _TOGETHER[listening.model.device.type]
            starts = range(0, len(windows), together)
            heard = torch.cat(
                [_heard(listening, samples, windows[start : start + together], control) for start in starts]
            )
            values = (heard.double() @ read.double().T).cpu().numpy()
            return Similarities(values, float(listening.model.logit_scale_a.exp()))

    def _read(self, listening: Listening, phrases: Sequence[str]) -> torch.Tensor:
        """Return what the model makes of phrases, each read alone: none depends on what else was asked."""
        read: list[torch.Tensor] = []
        for phrase in phrases:
            known = self._known.get(phrase)
            if known is None:
                pieces = listening.tokenizer(sentence(phrase), return_tensors="pt").to(listening.model.device)
                with told_if_out_of_memory("a phrase"):
                    known = listening.model.get_text_features(
                        input_ids=pieces["input_ids"], attention_mask=pieces["attention_mask"]
                    ).pooler_output[0]
                self._known[phrase] = known
            read.append(known)
        while len(self._known) > _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return torch.stack(read)


def _heard(
    listening: Listening, samples: NDArray[numpy.float32], windows: Sequence[Extent], control: Control
) -> torch.Tensor:
    """Return what the model makes of windows, which are in order.

    All are heard at once or, where memory does not suffice, first one half and then the other.
    """
    control.check()
    try:
        with told_if_out_of_memory("a stretch of sound"):
            begin = windows[0].begin
            sound = tripled(samples, Extent(begin, windows[-1].end))  # at once, as windows overlap
            waves = [sound[_UP * (window.begin - begin) : _UP * (window.end - begin)] for window in windows]
            inputs = features(listening.extractor, waves, listening.model.device)
            # A model that could look at long sounds in parts is told that none is.
            is_longer = torch.zeros(len(waves), 1, dtype=torch.bool, device=listening.model.device)
            return listening.model.get_audio_features(input_features=inputs, is_longer=is_longer).pooler_output
    except OutOfMemory:
        if len(windows) < 2:
            raise
    middle = len(windows) // 2
    return torch.cat([_heard(listening, samples, half, control) for half in (windows[:middle], windows[middle:])])


def features(extractor: Any, waves: Sequence[NDArray[numpy.float32]], device: torch.device) -> torch.Tensor:
    """Return the log-mel features of sounds at 48 kHz, of shape (sounds, 1, frames, bands), as transformers does.

    Each sound is repeated as often as it fits into the length that the model hears; silence fills the rest.
    """
    repeated = numpy.zeros((len(waves), extractor.nb_max_samples))
    for row, wave in zip(repeated, waves, strict=True):
        often = len(row) // len(wave)
        row[: often * len(wave)] = numpy.tile(wave, often)
    size = extractor.fft_window_size
    spectrum = torch.stft(
        torch.from_numpy(repeated).to(device),
        size,
        extractor.hop_length,
        window=torch.hann_window(size, dtype=torch.float64, device=device),
        center=True,
        pad_mode="reflect",
        return_complex=True,
    )
    bands = extractor.mel_filters if extractor.truncation == "fusion" else extractor.mel_filters_slaney
    power = spectrum.abs().square().transpose(1, 2) @ torch.from_numpy(bands).to(device, torch.float64)
    return (10 * power.clamp_min(_QUIETEST).log10()).float()[:, None]


def sentence(phrase: str) -> str:
    """Return a phrase as the model reads it: in the words with which its authors ask about sounds."""
    return f"This is a sound of {' '.join(phrase.split()).rstrip('.')}."


def load_audio_segmenter(weights: Weights, *, device: str, decision: SoundDecision = OF_CLAP) -> SoundSegmenter:
    """Return an audio segmenter with the weights of a CLAP, loaded when they are first needed.

    ``decision`` says when its finds count.
    """
    return SoundSegmenter(
        LocalSoundScorer(lambda: load_listening(weights, device), weights.name, weights.revision, decision)
    )


def load_listening(weights: Weights, device: str) -> Listening:
    """Return a CLAP that is ready to run. Raises ModelUnavailable and OutOfMemory."""
    from transformers import AutoTokenizer, ClapFeatureExtractor, ClapModel

    folder = str(weights.folder)
    with opening(weights):
        extractor: Any = ClapFeatureExtractor.from_pretrained(folder, local_files_only=True)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    is_known = (extractor.sampling_rate, extractor.padding, extractor.top_db) == (_RATE, "repeatpad", None)
    if not is_known or extractor.nb_max_samples < WINDOW * _RATE:
        raise unavailable(weights, "it prepares sounds in a way that is not known here")
    # What sounds are told apart by is lost in bf16, whose steps are half a decibel; the model is small.
    return Listening(extractor, tokenizer, load_model(ClapModel, weights, device, precise=True, untaught=_COUNTED))
