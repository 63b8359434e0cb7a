"""ONNX networks on a CPU: bounded threads, no idle spinning, no memory kept between pictures."""

# onnxruntime ships neither stubs nor annotations for what it binds; its types end at this module:
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from reamo_mcp.errors import ModelUnavailable

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PictureNetwork:
    """A network that takes one float32 array and gives one, with the metadata that its file carries."""

    run: "Callable[[NDArray[numpy.float32]], NDArray[numpy.float32]]"
    metadata: dict[str, str]


def open_network(weights: Path, threads: int) -> PictureNetwork:
    """Open a network of one input and one output. Raises ModelUnavailable if the file is missing or damaged."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # an arena would keep the memory of the largest picture for good
    options.log_severity_level = 4
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(str(weights), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the bindings raise a dozen classes without a common parent
        raise ModelUnavailable(
            f"The network {weights.name} cannot be opened ({type(error).__name__})",
            "Install reamo-mcp again: pip install --force-reinstall reamo-mcp rapidocr onnxruntime",
        ) from None
    name = session.get_inputs()[0].name

    def run(batch: "NDArray[numpy.float32]") -> "NDArray[numpy.float32]":
        return cast("NDArray[numpy.float32]", session.run(None, {name: batch})[0])

    return PictureNetwork(run, dict(session.get_modelmeta().custom_metadata_map))
