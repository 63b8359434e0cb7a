"""Words of overlapping passes become one sequence, tokens become words, and given words find their heard ones.

Plain functions over words and times, without a model: what is said here holds for every recogniser.
"""

import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from reamo_mcp.models.roles import HeardWord

_SAME_TIME = 0.4  # seconds by which two passes may differ over the middle of a word
_NO_SPACES = frozenset(("zh", "ja", "th", "lo", "my", "yue", "km"))
_OPENING = frozenset("\"'“‘¿¡([{«-「『《〈（【")
_MOST_COMPRESSED = 2.4  # of the reference implementation of Whisper: beyond it a text goes round in circles
_ALIKE = 0.7  # share of letters in common from which a given and a heard word may be one


@dataclass(frozen=True)
class Pass:
    """A stretch that is recognised at once, in samples; words of its own are those after the seam before it."""

    start: int
    end: int
    seam: int


def planned(utterances: Sequence[tuple[int, int]], longest: int, overlap: int) -> tuple[Pass, ...]:
    """Return passes of at most ``longest`` samples that hold all utterances (start, end), given in order.

    Passes end in pauses where there are any. Neighbours reach ``overlap`` samples beyond their own utterances, so that
    a word which a cut utterance cuts is whole in one of them. No utterance may be longer than
    ``longest - 2 * overlap``, unless it is the only one.
    """
    if not utterances:
        return ()
    first, last = utterances[0][0], utterances[-1][1]
    if last - first <= longest:
        return (Pass(first, last, first),)
    room = longest - 2 * overlap
    groups: list[list[tuple[int, int]]] = []
    for utterance in utterances:
        if groups and utterance[1] - groups[-1][0][0] <= room:
            groups[-1].append(utterance)
        else:
            groups.append([utterance])
    seams = (first, *((before[-1][1] + after[0][0]) // 2 for before, after in pairwise(groups)))
    return tuple(
        Pass(max(first, group[0][0] - overlap), min(last, group[-1][1] + overlap), seam)
        for group, seam in zip(groups, seams, strict=True)
    )


def stitched(passes: Sequence[Sequence[HeardWord]], seams: Sequence[float], overlap: float) -> list[HeardWord]:
    """Return the words of passes, each once; ``seams`` are the times between one pass and the next.

    One pass gives way to the next at the word nearest to the seam that both heard. Where there is none, each word
    belongs to the side of the seam on which its middle lies.
    """
    if not passes:
        return []
    words = list(passes[0])
    for following, seam in zip(passes[1:], seams, strict=True):
        words = _joined(words, following, seam, overlap)
    return words


def _joined(left: Sequence[HeardWord], right: Sequence[HeardWord], seam: float, overlap: float) -> list[HeardWord]:
    near_left = [index for index, word in enumerate(left) if abs(_middle(word) - seam) <= overlap]
    near_right = [index for index, word in enumerate(right) if abs(_middle(word) - seam) <= overlap]
    common = _common([left[index] for index in near_left], [right[index] for index in near_right])
    if common:
        at, then = min(common, key=lambda pair: abs(_middle(left[near_left[pair[0]]]) - seam))
        return [*left[: near_left[at] + 1], *right[near_right[then] + 1 :]]
    before = [word for word in left if _middle(word) < seam]
    after = [word for word in right if _middle(word) >= seam]
    if before and after and _overlaps(before[-1], after[0]):
        # Both passes heard something there, and not the same: the surer one is kept.
        if before[-1].confidence >= after[0].confidence:
            after = after[1:]
        else:
            before = before[:-1]
    return [*before, *after]


def _common(left: Sequence[HeardWord], right: Sequence[HeardWord]) -> list[tuple[int, int]]:
    """Return the pairs of equal words at about the same time that agree best, in order."""
    best: list[list[tuple[float, tuple[tuple[int, int], ...]]]] = [[(0.0, ())] * (len(right) + 1)]
    for i, one in enumerate(left):
        row: list[tuple[float, tuple[tuple[int, int], ...]]] = [(0.0, ())]
        for j, other in enumerate(right):
            choices = [best[i][j + 1], row[j]]
            distance = abs(_middle(one) - _middle(other))
            if distance <= _SAME_TIME and plain(one.text) == plain(other.text):
                weight, pairs = best[i][j]
                choices.append((weight + 2.0 - distance / _SAME_TIME, (*pairs, (i, j))))
            row.append(max(choices, key=lambda choice: choice[0]))
        best.append(row)
    return list(best[-1][-1][1])


def _middle(word: HeardWord) -> float:
    return (word.start + word.end) / 2


def _overlaps(one: HeardWord, other: HeardWord) -> bool:
    shared = min(one.end, other.end) - max(one.start, other.start)
    return shared > min(one.end - one.start, other.end - other.start) / 2


def plain(text: str) -> str:
    """Return a word as it is compared: without case, and without what is neither letter nor digit nor a mark on one."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(sign for sign in folded if unicodedata.category(sign)[0] in "LNM")


class Stretch(NamedTuple):
    """A word made of pieces: its text, and the number of its first and of its last piece."""

    text: str
    first: int
    last: int


def words_of(pieces: Sequence[str], language: str | None) -> list[Stretch]:
    """Return the words that pieces of text make up: a piece that begins with a space begins a word.

    In languages that are written without spaces each piece is a word. Marks stand with the word before them, opening
    ones with the word after them.
    """
    spaced = language not in _NO_SPACES
    words: list[Stretch] = []
    opened = False  # the last word so far is nothing but opening marks
    for number, piece in enumerate(pieces):
        spoken = bool(plain(piece))
        apart = not words or piece[:1].isspace() or pieces[number - 1][-1:].isspace()
        begins = apart if spaced else spoken or not words
        opening = not spoken and piece.strip() in _OPENING and (apart or not spaced)
        if (begins or opening) and not (opened and spoken) and (spoken or opening or not words):
            words.append(Stretch(piece, number, number))
        else:
            words[-1] = Stretch(words[-1].text + piece, words[-1].first, number)
        opened = not plain(words[-1].text) and words[-1].text.strip() in _OPENING
    return [Stretch(word.text.strip(), word.first, word.last) for word in words if plain(word.text)]


def goes_in_circles(text: str) -> bool:
    """Whether a text repeats itself so much that nobody can have said it."""
    told = text.encode()
    return len(told) > 40 and len(told) / len(zlib.compress(told)) > _MOST_COMPRESSED


def placed(given: Sequence[str], heard: Sequence[HeardWord]) -> list[HeardWord]:
    """Return the given words that were heard, in order, each with the time of the heard word and its own spelling.

    A given word that was not heard is left out. One that was heard with another spelling is not confident.
    """
    alike = [[_likeness(plain(token), plain(word.text)) for word in heard] for token in given]
    best = [[0.0] * (len(heard) + 1) for _ in range(len(given) + 1)]
    for i in range(len(given) - 1, -1, -1):
        for j in range(len(heard) - 1, -1, -1):
            both = alike[i][j] + best[i + 1][j + 1] if alike[i][j] >= _ALIKE else 0.0
            best[i][j] = max(both, best[i + 1][j], best[i][j + 1])
    found: list[HeardWord] = []
    i = j = 0
    while i < len(given) and j < len(heard):
        if alike[i][j] >= _ALIKE and best[i][j] == alike[i][j] + best[i + 1][j + 1]:
            sure = heard[j].confident and alike[i][j] == 1.0
            found.append(heard[j].model_copy(update={"text": given[i], "confident": sure}))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return found


def _likeness(one: str, other: str) -> float:
    """Return 1 for equal words, else twice the letters in common, in order, over the letters of both."""
    if one == other:
        return 1.0 if one else 0.0
    if min(len(one), len(other)) < 3:
        return 0.0  # short words are alike by chance
    row = [0] * (len(other) + 1)
    for letter in one:
        above = 0
        for index, sign in enumerate(other):
            above, row[index + 1] = row[index + 1], above + 1 if letter == sign else max(row[index + 1], row[index])
    return 2 * row[-1] / (len(one) + len(other))
