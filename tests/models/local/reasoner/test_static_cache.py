"""Writing with a cache of fixed size: the same answers, and steps that can be compiled as a whole.

The steps are compiled here by a compiler that only looks whether they can be: for a processor the true one takes
minutes. How fast a GPU is with it has not been measured yet.
"""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.asks import Ask, Capacity, KnownEntity, TextPassage
from reamo_mcp.models.roles import Answer, Found, ModelCard, Reasoned
from tests.doubles.media_asks import MEDIA, ask_about, ask_of

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner, Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]  # the first test loads torch and transformers
CARD = ModelCard(role="reasoner", name="tiny", revision="1")


def reasoner(thinker: "Thinker", *, static: bool, together: int = 1) -> "LocalReasoner":
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner

    return LocalReasoner(CARD, lambda: replace(thinker, static=static), Capacity(together=together))


def answers(role: "LocalReasoner", *asks: Ask, budget: int = 60) -> list[Answer[Reasoned]]:
    told = role.reason(asks, budget, Unlimited())
    assert all(isinstance(answer, Found) for answer in told), told
    return told


@contextmanager
def scores_of(thinker: "Thinker") -> Generator[list[Any]]:
    """Yield the scores of every token that is written meanwhile."""
    model: Any = thinker.model
    scores: list[Any] = []

    def scored(_module: Any, _given: Any, told: Any) -> None:
        scores.append(told[:, -1])

    hook = model.lm_head.register_forward_hook(scored)
    try:
        yield scores
    finally:
        hook.remove()


def check_same(thinker: "Thinker", asks: Sequence[Ask], budget: int = 60) -> None:
    import torch

    with scores_of(thinker) as growing:
        told = answers(reasoner(thinker, static=False, together=len(asks)), *asks, budget=budget)
    with scores_of(thinker) as fixed:
        assert answers(reasoner(thinker, static=True, together=len(asks)), *asks, budget=budget) == told
    assert len(growing) == len(fixed) > 2
    assert all(torch.allclose(one, other, atol=1e-4) for one, other in zip(growing, fixed, strict=True))


@pytest.mark.parametrize("media", [("text",), ("image", "audio"), ("video",), MEDIA], ids="+".join)
def test_a_cache_of_fixed_size_gives_the_tokens_of_one_that_grows(thinker: "Thinker", media: tuple[str, ...]) -> None:
    check_same(thinker, [ask_about(media)])


def test_so_it_does_for_asks_of_different_lengths_that_are_put_together(thinker: "Thinker") -> None:
    check_same(thinker, [ask_about(("image", "audio")), ask_about(("text",)), ask_about(("text", "image"))])


def test_an_answer_may_go_beyond_a_thousand_tokens(thinker: "Thinker") -> None:
    from tests.doubles.tiny_reasoners import DiceHead, headed

    told: list[list[Answer[Reasoned]]] = []
    for static in (False, True):
        with headed(thinker, DiceHead(thinker.grammars.width, 8)):
            told.append(answers(reasoner(thinker, static=static), ask_about(("text",)), budget=1300))
    assert told[0] == told[1]


@contextmanager
def lengths_of(thinker: "Thinker") -> Generator[list[int]]:
    """Yield how many positions go through the model at a time meanwhile."""
    model: Any = thinker.model
    lengths: list[int] = []

    def through(_module: Any, given: tuple[Any, ...]) -> None:
        lengths.append(given[0].shape[1])

    hook = model.model.language_model.layers[0].register_forward_pre_hook(through)
    try:
        yield lengths
    finally:
        hook.remove()


def test_a_further_question_reads_only_what_is_new_with_either_cache(thinker: "Thinker") -> None:
    ask = ask_about(MEDIA)
    further = replace(ask, known=(KnownEntity(id="e1", type="person", name="Bob"),))
    read: list[list[int]] = []
    for static in (False, True):
        role = reasoner(thinker, static=static)
        with lengths_of(thinker) as all_of_it:
            answers(role, ask)
        with lengths_of(thinker) as lengths:
            told = answers(role, further)
        assert told == answers(reasoner(thinker, static=static), further)
        assert 1 < lengths[0] < all_of_it[0] / 4
        assert set(lengths[1:]) == {1}
        read.append(lengths)
    assert read[0] == read[1]


def test_on_a_processor_the_cache_grows_and_nothing_is_compiled(thinker: "Thinker") -> None:
    assert thinker.device.type == "cpu"
    assert not thinker.static


class Stopped:
    """Lets a number of tokens be written."""

    def __init__(self, tokens: int) -> None:
        self._tokens = tokens
        self.done = 0.0

    def check(self) -> None:
        if self.done >= self._tokens:
            raise Cancelled("the work was cancelled")

    def progress(self, done: float, total: float, unit: str) -> None:
        self.done = done


def test_the_control_is_obeyed_at_every_token(thinker: "Thinker") -> None:
    role, control = reasoner(thinker, static=True), Stopped(5)
    with pytest.raises(Cancelled):
        role.reason([ask_about(("text",))], 3000, control)
    assert control.done == 5


@contextmanager
def compiled(thinker: "Thinker", backend: Any) -> Generator[None]:
    """Let generation compile its steps on a processor too, as it does on a GPU."""
    import torch
    from transformers import CompileConfig

    model: Any = thinker.model
    configuration = CompileConfig(backend=backend, fullgraph=True, mode=None)  # pyright: ignore[reportArgumentType]
    configuration._compile_all_devices = True  # pyright: ignore[reportPrivateUsage, reportAttributeAccessIssue]
    model.generation_config.compile_config = configuration
    try:
        yield
    finally:
        model.generation_config.compile_config = None
        torch._dynamo.reset()  # pyright: ignore[reportPrivateUsage]


def test_the_steps_compile_as_a_whole_and_once_for_answers_of_like_size(thinker: "Thinker") -> None:
    graphs: list[Any] = []

    def looking(graph: Any, _examples: Any) -> Any:
        graphs.append(graph)
        return graph.forward

    asks = [ask_about(MEDIA), ask_of(TextPassage("m1.text", "text", "Ada sleeps."))]
    plain = [answers(reasoner(thinker, static=False), ask, budget=12) for ask in asks]
    role = reasoner(thinker, static=True)
    with compiled(thinker, looking):
        assert [answers(role, ask, budget=12) for ask in asks] == plain
    assert len(graphs) == 1


def test_where_compiling_fails_the_model_runs_without(thinker: "Thinker", caplog: pytest.LogCaptureFixture) -> None:
    tried: list[int] = []

    def broken(_graph: Any, _examples: Any) -> Any:
        tried.append(1)
        raise RuntimeError("no C compiler here")

    asks = [ask_about(("text",)), ask_about(("image",))]
    plain = [answers(reasoner(thinker, static=False), ask, budget=12) for ask in asks]
    role = reasoner(thinker, static=True)
    with compiled(thinker, broken), caplog.at_level(logging.WARNING):
        assert [answers(role, ask, budget=12) for ask in asks] == plain
    assert len(tried) == 1
    assert "no C compiler here" in caplog.text
