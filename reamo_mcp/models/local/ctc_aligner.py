"""Given words found in speech by a wav2vec2 model trained with connectionist temporal classification."""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportArgumentType=false

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from transformers import Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

from reamo_mcp.errors import ModelUnavailable, ReamoError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.local.letters import Alphabet, placed_by_scores
from reamo_mcp.models.local.weights import Weights, loading
from reamo_mcp.models.local.work_on_device import free_memory, interruptible, told_if_out_of_memory
from reamo_mcp.models.roles import HeardWord

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


_SHORTEST = SAMPLE_RATE // 10  # samples; the model needs 25 ms to see anything


class Sounding(NamedTuple):
    """A loaded model and what belongs to it."""

    extractor: Wav2Vec2FeatureExtractor
    model: Wav2Vec2ForCTC


def load_sounding(weights: Weights, device: str) -> Sounding:
    """Return the model of a folder. Raises ModelUnavailable and OutOfMemory."""
    try:
        with told_if_out_of_memory("the aligner of speech"):
            extractor = Wav2Vec2FeatureExtractor.from_pretrained(str(weights.folder), local_files_only=True)
            model = Wav2Vec2ForCTC.from_pretrained(str(weights.folder), **loading(device))
            return Sounding(extractor, model.to(device).eval())
    except ReamoError:
        raise
    except Exception as error:  # whatever damage a checkpoint has, this is where it is told
        raise _unusable(weights, type(error).__name__) from None


class CtcAligner:
    """Places given words; the model is loaded by the first call. One call at a time."""

    def __init__(self, alphabet: Alphabet, load: Callable[[], Sounding]) -> None:
        self._alphabet = alphabet
        self._load = load
        self._sounding: Sounding | None = None

    def knows(self, text: str) -> bool:
        """Whether the model knows the letters of a text. Loads no weights."""
        return self._alphabet.knows(text)

    def unload(self) -> None:
        """Free the memory of the model; it is loaded again when it is needed."""
        self._sounding = None
        free_memory()

    def place(self, samples: "NDArray[numpy.float32]", words: Sequence[str], control: Control) -> list[HeardWord]:
        """Return the first of these words, as far as they are spoken. Raises ModelUnavailable and OutOfMemory."""
        if len(samples) < _SHORTEST:
            return []
        if self._sounding is None:
            self._sounding = self._load()
        extractor, model = self._sounding
        layers = model.wav2vec2.encoder.layers
        with told_if_out_of_memory("this much speech"), torch.inference_mode(), interruptible(layers, control):
            values = extractor(samples, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_values
            logits = model(values.to(model.device, model.dtype)).logits[0]
            scores = logits.float().log_softmax(-1).cpu().numpy()
        seconds = model.config.inputs_to_logits_ratio / SAMPLE_RATE
        return placed_by_scores(scores, words, self._alphabet, int(model.config.pad_token_id), seconds)


def _unusable(weights: Weights, why: str) -> ModelUnavailable:
    return ModelUnavailable(f"{weights.name} cannot be opened ({why})", "Fetch it again: reamo-mcp models pull")
