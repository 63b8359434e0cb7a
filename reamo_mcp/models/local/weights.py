"""Where the weights of a model lie, and how they are loaded: local files, safetensors alone, no code in them."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from reamo_mcp.types.record import Record

if TYPE_CHECKING:
    import torch


class Weights(Record):
    """One checkpoint: its public name, the pinned revision (a commit), and the folder that holds its files."""

    name: str
    revision: str = Field(description="The commit that was pulled")
    folder: Path


def loading(device: str) -> "dict[str, Any]":
    """Return how every checkpoint is opened for a device: fp32 on the processor, bf16 on a GPU."""
    return {"local_files_only": True, "use_safetensors": True, "trust_remote_code": False, "dtype": dtype_of(device)}


def dtype_of(device: str) -> "torch.dtype":
    """Return the number format that models use on a device."""
    import torch

    return torch.float32 if device == "cpu" else torch.bfloat16
