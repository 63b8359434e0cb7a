"""How fast speech is heard: seconds of sound per second of work, with random weights.

The same script runs with a tiny model on a processor and with one of full size on a GPU:

    python -m tests.benchmarks.gpu.transcriber
    python -m tests.benchmarks.gpu.transcriber --device cuda --full

Full size is that of Whisper large v3 turbo: 32 layers that hear, 4 that write. Random weights write on until they are
stopped, so the tokens of each half minute are bounded to about as many as fast speech has, 150; their vocabulary is
that of the tiny model, so the last layer is smaller than the published one. The aligner is wav2vec2 in its default
configuration. Baseline: playing the sound, which is 1.
"""

# torch and transformers are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportCallIssue=false, reportArgumentType=false, reportAttributeAccessIssue=false

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy
import torch
from transformers import (
    Wav2Vec2Config,
    Wav2Vec2FeatureExtractor,
    Wav2Vec2ForCTC,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
)

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.local import whisper
from reamo_mcp.models.local.ctc_aligner import CtcAligner, Sounding, load_sounding
from reamo_mcp.models.local.letters import Alphabet, alphabet_in
from reamo_mcp.models.local.weights import dtype_of
from reamo_mcp.models.local.whisper import Hearing, WhisperRecogniser, load_hearing
from tests.models.local.tiny_speech import SECONDS, save_wav2vec2, save_whisper

_ROUNDS = 3
_TOKENS_PER_SECOND = 5  # 150 in half a minute: what fast speech has
_ENGLISH = {letter: number + 5 for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ'")} | {"|": 4}


def hearing(folder: Path, device: str, *, full: bool) -> Hearing:
    """Return a Whisper with random weights: tiny, or of the size of large v3 turbo."""
    tiny = load_hearing(save_whisper(folder / "whisper"), "cpu" if full else device)
    end = int(tiny.processor.tokenizer.eos_token_id)  # nothing but text is written, up to the bound
    tiny.generation.suppress_tokens = list(range(end, tiny.model.config.vocab_size))
    if not full:
        return tiny
    config = tiny.model.config
    for name, value in {
        "d_model": 1280,
        "encoder_layers": 32,
        "decoder_layers": 4,
        "encoder_attention_heads": 20,
        "decoder_attention_heads": 20,
        "encoder_ffn_dim": 5120,
        "decoder_ffn_dim": 5120,
        "num_mel_bins": 128,
        "max_source_positions": 1500,
        "max_target_positions": 448,
    }.items():
        setattr(config, name, value)
    with torch.device(device):
        model = WhisperForConditionalGeneration(config).to(dtype_of(device)).eval()
    model.generation_config = tiny.generation
    model.generation_config.alignment_heads = [[layer, head] for layer in (2, 3) for head in range(3)]
    tiny.processor.feature_extractor = WhisperFeatureExtractor(feature_size=128, chunk_length=30)
    return Hearing(tiny.processor, model)


def aligner(folder: Path, device: str, *, full: bool) -> CtcAligner:
    """Return a wav2vec2 with random weights: tiny, or in its default configuration."""
    if not full:
        weights = save_wav2vec2(folder / "wav2vec2")
        return CtcAligner(alphabet_in(weights.folder), lambda: load_sounding(weights, device))
    with torch.device(device):
        model = Wav2Vec2ForCTC(Wav2Vec2Config()).to(dtype_of(device)).eval()
    return CtcAligner(Alphabet(_ENGLISH), lambda: Sounding(Wav2Vec2FeatureExtractor(), model))


def seconds_of(work: Callable[[], object], device: str) -> float:
    """Return the median time of a call that was made once before."""
    work()
    times: list[float] = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return sorted(times)[_ROUNDS // 2]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--full", action="store_true")
    asked = parser.parse_args()
    whisper._TOKENS_PER_SECOND = _TOKENS_PER_SECOND  # pyright: ignore[reportPrivateUsage]
    length = 30.0 if asked.full else float(SECONDS)
    random = numpy.random.default_rng(0)
    sound = random.normal(0, 0.1, int(length * SAMPLE_RATE)).astype(numpy.float32)
    name = torch.cuda.get_device_name() if asked.device != "cpu" else f"processor, {torch.get_num_threads()} threads"
    print(f"{name}, {'full size' if asked.full else 'tiny models'}")
    with tempfile.TemporaryDirectory() as made:
        heard = hearing(Path(made), asked.device, full=asked.full)
        recogniser = WhisperRecogniser(lambda: heard, longest=length)
        for together in (1, 8):
            parts = [sound] * together
            assert all(part.words for part in recogniser.hear(parts, "en", Unlimited()))
            took = seconds_of(lambda parts=parts: recogniser.hear(parts, "en", Unlimited()), asked.device)
            print(f"heard, {together} x {length:.0f} s together: {together * length / took:8.1f} times real time")
        placer = aligner(Path(made), asked.device, full=asked.full)
        words = ["NOBODY"] * int(2 * length)
        took = seconds_of(lambda: placer.place(sound, words, Unlimited()), asked.device)
        print(f"{len(words)} words placed in {length:.0f} s: {length / took:8.1f} times real time")
    if asked.device != "cpu":
        print(f"most memory: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
