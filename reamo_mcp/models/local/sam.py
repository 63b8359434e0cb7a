"""Pictures, boxes and masks as SAM 2.1 takes and gives them. The image and the video model share these conventions.

A picture is squeezed to a square of the model's size, whatever its shape; boxes are corners in pixels of that square;
masks come as logits of a quarter of its side. transformers' own processors do the same through torchvision, which
the rest of the project does without; a test holds both against each other where torchvision is installed.
"""

# torch and opencv are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import TYPE_CHECKING

import cv2
import numpy
import torch

from reamo_mcp.media.decoded import Picture
from reamo_mcp.types.grounding import Box

if TYPE_CHECKING:
    from reamo_mcp.media.run_lengths import Pixels

_MEAN = (0.485, 0.456, 0.406)  # of ImageNet, as in the published checkpoints
_DEVIATION = (0.229, 0.224, 0.225)
_SPECK = 0.02  # of the largest part of a mask; smaller parts would stretch its box to where nothing is


def squeezed(picture: Picture, side: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return the picture as input of shape (1, 3, side, side), on a device and in a number format."""
    pixels = torch.from_numpy(numpy.array(picture.pixels)).to(device).permute(2, 0, 1)[None].float()
    square = torch.nn.functional.interpolate(
        pixels, size=(side, side), mode="bilinear", align_corners=False, antialias=True
    )
    levels = square.round().clamp(0, 255) / 255
    mean, deviation = (torch.tensor(one, device=device).view(1, 3, 1, 1) for one in (_MEAN, _DEVIATION))
    return ((levels - mean) / deviation).to(dtype)


def corners(picture: Picture, box: Box, side: int) -> tuple[float, float, float, float]:
    """Return a box of the original's units as left, top, right and bottom edge in the square."""
    wide, high = side / picture.original_width, side / picture.original_height
    return box.x * wide, box.y * high, box.right * wide, box.bottom * high


def masked(logits: torch.Tensor, picture: Picture) -> "list[Pixels]":
    """Return logits of shape (masks, height, width) as masks of the size of the picture's pixels, without specks."""
    height, width = picture.pixels.shape[:2]
    if not len(logits):
        return []
    grown = torch.nn.functional.interpolate(
        logits[:, None].float(), size=(height, width), mode="bilinear", align_corners=False
    )
    return [_without_specks(mask) for mask in (grown[:, 0] > 0).cpu().numpy()]


def as_prompt(pixels: "Pixels", side: int) -> torch.Tensor:
    """Return a mask as a prompt of shape (1, 1, side, side)."""
    plane = torch.from_numpy(numpy.array(pixels))[None, None].float()
    grown = torch.nn.functional.interpolate(
        plane, size=(side, side), mode="bilinear", align_corners=False, antialias=True
    )
    return (grown >= 0.5).float()


def _without_specks(mask: "Pixels") -> "Pixels":
    count, labels, stats, _ = cv2.connectedComponentsWithStats(mask.astype(numpy.uint8), connectivity=8)
    if count <= 2:
        return mask
    areas = numpy.asarray(stats, numpy.int64)[:, cv2.CC_STAT_AREA]
    large = areas >= _SPECK * areas[1:].max()
    large[0] = False
    return numpy.asarray(large[numpy.asarray(labels)], numpy.bool_)
