"""Links what is found in frame after frame into tracks: lines of text, faces, codes.

Boxes are linked by their overlap with where a constant velocity would have carried them, the best pair first; lines
of text moreover by what they say, codes by their value. Over a cut nothing is linked unless it is seen again at once,
in its place and looking the same.
"""

import math
from collections.abc import Iterator, Sequence

from reamo_mcp.models.roles import Line, ReadWord
from reamo_mcp.reading.frame_view import FrameView
from reamo_mcp.reading.same_text import is_same_text
from reamo_mcp.reading.track import Moment, Thing, Track
from reamo_mcp.types.grounding import Box

_LONGEST_GAP = 2.0  # steps out of sight after which a thing is taken for another one
_LONGEST_HOLE = 1.5  # steps without a frame beyond which the time between was not observed
_OVERLAP = 0.2  # least overlap with the guess, for things that are told apart by their place alone
_OVERLAP_AT_CUT = 0.3
_SIZES = 1.6  # largest ratio of the heights of one thing in two frames
_SHORT_TEXT = 6  # characters; shorter lines are too common to be linked from afar
_NEAR = 2.0  # heights


class Tracker:
    """Links the things of frames, which are given in order. ``step`` is the usual time between two, in seconds."""

    def __init__(self, step: float) -> None:
        self._step = step
        self._look = 0
        self._read = 0  # the last frame whose things were given
        self._until: float | None = None
        self._active: list[Track] = []
        self._ended: list[Track] = []

    def see(self, moment: Moment, things: Sequence[Thing], view: FrameView | None = None) -> None:
        """Take in what was found in a frame. Without a view, nothing nameless is linked over a cut."""
        unbroken = self._next(moment)
        self._read = self._look
        if moment.cut:
            self._end([track for track in self._active if track.last_look < self._look - 1])
        else:
            self._end([track for track in self._active if moment.time - track.end > _LONGEST_GAP * self._step])
        rest = list(enumerate(things))
        for track, index in _best_pairs(self._active, things, moment, view):
            rest = [(other, thing) for other, thing in rest if other != index]
            self._found(track, moment, things[index], view, unbroken)
        for track in [track for track in self._active if track.last_look < self._look]:
            pieces = _pieces(track, rest, moment.time)
            if pieces:
                rest = [(index, thing) for index, thing in rest if index not in pieces]
                self._found(track, moment, _joined(list(pieces.values())), view, unbroken)
        for index, thing in rest:
            track = Track(order=(moment.time, index))
            self._active.append(track)
            self._found(track, moment, thing, view, unbroken)
        if moment.cut:
            self._end([track for track in self._active if track.last_look < self._look])

    def hold(self, moment: Moment) -> None:
        """Take in a frame that equals the last one that was read: what was found there is in sight."""
        unbroken = self._next(moment)
        for track in self._active:
            if track.points[-1].look == self._read:
                track.held(self._look, moment, unbroken)

    def close(self, moment: Moment, view: FrameView) -> None:
        """Take in the last frame before a change: what still looks the same in its place was there until then."""
        unbroken = self._next(moment)
        for track in self._active:
            was_in_sight = track.last_look == self._look - 1
            if was_in_sight and track.patch is not None and view.shows(track.patch, track.guess(moment.time)):
                track.stayed(self._look, moment, unbroken)

    def tracks(self) -> list[Track]:
        """Return all tracks in the order in which they began, those of one frame in the order given."""
        return sorted([*self._ended, *self._active], key=lambda track: track.order)

    def _next(self, moment: Moment) -> bool:
        """Count the frame; return whether it follows the last one without a hole."""
        before, self._until = self._until, moment.until
        self._look += 1
        return before is not None and moment.time - before <= _LONGEST_HOLE * self._step

    def _found(self, track: Track, moment: Moment, thing: Thing, view: FrameView | None, unbroken: bool) -> None:
        track.found(self._look, moment, thing, view.patch(thing.box) if view else None, unbroken)

    def _end(self, tracks: Sequence[Track]) -> None:
        for track in tracks:
            track.patch = None
            self._active.remove(track)
            self._ended.append(track)


