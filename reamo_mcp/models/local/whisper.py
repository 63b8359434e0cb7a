"""Whisper through transformers: words with their times, and how sure the model is of each.

The text is decoded greedily. Then the decoder reads it once more as a whole: its probabilities are those of the words,
and where some of its heads look (the published alignment heads of the checkpoint) is where the words are spoken.
"""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportArgumentType=false

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from transformers import GenerationConfig, WhisperForConditionalGeneration, WhisperProcessor

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.local.alignment import starts_of_tokens
from reamo_mcp.models.local.listening import HeardPart
from reamo_mcp.models.local.speech_words import goes_in_circles, words_of
from reamo_mcp.models.local.weights import Loaded, Weights, load_model, opening
from reamo_mcp.models.local.work_on_device import interruptible, told_if_out_of_memory
from reamo_mcp.models.roles import HeardWord

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

FRAMES_PER_SECOND = 50
_TOKENS_PER_SECOND = 24  # more than anybody speaks: a decoder that runs away is stopped
_MEDIAN_WIDTH = 7  # frames over which the attention is smoothed, as in the reference implementation
# Thresholds of the reference implementation; not measured here.
_SILENT = 0.6
_LEAST_MEAN_LOG_PROBABILITY = -1.0
_LEAST_CONFIDENCE = 0.6
_LONGEST_WORD = 2.0  # seconds


class Hearing(NamedTuple):
    """A loaded model and what belongs to it."""

    processor: WhisperProcessor
    model: WhisperForConditionalGeneration

    @property
    def generation(self) -> GenerationConfig:
        """The settings that the checkpoint was published with."""
        return self.model.generation_config


def load_hearing(weights: Weights, device: str) -> Hearing:
    """Return the model of a folder. Raises ModelUnavailable and OutOfMemory."""
    with opening(weights):
        processor = WhisperProcessor.from_pretrained(str(weights.folder), local_files_only=True)
    model = load_model(WhisperForConditionalGeneration, weights, device)
    if not model.generation_config.to_dict().get("alignment_heads"):
        raise ModelUnavailable(
            f"{weights.name} tells no alignment heads, so its words would have no times", "Take another checkpoint"
        )
    return Hearing(processor, model)


class WhisperRecogniser:
    """Hears words with Whisper; the model is loaded by the first call. One call at a time.

    ``longest`` is what its checkpoint was trained for, in seconds: 30 for all that were published.
    """

    def __init__(self, load: Callable[[], Hearing], longest: float = 30.0) -> None:
        self._loaded = Loaded(load)
        self.longest = longest

    def hear(
        self, parts: "Sequence[NDArray[numpy.float32]]", language: str | None, control: Control
    ) -> list[HeardPart]:
        """Return the words of each part, decoded together. Raises ModelUnavailable and OutOfMemory."""
        if not parts:
            return []
        hearing = self._loaded.get()
        layers = (*hearing.model.model.encoder.layers, *hearing.model.model.decoder.layers)
        with told_if_out_of_memory("this much speech"), torch.inference_mode(), interruptible(layers, control):
            return _Work(hearing, parts, language).heard()


