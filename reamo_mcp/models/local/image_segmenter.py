"""The image segmenter of a local machine: a phrase detector, and SAM 2.1 that outlines what it finds."""

# torch and transformers are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch

from reamo_mcp.errors import OutOfMemory
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.local.sam import corners, masked, squeezed
from reamo_mcp.models.local.weights import Loaded, Weights, load_model
from reamo_mcp.models.local.work_on_device import interruptible, layers_of, told_if_out_of_memory
from reamo_mcp.models.phrase_detection import PhraseDetector
from reamo_mcp.models.phrase_segmenter import PhraseSegmenter
from reamo_mcp.models.roles import ModelCard
from reamo_mcp.types.grounding import Box

if TYPE_CHECKING:
    from reamo_mcp.media.run_lengths import Pixels

_TOGETHER = 32  # boxes that are outlined at once


class LocalOutliner:
    """Outlines boxes with the image model of SAM 2.1, which is loaded by the first call.

    A picture is encoded once for all its boxes.
    """

    def __init__(self, load: Callable[[], Any], name: str, revision: str) -> None:
        self._loaded = Loaded(load)
        self.card = ModelCard(role="outliner", name=name, revision=revision)

    def outline(self, picture: Picture, boxes: Sequence[Box], control: Control) -> "list[Pixels]":
        """Return one mask per box. Where memory does not suffice for all, fewer are outlined at a time.

        Raises ModelUnavailable, OutOfMemory where it does not suffice for one, and what ``control.check`` raises.
        """
        model = self._loaded.get()
        side = int(model.config.prompt_encoder_config.image_size)
        with (
            told_if_out_of_memory("a picture"),
            torch.inference_mode(),
            interruptible(layers_of(model), control),
        ):
            embeddings = model.get_image_embeddings(squeezed(picture, side, model.dtype, model.device))
        starts = range(0, len(boxes), _TOGETHER)
        return [
            mask
            for start in starts
            for mask in _outlined(model, embeddings, picture, boxes[start : start + _TOGETHER], side, control)
        ]


def _outlined(
    model: Any, embeddings: Any, picture: Picture, boxes: Sequence[Box], side: int, control: Control
) -> "list[Pixels]":
    """Outline all boxes at once; where memory does not suffice, first one half and then the other."""
    control.check()
    try:
        with told_if_out_of_memory("an outline"), torch.inference_mode():
            places = torch.tensor([[corners(picture, box, side) for box in boxes]], dtype=model.dtype)
            answer = model(image_embeddings=embeddings, input_boxes=places.to(model.device), multimask_output=False)
            return masked(answer.pred_masks[0, :, 0], picture)
    except OutOfMemory:
        if len(boxes) < 2:
            raise
    middle = len(boxes) // 2
    first, second = (
        _outlined(model, embeddings, picture, half, side, control) for half in (boxes[:middle], boxes[middle:])
    )
    return [*first, *second]


def load_image_segmenter(detector: PhraseDetector, outliner: Weights, *, device: str) -> PhraseSegmenter:
    """Return an image segmenter of a detector and the weights of a SAM 2.1, loaded when they are first needed."""
    return PhraseSegmenter(
        detector, LocalOutliner(lambda: _outliner(outliner, device), outliner.name, outliner.revision)
    )


def _outliner(weights: Weights, device: str) -> Any:
    from transformers import Sam2Model

    return load_model(Sam2Model, weights, device)
