"""The media of an ask, stripped to what a processor takes."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Still:
    """A picture: ``pixels`` [height, width, 3]."""

    medium: str
    pixels: "NDArray[numpy.uint8]" = field(repr=False)
    original: tuple[float, float]


@dataclass(frozen=True, eq=False)
class Wave:
    """A sound: mono samples at 16 kHz."""

    medium: str
    samples: "NDArray[numpy.float32]" = field(repr=False)


@dataclass(frozen=True, eq=False)
class Film:
    """A video: ``frames`` [frames, height, width, 3], one every ``step`` seconds, and a sound to weave in, or None."""

    medium: str
    frames: "NDArray[numpy.uint8]" = field(repr=False)
    step: float
    original: tuple[float, float]
    sound: "NDArray[numpy.float32] | None" = field(default=None, repr=False)


Medium = Still | Wave | Film
