"""Decoding bound to a grammar: every answer is a valid beginning of one that the grammar allows, and most are whole.

A generation ends in one of three ways: the grammar is satisfied and the turn is ended (``ended``), the budget is used
up, or the model tells the same thing over and over; after the last two the finished items are still of use. Whether
the work shall stop is looked up at every token.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import llguidance
import llguidance.hf
import llguidance.numpy
import torch
from transformers import (
    GenerationConfig,
    LogitsProcessor,
    LogitsProcessorList,
    StaticCache,
    StoppingCriteria,
    StoppingCriteriaList,
)

from reamo_mcp.isolation.control import Control
from reamo_mcp.models.local.reasoner.families.processor import Tokenizer
from reamo_mcp.models.local.reasoner.prefill import Read, left_clean
from reamo_mcp.models.local.work_on_device import interruptible, layers_of
from reamo_mcp.models.meta_grammar import Schema
from reamo_mcp.models.meta_parsing import parse

_LOOK = 64  # tokens between two looks at whether an answer repeats itself
_SAME = 4  # equal items in a row that count as repetition


class GrammarRefused(RuntimeError):
    """A grammar could not be built, or a token broke it: a defect."""


@dataclass(frozen=True)
class Generated:
    """The tokens of one answer without the one that ends it; ``ended`` is False where it was cut."""

    ids: tuple[int, ...]
    ended: bool


@dataclass
class Grammars:
    """Makes matchers for the answers of asks. ``width`` is that of the logits, which may be more than the tokens."""

    tokenizer: Tokenizer
    width: int
    _tokens: llguidance.LLTokenizer = field(init=False, repr=False)

    def __post_init__(self) -> None:
        tokenizer: Any = self.tokenizer
        self._tokens = llguidance.hf.from_tokenizer(
            tokenizer, n_vocab=self.width, eos_token=self.tokenizer.eos_token_id
        )

    def matcher(self, schema: Schema) -> llguidance.LLMatcher:
        """Return what follows one answer. Raises GrammarRefused."""
        grammar = llguidance.LLMatcher.grammar_from_json_schema(
            json.dumps(schema), overrides={"whitespace_flexible": False}
        )
        matcher = llguidance.LLMatcher(self._tokens, grammar)
        if matcher.is_error():
            raise GrammarRefused(matcher.get_error())
        return matcher


def generate(
    model: Any,
    read: Read,
    matchers: Sequence[llguidance.LLMatcher],
    tokenizer: Tokenizer,
    most: int,
    control: Control,
) -> list[Generated]:
    """Return one answer of at most ``most`` tokens per row of what was read, the likeliest token at each step.

    On a GPU the steps are compiled where the cache has a fixed size, which takes a while the first time. Between their
    layers the control is not looked at then, but at each token it is.

    Raises what ``control.check`` raises, GrammarRefused and torch.OutOfMemoryError.
    """
    control.check()
    end = tokenizer.eos_token_id
    # Stated in full: what a checkpoint suggests for chats, such as a penalty on repetition, would spoil an answer.
    settings = GenerationConfig(
        max_new_tokens=most,
        do_sample=False,
        num_beams=1,
        temperature=1.0,
        top_p=1.0,
        top_k=50,
        repetition_penalty=1.0,
        no_repeat_ngram_size=0,
        eos_token_id=end,
        pad_token_id=tokenizer.pad_token_id,
    )
    start = read.ids.shape[1]
    bound = BoundToGrammar(matchers, end)
    looked_at = () if isinstance(read.cache, StaticCache) else layers_of(model)

    def work() -> list[list[int]]:
        with torch.inference_mode(), interruptible(looked_at, control):
            rows: torch.Tensor = model.generate(
                input_ids=read.ids,
                attention_mask=read.mask,
                position_ids=read.positions,
                cache=read.cache,
                generation_config=settings,
                logits_processor=LogitsProcessorList([bound]),
                stopping_criteria=StoppingCriteriaList([Watch(start, most, control, _text_of(tokenizer), bound.take)]),
            )
        return rows[:, start:].tolist()

    return [_generated(row, end) for row in left_clean(work)]


class BoundToGrammar(LogitsProcessor):
    """Lets through only tokens that continue the answer of each row; after its end only the end of the turn.

    It is told which tokens were written. To look at them would be to wait for the step of a GPU, during which the
    grammar can find out what may come next.
    """

    def __init__(self, matchers: Sequence[llguidance.LLMatcher], end: int) -> None:
        self._matchers = matchers
        self._end = end
        self._packed: Any = None  # numpy: the helper for torch would load its compiler
        self._written: Sequence[int] = ()

    def take(self, tokens: Sequence[int]) -> None:
        """Take note of the token that was written in each row."""
        self._written = tokens

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Return the scores with those of forbidden tokens at minus infinity."""
        width = scores.shape[1]
        if self._packed is None:  # the first call: nothing is written yet
            self._packed = llguidance.numpy.allocate_token_bitmask(len(self._matchers), width)
        else:
            for matcher, token in zip(self._matchers, self._written, strict=True):
                if not matcher.is_stopped() and not matcher.consume_token(token):
                    raise GrammarRefused(matcher.get_error())
        for row, matcher in enumerate(self._matchers):
            if matcher.is_error():
                raise GrammarRefused(matcher.get_error())
            if matcher.is_stopped():
                self._packed[row] = 0
                bit = 1 << (self._end % 32)
                self._packed[row, self._end // 32] = bit if bit < 2**31 else bit - 2**32
            else:
                llguidance.numpy.fill_next_token_bitmask(matcher, self._packed, row)
        allowed = _unpacked(torch.from_numpy(self._packed).to(scores.device), width)
        return scores.masked_fill(~allowed, -torch.inf)


class Watch(StoppingCriteria):
    """Obeys the control at every token, tells how far the answers are, and stops the ones that repeat themselves.

    ``take`` is told the token that was written in each row.
    """

    def __init__(
        self,
        start: int,
        most: int,
        control: Control,
        text: Callable[[list[int]], str],
        take: Callable[[Sequence[int]], None],
    ) -> None:
        self._start = start
        self._most = most
        self._control = control
        self._text = text
        self._take = take

    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]  # declared with types of transformers alone
        self, input_ids: torch.Tensor, scores: Any, **kwargs: Any
    ) -> torch.Tensor:
        """Return which rows shall stop."""
        done = input_ids.shape[1] - self._start
        self._take(input_ids[:, -1].tolist())
        self._control.check()
        self._control.progress(done, self._most, "tokens")
        stop = torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)
        if done % _LOOK == 0:
            for row, ids in enumerate(input_ids[:, self._start :].tolist()):
                stop[row] = repeats_itself(self._text(ids))
        return stop


def repeats_itself(text: str) -> bool:
    """Return whether the last items of an unfinished answer are the same but for their numbers."""
    response = parse(text).response
    latest = next((items for items in (response.calls, response.events, response.relations) if items), ())
    items = [item.model_dump_json(exclude={"id"}) for item in (latest or response.entities)[-_SAME:]]
    return len(items) == _SAME and len(set(items)) == 1


def _unpacked(mask: torch.Tensor, width: int) -> torch.Tensor:
    """Return a packed mask [rows, words] as booleans [rows, width]; lowest bit first."""
    shifts = torch.arange(32, dtype=torch.int32, device=mask.device)
    return ((mask[:, :, None] >> shifts) & 1).flatten(1)[:, :width].bool()


def _text_of(tokenizer: Tokenizer) -> Callable[[list[int]], str]:
    def text(ids: list[int]) -> str:
        return tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)

    return text


def _generated(ids: Sequence[int], end: int) -> Generated:
    if end in ids:
        return Generated(tuple(ids[: ids.index(end)]), ended=True)
    return Generated(tuple(ids), ended=False)
