"""Lets the published torchvision be imported beside a torch without CUDA; to be called before transformers is.

Its wheel is linked to the CUDA libraries, so that its own operators do not load there, and its import stops at the
first of them. The processors of transformers need none of these operators, only that they have a schema.
"""

# torch is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false

import ctypes
from importlib.util import find_spec
from pathlib import Path

import torch

_kept: list[torch.library.Library] = []  # the schemas go when the library does


def install() -> None:
    """Define the schemas of the two operators if torchvision's own cannot be loaded."""
    spec = find_spec("torchvision")
    if _kept or spec is None or not spec.submodule_search_locations:
        return
    try:
        ctypes.CDLL(str(Path(spec.submodule_search_locations[0]) / "_C.so"))
    except OSError:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _kept.append(library)
