"""From recognised characters to words with boxes: spaces mended, edges set on the ink."""

import unicodedata
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from reamo_mcp.models.embedded.text_recognition import LINE_HEIGHT, MARGIN, Character, RecognisedLine
from reamo_mcp.models.roles import Line, ReadWord
from reamo_mcp.types.grounding import Box

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_SPACE_GAP = 0.22  # of the line's height: ink-free stretches at least this wide may be a lost space
_SPACE_RATIO = 2.5  # and this many times the line's usual gap between letters
_SPACE_SHARE = 0.8  # and this much of the line's usual space
_LEAST_INKED = 0.6  # of the characters have ink where they were recognised, or the ink is not trusted
_LEAST_STROKE = 10  # pixels; smaller spots are noise
_BODY = (0.12, 0.9)  # where letters stand in a detected line, as parts of its height, if there is no ink to tell
_CLINGING = ".,')"  # signs that no space precedes; recognisers put one where the font is wide


@dataclass(frozen=True)
class _Piece:
    """Characters that belong to one word, and whether a space stands before them."""

    characters: tuple[Character, ...]
    spaced: bool


def line_of(recognised: RecognisedLine) -> Line | None:
    """Return the line with its words in pixels of the picture, None if it says nothing.

    Scripts written without spaces give one word per character, so that any name in them has its own box.
    """
    ink = _ink(recognised)
    pieces = _pieces(recognised.characters, ink)
    if not pieces:
        return None
    words: list[ReadWord] = []
    text = ""
    for index, piece in enumerate(pieces):
        text += " " if piece.spaced and index else ""
        written = "".join(one.sign for one in piece.characters)
        before = pieces[index - 1].characters[-1] if index else None
        after = pieces[index + 1].characters[0] if index + 1 < len(pieces) else None
        box = _box(piece, before, after, ink, recognised)
        words.append(ReadWord(start=len(text), end=len(text) + len(written), box=box))
        text += written
    around = words[0].box
    for word in words[1:]:
        around = around.union(word.box)
    return Line(text=text, box=around, words=tuple(words), confidence=round(min(1.0, recognised.confidence), 4))


def _pieces(characters: tuple[Character, ...], ink: "NDArray[numpy.bool_] | None") -> list[_Piece]:
    signs = [one for one in characters if not one.sign.isspace()]
    if not signs:
        return []
    spaced = {
        id(after) for before, after in pairwise(characters) if before.sign.isspace() and after.sign not in _CLINGING
    }
    lost = _lost_spaces(signs, spaced, ink)
    pieces: list[_Piece] = []
    current: list[Character] = []
    current_spaced = False
    for sign in signs:
        before = current[-1] if current else None
        space = id(sign) in spaced or id(sign) in lost
        if before and (space or _alone(before.sign) or _alone(sign.sign)):
            pieces.append(_Piece(tuple(current), current_spaced))
            current, current_spaced = [], space
        current.append(sign)
    pieces.append(_Piece(tuple(current), current_spaced))
    return pieces


def _alone(sign: str) -> bool:
    """Whether a sign is of a script written without spaces between words."""
    return unicodedata.name(sign[0], "").startswith(("CJK", "HIRAGANA", "KATAKANA"))


def _lost_spaces(signs: list[Character], spaced: set[int], ink: "NDArray[numpy.bool_] | None") -> set[int]:
    """Return the ids of signs before which the recogniser passed over a space: the ink shows one."""
    if ink is None:
        return set()
    letter_gaps: dict[int, float] = {}
    space_gaps: list[float] = []
    for before, after in pairwise(signs):
        start, end = _free_stretch(ink, before.centre, after.centre)
        if id(after) in spaced:
            space_gaps.append(end - start)
        elif before.sign.isalnum() and after.sign.isalnum() and not (_alone(before.sign) or _alone(after.sign)):
            letter_gaps[id(after)] = end - start
    if len(letter_gaps) < 3:
        return set()
    least = max(_SPACE_GAP * LINE_HEIGHT, _SPACE_RATIO * median(letter_gaps.values()))
    if space_gaps:
        least = max(least, _SPACE_SHARE * median(space_gaps))
    return {sign for sign, gap in letter_gaps.items() if gap >= least}


