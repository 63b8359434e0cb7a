"""A CLAP of a few thousand random weights, with the real classes: no checkpoint."""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportCallIssue=false

import os
from functools import cache

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a fixture never reaches for the network

from pathlib import Path

import numpy
import torch
from numpy.typing import NDArray
from tokenizers import pre_tokenizers

from tests.doubles import torchvision_without_cuda

torchvision_without_cuda.install()

from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, RobertaTokenizer  # noqa: E402

from reamo_mcp.models.local.audio_segmenter import Listening, features, sentence  # noqa: E402
from reamo_mcp.models.local.weights import Weights  # noqa: E402
from reamo_mcp.models.sound_detection import EVERYWHERE, NOWHERE, Extent, tripled  # noqa: E402
from tests.doubles.signal_modules import TONES  # noqa: E402

torch.set_num_threads(1)  # models this small only wait for each other on more


def tokenizer() -> RobertaTokenizer:
    """Return a tokenizer of bytes, each a piece of its own."""
    pieces = ["<s>", "<pad>", "</s>", "<unk>", *sorted(pre_tokenizers.ByteLevel.alphabet()), "<mask>"]
    return RobertaTokenizer(vocab={piece: number for number, piece in enumerate(pieces)}, merges=[])


def extractor(*, fused: bool) -> ClapFeatureExtractor:
    """Return what prepares sounds: 4 seconds in 201 frames of 16 bands."""
    return ClapFeatureExtractor(
        feature_size=16, hop_length=960, max_length_s=4, truncation="fusion" if fused else "rand_trunc"
    )


def model(seed: int = 0, *, fused: bool) -> ClapModel:
    """Return a tiny CLAP; a fused one could look at long sounds in parts."""
    torch.manual_seed(seed)
    text = {
        "vocab_size": 264,
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "max_position_embeddings": 130,
    }
    audio = {
        "num_mel_bins": 16,
        "spec_size": 64,
        "window_size": 4,
        "depths": [1, 1],
        "num_attention_heads": [1, 2],
        "patch_embeds_hidden_size": 8,
        "hidden_size": 16,
        "num_hidden_layers": 2,
        "enable_fusion": fused,
        "fusion_type": "aff_2d" if fused else None,
    }
    config = ClapConfig(text_config=text, audio_config=audio, projection_dim=24)
    made = ClapModel(config).eval()
    with torch.no_grad():  # as small as they are made, all that is heard and read would be nearly the same
        for weight in made.parameters():
            if weight.ndim > 1:
                weight.mul_(8.0)
    return made


def listening(seed: int = 0, *, fused: bool = True) -> Listening:
    """Return a tiny CLAP with what prepares its inputs."""
    return Listening(extractor(fused=fused), tokenizer(), model(seed, fused=fused))


def saved(folder: Path, made: Listening) -> Weights:
    """Write a CLAP as a checkpoint and return where it lies."""
    made.model.save_pretrained(folder)
    made.extractor.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    return Weights(name=f"tiny/{folder.name}", revision="0" * 40, folder=folder)


@cache
def taught(steps: int = 160) -> Listening:
    """Return a tiny CLAP that learned two tones: windows that one of them fills for the most part are like "a low tone"
    or "a high tone", all others like background noise, and nothing is like the other rivals or "a dog barks".
    """
    made = listening(fused=True)
    random = numpy.random.default_rng(0)
    texts = dict.fromkeys(("a low tone", "a high tone", "background noise", "a dog barks", *EVERYWHERE, *NOWHERE))
    pieces = made.tokenizer([sentence(text) for text in texts], return_tensors="pt", padding=True)
    waves, kinds = zip(*(_learned(number % 2, random) for number in range(64)), strict=True)
    inputs = features(made.extractor, waves, torch.device("cpu"))
    optimizer = torch.optim.Adam(made.model.parameters(), lr=3e-3)
    for _ in range(steps):
        some = torch.from_numpy(random.permutation(64)[:16])
        is_longer = torch.zeros(16, 1, dtype=torch.bool)
        answer = made.model(input_features=inputs[some], is_longer=is_longer, **pieces)
        loss = torch.nn.functional.cross_entropy(answer.logits_per_audio, torch.tensor(kinds)[some])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return made


def _learned(tone: int, random: numpy.random.Generator) -> tuple[NDArray[numpy.float32], int]:
    """Return a window of noise with a tone in a part of it, and what it is like: 0 low, 1 high, 2 noise."""
    samples = random.normal(0, 0.003, 32_000)
    hertz = (TONES["low"], TONES["high"])[tone]
    length = int(random.choice((0, 8_000, 14_000, 18_000, 24_000, 32_000, 32_000)))
    begin = int(random.choice((0, 32_000 - length)))
    samples[begin : begin + length] += 0.3 * numpy.sin(2 * numpy.pi * hertz * numpy.arange(length) / 16_000)
    return tripled(samples.astype(numpy.float32), Extent(0, 32_000)), tone if length > 16_000 else 2
