"""The look of things in a frame, so that the same thing can be told again in another frame without reading it anew."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reamo_mcp.media.decoded import Picture
from reamo_mcp.types.grounding import Box

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Patch = NDArray[numpy.uint8]  # gray, cut out of a frame at the size at which frames are read

_SAME = 0.6  # correlation; other letters of the same font and size in the same place stay below 0.5
_LEAST_SIDE = 4  # pixels
_FLAT = 2.0  # standard deviation in levels of 255 below which there is nothing to compare
_LARGEST = 96 * 1024  # pixels of a patch; larger ones are compared by their middle


@dataclass(frozen=True)
class FrameView:
    """One frame in gray. Boxes are in units of the original; ``scale`` is that of the picture."""

    gray: "NDArray[numpy.uint8]"
    scale: float

    @classmethod
    def of(cls, picture: Picture) -> "FrameView":
        """Return the view of a picture; it keeps none of the picture's memory."""
        import cv2
        import numpy

        return cls(numpy.asarray(cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2GRAY), numpy.uint8), picture.scale)

    def patch(self, box: Box) -> "Patch | None":
        """Return what is seen in a box, None where that is too small or too plain to be told again."""
        left, top, right, bottom = self._bounds(box, 0)
        if (right - left) * (bottom - top) > _LARGEST:
            trim = (right - left) // 4, (bottom - top) // 4
            left, right, top, bottom = left + trim[0], right - trim[0], top + trim[1], bottom - trim[1]
        patch = self.gray[top:bottom, left:right]
        if min(patch.shape) < _LEAST_SIDE or float(patch.std()) < _FLAT:
            return None
        return patch.copy()

    def shows(self, patch: "Patch", box: Box) -> bool:
        """Return whether the patch is seen at the box, or no more than its height away."""
        import cv2

        left, top, right, bottom = self._bounds(box, patch.shape[0])
        around = self.gray[top:bottom, left:right]
        if around.shape[0] < patch.shape[0] or around.shape[1] < patch.shape[1]:
            return False
        found = cv2.matchTemplate(around, patch, cv2.TM_CCOEFF_NORMED)
        return float(found.max()) >= _SAME

    def _bounds(self, box: Box, margin: int) -> tuple[int, int, int, int]:
        high, wide = self.gray.shape
        left, right = (min(wide, max(0, round(x * self.scale))) for x in (box.x, box.right))
        top, bottom = (min(high, max(0, round(y * self.scale))) for y in (box.y, box.bottom))
        return max(0, left - margin), max(0, top - margin), min(wide, right + margin), min(high, bottom + margin)
