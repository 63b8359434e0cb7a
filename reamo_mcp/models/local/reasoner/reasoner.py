"""The reasoner of this machine: asks in, meta-responses out, whatever happens in between to one of them.

Memory that does not suffice costs detail, not the answer: asks that were put together are put one by one, then with
smaller pictures and fewer frames; only what still does not fit fails, alone. Before any of this, what was kept of
earlier prompts is given up.
"""

import logging
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import torch
from llguidance import LLMatcher

from reamo_mcp.errors import EngineFailed, OutOfMemory
from reamo_mcp.isolation.control import Control
from reamo_mcp.models.asks import Ask, Capacity
from reamo_mcp.models.local.reasoner.answers import recorded
from reamo_mcp.models.local.reasoner.conversation import Thrift, is_reducible, is_woven
from reamo_mcp.models.local.reasoner.decoding import Generated, GrammarRefused, Grammars, generate
from reamo_mcp.models.local.reasoner.encodings import Encode
from reamo_mcp.models.local.reasoner.families.family import Family
from reamo_mcp.models.local.reasoner.families.processor import Processor
from reamo_mcp.models.local.reasoner.prefill import fixed, positions_of, read
from reamo_mcp.models.local.reasoner.prefixes import Prefixes
from reamo_mcp.models.local.reasoner.prompts import Prompt, encoder, prompt_of
from reamo_mcp.models.local.work_on_device import told_if_out_of_memory
from reamo_mcp.models.meta_grammar import grammar
from reamo_mcp.models.meta_parsing import parse
from reamo_mcp.models.roles import Answer, Failed, Found, ModelCard, Reasoned, Unsupported

if TYPE_CHECKING:
    from transformers import PreTrainedModel

log = logging.getLogger(__name__)
_MOST_THRIFT = 3
_BETWEEN_LOOKS = 0.2  # seconds
_LEAST_ANSWER = 128  # tokens that must be left for an answer


@dataclass(frozen=True, eq=False)
class Thinker:
    """A loaded model with all that its family brings.

    ``context`` is the most tokens of prompt and answer together; ``static`` says whether to write with a cache of
    fixed size, which a GPU compiles.
    """

    family: Family
    processor: Processor
    model: "PreTrainedModel" = field(repr=False)
    grammars: Grammars = field(repr=False)
    context: int
    static: bool = False

    @property
    def device(self) -> torch.device:
        """Where the model is."""
        return self.model.device


class Lent(NamedTuple):
    """The model, lent to another caller; ``make_room`` frees what was kept of earlier asks, if there is anything."""

    thinker: Thinker
    make_room: Callable[[], bool]


class _TooLong(Exception):
    """A prompt leaves no room for its answer."""

    message = "this part does not fit into the context of the model"


class LocalReasoner:
    """Answers asks with a model that is loaded when it is first needed. One call at a time."""

    def __init__(self, card: ModelCard, load: Callable[[], Thinker], capacity: Capacity | None = None) -> None:
        self.card = card
        self.capacity = capacity or Capacity()
        self._load = load
        self._thinker: Thinker | None = None
        self._held: _Held | None = None
        self._loading: Future[Thinker] | None = None
        self._lock = threading.Lock()

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        """Return one answer per ask, of at most ``budget`` tokens. Raises ModelUnavailable, and what control raises."""
        with self._lock:
            thinker = self._ready(control)
            self._held = held = self._held or _Held(encoder(thinker.family, thinker.processor), thinker.static)
            work = _Work(thinker, held, self.capacity, budget, control)
            answers: dict[int, Answer[Reasoned]] = {}
            for woven in (False, True):
                own = [number for number, ask in enumerate(asks) if is_woven(ask) == woven]
                for start in range(0, len(own), self.capacity.together):
                    some = own[start : start + self.capacity.together]
                    answers.update(zip(some, work.answers([asks[number] for number in some], Thrift()), strict=True))
            return [answers[number] for number in range(len(asks))]

    @contextmanager
    def thinking(self, control: Control) -> Generator[Lent]:
        """Yield the loaded model to whoever asks it something else; nobody asks it anything meanwhile.

        Raises ModelUnavailable, and what control raises.
        """
        with self._lock:
            yield Lent(self._ready(control), self._make_room)

    def _make_room(self) -> bool:
        return self._held is not None and self._held.prefixes.drop()

    def _ready(self, control: Control) -> Thinker:
        """Return the model; while it loads, which may take minutes, the control is obeyed and kept awake."""
        if self._thinker is not None:
            return self._thinker
        loading = self._loading = self._loading or _begun(self._load)
        while not loading.done():
            control.check()
            wait([loading], timeout=_BETWEEN_LOOKS)
        self._loading = None
        self._thinker = loading.result()
        return self._thinker


