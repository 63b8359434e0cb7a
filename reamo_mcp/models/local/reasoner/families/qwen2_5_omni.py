"""Qwen2.5-Omni, the dense thinker: ``Qwen/Qwen2.5-Omni-7B`` and ``-3B``.

Boxes are written in pixels of the picture as it was resized for the model, corners ``[left, top, right, bottom]``, as
Qwen2.5-VL does, whose visual side it shares. Time stands in position ids, 25 to the second; no stamps are in the text.
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


@dataclass(frozen=True)
class Qwen2_5Omni:
    """See the module."""

    model_type: str = "qwen2_5_omni_thinker"
    whole_type: str = "qwen2_5_omni"
    conventions: str = (
        "A box is [left, top, right, bottom] in whole pixels of the picture as you see it. A time is [start, end] in "
        "seconds, counted as in the head of its source."
    )
    time_step: float = 1 / 25
    adapted_modules: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj")
    excluded_modules: str = r".*(audio_tower|visual).*"

    def load_model(self, folder: str, options: Mapping[str, Any]) -> "PreTrainedModel":
        """Return the thinker; of a whole checkpoint the talker is left where it is."""
        from transformers import Qwen2_5OmniThinkerForConditionalGeneration

        return cast("PreTrainedModel", Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(folder, **options))

    def load_processor(self, folder: str) -> Processor:
        """Return the processor."""
        from transformers import Qwen2_5OmniProcessor

        return cast("Processor", Qwen2_5OmniProcessor.from_pretrained(folder, local_files_only=True))

    def encode_still(self, processor: Processor, still: Still, side: int) -> Encoded:
        """Return a picture as the model takes it."""
        return qwen_media.encode_still(processor, still, side)

    def encode_wave(self, processor: Processor, wave: Wave) -> Encoded:
        """Return a sound as the model takes it; its feature extractor would cut what is longer."""
        return qwen_media.encode_wave(processor, wave, longest=processor.feature_extractor.n_samples)

    def encode_film(self, processor: Processor, film: Film, side: int) -> Encoded:
        """Return a video as the model takes it: two seconds of frames, two seconds of sound, and so on."""
        return qwen_media.encode_film(processor, film, side, longest=processor.feature_extractor.n_samples)

    def seen_size(self, processor: Processor, encoded: Encoded) -> tuple[int, int]:
        """Return the width and height in pixels of the resized picture."""
        return qwen_media.seen_size(processor, encoded)

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
