"""How fast pictures are segmented and videos are followed, with random weights: speed does not depend on what they say.

The same script runs with tiny models on a processor and with models of full size on a GPU:

    python -m tests.benchmarks.gpu.segmentation
    python -m tests.benchmarks.gpu.segmentation --device cuda --full

Full size is MM-Grounding-DINO with Swin-T and BERT base, and SAM 2.1 with Hiera tiny: the default configurations of
transformers. Pictures are 1333 x 800, frames 1024 x 576; decoding is not part of it. Every question carries the
negative phrases, as in real use.
"""

# torch and transformers are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportCallIssue=false

import argparse
import os
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy
import torch

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.local.image_segmenter import LocalOutliner
from reamo_mcp.models.local.phrase_detector import Detecting, LocalPhraseDetector
from reamo_mcp.models.local.video_tracker import LocalFollower
from reamo_mcp.models.phrase_detection import negatives
from reamo_mcp.types.grounding import Box
from tests.doubles.tiny_segmenters import detecting, sam, sam_video, tokenizer

STRETCH = 16  # frames, as in real use
PHRASES = ("a red car on the left", "the man with a hat", "a dog", "the yellow sign")


def noise(width: int, height: int, seed: int) -> Picture:
    pixels = numpy.random.default_rng(seed).integers(0, 255, (height, width, 3), dtype=numpy.uint8)
    return Picture(pixels, 1.0, width, height)


def boxes(count: int, picture: Picture) -> list[Box]:
    wide, high = picture.original_width, picture.original_height
    return [Box(x=wide * (n % 8) / 16, y=high * (n // 8) / 16, width=wide / 3, height=high / 3) for n in range(count)]


def full_detecting() -> Detecting:
    """Return an MM-Grounding-DINO of full size; its tokenizer is the tiny one, whose words are in more pieces."""
    from transformers import GroundingDinoProcessor, MMGroundingDinoConfig, MMGroundingDinoForObjectDetection
    from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil

    processor: Any = GroundingDinoProcessor(image_processor=GroundingDinoImageProcessorPil(), tokenizer=tokenizer())
    return Detecting(processor, MMGroundingDinoForObjectDetection(MMGroundingDinoConfig()).eval())


def full_sam() -> Any:
    from transformers import Sam2Config, Sam2Model

    return Sam2Model(Sam2Config()).eval()


def full_sam_video() -> Any:
    from transformers import Sam2VideoConfig, Sam2VideoModel

    return Sam2VideoModel(Sam2VideoConfig()).eval()


def placed(model: Any, device: str) -> Any:
    return model.to(device, torch.float32 if device == "cpu" else torch.bfloat16)


def milliseconds(run: Callable[[], object], rounds: int, device: str) -> float:
    """Return the median of some rounds, after one that does not count."""
    times: list[float] = []
    for _ in range(rounds + 1):
        begin = time.perf_counter()
        run()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(1000 * (time.perf_counter() - begin))
    return float(numpy.median(times[1:]))


def stretch(follower: LocalFollower, frames: list[Picture], things: int) -> None:
    following = follower.begin()
    following.show(frames[0])
    following.seed(frames[0], dict(enumerate(boxes(things, frames[0]), 1)))
    for frame in frames[1:]:
        following.show(frame)


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--device", default="cpu")
    options.add_argument("--full", action="store_true")
    options.add_argument("--rounds", type=int, default=5)
    chosen = options.parse_args()
    device, rounds = str(chosen.device), int(chosen.rounds)
    torch.manual_seed(0)
    if chosen.full:
        torch.set_num_threads(os.cpu_count() or 1)  # the tiny models were set to one
    picture = noise(1333, 800, 0) if chosen.full else noise(160, 96, 0)
    frames = [noise(1024, 576, n) if chosen.full else noise(128, 72, n) for n in range(STRETCH)]

    loaded = full_detecting() if chosen.full else detecting()
    detector = LocalPhraseDetector(lambda: Detecting(loaded.processor, placed(loaded.model, device)), "random", "0")
    outliner = LocalOutliner(lambda: placed(full_sam() if chosen.full else sam(), device), "random", "0")
    follower = LocalFollower(lambda: placed(full_sam_video() if chosen.full else sam_video(), device), "random", "0")

    name = torch.cuda.get_device_name() if device != "cpu" else "the processor"
    print(f"{'full size' if chosen.full else 'tiny'} models with random weights on {name}, torch {torch.__version__}")
    control = Unlimited()
    for count in (1, len(PHRASES)):
        asked = [*PHRASES[:count], *negatives(PHRASES[:count])]
        spent = milliseconds(lambda asked=asked: detector.detect(picture, asked, control), rounds, device)
        print(f"find {count} phrases in a picture        {spent:9.1f} ms")
    for count in (1, 8, 32):
        places = boxes(count, picture)
        spent = milliseconds(lambda places=places: outliner.outline(picture, places, control), rounds, device)
        print(f"outline {count:2} boxes in a picture      {spent:9.1f} ms")
    for count in (1, 4, 8):
        spent = milliseconds(lambda count=count: stretch(follower, frames, count), rounds, device)
        print(f"follow {count} things                     {1000 * STRETCH / spent:9.1f} frames/s")
    if device != "cpu":
        print(f"most memory held                   {torch.cuda.max_memory_allocated() / 2**20:9.0f} MiB")


if __name__ == "__main__":
    main()
