"""What a family of models has of its own. Nothing of it leaves the adapter: answers are converted at its border.

Models write boxes as integers in some frame of their own and times in seconds. `Shown` says how a medium was shown,
which is what a conversion needs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from reamo_mcp.models.meta_response import Corners

if TYPE_CHECKING:
    import torch

    from reamo_mcp.models.local.reasoner.families.processor import Processor
    from reamo_mcp.models.local.reasoner.media import Film, Still, Wave


@dataclass(frozen=True)
class Shown:
    """The sizes (width, height) of a picture or frame: upright original, and as the model sees it."""

    original: tuple[float, float]
    seen: tuple[int, int]


@dataclass(frozen=True)
class Encoded:
    """A medium as a model takes it: the tokens in its place, and the tensors beside them, by their argument's name."""

    ids: tuple[int, ...]
    tensors: "Mapping[str, torch.Tensor]" = field(repr=False)


class Family(Protocol):
    """The conventions of one kind of model."""

    @property
    def model_type(self) -> str:
        """The ``model_type`` of the configuration of the part that reads and writes text."""
        ...

    @property
    def whole_type(self) -> str:
        """The ``model_type`` of a checkpoint that holds this part among others."""
        ...

    @property
    def conventions(self) -> str:
        """How boxes and times are written, for the model to read."""
        ...

    def model_class(self) -> Any:
        """Return the class of transformers that opens the part that reads and writes text."""
        ...

    def load_processor(self, folder: str) -> "Processor":
        """Return the processor of a folder."""
        ...

    def encode_still(self, processor: "Processor", still: "Still", side: int) -> Encoded:
        """Return a picture as the model takes it, of about ``side`` by ``side`` pixels at most."""
        ...

    def encode_wave(self, processor: "Processor", wave: "Wave") -> Encoded:
        """Return a sound as the model takes it."""
        ...

    def encode_film(self, processor: "Processor", film: "Film", side: int) -> Encoded:
        """Return a video as the model takes it, with its sound woven in if ``film.sound`` is there."""
        ...

    def seen_size(self, processor: "Processor", encoded: Encoded) -> tuple[int, int]:
        """Return the width and height in pixels at which a picture or video is seen."""
        ...

    def to_family(self, box: Corners, shown: Shown) -> Corners:
        """Return a box in pixels of the original as the model writes it, in integers."""
        ...

    def from_family(self, box: Corners, shown: Shown) -> Corners:
        """Return a box that the model wrote in pixels of the original."""
        ...
