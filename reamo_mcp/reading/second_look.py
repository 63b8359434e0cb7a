"""The second look: a doubtful find of a module counts only if another model sees it too, in what is cut out around it.

It is taken where it pays: not at finds of which the module is sure, not at those that no call would get, and at no more
than some of each medium. Where nobody can look, or whoever looks fails, finds stay as the module made them.
"""

from collections.abc import Callable, Hashable, Sequence, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, NamedTuple, TypeVar

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.roles import Confirmer, ModelCard, Region
from reamo_mcp.reading.setbacks import setback, taken
from reamo_mcp.types.grounding import Box

UNSEEN = "the second look at the crop did not see it"
"""Why a find was given up."""

CROP_SIDE = 896
"""Pixels of the longer side of a crop, at most."""

_MOST_LOOKS = 32  # at finds in one medium
_LEAST_SHARE = 0.5  # of yes against no
_AROUND = 0.15  # of the sides of a box, shown beyond each of them
_LEAST_AROUND = 2.0  # pixels
_MOST_VIEWS = 64  # of one video, at some hundred kilobytes
_VIEW_SIDE = 448
_LARGER = 1.2  # times the area from which a view is a better one

K = TypeVar("K", bound=Hashable)


class Doubt(NamedTuple):
    """What is looked at again: what it shall be, how sure the module is of it, and what shows it, if anything does."""

    phrase: str
    score: float
    crop: Callable[[], Picture | None]


def is_doubtful(score: float, first: ModelCard) -> bool:
    """Return whether a find with this score, by the model of this card, is worth a second look."""
    return first.sure_from is None or score < first.sure_from


@dataclass
class SecondLook(Generic[K]):
    """The second look at what one module (its card: ``first``) found in one medium."""

    confirmer: Confirmer | None
    first: ModelCard
    rejected: set[K] = field(default_factory=set[K])
    _looked_at: set[K] = field(default_factory=set[K])

    def choices(
        self, choose: Callable[[Set[K]], Sequence[Sequence[K]]], doubt: Callable[[K], Doubt], control: Control
    ) -> Sequence[Sequence[K]]:
        """Return what is chosen once each doubtful choice was looked at.

        ``choose`` chooses for each call, without those that are given up. Raises what ``control.check`` raises.
        """
        while True:
            chosen = choose(self.rejected)
            if self.confirmer is None:
                return chosen
            new = (one for one in dict.fromkeys(chain.from_iterable(chosen)) if one not in self._looked_at)
            due = {one: told for one in new if is_doubtful((told := doubt(one)).score, self.first)}
            best = sorted(due, key=lambda one: -due[one].score)[: _MOST_LOOKS - len(self._looked_at)]
            if not best:
                return chosen
            self._looked_at.update(best)
            self.rejected.update(self._unseen(self.confirmer, {one: due[one] for one in best}, control))

    def _unseen(self, confirmer: Confirmer, due: dict[K, Doubt], control: Control) -> list[K]:
        control.check()
        try:
            crops = {one: crop for one, told in due.items() if (crop := told.crop()) is not None}
            phrases = [due[one].phrase for one in crops]
            answers = confirmer.confirm(list(crops.values()), phrases, control) if crops else []
            return [
                one
                for one, answer in zip(crops, answers, strict=True)
                if any(confirmation.share < _LEAST_SHARE for confirmation in taken(answer)[0])
            ]
        except Exception as error:  # what was found is worth having without a second look
            setback(error, f"a second look ({confirmer.card.name})")
            return []


class _View(NamedTuple):
    score: float
    area: float
    crop: Picture


@dataclass
class BestViews:
    """How doubtful things of a video looked where they were seen best. However long it is, the memory is bounded."""

    first: ModelCard
    _views: dict[int, _View] = field(default_factory=dict[int, _View])

    def saw(self, number: int, region: Region, picture: Picture) -> None:
        """Take in where a thing is in a frame."""
        if not is_doubtful(region.score, self.first):
            self._views.pop(number, None)
            return
        area, known = region.box.width * region.box.height, self._views.get(number)
        if known is None or region.score > known.score or area > _LARGER * known.area:
            self._views[number] = _View(region.score, area, cut(picture, region.box, _VIEW_SIDE))
        if len(self._views) > _MOST_VIEWS:
            del self._views[min(self._views, key=lambda one: self._views[one].score)]

    def of(self, number: int) -> Picture | None:
        """Return how a thing looked, None if that was not kept."""
        view = self._views.get(number)
        return None if view is None else view.crop


def cut(picture: Picture, box: Box, side: int) -> Picture:
    """Return what a picture shows in a box (in units of the original) and a little around it.

    Its longer side has at most ``side`` pixels; it keeps none of the picture's memory.
    """
    import numpy

    high, wide = picture.pixels.shape[:2]
    left, right = _stretch(box.x, box.right, picture.scale, wide)
    top, bottom = _stretch(box.y, box.bottom, picture.scale, high)
    pixels = picture.pixels[top:bottom, left:right].copy()
    scale = side / max(pixels.shape[:2])
    if scale < 1:
        from PIL import Image

        size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
        pixels = numpy.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.LANCZOS))
    width, height = (right - left) / picture.scale, (bottom - top) / picture.scale
    return Picture(pixels, picture.scale * min(1.0, scale), width, height)


def _stretch(start: float, end: float, scale: float, size: int) -> tuple[int, int]:
    """Return the pixels from ``start`` to ``end`` and a little beyond, at least one and none outside of the picture."""
    around = max(_LEAST_AROUND, _AROUND * (end - start) * scale)
    first = min(size - 1, max(0, int(start * scale - around)))
    return first, max(first + 1, min(size, int(end * scale + around) + 1))
