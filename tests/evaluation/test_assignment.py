# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownLambdaType=false
# ... since scipy publishes no types.
from itertools import permutations

import numpy
import pytest
from scipy.optimize import linear_sum_assignment
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import maximum_bipartite_matching

from reamo_mcp.evaluation.assignment import least_cost_pairs, most_pairs
from reamo_mcp.evaluation.randomness import Dice


def _matrix(dice: Dice, rows: int, columns: int, values: int) -> list[list[float]]:
    return [[dice.below(values) / 7 - 3 for _ in range(columns)] for _ in range(rows)]


@pytest.mark.parametrize("seed", range(60))
def test_the_least_cost_is_that_of_scipy(seed: int) -> None:
    dice = Dice(f"assignment {seed}")
    rows, columns = dice.between(1, 9), dice.between(1, 9)
    costs = _matrix(dice, rows, columns, 10 if seed % 2 else 1_000_000)  # few values give many ties
    pairs = least_cost_pairs(costs)
    found = numpy.array(costs)
    assert len(pairs) == min(rows, columns)
    assert len({row for row, _ in pairs}) == len({column for _, column in pairs}) == len(pairs)
    expected = found[linear_sum_assignment(found)].sum()
    assert sum(costs[row][column] for row, column in pairs) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("seed", range(20))
def test_the_least_cost_is_that_of_trying_all_permutations(seed: int) -> None:
    costs = _matrix(Dice(f"all {seed}"), 5, 5, 1000)
    least = min(sum(costs[row][column] for row, column in enumerate(order)) for order in permutations(range(5)))
    assert sum(costs[row][column] for row, column in least_cost_pairs(costs)) == pytest.approx(least, abs=1e-9)


@pytest.mark.parametrize("seed", range(60))
def test_as_many_pairs_match_as_scipy_finds(seed: int) -> None:
    dice = Dice(f"matching {seed}")
    gold, predicted = dice.between(1, 12), dice.between(1, 12)
    fits = [[dice.chance(25) for _ in range(predicted)] for _ in range(gold)]
    pairs = most_pairs(range(gold), range(predicted), lambda one, other: fits[one][other])
    assert all(fits[one][other] for one, other in pairs)
    assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)
    assert len(pairs) == (maximum_bipartite_matching(csr_matrix(fits), perm_type="column") >= 0).sum()


def test_nothing_to_assign_gives_no_pairs() -> None:
    assert least_cost_pairs([]) == []
    assert least_cost_pairs([[]]) == []
    assert most_pairs((), (1, 2), lambda one, other: True) == []