def _begun(load: Callable[[], Thinker]) -> Future[Thinker]:
    """Begin to load in a thread that does not keep the process alive."""
    loading: Future[Thinker] = Future()

    def work() -> None:
        try:
            loading.set_result(load())
        except BaseException as error:  # whoever waits meets it
            loading.set_exception(error)

    threading.Thread(target=work, name="loading a model", daemon=True).start()
    return loading


@dataclass
class _Held:
    """What stays from call to call, in memory alone; it goes with the model."""

    encode: Encode
    static: bool
    prefixes: Prefixes = field(default_factory=Prefixes)


class _Work:
    """One call."""

    def __init__(self, thinker: Thinker, held: _Held, capacity: Capacity, budget: int, control: Control) -> None:
        self._thinker = thinker
        self._held = held
        self._capacity = capacity
        self._budget = budget
        self._control = control

    def answers(self, asks: Sequence[Ask], thrift: Thrift) -> list[Answer[Reasoned]]:
        """Return one answer per ask, with as much thrift as the memory needs."""
        try:
            with told_if_out_of_memory("this part"):
                return self._together(asks, thrift)
        except (OutOfMemory, _TooLong) as error:
            failure = Failed(OutOfMemory.code, error.message)
        except RuntimeError as error:
            failure = Failed(EngineFailed.code, f"the model failed on this part ({type(error).__name__})")
            if self._held.static and not isinstance(error, GrammarRefused):
                # Compiling needs more than running does, such as a compiler of C on the machine.
                log.warning("the model runs without being compiled from now on: %s", error)
                self._held.static = False
                return self.answers(asks, thrift)
        if failure.code == OutOfMemory.code and self._held.prefixes.drop():
            return self.answers(asks, thrift)
        if len(asks) > 1:
            half = len(asks) // 2
            return [*self.answers(asks[:half], thrift), *self.answers(asks[half:], thrift)]
        if failure.code == OutOfMemory.code and thrift.steps < _MOST_THRIFT and is_reducible(asks[0]):
            return self.answers(asks, Thrift(thrift.steps + 1))
        return [failure]

    def _together(self, asks: Sequence[Ask], thrift: Thrift) -> list[Answer[Reasoned]]:
        prompts: dict[int, Prompt] = {}
        answers: dict[int, Answer[Reasoned]] = {}
        for number, ask in enumerate(asks):
            self._control.check()
            try:
                prompts[number] = self._prompt(ask, thrift)
            except ValueError as error:
                answers[number] = Unsupported(f"a medium has a form that the model cannot take: {error}")
        if prompts:
            matchers = [self._thinker.grammars.matcher(grammar(asks[number].form)) for number in prompts]
            room = self._thinker.context - max(len(prompt.ids) for prompt in prompts.values())
            if room < min(_LEAST_ANSWER, self._budget):
                raise _TooLong
            generated = self._generated(list(prompts.values()), matchers, min(room, self._budget))
            for (number, prompt), one in zip(prompts.items(), generated, strict=True):
                answers[number] = Found((self._reasoned(one, prompt, thrift),))
        return [answers[number] for number in range(len(asks))]

    def _prompt(self, ask: Ask, thrift: Thrift) -> Prompt:
        thinker = self._thinker
        return prompt_of(ask, thinker.family, thinker.processor, self._capacity, thrift, self._held.encode)

    def _generated(self, prompts: Sequence[Prompt], matchers: Sequence[LLMatcher], most: int) -> list[Generated]:
        model, tokenizer, prefixes = self._thinker.model, self._thinker.processor.tokenizer, self._held.prefixes
        alone = prompts[0] if len(prompts) == 1 else None
        positions = positions_of(model, prompts, tokenizer.pad_token_id)
        prefix = None if alone is None else prefixes.longest(alone, positions)
        begun = read(model, prompts, tokenizer.pad_token_id, positions, prefix, self._control)
        if self._held.static:
            begun = fixed(begun, model, most)
        generated = generate(model, begun, matchers, tokenizer, most, self._control)
        if alone is not None:
            prefixes.keep(alone, positions, begun.cache, len(alone.ids) - 1)
        return generated

    def _reasoned(self, generated: Generated, prompt: Prompt, thrift: Thrift) -> Reasoned:
        text = self._thinker.processor.tokenizer.decode(
            generated.ids, skip_special_tokens=True, clean_up_tokenization_spaces=False
        )
        parsed = parse(text)
        return Reasoned(
            response=recorded(parsed.response, self._thinker.family, prompt.shown),
            complete=parsed.complete and generated.ended,
            dropped=parsed.dropped,
            reduced=thrift.told,
        )
