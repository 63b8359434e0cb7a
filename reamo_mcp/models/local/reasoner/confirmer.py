"""The second look of a local reasoner: one pass over a crop and a question, and how likely yes is against no.

Nothing is generated: the answer is read from the scores of the token that would come first. Memory that does not
suffice costs what the reasoner kept of earlier asks, then detail: crops that were put together are put apart, then
shown smaller; what still does not fit fails, alone.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Any

import torch

from reamo_mcp.errors import EngineFailed, OutOfMemory
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.local.reasoner.conversation import Conversation, Thrift, pieces, unmarked
from reamo_mcp.models.local.reasoner.families.family import Encoded
from reamo_mcp.models.local.reasoner.families.processor import Tokenizer
from reamo_mcp.models.local.reasoner.media import Still
from reamo_mcp.models.local.reasoner.prompts import Prompt, batch
from reamo_mcp.models.local.work_on_device import interruptible, layers_of, told_if_out_of_memory
from reamo_mcp.models.prompting import question
from reamo_mcp.models.roles import Answer, Confirmation, Failed, Found, ModelCard, Unsupported

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import Lent

_SIDE = 672  # pixels at which a crop is shown
_TOGETHER = 8
_MOST_THRIFT = 2
_YES = ("yes", "Yes", "YES")
_NO = ("no", "No", "NO")

Thinking = Callable[[Control], "AbstractContextManager[Lent]"]
"""Lends the loaded model to one caller at a time."""


class LocalConfirmer:
    """Answers with the model of a reasoner, which is loaded once for both."""

    def __init__(self, card: ModelCard, thinking: Thinking) -> None:
        self.card = card
        self._thinking = thinking

    def confirm(self, crops: Sequence[Picture], phrases: Sequence[str], control: Control) -> list[Answer[Confirmation]]:
        """Return one answer per crop. Raises ModelUnavailable, and what ``control.check`` raises."""
        pairs = list(zip(crops, phrases, strict=True))
        if not pairs:
            return []
        with self._thinking(control) as lent:
            looks = _Looks(lent, control)
            starts = range(0, len(pairs), _TOGETHER)
            return [answer for start in starts for answer in looks.answers(pairs[start : start + _TOGETHER], Thrift())]


class _Looks:
    """One call."""

    def __init__(self, lent: "Lent", control: Control) -> None:
        self._thinker, self._make_room = lent
        self._control = control
        self._yes, self._no = (_first_pieces(words, lent.thinker.processor.tokenizer) for words in (_YES, _NO))

    def answers(self, pairs: Sequence[tuple[Picture, str]], thrift: Thrift) -> list[Answer[Confirmation]]:
        """Return one answer per crop, with as much thrift as the memory needs."""
        try:
            with told_if_out_of_memory("a crop"):
                return self._together(pairs, thrift)
        except OutOfMemory as error:
            failure = Failed(OutOfMemory.code, error.message)
        except RuntimeError as error:
            failure = Failed(EngineFailed.code, f"the model failed on a crop ({type(error).__name__})")
        if failure.code == OutOfMemory.code and self._make_room():
            return self.answers(pairs, thrift)
        if len(pairs) > 1:
            half = len(pairs) // 2
            return [*self.answers(pairs[:half], thrift), *self.answers(pairs[half:], thrift)]
        if failure.code == OutOfMemory.code and thrift.steps < _MOST_THRIFT:
            return self.answers(pairs, Thrift(thrift.steps + 1))
        return [failure]

    def _together(self, pairs: Sequence[tuple[Picture, str]], thrift: Thrift) -> list[Answer[Confirmation]]:
        prompts: dict[int, Prompt] = {}
        answers: dict[int, Answer[Confirmation]] = {}
        for number, (crop, phrase) in enumerate(pairs):
            self._control.check()
            try:
                prompt = self._prompt(crop, phrase, thrift)
            except ValueError as error:
                answers[number] = Unsupported(f"a crop has a form that the model cannot take: {error}")
                continue
            if len(prompt.ids) > self._thinker.context:
                answers[number] = Unsupported("the phrase is more text than the model reads at once")
            else:
                prompts[number] = prompt
        if prompts:
            for number, share in zip(prompts, self._shares(list(prompts.values())), strict=True):
                answers[number] = Found((Confirmation(share=share),))
        return [answers[number] for number in range(len(pairs))]

    def _prompt(self, crop: Picture, phrase: str, thrift: Thrift) -> Prompt:
        family, processor = self._thinker.family, self._thinker.processor
        content = [{"type": "image"}, {"type": "text", "text": unmarked(question(phrase), processor)}]
        text = processor.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        still = Still("crop", crop.pixels, (crop.original_width, crop.original_height))
        ids: list[int] = []
        encoded: list[Encoded] = []
        for piece in pieces(Conversation(text, (still,)), processor):
            if isinstance(piece, str):
                ids += processor.tokenizer.encode(piece, add_special_tokens=False)
            else:
                encoded.append(family.encode_still(processor, still, thrift.side(_SIDE)))
                ids += encoded[-1].ids
        return Prompt(tuple(ids), tuple(encoded), {}, woven=False)

    def _shares(self, prompts: Sequence[Prompt]) -> list[float]:
        """Return how likely yes is against no, for each prompt."""
        model: Any = self._thinker.model
        arguments = batch(prompts, self._thinker.processor.tokenizer.pad_token_id, self._thinker.device, model.dtype)
        with torch.inference_mode(), interruptible(layers_of(model), self._control), _scores_of_the_last_alone(model):
            logits = model(**arguments, use_cache=False).logits[:, -1].float()
        yes, no = (logits[:, pieces].logsumexp(dim=1) for pieces in (self._yes, self._no))
        return (yes - no).sigmoid().tolist()


def _first_pieces(words: Sequence[str], tokenizer: Tokenizer) -> list[int]:
    """Return the tokens with which words begin: for common ones the whole word."""
    return sorted({tokenizer.encode(word, add_special_tokens=False)[0] for word in words})


@contextmanager
def _scores_of_the_last_alone(model: Any) -> Generator[None]:
    """Spare the scores of all tokens but the last, which are more than all else that a pass computes."""

    def last(_module: Any, given: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        return (given[0][:, -1:], *given[1:])

    hook = model.get_output_embeddings().register_forward_pre_hook(last)
    try:
        yield
    finally:
        hook.remove()
