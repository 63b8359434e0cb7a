"""From a checkpoint to what ships: ``python -m reamo_mcp.training.text.export CHECKPOINT --data DATA --out FOLDER``.

Four ONNX networks (encoder in 8 bits, the small heads in 8 bits too), the tokenizer and a configuration.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

import argparse
import json
import random
import shutil
import tempfile
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import onnx
import torch
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch import Tensor, nn

from reamo_mcp.models.embedded.text_extractor_network import Calibration, ExtractorConfig
from reamo_mcp.training.text.base_encoder import base_encoder
from reamo_mcp.training.text.batches import BatchMaker, Pieces
from reamo_mcp.training.text.network import HIDDEN, WIDEST, ExtractorNetwork, PairHead, SpotHead
from reamo_mcp.training.text.smoothing import smooth
from reamo_mcp.training.text.tasks import read_tasks
from reamo_mcp.training.text.train import trained_network

EncoderInput = tuple[Tensor, Tensor, Tensor]
"""Word pieces, shapes and masks, each (texts, pieces)."""

_BATCHES_OF_A_SET = 3
_WORDS_OF_A_BATCH = 500


class _Words(nn.Module):
    def __init__(self, network: ExtractorNetwork) -> None:
        super().__init__()
        self.encoder = network.encoder

    def forward(
        self, pieces: Tensor, shapes: Tensor, mask: Tensor, firsts: Tensor, lasts: Tensor
    ) -> tuple[Tensor, Tensor]:
        states = self.encoder(pieces, shapes, mask)
        first = states.gather(1, firsts.unsqueeze(-1).expand(-1, -1, HIDDEN))
        return first, states.gather(1, lasts.unsqueeze(-1).expand(-1, -1, HIDDEN))


class _Spots(nn.Module):
    def __init__(self, head: SpotHead) -> None:
        super().__init__()
        self.head = head

    def forward(self, first: Tensor, last: Tensor, vectors: Tensor, biases: Tensor) -> Tensor:
        starts, ends = self.head.start(first), self.head.end(last)
        ends = torch.cat([ends, ends.new_zeros(ends.shape[0], WIDEST - 1, HIDDEN)], dim=1)
        # One width after the other: all spans of a batch at once would be the largest array by far.
        layers: list[Tensor] = []
        for width in range(WIDEST):
            shifted = ends[:, width : ends.shape[1] - (WIDEST - 1 - width)]
            layers.append(nn.functional.gelu(starts + shifted + self.head.width.weight[width]) @ vectors.T)
        return torch.stack(layers, dim=2) + biases


class _Labels(nn.Module):
    def __init__(self, network: ExtractorNetwork) -> None:
        super().__init__()
        self.spots, self.pairs = network.spots, network.pairs

    def forward(self, pooled: Tensor) -> tuple[Tensor, ...]:
        scale = HIDDEN**-0.5 * 4
        relation, relation_bias = self.pairs.relation_labels(pooled)
        return (
            self.spots.label(pooled) * scale,
            self.spots.bias(pooled)[:, 0],
            relation,
            relation_bias,
            self.pairs.role(pooled) * scale,
            self.pairs.role_bias(pooled)[:, 0],
            self.pairs.event(pooled) * scale,
        )


def _export(
    module: nn.Module, inputs: dict[str, Tensor], outputs: list[str], axes: dict[str, dict[int, str]], path: Path
) -> None:
    with warnings.catch_warnings():
        # The older exporter, which its successor calls deprecated, writes graphs that the quantizer knows.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            str(path),
            input_names=list(inputs),
            output_names=outputs,
            dynamic_axes=axes,
            opset_version=17,
            dynamo=False,
        )


def export_networks(network: ExtractorNetwork, out: Path) -> None:
    """Write the four networks in 32 bits."""
    ints = {name: torch.ones(2, 9, dtype=torch.long) for name in ("pieces", "shapes", "mask")}
    ints |= {name: torch.arange(7).repeat(2, 1) for name in ("firsts", "lasts")}
    axes = {name: {0: "texts", 1: "pieces"} for name in ("pieces", "shapes", "mask")}
    words = {0: "texts", 1: "words"}
    axes |= dict.fromkeys(("firsts", "lasts", "first", "last"), words)
    _export(_Words(network), ints, ["first", "last"], axes, out / "encoder.onnx")
    _export(
        _Spots(network.spots),
        {
            "first": torch.randn(2, 20, HIDDEN),
            "last": torch.randn(2, 20, HIDDEN),
            "vectors": torch.randn(5, HIDDEN),
            "biases": torch.randn(5),
        },
        ["logits"],
        {
            "first": words,
            "last": words,
            "vectors": {0: "labels"},
            "biases": {0: "labels"},
            "logits": {0: "texts", 1: "words", 3: "labels"},
        },
        out / "spots.onnx",
    )
    names = ["spot", "spot_bias", "relation", "relation_bias", "role", "role_bias", "event"]
    _export(
        _Labels(network),
        {"pooled": torch.randn(5, HIDDEN)},
        names,
        {name: {0: "labels"} for name in ("pooled", *names)},
        out / "labels.onnx",
    )
    pairs: PairHead = network.pairs
    _export(
        pairs,
        {
            "head": torch.randn(5, 2 * HIDDEN),
            "tail": torch.randn(5, 2 * HIDDEN),
            "between": torch.randn(5, HIDDEN),
            "distance": torch.arange(5),
        },
        ["states"],
        {name: {0: "pairs"} for name in ("head", "tail", "between", "distance", "states")},
        out / "pairs.onnx",
    )


def quantize(folder: Path, out: Path) -> None:
    """Write the networks of ``folder`` in 8 bits: weights per channel, activations as they come."""
    for name in ("encoder", "spots", "labels", "pairs"):
        path = folder / f"{name}.onnx"
        cleaned = onnx.shape_inference.infer_shapes(onnx.load(str(path)))
        onnx.save(cleaned, str(path))
        quantize_dynamic(
            str(path),
            str(out / f"{name}.onnx"),
            per_channel=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=["MatMul", "Gemm", "Gather"] if name == "encoder" else ["MatMul", "Gemm"],
            extra_options={"MatMulConstBOnly": True},
        )


def samples_of(data: Path) -> Iterator[EncoderInput]:
    """Yield texts of every training set as the encoder takes them, always the same ones."""
    tokenizer = Tokenizer.from_file(str(base_encoder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    chance = random.Random(0)
    for task in read_tasks(data / "train" / "text", strict=False):
        maker = BatchMaker(task, Pieces(tokenizer), chance)
        for _ in range(_BATCHES_OF_A_SET):
            batch = maker.next(_WORDS_OF_A_BATCH)
            yield batch.pieces, batch.shapes, batch.mask


def export(
    checkpoint: Path, out: Path, *, revision: str, samples: Iterable[EncoderInput] = (), eight_bits: bool = True
) -> None:
    """Write everything that ships. Calibration comes later, by `reamo_mcp.training.text.calibrate`.

    ``samples`` show how large the channels of the encoder are, so that little is lost in 8 bits; without any, channels
    are taken as they come.
    """
    out.mkdir(parents=True, exist_ok=True)
    network = trained_network(checkpoint)
    if eight_bits and (seen := list(samples)):
        smooth(network, seen)
    with tempfile.TemporaryDirectory() as scratch:
        export_networks(network, Path(scratch))
        if eight_bits:
            quantize(Path(scratch), out)
        else:
            for path in Path(scratch).glob("*.onnx"):
                shutil.copyfile(path, out / path.name)
    tokenizer = json.loads((base_encoder() / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["padding"] = tokenizer["truncation"] = None
    (out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), encoding="utf-8")
    plain = {kind: Calibration() for kind in ("entity", "event", "relation", "argument")}
    config = ExtractorConfig(name="reamo-text-extractor", revision=revision, calibration=plain)
    (out / "config.json").write_text(config.model_dump_json(indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Export the embedded text extractor")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--revision", default="1")
    parser.add_argument("--full-precision", action="store_true")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/: texts to see the channels on")
    given = parser.parse_args()
    samples = samples_of(given.data)
    export(given.checkpoint, given.out, revision=given.revision, samples=samples, eight_bits=not given.full_precision)


if __name__ == "__main__":
    main()
