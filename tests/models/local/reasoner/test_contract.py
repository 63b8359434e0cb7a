"""The local reasoner keeps the contract that every reasoner keeps."""

from typing import TYPE_CHECKING

import pytest

from reamo_mcp.models.asks import Capacity
from reamo_mcp.models.roles import ModelCard
from tests.models.contracts_of_readers import check_reasoner

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]


@pytest.mark.parametrize("together", [1, 3])
def test_the_local_reasoner_keeps_the_contract(thinker: "Thinker", together: int) -> None:
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner

    card = ModelCard(role="reasoner", name="tiny", revision="1")
    check_reasoner(LocalReasoner(card, lambda: thinker, Capacity(together=together)))
