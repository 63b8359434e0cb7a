"""An image segmenter made of two models: one that finds what phrases refer to, and one that outlines what is found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from reamo_mcp.errors import EngineFailed, InvalidArgument, OutOfMemory
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.phrase_detection import Detection, PhraseDetector, located
from reamo_mcp.models.roles import Answer, Failed, Found, ModelCard, Region, Unsupported
from reamo_mcp.types.grounding import Box, Mask

if TYPE_CHECKING:
    from reamo_mcp.media.run_lengths import Pixels

_DOUBLED = 0.7  # overlap of outlines from which two regions of one phrase are one
LEAST_FIT = 0.2
"""Overlap of an outline with its box below which it outlines something else."""


class Outliner(Protocol):
    """Outlines what is in a box."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    def outline(self, picture: Picture, boxes: Sequence[Box], control: Control) -> "list[Pixels]":
        """Return one mask per box (of the original's units), of the size of the picture's pixels.

        Raises OutOfMemory and EngineFailed.
        """
        ...


class PhraseSegmenter:
    """Finds phrases with one model, outlines them with another. What fails the check of the first is not there."""

    def __init__(self, detector: PhraseDetector, outliner: Outliner) -> None:
        self._detector = detector
        self._outliner = outliner

    @property
    def card(self) -> ModelCard:
        """Both models as one."""
        card = joined_card("image_segmenter", self._detector.card, self._outliner.card)
        return card.model_copy(update={"sure_from": self._detector.decision.sure})

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
        """Return the regions of each phrase, best first, each with its outline."""
        try:
            return [Found(regions) for regions in self._segmented(picture, phrases, control)]
        except (OutOfMemory, EngineFailed, InvalidArgument) as error:
            if len(phrases) == 1:
                return [_answer(error)]
        return [answer for phrase in phrases for answer in self.segment(picture, [phrase], control)]

    def _segmented(self, picture: Picture, phrases: Sequence[str], control: Control) -> "list[tuple[Region, ...]]":
        found = located(self._detector, picture, phrases, control)
        boxes = [one.box for detections in found for one in detections]
        control.check()
        outlines = iter(self._outliner.outline(picture, boxes, control) if boxes else ())
        regions: list[tuple[Region, ...]] = []
        for phrase, detections in zip(phrases, found, strict=True):
            pairs = [(one, next(outlines)) for one in detections]
            regions.append(tuple(_region(picture, phrase, one, pixels) for one, pixels in _distinct(pairs)))
        return regions


def joined_card(role: str, *cards: ModelCard) -> ModelCard:
    """Return the card of a role that several models fill together."""
    return ModelCard(
        role=role,
        name=" + ".join(card.name for card in cards),
        revision="+".join(card.revision for card in cards),
        limits="; ".join(card.limits for card in cards if card.limits),
    )


def mask_of(picture: Picture, pixels: "Pixels") -> Mask:
    """Return the mask at the size of the original."""
    from reamo_mcp.media.run_lengths import encoded, resized

    return encoded(resized(pixels, max(1, round(picture.original_width)), max(1, round(picture.original_height))))


def box_of(picture: Picture, pixels: "Pixels") -> Box | None:
    """Return the box around a mask in units of the original, None for an empty mask."""
    from reamo_mcp.media.run_lengths import around

    box = around(pixels)
    if box is None:
        return None
    wide = picture.original_width / pixels.shape[1]
    high = picture.original_height / pixels.shape[0]
    return Box(x=box.x * wide, y=box.y * high, width=box.width * wide, height=box.height * high)


def overlap(one: "Pixels", other: "Pixels") -> float:
    """Return the shared part of two masks of one size, 0 for empty ones."""
    shared = int((one & other).sum())
    return shared / int((one | other).sum()) if shared else 0.0


def _answer(error: OutOfMemory | EngineFailed | InvalidArgument) -> Failed | Unsupported:
    if isinstance(error, InvalidArgument):
        return Unsupported(error.message)
    return Failed(error.code, error.message)


def _distinct(pairs: "Sequence[tuple[Detection, Pixels]]") -> "list[tuple[Detection, Pixels]]":
    """Return the finds of one phrase, best first, without those that outline what a better one outlines."""
    kept: list[tuple[Detection, Pixels]] = []
    for detection, pixels in pairs:
        if all(overlap(pixels, better) < _DOUBLED for _, better in kept):
            kept.append((detection, pixels))
    return kept


def _region(picture: Picture, phrase: str, detection: Detection, pixels: "Pixels") -> Region:
    box = box_of(picture, pixels)
    if box is None or box.intersection_over_union(detection.box) < LEAST_FIT:
        return Region(type=phrase, box=detection.box, score=detection.score)
    return Region(type=phrase, box=box, score=detection.score, mask=mask_of(picture, pixels))
