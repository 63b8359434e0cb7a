"""Checkpoints of the segmenter and the tracker: loaded from their folders, and refused where they are damaged."""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs torch (make test-models)")

import torch

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.local.image_segmenter import LocalOutliner, load_image_segmenter
from reamo_mcp.models.local.phrase_detector import LocalPhraseDetector, load_phrase_detector
from reamo_mcp.models.local.video_tracker import load_video_tracker
from reamo_mcp.models.phrase_detection import Decision
from reamo_mcp.models.phrase_segmenter import PhraseSegmenter
from reamo_mcp.models.roles import Found
from reamo_mcp.models.tracker_state import TrackerState
from tests.doubles.signal_modules import BlobDetector
from tests.doubles.tiny_segmenters import detecting, sam, sam_video, saved
from tests.models.contracts import FILM, PHRASES, a_picture

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]  # the cores of a busy machine are slow

EASY = Decision(threshold=0.0001, margin=0.0000001)
"""Random weights are sure of nothing."""


def test_checkpoints_are_loaded_from_their_folders_when_they_are_first_needed(tmp_path: Path) -> None:
    detection = detecting()
    weights = saved(tmp_path / "dino", detection.model, detection.processor)
    detector = load_phrase_detector(weights, device="cpu", decision=EASY)
    segmenter = load_image_segmenter(detector, saved(tmp_path / "sam", sam()), device="cpu")
    tracker = load_video_tracker(detector, saved(tmp_path / "video", sam_video()), device="cpu")
    assert segmenter.card.name == "tiny/dino + tiny/sam"
    assert tracker.card.revision == f"{'0' * 40}+{'0' * 40}"

    near = PhraseSegmenter(LocalPhraseDetector(detecting, "", "", EASY), LocalOutliner(sam, "", ""))
    assert segmenter.segment(a_picture(), PHRASES, Unlimited()) == near.segment(a_picture(), PHRASES, Unlimited())
    assert len(list(tracker.track(FILM.frames(0, 2), PHRASES, TrackerState(), Unlimited()))) == 2


def test_the_checkpoint_of_a_video_model_outlines_pictures_too(tmp_path: Path) -> None:
    """One checkpoint of SAM 2.1 holds both; the models of both kinds read what is theirs."""
    outliner = load_image_segmenter(BlobDetector(), saved(tmp_path / "video", sam_video()), device="cpu")
    (answer,) = outliner.segment(a_picture(), ["the red thing"], Unlimited())
    assert isinstance(answer, Found)
    assert len(answer.items) == 1


@pytest.mark.parametrize(
    "damage", ["missing folder", "no weights", "a pickle", "cut file", "missing weight", "other model"]
)
def test_weights_that_cannot_be_used_are_told_and_never_filled_with_noise(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "sam"
    weights = saved(folder, sam())
    file = folder / "model.safetensors"
    if damage == "missing folder":
        weights = weights.model_copy(update={"folder": tmp_path / "nowhere"})
    elif damage == "no weights":
        file.unlink()
    elif damage == "a pickle":
        file.unlink()
        torch.save(sam().state_dict(), folder / "pytorch_model.bin")
    elif damage == "cut file":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "missing weight":
        from safetensors.torch import load_file, save_file

        tensors = load_file(file)
        del tensors[next(name for name in tensors if "mask_decoder" in name)]
        save_file(tensors, file, metadata={"format": "pt"})
    else:
        detection = detecting()
        weights = saved(tmp_path / "dino", detection.model)
    segmenter = load_image_segmenter(BlobDetector(), weights, device="cpu")
    with pytest.raises(ModelUnavailable, match="cannot be opened"):
        segmenter.segment(a_picture(), ["the red thing"], Unlimited())
