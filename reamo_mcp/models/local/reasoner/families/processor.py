"""The parts of a processor of transformers that are used here, with types."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch


class Tokenizer(Protocol):
    """Turns text into tokens and back."""

    eos_token_id: int
    pad_token_id: int

    @property
    def added_tokens_encoder(self) -> Mapping[str, int]:
        """The tokens that are no piece of ordinary text, such as those that end a turn."""
        ...

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]:
        """Return the tokens of a text."""
        ...

    def decode(self, token_ids: Sequence[int], *, skip_special_tokens: bool, clean_up_tokenization_spaces: bool) -> str:
        """Return the text of tokens."""
        ...

    def convert_tokens_to_ids(self, tokens: str) -> int:
        """Return the number of a token."""
        ...


class VisualProcessor(Protocol):
    """Cuts pictures or frames into patches."""

    patch_size: int
    merge_size: int
    temporal_patch_size: int


class SoundProcessor(Protocol):
    """Turns samples into features; ``n_samples`` is its longest input where it cuts what is longer."""

    n_samples: int


class Processor(Protocol):
    """The processor of a Qwen omni model."""

    tokenizer: Tokenizer
    image_processor: VisualProcessor
    video_processor: VisualProcessor
    feature_extractor: SoundProcessor
    image_token: str
    audio_token: str
    video_token: str

    def apply_chat_template(
        self, conversation: Sequence[Mapping[str, Any]], *, tokenize: bool, add_generation_prompt: bool
    ) -> str:
        """Return a conversation as text with one token in the place of each medium."""
        ...

    def __call__(self, *, text: str, return_tensors: str, **media: Any) -> "Mapping[str, torch.Tensor]":
        """Return the tokens of a text with its media, and the tensors of the media."""
        ...
