"""From the lines that were followed through a video to the text of a reading, each word with its track."""

from collections.abc import Iterable

from reamo_mcp.models.roles import Line, ReadWord
from reamo_mcp.reading.recognised_text import CONFIDENT, PlacedText
from reamo_mcp.reading.track import Thing, Track
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.reading import Word


def text_of_tracks(tracks: Iterable[Track]) -> PlacedText:
    """Return the lines as one text, one line a track, in the order in which they appeared.

    What one frame alone showed, as a single sign or read without confidence, is left out: most of it is a pattern that
    no other frame confirms.
    """
    text = ""
    words: list[Word] = []
    for track in tracks:
        line = track.line
        if line is None or (track.times_found == 1 and not _stands_alone(line)):
            continue
        text += "\n" if text else ""
        for number, word in enumerate(line.words):
            boxes = [_word_box(point.thing, line, number) for point in track.points]
            words.append(
                Word(
                    start=len(text) + word.start,
                    end=len(text) + word.end,
                    place=track.place(boxes),
                    confidence=line.confidence,
                    confident=line.confidence >= CONFIDENT,
                )
            )
        text += line.text
    return PlacedText(text, tuple(words))


def _stands_alone(line: Line) -> bool:
    return line.confidence >= CONFIDENT and sum(sign.isalnum() for sign in line.text) > 1


def _word_box(seen: Thing, best: Line, number: int) -> Box:
    """Return where a word of the best reading is in a frame in which the line may have been read otherwise."""
    word = best.words[number]
    if not isinstance(seen, Line):
        return word.box
    if seen.text == best.text and _places(seen.words) == _places(best.words):
        return seen.words[number].box
    across = seen.box.width / best.box.width if best.box.width else 1.0
    down = seen.box.height / best.box.height if best.box.height else 1.0
    left, right = (seen.box.x + (x - best.box.x) * across for x in (word.box.x, word.box.right))
    top, bottom = (seen.box.y + (y - best.box.y) * down for y in (word.box.y, word.box.bottom))
    left, right = (min(max(x, seen.box.x), seen.box.right) for x in (left, right))
    top, bottom = (min(max(y, seen.box.y), seen.box.bottom) for y in (top, bottom))
    return Box(x=round(left, 2), y=round(top, 2), width=round(right - left, 2), height=round(bottom - top, 2))


def _places(words: Iterable[ReadWord]) -> list[tuple[int, int]]:
    return [(word.start, word.end) for word in words]
