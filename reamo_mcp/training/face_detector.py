"""Makes the weights of the face detector: ``python -m reamo_mcp.training.face_detector``.

The three networks of "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks" (Zhang,
Zhang, Li and Qiao, 2016) are taken from the package mtcnn 1.0.0 (MIT), which ships them as pickled lists of arrays,
and written as ONNX files that hold arrays and operations only. Needs the packages of the extra ``train``.
"""

# onnx and joblib are installed for training only and annotate next to nothing; their types end at this module:
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false

import hashlib
import json
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy
from numpy.typing import NDArray

from reamo_mcp.errors import ModelUnavailable

if TYPE_CHECKING:
    from onnx import NodeProto, TensorProto

# A pickle runs code when it is loaded, so only these very files are.
SOURCES = {
    "pnet": "ea6b0c3e685ebee3165326ad6484acc95f2ef78f1c94fbf40a55704fa989f7b5",
    "rnet": "cb00e6460f3c98b0bfafaba3c0a0ded4bdf6e62cee7174d969e8670d7e757fee",
    "onet": "94f6ea2f4cf985275ee958cdd762d17b6009348a4fb9d8c6be39ba73ffd22ca3",
}
TARGETS = {"pnet": "proposal.onnx", "rnet": "refinement.onnx", "onet": "output.onnx"}
FOLDER = Path(__file__).parent.parent / "models" / "embedded" / "weights" / "face_detector"

Weights = NDArray[numpy.float32]


def main() -> None:
    """Convert the three networks and record the hashes of what was read and written."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    written: dict[str, str] = {}
    for name, expected in SOURCES.items():
        model = convert(name, load(name, expected))
        (FOLDER / TARGETS[name]).write_bytes(model)
        written[TARGETS[name]] = hashlib.sha256(model).hexdigest()
    record = {"source": "mtcnn 1.0.0 (MIT)", "read": SOURCES, "written": written}
    (FOLDER / "manifest.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


def load(name: str, expected: str) -> list[Weights]:
    """Return the arrays of one network. Raises ModelUnavailable if the file is not the expected one."""
    package = find_spec("mtcnn")
    folders = package.submodule_search_locations if package else None
    if not folders:
        raise ModelUnavailable("The package mtcnn is not installed", "Install it: pip install mtcnn==1.0.0")
    path = Path(folders[0]) / "assets" / "weights" / f"{name}.lz4"
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise ModelUnavailable(f"{path.name} is not the file of mtcnn 1.0.0", "Install it: pip install mtcnn==1.0.0")
    import joblib  # pyright: ignore[reportMissingTypeStubs] -- none are published

    return cast("list[Weights]", joblib.load(path))


def convert(name: str, weights: Sequence[Weights]) -> bytes:
    """Return the network as an ONNX file.

    It takes float32 pictures (count, 3, height, width), (value - 127.5) / 128 of red, green and blue. The proposal
    network gives (count, 5, rows, columns), the others (count, 5): left, top, right and bottom edge as parts of the
    window's side that they move by, and the probability of a face.
    """
    graph = _Graph()
    given = iter(weights)
    if name == "pnet":
        at = graph.block("picture", given, pool=2)
        at = graph.block(at, given)
        at = graph.block(at, given)
        edges = graph.convolution(at, next(given), next(given))
        scores = graph.convolution(at, next(given), next(given))
        return graph.finished(edges, scores, ["count", 5, "rows", "columns"], ["count", 3, "height", "width"])
    at = graph.block("picture", given, pool=3)
    at = graph.block(at, given, pool=3, padded=False)
    side = 24 if name == "rnet" else 48
    at = graph.block(at, given) if name == "rnet" else graph.block(graph.block(at, given, pool=2), given)
    at = graph.flattened(at)
    at = graph.dense(at, next(given), next(given))
    at = graph.rectified(at, next(given))
    edges = graph.dense(at, next(given), next(given))
    if name == "onet":
        given = islice(given, 2, None)  # without the landmarks: eyes, nose and mouth, which nobody asks for
    scores = graph.dense(at, next(given), next(given))
    return graph.finished(edges, scores, ["count", 5], ["count", 3, side, side])


class _Graph:
    """An ONNX graph while it is put together; every method returns the name of its output."""

    def __init__(self) -> None:
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def block(self, at: str, given: Iterator[Weights], pool: int = 0, padded: bool = True) -> str:
        """A convolution, its rectifier, and the maximum over windows of ``pool`` pixels, every second one kept."""
        at = self.rectified(self.convolution(at, next(given), next(given)), next(given))
        if not pool:
            return at
        padding = "SAME_UPPER" if padded else "VALID"
        return self._add("MaxPool", [at], kernel_shape=[pool, pool], strides=[2, 2], auto_pad=padding)

    def convolution(self, at: str, kernel: Weights, bias: Weights) -> str:
        return self._add("Conv", [at, self._constant(kernel.transpose(3, 2, 0, 1)), self._constant(bias)])

    def dense(self, at: str, matrix: Weights, bias: Weights) -> str:
        return self._add("Gemm", [at, self._constant(matrix), self._constant(bias)])

    def rectified(self, at: str, slope: Weights) -> str:
        """Negative values times the slope of their channel."""
        shape = (slope.size, 1, 1) if slope.ndim == 3 else (slope.size,)
        return self._add("PRelu", [at, self._constant(slope.reshape(shape))])

    def flattened(self, at: str) -> str:
        """Columns before rows before channels, as the dense layers were trained."""
        return self._add("Flatten", [self._add("Transpose", [at], perm=[0, 3, 2, 1])], axis=1)

    def finished(self, edges: str, scores: str, shape: Sequence[int | str], takes: Sequence[int | str]) -> bytes:
        """Join the edges and the second of the two class probabilities, that of a face."""
        from onnx import TensorProto, checker, helper

        probabilities = self._add("Softmax", [scores], axis=1)
        face = self._add("Gather", [probabilities, self._constant(numpy.array([1]))], axis=1)
        self._nodes.append(helper.make_node("Concat", [edges, face], ["windows"], axis=1))
        graph = helper.make_graph(
            self._nodes,
            "face_detector",
            [helper.make_tensor_value_info("picture", TensorProto.FLOAT, list(takes))],
            [helper.make_tensor_value_info("windows", TensorProto.FLOAT, list(shape))],
            self._constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        checker.check_model(model)
        return model.SerializeToString()

    def _constant(self, value: "NDArray[numpy.float32] | NDArray[numpy.int64]") -> str:
        from onnx import numpy_helper

        name = f"constant{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(numpy.ascontiguousarray(value), name))
        return name

    def _add(self, operation: str, inputs: Sequence[str], **attributes: Any) -> str:
        from onnx import helper

        name = f"{operation.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(operation, list(inputs), [name], **attributes))
        return name


if __name__ == "__main__":
    main()
