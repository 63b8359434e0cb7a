"""How fast phrases are looked for in sounds: seconds of sound per second of work, with random weights.

The same script runs with a tiny model on a processor and with one of full size on a GPU:

    python -m tests.benchmarks.gpu.sounds
    python -m tests.benchmarks.gpu.sounds --device cuda --full

Full size is CLAP with HTSAT tiny and RoBERTa base, the default configuration of transformers with fusion. Its
tokenizer is that of the tiny model, whose words are in more pieces. Every question carries the rivals, as in real use;
they are read by the first question alone. Baseline: playing the sound, which is 1.
"""

# torch and transformers are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportCallIssue=false

import argparse
import os
import time
from collections.abc import Callable

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy
import torch

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.local.audio_segmenter import Listening, LocalSoundScorer
from reamo_mcp.models.sound_detection import HOP, WINDOW, SoundSegmenter
from tests.doubles.tiny_clap import listening, tokenizer

PHRASES = ("a dog barks", "a door slams", "glass breaks", "people laugh")


class Impatient:
    """A control that asks to stop some time after it was made."""

    def __init__(self, after: float) -> None:
        self.until = time.perf_counter() + after

    def check(self) -> None:
        if time.perf_counter() >= self.until:
            raise Cancelled("enough")

    def progress(self, done: float, total: float, unit: str) -> None:
        return None


def full_listening() -> Listening:
    """Return a CLAP of full size."""
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel

    config = ClapConfig(audio_config={"enable_fusion": True, "fusion_type": "aff_2d"})
    return Listening(ClapFeatureExtractor(), tokenizer(), ClapModel(config).eval())


def seconds_of(work: Callable[[], object], rounds: int, device: str) -> float:
    """Return the median time of a call."""
    times: list[float] = []
    for _ in range(rounds):
        begun = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return float(numpy.median(times))


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--device", default="cpu")
    options.add_argument("--full", action="store_true")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=60.0, help="of sound")
    chosen = options.parse_args()
    device, rounds, length = str(chosen.device), int(chosen.rounds), float(chosen.seconds)
    torch.manual_seed(0)
    made = full_listening() if chosen.full else listening()
    if chosen.full:
        torch.set_num_threads(os.cpu_count() or 1)  # the tiny model was set to one
    made.model.to(device)  # in fp32 everywhere
    name = torch.cuda.get_device_name() if device != "cpu" else f"processor, {torch.get_num_threads()} threads"
    print(f"{name}, torch {torch.__version__}, {'full size' if chosen.full else 'tiny model'} with random weights")
    print(f"windows of {WINDOW} s every {HOP} s")
    samples = numpy.random.default_rng(0).normal(0, 0.1, int(length * SAMPLE_RATE)).astype(numpy.float32)
    sound, control = Sound(samples), Unlimited()
    segmenter = SoundSegmenter(LocalSoundScorer(lambda: made, "random", "0"))
    short = Sound(samples[: int(WINDOW * SAMPLE_RATE)])
    took = seconds_of(lambda: segmenter.segment(short, PHRASES[:1], control), 1, device)
    print(f"first question, with all rivals read: {took:8.2f} s")
    for count in (1, len(PHRASES)):
        took = seconds_of(lambda count=count: segmenter.segment(sound, PHRASES[:count], control), rounds, device)
        print(f"{count} phrases in {length:.0f} s: {length / took:8.1f} times real time")
    begun = time.perf_counter()
    after = min(1.0, took / 2)
    try:
        segmenter.segment(sound, PHRASES, Impatient(after))
        print("it was over before it could be cancelled")
    except Cancelled:
        print(f"left after being cancelled:  {time.perf_counter() - begun - after:8.2f} s")
    if device != "cpu":
        print(f"most memory held: {torch.cuda.max_memory_allocated() / 2**20:8.0f} MiB")


if __name__ == "__main__":
    main()
