"""Qwen2.5-Omni, the dense thinker: ``Qwen/Qwen2.5-Omni-7B`` and ``-3B``.

Boxes are written in pixels of the picture as it was resized for the model, corners ``[left, top, right, bottom]``, as
Qwen2.5-VL does, whose visual side it shares. Time stands in position ids, 25 to the second; no stamps are in the text.
"""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false

from dataclasses import dataclass
from typing import Any, cast

from reamo_mcp.models.local.reasoner.families.family import Shown
from reamo_mcp.models.local.reasoner.families.processor import Processor
from reamo_mcp.models.local.reasoner.families.qwen_media import QwenMedia
from reamo_mcp.models.meta_response import Corners


@dataclass(frozen=True)
class Qwen2_5Omni(QwenMedia):
    """See the module."""

    model_type: str = "qwen2_5_omni_thinker"
    whole_type: str = "qwen2_5_omni"
    conventions: str = (
        "A box is [left, top, right, bottom] in whole pixels of the picture as you see it. A time is [start, end] in "
        "seconds, counted as in the head of its source."
    )

    def model_class(self) -> Any:
        """Return the class of the thinker; of a whole checkpoint it leaves the talker where it is."""
        from transformers import Qwen2_5OmniThinkerForConditionalGeneration

        return Qwen2_5OmniThinkerForConditionalGeneration

    def load_processor(self, folder: str) -> Processor:
        """Return the processor."""
        from transformers import Qwen2_5OmniProcessor

        return cast("Processor", Qwen2_5OmniProcessor.from_pretrained(folder, local_files_only=True))

    def longest(self, processor: Processor) -> int:
        """Return where its feature extractor would cut a sound."""
        return processor.feature_extractor.n_samples

    def to_family(self, box: Corners, shown: Shown) -> Corners:
        """Return a box in whole pixels of the resized picture."""
        (width, height), (seen_width, seen_height) = shown.original, shown.seen
        x, y = seen_width / width, seen_height / height
        left, top, right, bottom = box
        return (float(round(left * x)), float(round(top * y)), float(round(right * x)), float(round(bottom * y)))

    def from_family(self, box: Corners, shown: Shown) -> Corners:
        """Return a box in pixels of the original."""
        (width, height), (seen_width, seen_height) = shown.original, shown.seen
        x, y = width / seen_width, height / seen_height
        left, top, right, bottom = box
        return (left * x, top * y, right * x, bottom * y)
