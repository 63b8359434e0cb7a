"""How the processors of the Qwen omni models are asked, which both generations do alike.

Each medium is encoded by itself: so every video keeps its own frame rate (a processor call has one for all), and what
was encoded once can be put into further asks. The processor classes carry sizes of their own for videos, and a frame
rate that is not that of the frames, so both are always given. A sound sounds the same whatever stands beside it; in a
common call to one processor its end is heard otherwise beside a longer one.
"""

# torch is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.local.reasoner.families.family import Encoded
from reamo_mcp.models.local.reasoner.families.processor import Processor, VisualProcessor
from reamo_mcp.models.local.reasoner.media import Film, Still, Wave

if TYPE_CHECKING:
    import numpy
    import torch
    from numpy.typing import NDArray

_SHORTEST = SAMPLE_RATE // 10  # samples; of less the encoders make no token
_FEWEST = 4  # merged patches of a picture


class QwenMedia(ABC):
    """What the families of Qwen have in common. Each says itself what its sounds may last."""

    @abstractmethod
    def longest(self, processor: Processor) -> int | None:
        """Return the most samples of a sound that the processor does not cut, None where it takes any number."""

    def encode_still(self, processor: Processor, still: Still, side: int) -> Encoded:
        """Return a picture as the model takes it. Raises ValueError for one that is too long and thin."""
        import numpy

        sizes = {"size": _sizes(processor.image_processor, side)}
        pixels = numpy.array(still.pixels)  # torch takes no array that may only be read, as those of the decoder are
        return _encoded(
            processor(text=processor.image_token, images=[pixels], images_kwargs=sizes, return_tensors="pt")
        )

    def encode_wave(self, processor: Processor, wave: Wave) -> Encoded:
        """Return a sound as the model takes it. Raises ValueError for one that would be cut."""
        samples = _audible(wave.samples, self.longest(processor))
        return _encoded(processor(text=processor.audio_token, audio=[samples], return_tensors="pt"))

    def encode_film(self, processor: Processor, film: Film, side: int) -> Encoded:
        """Return a video as the model takes it, its sound woven in by time.

        Raises ValueError for one that is too thin or whose sound would be cut.
        """
        arguments: dict[str, Any] = {
            "videos": [film.frames],
            "videos_kwargs": {
                "size": _sizes(processor.video_processor, side),
                "fps": 1.0 / film.step,
                "do_sample_frames": False,
                "cap_pixels_per_frame": False,
            },
        }
        if film.sound is not None:
            arguments["audio"] = [_audible(film.sound, self.longest(processor))]
            arguments["audio_from_video_indices"] = [0]
            arguments["load_audio_from_video"] = True
        return _encoded(processor(text=processor.video_token, return_tensors="pt", **arguments))

    def seen_size(self, processor: Processor, encoded: Encoded) -> tuple[int, int]:
        """Return the width and height in pixels of the resized picture or video."""
        grid = encoded.tensors.get("image_grid_thw")
        patch = processor.image_processor.patch_size
        if grid is None:
            grid, patch = encoded.tensors["video_grid_thw"], processor.video_processor.patch_size
        _, rows, columns = grid[0].tolist()
        return int(columns) * patch, int(rows) * patch


def _sizes(visual: VisualProcessor, side: int) -> dict[str, int]:
    unit = visual.patch_size * visual.merge_size
    fewest = _FEWEST * unit * unit
    return {"shortest_edge": fewest, "longest_edge": max(fewest, side * side)}


def _audible(samples: "NDArray[numpy.float32]", longest: int | None) -> "NDArray[numpy.float32]":
    import numpy

    if longest is not None and len(samples) > longest:
        raise ValueError(f"a sound of more than {longest // SAMPLE_RATE} seconds")
    samples = numpy.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0)
    return numpy.pad(samples, (0, max(0, _SHORTEST - len(samples))))


def _encoded(batch: Any) -> Encoded:
    tensors: dict[str, torch.Tensor] = dict(batch)
    ids = tensors.pop("input_ids")[0].tolist()
    del tensors["attention_mask"]
    return Encoded(tuple(ids), tensors)
