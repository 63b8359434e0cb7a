"""Running a model so that it can be stopped, and so that a lack of memory is told as what it is."""

# torch is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false

import gc
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from typing import Any

import torch

from reamo_mcp.errors import OutOfMemory
from reamo_mcp.isolation.control import Control

_BETWEEN_LOOKS = 0.1  # seconds
_TOLD_AS_RUNTIME_ERROR = ("not enough memory", "can't allocate memory", "out of memory")


def layers_of(model: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the layers of a model, of towers too: between them a call can be left."""
    return [layer for part in model.modules() if isinstance(part, torch.nn.ModuleList) for layer in part]


@contextmanager
def interruptible(layers: Iterable[torch.nn.Module], control: Control) -> Generator[None]:
    """Look at the control before every layer that runs, as often as it makes sense. Raises what the control raises."""
    looked = time.monotonic()

    def look(_module: torch.nn.Module, _given: Any) -> None:
        nonlocal looked
        now = time.monotonic()
        if now - looked >= _BETWEEN_LOOKS:
            looked = now
            control.check()

    control.check()
    hooks = [layer.register_forward_pre_hook(look) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


@contextmanager
def told_if_out_of_memory(what: str) -> Generator[None]:
    """Turn each way in which torch runs out of memory into OutOfMemory, whose memory is free again."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError):
        pass
    except RuntimeError as error:
        if not any(sign in str(error).lower() for sign in _TOLD_AS_RUNTIME_ERROR):
            raise
    else:
        return
    free_memory()
    raise OutOfMemory(f"the memory of the device does not suffice for {what}", "Choose a profile for less memory")


def free_memory() -> None:
    """Give memory that nothing uses any more back to the device."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
