"""Where the weights of a model lie, and how they are loaded: local files, safetensors alone, no code in them."""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Collection, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from pydantic import Field

from reamo_mcp.errors import ModelUnavailable, ReamoError
from reamo_mcp.types.record import Record

if TYPE_CHECKING:
    import torch

T = TypeVar("T")


class Weights(Record):
    """One checkpoint: its public name, the pinned revision (a commit), and the folder that holds its files."""

    name: str
    revision: str = Field(description="The commit that was pulled")
    folder: Path


class Loaded(Generic[T]):
    """A model that is loaded by the first who needs it. One call at a time."""

    def __init__(self, load: Callable[[], T]) -> None:
        self._load = load
        self._model: T | None = None

    def get(self) -> T:
        """Return the model. Raises ModelUnavailable and OutOfMemory."""
        if self._model is None:
            self._model = self._load()
        return self._model


@contextmanager
def opening(weights: Weights) -> Generator[None]:
    """Tell whatever stops a checkpoint from being opened: ModelUnavailable for damage of any kind, or OutOfMemory.

    An ImportError passes: it is of the packages that are installed, not of the checkpoint.
    """
    from reamo_mcp.models.local.work_on_device import told_if_out_of_memory

    try:
        with told_if_out_of_memory(weights.name):
            yield
    except (ReamoError, ImportError):
        raise
    except Exception as error:  # whatever damage a checkpoint has, this is where it is told
        raise unavailable(weights, type(error).__name__) from None


def load_model(
    kind: Any,
    weights: Weights,
    device: str,
    *,
    straight: bool = False,
    precise: bool = False,
    untaught: Collection[str] = (),
) -> Any:
    """Return the model of a class of transformers on a device, ready to run: fp32 on the processor, bf16 on a GPU.

    Args:
        kind: The class.
        weights: Where its checkpoint lies.
        device: As torch names it.
        straight: Whether to put it on a GPU file by file, so that the host need not hold all weights.
        precise: Whether to use fp32 on a GPU too.
        untaught: Weights that published checkpoints lack, as they have no part in an answer.

    Raises ModelUnavailable where files are missing or damaged, or a weight of the model is not among them
    (transformers would fill it with noise), and where torch cannot use the device; and OutOfMemory.
    """
    _check(device)
    on_the_way = {"device_map": {"": device}} if straight and device != "cpu" else {}
    with opening(weights):
        model, info = kind.from_pretrained(
            str(weights.folder),
            output_loading_info=True,
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=dtype_of("cpu" if precise else device),
            **on_the_way,
        )
        missing = sorted(set(info["missing_keys"]).difference(untaught))
        amiss = [*missing, *(str(entry[0]) for entry in info["mismatched_keys"])]
        if amiss:
            raise unavailable(weights, f"{len(amiss)} weights are not in its files, such as {amiss[0]}")
        return (model if on_the_way else model.to(device)).eval()


def _check(device: str) -> None:
    import torch

    if device != "cpu" and not torch.cuda.is_available():
        raise ModelUnavailable(
            "torch cannot use the GPU here", "Update the NVIDIA driver, or install a torch that was built for it"
        )


def unavailable(weights: Weights, why: str) -> ModelUnavailable:
    """Return the error of a checkpoint that cannot be used."""
    return ModelUnavailable(f"{weights.name} cannot be opened ({why})", "Fetch it again: reamo-mcp models pull PROFILE")


def dtype_of(device: str) -> "torch.dtype":
    """Return the number format that models use on a device."""
    import torch

    return torch.float32 if device == "cpu" else torch.bfloat16
