"""Qwen omni thinkers of a few thousand parameters with random weights, and their real processors.

The vocabulary is Qwen's own where a folder with its files is given, else a small one over all bytes. Which numbers the
tokens of the chat have differs from the published checkpoints; their names, and what stands around media, do not.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false, reportArgumentType=false

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from reamo_mcp.models.local.reasoner.families.family import Family
from reamo_mcp.models.local.reasoner.families.qwen2_5_omni import Qwen2_5Omni
from reamo_mcp.models.local.reasoner.families.qwen3_omni import Qwen3Omni
from tests.doubles import torchvision_without_cuda

torchvision_without_cuda.install()

from transformers import (  # noqa: E402
    Qwen2_5OmniProcessor,
    Qwen2_5OmniThinkerConfig,
    Qwen2_5OmniThinkerForConditionalGeneration,
    Qwen2Tokenizer,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
    Qwen3OmniMoeProcessor,
    Qwen3OmniMoeThinkerConfig,
    Qwen3OmniMoeThinkerForConditionalGeneration,
    WhisperFeatureExtractor,
)

from reamo_mcp.models.local.reasoner.loading import thinker_of  # noqa: E402
from reamo_mcp.models.local.reasoner.reasoner import Thinker  # noqa: E402

_NAMES_2_5 = {
    "image_token": "<|IMAGE|>",
    "audio_token": "<|AUDIO|>",
    "video_token": "<|VIDEO|>",
    "vision_bos_token": "<|vision_bos|>",
    "vision_eos_token": "<|vision_eos|>",
    "audio_bos_token": "<|audio_bos|>",
    "audio_eos_token": "<|audio_eos|>",
}
_NAMES_3 = {
    "image_token": "<|image_pad|>",
    "audio_token": "<|audio_pad|>",
    "video_token": "<|video_pad|>",
    "vision_bos_token": "<|vision_start|>",
    "vision_eos_token": "<|vision_end|>",
    "audio_bos_token": "<|audio_start|>",
    "audio_eos_token": "<|audio_end|>",
}
_PLAIN_TOKENS = ("<tool_call>", "</tool_call>", "<think>", "</think>")  # the vocabulary has them, but not as special
_CHAT = (
    "{%% for message in messages %%}"
    "{%% if loop.first and message.role != 'system' and %(system)s %%}"
    "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n{%% endif %%}"
    "<|im_start|>{{ message.role }}\n"
    "{%% if message.content is string %%}{{ message.content }}{%% else %%}{%% for part in message.content %%}"
    "{%% if part.type == 'image' %%}%(vision_bos_token)s%(image_token)s%(vision_eos_token)s"
    "{%% elif part.type == 'audio' %%}%(audio_bos_token)s%(audio_token)s%(audio_eos_token)s"
    "{%% elif part.type == 'video' %%}%(vision_bos_token)s%(video_token)s%(vision_eos_token)s"
    "{%% else %%}{{ part.text }}{%% endif %%}{%% endfor %%}{%% endif %%}<|im_end|>\n{%% endfor %%}"
    "{%% if add_generation_prompt %%}<|im_start|>assistant\n{%% endif %%}"
)
_CORPUS = (
    "Ada Lovelace was born in London. She wrote notes on the engine of Charles Babbage.",
    "A man throws a red frisbee to a dog in the park while a car honks and a crowd cheers.",
    '{"entities":[{"id":"e1","type":"person","name":"Ada","mentions":[{"in":"m1","quote":"Ada","nth":2},{"in":"m2"}]}],'
    '"relations":[{"type":"peer","head":"e1","tail":"e2","evidence":[{"in":"m1.text"}]}],"events":[{"id":"v1","type":'
    '"driving","trigger":"drive","arguments":[{"role":"Agent","entity":"e1"},{"role":"Place","value":"road"}]}],'
    '"calls":[{"target":"e1","medium":"m2","module":"image_segmenter","instruction":"the woman on the left","box":[1,2,'
    '3,4],"time":[0.5,1.5]}],"more":false}',
)
_ROPE = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 1, 1]}  # adds up to half of a head


@dataclass(frozen=True)
class Vocabulary:
    """The pieces of a byte-level tokenizer and how they join."""

    pieces: dict[str, int]
    merges: list[tuple[str, str]]

    @classmethod
    def of_folder(cls, folder: Path) -> "Vocabulary":
        """Read the files of a published tokenizer."""
        lines = (folder / "merges.txt").read_text(encoding="utf-8").splitlines()
        pairs = [line.split(" ") for line in lines if line and not line.startswith("#version")]
        return cls(json.loads((folder / "vocab.json").read_text(encoding="utf-8")), [(a, b) for a, b in pairs])

    @classmethod
    def small(cls, *texts: str, pieces: int = 600) -> "Vocabulary":
        """Learn a few pieces beside all bytes, from these texts too."""
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(vocab_size=pieces, initial_alphabet=alphabet, show_progress=False)
        tokenizer.train_from_iterator((*_CORPUS, *texts) * 4, trainer)
        told = json.loads(tokenizer.to_str())["model"]
        return cls(told["vocab"], [(pair[0], pair[1]) for pair in told["merges"]])


def tiny_qwen2_5_omni(vocabulary: Vocabulary, *, context: int = 4096, hidden: int = 32, seed: int = 0) -> Any:
    """Return a processor and a thinker of the dense family."""
    processor = _processor(Qwen2_5OmniProcessor, _NAMES_2_5, vocabulary, patch=14, system=True)
    ids = _ids(processor.tokenizer, _NAMES_2_5)
    configuration = Qwen2_5OmniThinkerConfig(
        audio_config=_audio(hidden) | {"n_window": 100},
        vision_config=_vision(14, hidden) | {"window_size": 56, "fullatt_block_indexes": [1]},
        text_config=_text(processor.tokenizer, context, hidden) | {"rope_parameters": _ROPE},
        position_id_per_seconds=25,
        seconds_per_chunk=2,
        audio_token_index=ids["audio_token_id"],
        image_token_index=ids["image_token_id"],
        video_token_index=ids["video_token_id"],
        **ids,
    )
    torch.manual_seed(seed)
    return processor, Qwen2_5OmniThinkerForConditionalGeneration(configuration).eval()


def tiny_qwen3_omni(vocabulary: Vocabulary, *, context: int = 4096, hidden: int = 32, seed: int = 0) -> Any:
    """Return a processor and a thinker of the family with experts."""
    processor = _processor(Qwen3OmniMoeProcessor, _NAMES_3, vocabulary, patch=16, system=False)
    experts = {
        "moe_intermediate_size": 16,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
        "rope_parameters": _ROPE | {"mrope_interleaved": True},
    }
    configuration = Qwen3OmniMoeThinkerConfig(
        audio_config=_audio(hidden) | {"n_window": 50, "n_window_infer": 100, "downsample_hidden_size": 8},
        vision_config=_vision(16, hidden) | {"num_position_embeddings": 64, "deepstack_visual_indexes": [0]},
        text_config=_text(processor.tokenizer, context, hidden) | experts,
        position_id_per_seconds=13,
        **_ids(processor.tokenizer, _NAMES_3),
    )
    torch.manual_seed(seed)
    return processor, Qwen3OmniMoeThinkerForConditionalGeneration(configuration).eval()


def _tokenizer(names: dict[str, str], vocabulary: Vocabulary) -> Any:
    tokenizer = Qwen2Tokenizer(
        vocab=vocabulary.pieces,
        merges=vocabulary.merges,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        extra_special_tokens=names,
    )
    tokenizer.add_tokens(["<|im_start|>"], special_tokens=True)
    tokenizer.add_tokens(list(_PLAIN_TOKENS))
    tokenizer.padding_side = "left"
    return tokenizer


def _processor(kind: Any, names: dict[str, str], vocabulary: Vocabulary, *, patch: int, system: bool) -> Any:
    cut = {"patch_size": patch, "merge_size": 2, "temporal_patch_size": 2}
    return kind(
        image_processor=Qwen2VLImageProcessor(**cut),
        video_processor=Qwen2VLVideoProcessor(**cut),
        feature_extractor=WhisperFeatureExtractor(
            feature_size=128,
            sampling_rate=16_000,
            hop_length=160,
            chunk_length=30,
            n_fft=400,
            return_attention_mask=True,
        ),
        tokenizer=_tokenizer(names, vocabulary),
        chat_template=_CHAT % (names | {"system": "true" if system else "false"}),
    )


def _ids(tokenizer: Any, names: dict[str, str]) -> dict[str, int]:
    number = tokenizer.convert_tokens_to_ids
    return {
        "audio_token_id": number(names["audio_token"]),
        "image_token_id": number(names["image_token"]),
        "video_token_id": number(names["video_token"]),
        "audio_start_token_id": number(names["audio_bos_token"]),
        "vision_start_token_id": number(names["vision_bos_token"]),
        "user_token_id": number("user") or 0,
    }


def _audio(hidden: int) -> dict[str, Any]:
    return {
        "num_mel_bins": 128,
        "encoder_layers": 1,
        "encoder_attention_heads": 2,
        "encoder_ffn_dim": 32,
        "d_model": 16,
        "output_dim": hidden,
        "max_source_positions": 1500,
    }


def _vision(patch: int, hidden: int) -> dict[str, Any]:
    return {
        "depth": 2,
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_heads": 2,
        "patch_size": patch,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": hidden,
    }


def _text(tokenizer: Any, context: int, hidden: int) -> dict[str, Any]:
    return {
        "vocab_size": -(-len(tokenizer) // 64) * 64,
        "hidden_size": hidden,
        "intermediate_size": 2 * hidden,
        "num_hidden_layers": 2,
        "num_attention_heads": hidden // 8,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": context,
        "pad_token_id": tokenizer.pad_token_id,
        "eos_token_id": tokenizer.eos_token_id,
    }


FAMILIES: dict[str, tuple[Family, Callable[..., Any]]] = {
    "qwen2_5_omni": (Qwen2_5Omni(), tiny_qwen2_5_omni),
    "qwen3_omni": (Qwen3Omni(), tiny_qwen3_omni),
}


def tiny_thinker(
    family: str, vocabulary: Vocabulary, *, context: int = 4096, hidden: int = 32, seed: int = 0
) -> Thinker:
    """Return a thinker that is ready to answer, of the family ``qwen2_5_omni`` or ``qwen3_omni``."""
    kind, build = FAMILIES[family]
    processor, model = build(vocabulary, context=context, hidden=hidden, seed=seed)
    return thinker_of(kind, processor, model)


class ForcedHead(torch.nn.Module):
    """In the place of the head of a model: its logits want one written token after another, in each row."""

    def __init__(self, rows: list[list[int]], width: int) -> None:
        super().__init__()
        self._rows = rows
        self._width = width
        self.steps = 0

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return logits whose greatest is that of the next token."""
        logits = torch.zeros(hidden.shape[0], hidden.shape[1], self._width)
        for row, ids in enumerate(self._rows):
            logits[row, -1, ids[min(self.steps, len(ids) - 1)]] = 100.0
        self.steps += 1
        return logits


class DiceHead(torch.nn.Module):
    """In the place of the head of a model: its logits are noise, another in each row and step."""

    def __init__(self, width: int, seed: int) -> None:
        super().__init__()
        self._width = width
        self._dice = torch.Generator().manual_seed(seed)

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return noise."""
        return torch.rand(hidden.shape[0], hidden.shape[1], self._width, generator=self._dice)


@contextmanager
def headed(thinker: Thinker, head: torch.nn.Module) -> Generator[None]:
    """Put another head on a model for a while."""
    model: Any = thinker.model
    own = model.lm_head
    model.lm_head = head
    try:
        yield
    finally:
        model.lm_head = own
