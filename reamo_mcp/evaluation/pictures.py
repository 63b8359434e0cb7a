# pyright: reportUnknownMemberType=false
# ... since the types of av leave some parameters open.
"""Evidence of a bad case as a picture: gold places in green, predicted ones in red, over the picture or a frame."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from reamo_mcp.errors import CorruptMedia
from reamo_mcp.evaluation.facts import Facts, facts_of
from reamo_mcp.evaluation.places import seen_at
from reamo_mcp.evaluation.running import Answered
from reamo_mcp.types.grounding import Box, Grounding, ImageRegion, VideoTrack

_GREEN, _RED = (0, 150, 60), (220, 30, 30)


def save_evidence(answered: Answered, path: Path) -> bool:
    """Draw the places of a case over its first picture or film; return False if it has neither."""
    media = {medium.name: medium for medium in answered.case.gold.document.media}
    sides = [(facts_of(answered.case.gold), _GREEN)]
    if answered.answer.extraction is not None:
        sides.append((facts_of(answered.answer.extraction), _RED))
    for name in answered.case.files:
        medium = media[name]
        if medium.kind == "image":
            canvas = Image.open(answered.folder / name).convert("RGB")
            boxes = [(_regions(facts, name), colour) for facts, colour in sides]
        elif medium.kind == "video":
            time = medium.duration / 2
            canvas = _frame(answered.folder / name, time)
            boxes = [(_tracks(facts, name, time), colour) for facts, colour in sides]
        else:
            continue
        pen = ImageDraw.Draw(canvas)
        for number, (places, colour) in enumerate(boxes):
            for box in places:
                inset = number  # so that equal boxes do not hide each other
                pen.rectangle(
                    (box.x - 1 - inset, box.y - 1 - inset, box.right + inset, box.bottom + inset), outline=colour
                )
        path.parent.mkdir(parents=True, exist_ok=True)
        canvas.save(path, format="PNG")
        return True
    return False


def _places(facts: Facts) -> Iterable[Grounding]:
    for thing in facts.things:
        yield from thing.places


def _regions(facts: Facts, name: str) -> Sequence[Box]:
    found = [place for place in _places(facts) if isinstance(place, ImageRegion) and place.media_id == name]
    return [box for place in found for box in place.parts]


def _tracks(facts: Facts, name: str, time: float) -> Sequence[Box]:
    found = [place for place in _places(facts) if isinstance(place, VideoTrack) and place.media_id == name]
    return [box for place in found for box in seen_at(place, time)]


def _frame(path: Path, time: float) -> Image.Image:
    import av

    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if (frame.time or 0.0) >= time:
                return Image.fromarray(frame.to_ndarray(format="rgb24"))
    raise CorruptMedia(f"{path.name} ends before {time:g} s", "Make the cases again")