def _ink(recognised: RecognisedLine) -> "NDArray[numpy.bool_] | None":
    """Return which pixels of the straightened picture are ink, None where they cannot be told from the ground.

    Ink is what stands free: strokes that reach into the margin belong to other lines, to frames or to the ground. Of
    dark on light and light on dark the one is right that puts ink where characters were recognised.
    """
    import cv2
    import numpy

    grey = cv2.cvtColor(recognised.straightened, cv2.COLOR_RGB2GRAY)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    dark = grey <= threshold
    best, best_share = None, _LEAST_INKED
    for mask in (dark, ~dark):
        count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask.astype(numpy.uint8), connectivity=8)
        tops, heights, areas = boxes[:, cv2.CC_STAT_TOP], boxes[:, cv2.CC_STAT_HEIGHT], boxes[:, cv2.CC_STAT_AREA]
        free = (tops > MARGIN // 2) & (tops + heights < grey.shape[0] - MARGIN // 2) & (areas >= _LEAST_STROKE)
        free[0] = False  # the label of what the mask leaves out
        ink = free[labels] if count else mask
        share = _inked(recognised.characters, ink)
        if share > best_share:
            best, best_share = ink, share
    return best


def _inked(characters: tuple[Character, ...], ink: "NDArray[numpy.bool_]") -> float:
    """Return the share of the characters that have enough ink at their place."""
    signs = [one for one in characters if not one.sign.isspace()]
    columns = ink.sum(axis=0)
    inked = 0
    for sign in signs:
        at = MARGIN + int(sign.centre)
        inked += int(columns[max(0, at - 6) : at + 7].sum()) >= 2 * _LEAST_STROKE
    return inked / max(1, len(signs))


def _free_stretch(ink: "NDArray[numpy.bool_]", left: float, right: float) -> tuple[float, float]:
    """Return the longest stretch without ink between two columns; both ends in the middle where there is none."""
    first = MARGIN + int(left)
    columns = ink[:, first : max(first + 1, MARGIN + int(right))]
    best_start, best_length, start = 0, 0, 0
    for column in range(columns.shape[1] + 1):
        if column == columns.shape[1] or columns[:, column].any():
            if column - start > best_length:
                best_start, best_length = start, column - start
            start = column + 1
    if not best_length:
        return (left + right) / 2, (left + right) / 2
    return int(left) + best_start, int(left) + best_start + best_length


def _box(
    piece: _Piece,
    before: Character | None,
    after: Character | None,
    ink: "NDArray[numpy.bool_] | None",
    recognised: RecognisedLine,
) -> Box:
    """Return the box of the word in the picture: between its neighbours, and no larger than its ink."""
    import cv2
    import numpy

    signs = list(piece.characters)
    pitch = (signs[-1].centre - signs[0].centre) / (len(signs) - 1) if len(signs) > 1 else LINE_HEIGHT / 2
    left, right = signs[0].centre - pitch, signs[-1].centre + pitch
    if before:
        left = max(left, _free_stretch(ink, before.centre, signs[0].centre)[1] if ink is not None else -numpy.inf)
        left = max(left, before.centre)
    if after:
        right = min(right, _free_stretch(ink, signs[-1].centre, after.centre)[0] if ink is not None else numpy.inf)
        right = min(right, after.centre)
    inside = None if ink is None else ink[:, max(0, MARGIN + int(left)) : max(1, MARGIN + int(numpy.ceil(right)))]
    if inside is not None and inside.any():
        columns, rows = numpy.flatnonzero(inside.any(axis=0)), numpy.flatnonzero(inside.any(axis=1))
        start = max(0, MARGIN + int(left))
        left, right = start + float(columns[0]), start + float(columns[-1]) + 1
        top, bottom = float(rows[0]), float(rows[-1]) + 1
    else:
        # Without ink to go by, letters are taken to be as wide as they are apart.
        left, right = MARGIN + max(left, signs[0].centre - pitch / 2), MARGIN + min(right, signs[-1].centre + pitch / 2)
        top, bottom = (MARGIN + LINE_HEIGHT * part for part in _BODY)
    corners = numpy.array([[[left, top], [right, top], [right, bottom], [left, bottom]]], numpy.float64)
    placed = cv2.perspectiveTransform(corners, recognised.to_picture)[0]
    x, y = (float(value) for value in placed.min(axis=0))
    far_x, far_y = (float(value) for value in placed.max(axis=0))
    return Box(x=x, y=y, width=far_x - x, height=far_y - y)
