"""One full name has one type in a document, where one medium is sure of it and another is not.

A line of a poster tells less about a name than a sentence does: what the poster's reader takes for a place with little
certainty is the organization that the text tells it to be. Names of one word are left alone: a city and a paper, a king
and a ship share them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from reamo_mcp.linking.located import LocatedEntity
from reamo_mcp.linking.names import folded

_SURE = 0.9
_UNSURE = 0.75


def with_agreed_types(located: Sequence[LocatedEntity], among: Iterable[str]) -> list[LocatedEntity]:
    """Return the same candidates; those of doubtful type take the type that the same name surely has elsewhere.

    ``among`` are the types of names: neither dates nor amounts, which have a form of their own.
    """
    names = frozenset(among)
    best: dict[str, dict[str, float]] = defaultdict(dict)
    for entity in located:
        score = _score(entity)
        if score is not None and entity.candidate.type in names and (name := _full_name(entity)):
            of_name = best[name]
            of_name[entity.candidate.type] = max(score, of_name.get(entity.candidate.type, 0.0))
    return [_agreed(entity, best.get(_full_name(entity), {})) for entity in located]


def _agreed(entity: LocatedEntity, scores: dict[str, float]) -> LocatedEntity:
    own = scores.get(entity.candidate.type)
    if own is None or len(scores) < 2:
        return entity
    sure = [kind for kind, score in scores.items() if score >= _SURE]
    if len(sure) != 1 or own > _UNSURE:
        return entity
    return replace(entity, candidate=entity.candidate.model_copy(update={"type": sure[0]}))


def _full_name(entity: LocatedEntity) -> str:
    words = folded(entity.candidate.name).split()
    return " ".join(words) if len(words) > 1 else ""


def _score(entity: LocatedEntity) -> float | None:
    scores = [place.score for place in entity.groundings if place.score is not None]
    return max(scores, default=None)
