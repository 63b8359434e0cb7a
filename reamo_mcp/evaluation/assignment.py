"""Which gold item belongs to which predicted one: exact matching, small enough to need no library.

Both functions are exact, so a score never depends on the order in which an engine lists its answers.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import TypeVar

G = TypeVar("G")
P = TypeVar("P")


def least_cost_pairs(costs: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Return the (row, column) pairs of the assignment with the least total cost, by row.

    ``costs`` is a rectangle of finite numbers; min(rows, columns) pairs are returned. The method is the Hungarian one
    with row and column potentials (Kuhn 1955; Munkres 1957), O(rows² · columns).
    """
    if not costs or not costs[0]:
        return []
    if len(costs) > len(costs[0]):
        turned = [[row[column] for row in costs] for column in range(len(costs[0]))]
        return sorted((row, column) for column, row in least_cost_pairs(turned))
    rows, columns = len(costs), len(costs[0])
    row_potential = [0.0] * (rows + 1)
    column_potential = [0.0] * (columns + 1)
    row_of = [0] * (columns + 1)  # of each column, rows counted from 1; column 0 stands for the row being placed
    for row in range(1, rows + 1):
        row_of[0] = row
        came_from = [0] * (columns + 1)
        slack = [inf] * (columns + 1)
        used = [False] * (columns + 1)
        column = 0
        while row_of[column]:
            used[column] = True
            here, least, following = row_of[column], inf, 0
            for other in range(1, columns + 1):
                if used[other]:
                    continue
                reduced = costs[here - 1][other - 1] - row_potential[here] - column_potential[other]
                if reduced < slack[other]:
                    slack[other], came_from[other] = reduced, column
                if slack[other] < least:
                    least, following = slack[other], other
            for other in range(columns + 1):
                if used[other]:
                    row_potential[row_of[other]] += least
                    column_potential[other] -= least
                else:
                    slack[other] -= least
            column = following
        while column:
            before = came_from[column]
            row_of[column] = row_of[before]
            column = before
    return sorted((row_of[column] - 1, column - 1) for column in range(1, columns + 1) if row_of[column])


def most_pairs(gold: Sequence[G], predicted: Sequence[P], matches: Callable[[G, P], bool]) -> list[tuple[int, int]]:
    """Return as many (gold, predicted) index pairs as can match one to one, by gold index.

    Augmenting paths (Kuhn's algorithm for bipartite graphs). Needed because "shares a span with" is no equality: what
    is taken first must not decide how many can be matched.
    """
    fits = [[index for index, other in enumerate(predicted) if matches(item, other)] for item in gold]
    owner: dict[int, int] = {}  # predicted -> gold
    held: dict[int, int] = {}  # gold -> predicted
    for start in range(len(gold)):
        _augment(start, fits, owner, held)
    return sorted(held.items())


def _augment(start: int, fits: Sequence[Sequence[int]], owner: dict[int, int], held: dict[int, int]) -> None:
    asked_by: dict[int, int] = {}  # predicted -> the gold item that came to it
    waiting = [start]
    for item in waiting:  # grows while it is walked: breadth first, so long chains need no recursion
        for other in fits[item]:
            if other in asked_by:
                continue
            asked_by[other] = item
            if other in owner:
                waiting.append(owner[other])
                continue
            free: int | None = other
            while free is not None:
                taker = asked_by[free]
                given_up = held.get(taker)
                owner[free], held[taker] = taker, free
                free = given_up if taker != start else None
            return
