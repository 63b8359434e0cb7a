"""What a child of the tests runs: an engine whose audio segmenter is the CLAP in the folder CLAP_FOLDER."""

import os
from pathlib import Path

from reamo_mcp.isolation.handling import Handlers
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.host import handlers_over
from tests.doubles import torchvision_without_cuda


def serve() -> Handlers:
    torchvision_without_cuda.install()
    return handlers_over(engine(Path(os.environ["CLAP_FOLDER"])))


def engine(folder: Path) -> Engine:
    from reamo_mcp.models.local.audio_segmenter import load_audio_segmenter
    from reamo_mcp.models.local.weights import Weights

    weights = Weights(name=f"tiny/{folder.name}", revision="0" * 40, folder=folder)
    return Engine(profile="test", audio_segmenter=load_audio_segmenter(weights, device="cpu"))
