"""Phrase detectors and SAM 2.1 of a few thousand random weights, with real classes and processors: no checkpoints."""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportCallIssue=false

import os

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # a fixture never reaches for the network

from pathlib import Path
from typing import Any

import torch

from tests.doubles import torchvision_without_cuda

torchvision_without_cuda.install()

from transformers import (  # noqa: E402
    BertTokenizer,
    GroundingDinoProcessor,
    MMGroundingDinoConfig,
    MMGroundingDinoForObjectDetection,
    Sam2Config,
    Sam2Model,
    Sam2VideoConfig,
    Sam2VideoModel,
    SwinConfig,
)
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil  # noqa: E402
from transformers.models.sam2_video.configuration_sam2_video import Sam2VideoMaskDecoderConfig  # noqa: E402

from reamo_mcp.models.local.phrase_detector import Detecting  # noqa: E402
from reamo_mcp.models.local.weights import Weights  # noqa: E402
from reamo_mcp.models.phrase_detection import NEGATIVES  # noqa: E402

torch.set_num_threads(1)  # models this small only wait for each other on more

SIDE = 64
"""Of the square that the tiny SAM sees."""
WORDS = "a the dog cat red green blue yellow disc shape thing man car person throws left".split()
_VOCABULARY = 1100


def tokenizer() -> BertTokenizer:
    """Return a tokenizer of a few words and letters. The model's special pieces are hard coded to BERT's numbers."""
    pieces = {number: f"[unused{number}]" for number in range(_VOCABULARY)}
    pieces |= {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 1012: ".", 1029: "?"}
    letters = "abcdefghijklmnopqrstuvwxyz"
    known = dict.fromkeys([",", *WORDS, *NEGATIVES, *letters, *(f"##{letter}" for letter in letters)])
    pieces |= dict(zip(range(104, 1011), known, strict=False))
    return BertTokenizer(vocab={piece: number for number, piece in pieces.items()}, do_lower_case=True)


def detecting(seed: int = 0, longest: int = 256) -> Detecting:
    """Return a tiny MM-Grounding-DINO with its processor."""
    torch.manual_seed(seed)
    config = MMGroundingDinoConfig(
        backbone_config=SwinConfig(
            image_size=64,
            patch_size=4,
            embed_dim=8,
            depths=[1, 1, 1, 1],
            num_heads=[1, 1, 2, 2],
            window_size=4,
            out_features=["stage2", "stage3", "stage4"],
        ),
        text_config={
            "model_type": "bert",
            "vocab_size": _VOCABULARY,
            "hidden_size": 32,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "max_position_embeddings": longest,
        },
        d_model=32,
        num_queries=10,
        encoder_layers=2,  # fewer would fail the check of tied weights
        encoder_ffn_dim=32,
        encoder_attention_heads=2,
        decoder_layers=2,
        decoder_ffn_dim=32,
        decoder_attention_heads=2,
        max_text_len=longest,
        disable_custom_kernels=True,
    )
    pictures = GroundingDinoImageProcessorPil(size={"shortest_edge": 64, "longest_edge": 96})
    processor: Any = GroundingDinoProcessor(image_processor=pictures, tokenizer=tokenizer())
    return Detecting(processor, MMGroundingDinoForObjectDetection(config).eval())


def sam(seed: int = 0) -> Sam2Model:
    """Return a tiny SAM 2.1 for pictures."""
    torch.manual_seed(seed)
    return Sam2Model(
        Sam2Config(vision_config=_vision(32), mask_decoder_config=_decoder(32), prompt_encoder_config=_prompts(32))
    ).eval()


def sam_video(seed: int = 0) -> Sam2VideoModel:
    """Return a tiny SAM 2.1 for videos. The width of its memory is hard coded to 64, so it is wider than that."""
    torch.manual_seed(seed)
    width = 128
    config = Sam2VideoConfig(
        vision_config=_vision(width),
        prompt_encoder_config=_prompts(width),
        # An object and not a dictionary: transformers 5.17 takes that for the settings of the prompt encoder.
        mask_decoder_config=Sam2VideoMaskDecoderConfig(**_decoder(width)),
        image_size=SIDE,
        memory_attention_hidden_size=width,
        memory_attention_num_layers=1,
        memory_attention_feed_forward_hidden_size=32,
        memory_attention_rope_feat_sizes=[4, 4],
        memory_encoder_hidden_size=width,
        memory_encoder_output_channels=64,
        mask_downsampler_embed_dim=width,
        memory_fuser_num_layers=1,
        memory_fuser_embed_dim=width,
        memory_fuser_intermediate_dim=32,
        num_maskmem=3,
    )
    model = Sam2VideoModel(config).eval()
    with torch.no_grad():  # random weights would lose everything at once
        list(model.mask_decoder.pred_obj_score_head.parameters())[-1].fill_(5.0)
    return model


def saved(folder: Path, model: Any, processor: Any = None) -> Weights:
    """Write a model as a checkpoint and return where it lies."""
    model.save_pretrained(folder)
    if processor is not None:
        processor.image_processor.save_pretrained(folder)
        processor.tokenizer.save_pretrained(folder)
    return Weights(name=f"tiny/{folder.name}", revision="0" * 40, folder=folder)


def _vision(width: int) -> dict[str, Any]:
    return {
        "model_type": "sam2_vision_model",
        "backbone_config": {
            "model_type": "sam2_hiera_det_model",
            "hidden_size": 8,
            "num_attention_heads": 1,
            "image_size": [SIDE, SIDE],
            "patch_kernel_size": [7, 7],
            "patch_stride": [4, 4],
            "patch_padding": [3, 3],
            "query_stride": [2, 2],
            "window_positional_embedding_background_size": [4, 4],
            # No block may both look everywhere and pool its queries; windows are at least 4 wide.
            "blocks_per_stage": [1, 2, 1, 1],
            "embed_dim_per_stage": [8, 16, 32, 64],
            "num_attention_heads_per_stage": [1, 1, 2, 2],
            "window_size_per_stage": [4, 4, 4, 4],
            "global_attention_blocks": [2],
        },
        "backbone_channel_list": [64, 32, 16, 8],
        "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
        "fpn_hidden_size": width,
        "fpn_top_down_levels": [2, 3],
    }


def _decoder(width: int) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "mlp_dim": 32,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "iou_head_hidden_dim": 16,
    }


def _prompts(width: int) -> dict[str, Any]:
    return {"hidden_size": width, "image_size": SIDE, "patch_size": 16, "mask_input_channels": 8}
