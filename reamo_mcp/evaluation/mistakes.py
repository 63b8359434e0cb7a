"""Which kinds of mistakes: the six that the authors of Reamo list, counted for entities and their places.

*repetition*: a surplus prediction equal to one that matched; *incomplete*: a gold entity that is missed; *wrong match*:
the entity is right, its place is that of another; *miss-grounding*: right, but without the place that gold has;
*over-grounding*: right, with a place where gold has none; *propagation*: the place is right though the entity is not
(its type or words differ).
"""

from collections import Counter
from collections.abc import Iterable

from reamo_mcp.evaluation.facts import Facts, Thing
from reamo_mcp.evaluation.grounded import Compared, Media, compared, matched_things
from reamo_mcp.evaluation.recognition import same_place

_SAME = 0.5


def mistakes(gold: Facts, predicted: Facts, media: Media) -> Counter[str]:
    """Count the mistakes of one sample by kind."""
    found: Counter[str] = Counter()
    pairs = matched_things(gold.things, predicted.things)
    right = {id(theirs) for _, theirs in pairs}
    matched = {id(mine) for mine, _ in pairs}
    found["incomplete"] = sum(id(thing) not in matched for thing in gold.things)
    for thing in predicted.things:
        if id(thing) in right:
            continue
        if any(thing.type == mine.type and same_place(mine, thing) for mine, _ in pairs):
            found["repetition"] += 1
        elif any(_meet(compared([mine], [thing], media)) for mine in gold.things):
            found["propagation"] += 1
    for mine, theirs in pairs:
        others = [thing for thing in gold.things if thing is not mine]
        for item in compared([mine], [theirs], media):
            if not item.predictions:
                found["miss-grounding"] += 1
            elif not item.golds:
                found["over-grounding"] += 1
            elif item.best < _SAME and _elsewhere(others, theirs, media, item):
                found["wrong match"] += 1
    return found


def _meet(items: Iterable[Compared]) -> bool:
    return any(item.best >= _SAME for item in items)


def _elsewhere(others: list[Thing], theirs: Thing, media: Media, here: Compared) -> bool:
    return any(
        item.medium == here.medium and item.kind == here.kind and item.best >= _SAME
        for item in compared(others, [theirs], media)
    )
