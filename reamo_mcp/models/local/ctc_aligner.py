"""Given words found in speech by a wav2vec2 model trained with connectionist temporal classification."""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportArgumentType=false

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.local.letters import Alphabet, placed_by_scores
from reamo_mcp.models.local.weights import Loaded, Weights, load_model, opening
from reamo_mcp.models.local.work_on_device import interruptible, told_if_out_of_memory
from reamo_mcp.models.roles import HeardWord

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_OF_TRAINING = ("wav2vec2.masked_spec_embed",)  # stands for what is hidden in training; published without it
_SHORTEST = SAMPLE_RATE // 10  # samples; the model needs 25 ms to see anything


class Sounding(NamedTuple):
    """A loaded model and what belongs to it."""

    extractor: Wav2Vec2FeatureExtractor
    model: Wav2Vec2ForCTC


def load_sounding(weights: Weights, device: str) -> Sounding:
    """Return the model of a folder. Raises ModelUnavailable and OutOfMemory."""
    with opening(weights):
        extractor = Wav2Vec2FeatureExtractor.from_pretrained(str(weights.folder), local_files_only=True)
    return Sounding(extractor, load_model(Wav2Vec2ForCTC, weights, device, untaught=_OF_TRAINING))


class CtcAligner:
    """Places given words; the model is loaded by the first call. One call at a time."""

    def __init__(self, alphabet: Alphabet, load: Callable[[], Sounding]) -> None:
        self._alphabet = alphabet
        self._loaded = Loaded(load)

    def knows(self, text: str) -> bool:
        """Whether the model knows the letters of a text. Loads no weights."""
        return self._alphabet.knows(text)

    def place(self, samples: "NDArray[numpy.float32]", words: Sequence[str], control: Control) -> list[HeardWord]:
        """Return the first of these words, as far as they are spoken. Raises ModelUnavailable and OutOfMemory."""
        if len(samples) < _SHORTEST:
            return []
        extractor, model = self._loaded.get()
        layers = model.wav2vec2.encoder.layers
        with told_if_out_of_memory("this much speech"), torch.inference_mode(), interruptible(layers, control):
            values = extractor(samples, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_values
            logits = model(values.to(model.device, model.dtype)).logits[0]
            scores = logits.float().log_softmax(-1).cpu().numpy()
        seconds = model.config.inputs_to_logits_ratio / SAMPLE_RATE
        return placed_by_scores(scores, words, self._alphabet, int(model.config.pad_token_id), seconds)
