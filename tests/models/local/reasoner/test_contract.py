"""The local reasoner keeps the contract that every reasoner keeps, also on a device that is full."""

from typing import TYPE_CHECKING

import pytest

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.asks import Capacity
from reamo_mcp.models.roles import Found, ModelCard
from tests.doubles.media_asks import ask_about
from tests.models.contracts_of_readers import check_reasoner

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]


@pytest.mark.parametrize("together", [1, 3])
def test_the_local_reasoner_keeps_the_contract(thinker: "Thinker", together: int) -> None:
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner

    card = ModelCard(role="reasoner", name="tiny", revision="1")
    check_reasoner(LocalReasoner(card, lambda: thinker, Capacity(together=together)))


@pytest.mark.parametrize("step", range(1, 21))
def test_at_whatever_step_memory_runs_out_the_ask_is_answered_and_so_is_the_next(thinker: "Thinker", step: int) -> None:
    import torch

    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner
    from tests.doubles.tiny_reasoners import DiceHead, headed

    class FullOnce(DiceHead):
        """Runs out of memory at one step."""

        calls = 0

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            self.calls += 1
            if self.calls == step:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")
            return super().forward(hidden)

    card = ModelCard(role="reasoner", name="tiny", revision="1")
    reasoner = LocalReasoner(card, lambda: thinker, Capacity(together=2))
    asks = [ask_about(("text", "image")), ask_about(("text",))]
    head = FullOnce(thinker.grammars.width, 7)
    with headed(thinker, head):
        answers = reasoner.reason(asks, 30, Unlimited())
    assert head.calls > step, "the generation ended before: nothing was tried"
    assert [isinstance(answer, Found) for answer in answers] == [True, True], answers
    with headed(thinker, DiceHead(thinker.grammars.width, 7)):
        assert all(isinstance(answer, Found) for answer in reasoner.reason(asks, 30, Unlimited()))
