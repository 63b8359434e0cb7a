"""Qwen3-Omni, the thinker with a mixture of experts: ``Qwen/Qwen3-Omni-30B-A3B-Instruct``.

Boxes are taken to be in thousandths of the width and height of the picture, corners ``[left, top, right, bottom]``, as
in Qwen3-VL, whose visual side it shares: its card states no convention, so the prompt says it. Time stands in position
ids, 13 to the second, and video and sound are woven token by token.
"""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false

from dataclasses import dataclass
from typing import Any, cast

from reamo_mcp.models.local.reasoner.families.family import Shown
from reamo_mcp.models.local.reasoner.families.processor import Processor
from reamo_mcp.models.local.reasoner.families.qwen_media import QwenMedia
from reamo_mcp.models.meta_response import Corners

_WHOLE = 1000


@dataclass(frozen=True)
class Qwen3Omni(QwenMedia):
    """See the module."""

    model_type: str = "qwen3_omni_moe_thinker"
    whole_type: str = "qwen3_omni_moe"
    conventions: str = (
        "A box is [left, top, right, bottom] in thousandths of the width and height of its picture, from 0 to 1000. A "
        "time is [start, end] in seconds, counted as in the head of its source."
    )

    def model_class(self) -> Any:
        """Return the class of the thinker; of a whole checkpoint it leaves the talker where it is."""
        from transformers import Qwen3OmniMoeThinkerForConditionalGeneration

        return Qwen3OmniMoeThinkerForConditionalGeneration

    def load_processor(self, folder: str) -> Processor:
        """Return the processor."""
        from transformers import Qwen3OmniMoeProcessor

        return cast("Processor", Qwen3OmniMoeProcessor.from_pretrained(folder, local_files_only=True))

    def longest(self, processor: Processor) -> None:
        """Return None: sounds may be of any length."""
        return

    def to_family(self, box: Corners, shown: Shown) -> Corners:
        """Return a box in whole thousandths of the picture."""
        width, height = shown.original
        left, top, right, bottom = box
        return (
            _thousandths(left, width),
            _thousandths(top, height),
            _thousandths(right, width),
            _thousandths(bottom, height),
        )

    def from_family(self, box: Corners, shown: Shown) -> Corners:
        """Return a box in pixels of the original."""
        width, height = shown.original
        left, top, right, bottom = box
        return (left * width / _WHOLE, top * height / _WHOLE, right * width / _WHOLE, bottom * height / _WHOLE)


def _thousandths(place: float, length: float) -> float:
    return float(round(place / length * _WHOLE))
