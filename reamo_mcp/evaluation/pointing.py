"""Does a region without words point at a thing? The pointing game, for faces against whole people and the like.

Source: Zhang et al., "Top-down Neural Attention by Excitation Backprop" (IJCV 2018): a hit is a point inside the gold
region. Here the point is the centre of a predicted region that carries no words, and it must lie in a gold region
without words of a thing of the same type, each gold region being hit once. So a face counts for the person that it
belongs to, though its box is far smaller; recall is over all people, also those whose face cannot be seen.
"""

from dataclasses import dataclass

from reamo_mcp.evaluation.assignment import most_pairs
from reamo_mcp.evaluation.counts import Counts
from reamo_mcp.evaluation.facts import Facts
from reamo_mcp.media.run_lengths import decoded
from reamo_mcp.types.grounding import ImageRegion


@dataclass(frozen=True)
class _Seen:
    type: str
    region: ImageRegion


def count_pointed(gold: Facts, predicted: Facts) -> Counts:
    """Count regions without words whose centre lies in a gold region without words of the same type."""
    mine, theirs = _seen(gold), _seen(predicted)
    return Counts(len(most_pairs(mine, theirs, _hits)), len(theirs), len(mine))


def _hits(gold: _Seen, predicted: _Seen) -> bool:
    if gold.type != predicted.type or gold.region.media_id != predicted.region.media_id:
        return False
    box = predicted.region.parts[0]
    for part in predicted.region.parts[1:]:
        box = box.union(part)
    x, y = box.x + box.width / 2, box.y + box.height / 2
    if gold.region.mask is not None:
        pixels = decoded(gold.region.mask)
        height, width = pixels.shape
        return 0 <= x < width and 0 <= y < height and bool(pixels[int(y), int(x)])
    return any(part.x <= x < part.right and part.y <= y < part.bottom for part in gold.region.parts)


def _seen(facts: Facts) -> list[_Seen]:
    return [
        _Seen(thing.type, place)
        for thing in facts.things
        for place in thing.places
        if isinstance(place, ImageRegion) and place.quote is None
    ]
