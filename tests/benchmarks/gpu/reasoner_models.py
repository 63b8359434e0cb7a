"""Reasoners of the size of the published ones, with random weights: what is measured is time and memory alone."""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from typing import Any

import torch

_DENSE = {
    "text_config": {
        "vocab_size": 152_064,
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [16, 24, 24]},
    },
    "vision_config": {"hidden_size": 1280, "out_hidden_size": 3584},
    "audio_config": {"output_dim": 3584},
}
_EXPERTS = {
    "text_config": {
        "vocab_size": 152_064,
        "hidden_size": 2048,
        "num_hidden_layers": 48,
        "num_attention_heads": 32,
        "num_key_value_heads": 4,
        "head_dim": 128,
        "num_experts": 128,
        "num_experts_per_tok": 8,
        "moe_intermediate_size": 768,
        "max_position_embeddings": 32_768,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1e6,
            "mrope_section": [24, 20, 20],
            "mrope_interleaved": True,
        },
    },
    "vision_config": {"out_hidden_size": 2048},
    "audio_config": {"output_dim": 2048},
}


def full_model(family: str, tiny: Any, device: str) -> Any:
    """Return a thinker in bfloat16, made on the device, which reads the tokens of the processor of a tiny one."""
    from transformers import (
        Qwen2_5OmniThinkerConfig,
        Qwen2_5OmniThinkerForConditionalGeneration,
        Qwen3OmniMoeThinkerConfig,
        Qwen3OmniMoeThinkerForConditionalGeneration,
    )

    kinds: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "qwen2_5_omni": (Qwen2_5OmniThinkerForConditionalGeneration, Qwen2_5OmniThinkerConfig, _DENSE),
        "qwen3_omni": (Qwen3OmniMoeThinkerForConditionalGeneration, Qwen3OmniMoeThinkerConfig, _EXPERTS),
    }
    kind, configuration, sizes = kinds[family]
    tokens = {
        name: number
        for name, number in tiny.config.to_dict().items()
        if name.endswith(("_token_id", "_token_index", "_per_seconds", "_per_chunk"))
    }
    text = tiny.config.get_text_config()
    ends = {"pad_token_id": text.pad_token_id, "eos_token_id": text.eos_token_id}
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            return kind(configuration(**(sizes | {"text_config": sizes["text_config"] | ends}), **tokens)).eval()
    finally:
        torch.set_default_dtype(before)