class _Work:
    """One call."""

    def __init__(self, hearing: Hearing, parts: "Sequence[NDArray[numpy.float32]]", language: str | None) -> None:
        self._processor, self._model = hearing
        self._generation = hearing.generation
        self._parts = parts
        self._tokenizer: Any = hearing.processor.tokenizer
        features = hearing.processor.feature_extractor(list(parts), sampling_rate=SAMPLE_RATE, return_tensors="pt")
        self._sound = self._model.get_encoder()(features.input_features.to(self._model.device, self._model.dtype))
        self._language = self._spoken(language)
        self._prompt = self._begun()

    def heard(self) -> list[HeardPart]:
        found = [self._text_tokens(row) for row in self._decoded({})]
        circling = [self._turns(tokens) for tokens in found]
        if any(circling):
            again = self._decoded({"no_repeat_ngram_size": 3})
            found = [
                self._text_tokens(row) if turns else tokens
                for row, tokens, turns in zip(again, found, circling, strict=True)
            ]
        cut = [turns or len(tokens) >= self._most_tokens() for tokens, turns in zip(found, circling, strict=True)]
        read = self._read_again(found)
        return [
            HeardPart(self._language, self._words(number, tokens, read, doubtful))
            for number, (tokens, doubtful) in enumerate(zip(found, cut, strict=True))
        ]

    def _spoken(self, wanted: str | None) -> str | None:
        if not self._generation.is_multilingual:
            return "en"
        if wanted is not None and f"<|{wanted}|>" in self._generation.lang_to_id:
            return wanted
        found = self._model.detect_language(encoder_outputs=self._first(), generation_config=self._generation)
        names = {number: name for name, number in self._generation.lang_to_id.items()}
        return names[int(found[0])].strip("<|>")

    def _first(self) -> Any:
        return type(self._sound)(last_hidden_state=self._sound.last_hidden_state[:1])

    def _begun(self) -> list[int]:
        """Return the tokens that stand before the text."""
        generation = self._generation
        begun = [int(generation.decoder_start_token_id)]
        if generation.is_multilingual:
            begun += [generation.lang_to_id[f"<|{self._language}|>"], generation.task_to_id["transcribe"]]
        return [*begun, int(generation.no_timestamps_token_id)]

    def _most_tokens(self) -> int:
        longest = max(len(part) for part in self._parts) / SAMPLE_RATE
        room = self._model.config.max_target_positions - len(self._prompt) - 1
        return min(room, int(longest * _TOKENS_PER_SECOND) + 8)

    def _decoded(self, more: dict[str, Any]) -> list[list[int]]:
        spoken = {"language": self._language, "task": "transcribe"} if self._generation.is_multilingual else {}
        rows = self._model.generate(
            encoder_outputs=self._sound,
            return_timestamps=False,
            force_unique_generate_call=True,  # each part is decoded once, whatever times the model would write
            max_new_tokens=self._most_tokens(),
            do_sample=False,
            num_beams=1,
            **spoken,
            **more,
        )
        return rows.tolist()

    def _text_tokens(self, row: Sequence[int]) -> list[int]:
        # Every vocabulary of Whisper begins with the text; its end, languages, tasks and times come after.
        return [token for token in row if token < int(self._tokenizer.eos_token_id)]

    def _turns(self, tokens: Sequence[int]) -> bool:
        return goes_in_circles(self._tokenizer.decode(list(tokens)))

    def _read_again(self, found: "Sequence[Sequence[int]]") -> "_Read":
        """Return what the decoder makes of the decoded texts, read as a whole."""
        end = int(self._tokenizer.eos_token_id)
        length = max(map(len, found)) + 1
        rows = [[*self._prompt, *tokens, *[end] * (length - len(tokens))] for tokens in found]
        # Only this way of computing the attention tells where the heads look.
        self._model.set_attn_implementation("eager")
        try:
            out = self._model(
                encoder_outputs=self._sound,
                decoder_input_ids=torch.tensor(rows, device=self._model.device),
                output_attentions=True,
                use_cache=False,
            )
        finally:
            self._model.set_attn_implementation("sdpa")
        heads = [out.cross_attentions[layer][:, head] for layer, head in self._generation.alignment_heads]
        return _Read(out.logits, torch.stack(heads, 1).float())

    def _words(self, number: int, tokens: Sequence[int], read: "_Read", doubtful: bool) -> tuple[HeardWord, ...]:
        if not tokens:
            return ()
        begun = len(self._prompt)
        rows = slice(begun - 1, begun - 1 + len(tokens))
        log_probabilities = read.logits[number].float().log_softmax(-1)
        chosen = log_probabilities[rows].gather(1, torch.tensor([tokens], device=self._model.device).T)[:, 0]
        # As published: the sign for "nobody speaks" is the one before that for "no times".
        silence = float(log_probabilities[0, int(self._generation.no_timestamps_token_id) - 1].exp())
        if silence > _SILENT and float(chosen.mean()) < _LEAST_MEAN_LOG_PROBABILITY:
            return ()
        frames = max(1, min(read.attention.shape[-1], len(self._parts[number]) * FRAMES_PER_SECOND // SAMPLE_RATE))
        starts = starts_of_tokens(_looks(read.attention[number, :, : begun + len(tokens), :frames], begun))
        pieces, ends = self._pieces(tokens)
        firsts = [0, *ends[:-1]]
        words: list[HeardWord] = []
        for word in words_of(pieces, self._language):
            first, after = firsts[word.first], ends[word.last]
            start, end = starts[first] / FRAMES_PER_SECOND, starts[after] / FRAMES_PER_SECOND
            confidence = float(chosen[first:after].mean().exp())
            sure = not doubtful and confidence >= _LEAST_CONFIDENCE and 0 < end - start <= _LONGEST_WORD
            words.append(HeardWord(text=word.text, start=start, end=end, confidence=confidence, confident=sure))
        return tuple(words)

    def _pieces(self, tokens: Sequence[int]) -> tuple[list[str], list[int]]:
        """Return the shortest runs of tokens that are whole characters, as text, and the token after each."""
        pieces: list[str] = []
        ends: list[int] = []
        begin = 0
        for end in range(1, len(tokens) + 1):
            text = self._tokenizer.decode(list(tokens[begin:end]))
            if "\ufffd" not in text or end == len(tokens):
                pieces.append(text.replace("\ufffd", ""))
                ends.append(end)
                begin = end
        return pieces, ends


class _Read(NamedTuple):
    """By part: what is expected next [part, position, token], where the heads look [part, head, position, frame]."""

    logits: torch.Tensor
    attention: torch.Tensor


def _looks(attention: torch.Tensor, begun: int) -> "NDArray[numpy.float64]":
    """Return how much each token of the text, and what comes after it, looks at each frame."""
    spread = attention.std(-2, keepdim=True, unbiased=False).clamp_min(1e-9)
    sharpened = (attention - attention.mean(-2, keepdim=True)) / spread
    reach = _MEDIAN_WIDTH // 2
    if sharpened.shape[-1] > reach:
        padded = torch.nn.functional.pad(sharpened, (reach, reach), mode="reflect")
        sharpened = padded.unfold(-1, _MEDIAN_WIDTH, 1).sort(-1).values[..., reach]
    return sharpened.mean(0)[begun - 1 :].double().cpu().numpy()
