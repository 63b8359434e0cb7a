"""Whether two readings of a line are readings of one line."""

from difflib import SequenceMatcher

_SIMILAR = 0.8  # share of equal characters; readers slip on few characters of a line
_SCROLLED = 3  # characters that left on one side and came on the other: another stretch of a running line


def is_same_text(one: str, other: str) -> bool:
    """Return whether two readings differ by no more than a reader's slips.

    Other digits are another text (a clock, a score), and so is another stretch of a text that runs through the picture.
    """
    left, right = _letters(one), _letters(other)
    if left == right:
        return True
    if [sign for sign in left if sign.isdigit()] != [sign for sign in right if sign.isdigit()]:
        return False
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    if matcher.real_quick_ratio() < _SIMILAR or matcher.quick_ratio() < _SIMILAR or matcher.ratio() < _SIMILAR:
        return False
    blocks = [block for block in matcher.get_matching_blocks() if block.size]
    first, last = blocks[0], blocks[-1]
    lost_ahead, come_ahead = first.a, first.b
    lost_behind, come_behind = len(left) - last.a - last.size, len(right) - last.b - last.size
    has_run = min(lost_ahead, come_behind) >= _SCROLLED or min(come_ahead, lost_behind) >= _SCROLLED
    return not has_run


def _letters(text: str) -> str:
    return "".join(sign for sign in text.casefold() if sign.isalnum())