def _best_pairs(
    tracks: Sequence[Track], things: Sequence[Thing], moment: Moment, view: FrameView | None
) -> Iterator[tuple[Track, int]]:
    """Yield tracks and the indexes of the things that continue them, the best pair first."""
    pairs: list[tuple[float, int, int]] = []
    for number, track in enumerate(tracks):
        guess = track.thing.box if moment.cut else track.guess(moment.time)
        for index, thing in enumerate(things):
            fit = _fit(track, guess, thing, moment.cut, view)
            if fit is not None:
                pairs.append((fit, number, index))
    taken_tracks: set[int] = set()
    taken_things: set[int] = set()
    for _, number, index in sorted(pairs, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if number not in taken_tracks and index not in taken_things:
            taken_tracks.add(number)
            taken_things.add(index)
            yield tracks[number], index


def _fit(track: Track, guess: Box, thing: Thing, cut: bool, view: FrameView | None) -> float | None:
    """Return how well a thing continues a track, None if it does not. Comparable among the things of one frame only."""
    known = track.thing
    overlap = guess.intersection_over_union(thing.box)
    nearness = overlap - _distance(guess, thing.box) / 1e6  # among those without overlap the nearest
    if isinstance(known, Line) or isinstance(thing, Line):
        if not (isinstance(known, Line) and isinstance(thing, Line)):
            return None
        return nearness if _continues_line(known, track.line, guess, thing, cut) else None
    if known.type != thing.type or known.value != thing.value:
        return None
    if thing.value is not None:
        return nearness
    if cut:
        is_same = (
            overlap >= _OVERLAP_AT_CUT
            and view is not None
            and track.patch is not None
            and view.shows(track.patch, thing.box)
        )
        return nearness if is_same else None
    if overlap >= _OVERLAP:
        return nearness
    is_near = _distance(guess, thing.box) <= max(guess.height, guess.width) and _of_one_size(guess, thing.box)
    return nearness if is_near else None


def _continues_line(last: Line, best: Line | None, guess: Box, line: Line, cut: bool) -> bool:
    if not _of_one_size(guess, line.box):
        return False
    overlap = guess.intersection_over_union(line.box)
    if cut and overlap < _OVERLAP_AT_CUT:
        return False
    is_near = overlap > 0 or _distance(guess, line.box) <= _NEAR * line.box.height
    if not is_near and len(line.text) < _SHORT_TEXT:
        return False
    # The best reading is the anchor: a text that runs through would else be followed from slip to slip.
    return is_same_text((best or last).text, line.text)


def _pieces(track: Track, rest: Sequence[tuple[int, Thing]], time: float) -> dict[int, Line]:
    """Return the lines that together are the line of a track, read in pieces this time; empty if there are none."""
    best = track.line
    if best is None:
        return {}
    guess = track.guess(time)
    inside = {
        index: thing
        for index, thing in rest
        if isinstance(thing, Line) and _is_part_of(thing.box, guess) and thing.box.height < _SIZES * guess.height
    }
    ordered = dict(sorted(inside.items(), key=lambda item: item[1].box.x))
    return ordered if len(ordered) > 1 and is_same_text(best.text, _joined(list(ordered.values())).text) else {}


def _is_part_of(box: Box, whole: Box) -> bool:
    middle = box.y + box.height / 2
    margin = whole.height
    return whole.y <= middle <= whole.bottom and box.x >= whole.x - margin and box.right <= whole.right + margin


def _joined(pieces: Sequence[Line]) -> Line:
    text = ""
    box = pieces[0].box
    words: list[ReadWord] = []
    for piece in pieces:
        text += " " if text else ""
        words += [
            ReadWord(start=word.start + len(text), end=word.end + len(text), box=word.box) for word in piece.words
        ]
        text += piece.text
        box = box.union(piece.box)
    return Line(text=text, box=box, words=tuple(words), confidence=min(piece.confidence for piece in pieces))


def _of_one_size(one: Box, other: Box) -> bool:
    low, high = sorted((one.height, other.height))
    return high <= _SIZES * low


def _distance(one: Box, other: Box) -> float:
    """The distance of the centres."""
    across = one.x + one.width / 2 - other.x - other.width / 2
    down = one.y + one.height / 2 - other.y - other.height / 2
    return math.hypot(across, down)
