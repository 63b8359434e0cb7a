"""Finding phrases in pictures with MM-Grounding-DINO or Grounding DINO: several phrases in one pass.

The model reads the phrases as one text, each ended by a full stop, and scores each of its boxes against each word
piece. The score of a phrase is the mean over its pieces, as in the published evaluation of MM-Grounding-DINO. The
labels that transformers' own post-processing makes from scores are not used: they may be parts or mixtures of phrases.
"""

# torch and transformers are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import re
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.local.weights import Loaded, Weights, load_model, opening
from reamo_mcp.models.local.work_on_device import interruptible, layers_of, told_if_out_of_memory
from reamo_mcp.models.phrase_detection import OF_GROUNDING_DINO, Decision, Detection
from reamo_mcp.models.roles import ModelCard
from reamo_mcp.types.grounding import Box

_MAY_MATTER = 0.5  # of the threshold; lower scores decide nothing
_STOP = "."
_SEPARATORS = re.compile(r"[.?]+")  # end a phrase wherever they stand


class Detecting(NamedTuple):
    """A loaded model and what prepares its inputs, both of transformers' Grounding DINO."""

    processor: Any
    model: Any


class LocalPhraseDetector:
    """Scores places of a picture for phrases. The model is loaded by the first call."""

    def __init__(
        self, load: Callable[[], Detecting], name: str, revision: str, decision: Decision = OF_GROUNDING_DINO
    ) -> None:
        self._loaded = Loaded(load)
        self.decision = decision
        self.card = ModelCard(role="phrase_detector", name=name, revision=revision, limits="phrases are English")

    def fits(self, phrases: Sequence[str]) -> bool:
        """Return whether the phrases are no more text than the model reads at once. Raises ModelUnavailable."""
        processor, model = self._loaded.get()
        return len(processor.tokenizer(prompt(phrases))["input_ids"]) <= model.config.max_text_len

    def detect(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Detection]:
        """Return boxes and phrases that may belong together.

        Raises ModelUnavailable, OutOfMemory for a picture that is too much, and what ``control.check`` raises.
        """
        processor, model = self._loaded.get()
        inputs = processor(images=picture.pixels, text=prompt(phrases), return_tensors="pt").to(model.device)
        inputs["pixel_values"] = inputs["pixel_values"].to(model.dtype)
        with told_if_out_of_memory("a picture"), torch.inference_mode(), interruptible(layers_of(model), control):
            answer = model(**inputs)
            logits, boxes = answer.logits[0].float().cpu(), answer.pred_boxes[0].float().cpu()
        stop = processor.tokenizer.convert_tokens_to_ids(_STOP)
        scores = phrase_scores(logits, inputs["input_ids"][0].tolist(), stop, len(phrases))
        return detections(scores, boxes, picture, _MAY_MATTER * self.decision.threshold)


def load_phrase_detector(
    weights: Weights, *, device: str, decision: Decision = OF_GROUNDING_DINO
) -> LocalPhraseDetector:
    """Return a detector with the weights of an MM-Grounding-DINO, loaded when they are first needed.

    LLMDet is of the same class. ``decision`` says when its finds count.
    """
    return LocalPhraseDetector(lambda: _detecting(weights, device), weights.name, weights.revision, decision)


def _detecting(weights: Weights, device: str) -> Detecting:
    from transformers import AutoTokenizer, GroundingDinoProcessor, MMGroundingDinoForObjectDetection
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil

    folder = str(weights.folder)
    with opening(weights):
        pictures = GroundingDinoImageProcessorPil.from_pretrained(folder, local_files_only=True)
        words = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    model = load_model(MMGroundingDinoForObjectDetection, weights, device)
    return Detecting(GroundingDinoProcessor(image_processor=pictures, tokenizer=words), model)


def prompt(phrases: Sequence[str]) -> str:
    """Return the phrases as the model reads them: lower case, each ended by the only full stop in it."""
    return " ".join(f"{_plain(phrase)} {_STOP}" for phrase in phrases)


def phrase_scores(logits: torch.Tensor, pieces: Sequence[int], stop: int, count: int) -> torch.Tensor:
    """Return the scores of the phrases, of shape (boxes, phrases), from those of word pieces, (boxes, pieces).

    ``pieces`` are the ids of the text, which begins with one that belongs to no phrase.
    """
    scores = torch.zeros(len(logits), count)
    probabilities = logits.sigmoid()
    own: list[int] = []
    phrase = 0
    for place, piece in enumerate(pieces[1:], 1):
        if piece != stop:
            own.append(place)
            continue
        if own:
            scores[:, phrase] = probabilities[:, own].mean(dim=1)
        own = []
        phrase += 1
        if phrase == count:
            break
    return scores


def detections(scores: torch.Tensor, boxes: torch.Tensor, picture: Picture, least: float) -> list[Detection]:
    """Return every pair of a box and a phrase from a score of ``least``.

    ``boxes`` are centre, width and height as shares of the picture; they are cut at its edges.
    """
    wide, high = picture.original_width, picture.original_height
    found: list[Detection] = []
    for number, phrase in torch.nonzero(scores >= least).tolist():
        across, down, width, height = boxes[number].tolist()
        left, right = (min(wide, max(0.0, edge * wide)) for edge in (across - width / 2, across + width / 2))
        top, bottom = (min(high, max(0.0, edge * high)) for edge in (down - height / 2, down + height / 2))
        box = Box(x=left, y=top, width=right - left, height=bottom - top)
        found.append(Detection(phrase=phrase, box=box, score=float(scores[number, phrase])))
    return found


def _plain(phrase: str) -> str:
    return " ".join(_SEPARATORS.sub(" ", phrase.lower()).split())
