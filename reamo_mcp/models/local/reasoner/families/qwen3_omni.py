"""Qwen3-Omni, the thinker with a mixture of experts: ``Qwen/Qwen3-Omni-30B-A3B-Instruct``.

Boxes are taken to be in thousandths of the width and height of the picture, corners ``[left, top, right, bottom]``, as
in Qwen3-VL, whose visual side it shares: its card states no convention, so the prompt says it. Time stands in position
ids, 13 to the second, and video and sound are woven token by token.
"""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from reamo_mcp.models.local.reasoner.families import qwen_media
from reamo_mcp.models.local.reasoner.families.family import Encoded, Shown
from reamo_mcp.models.local.reasoner.families.processor import Processor
from reamo_mcp.models.local.reasoner.media import Film, Still, Wave
from reamo_mcp.models.meta_response import Corners

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_WHOLE = 1000


@dataclass(frozen=True)
class Qwen3Omni:
    """See the module."""

    model_type: str = "qwen3_omni_moe_thinker"
    whole_type: str = "qwen3_omni_moe"
    conventions: str = (
        "A box is [left, top, right, bottom] in thousandths of the width and height of its picture, from 0 to 1000. A "
        "time is [start, end] in seconds, counted as in the head of its source."
    )
    time_step: float = 1 / 13
    adapted_modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    excluded_modules: str = r".*(audio_tower|visual).*"

    def load_model(self, folder: str, options: Mapping[str, Any]) -> "PreTrainedModel":
        """Return the thinker; of a whole checkpoint the talker is left where it is."""
        from transformers import Qwen3OmniMoeThinkerForConditionalGeneration

        return cast("PreTrainedModel", Qwen3OmniMoeThinkerForConditionalGeneration.from_pretrained(folder, **options))

    def load_processor(self, folder: str) -> Processor:
        """Return the processor."""
        from transformers import Qwen3OmniMoeProcessor

        return cast("Processor", Qwen3OmniMoeProcessor.from_pretrained(folder, local_files_only=True))

    def encode_still(self, processor: Processor, still: Still, side: int) -> Encoded:
        """Return a picture as the model takes it."""
        return qwen_media.encode_still(processor, still, side)

    def encode_wave(self, processor: Processor, wave: Wave) -> Encoded:
        """Return a sound as the model takes it, of any length."""
        return qwen_media.encode_wave(processor, wave, longest=None)

    def encode_film(self, processor: Processor, film: Film, side: int) -> Encoded:
        """Return a video as the model takes it, its sound woven in by time."""
        return qwen_media.encode_film(processor, film, side, longest=None)

    def seen_size(self, processor: Processor, encoded: Encoded) -> tuple[int, int]:
        """Return the width and height in pixels of the resized picture."""
        return qwen_media.seen_size(processor, encoded)

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
