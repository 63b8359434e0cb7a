"""Names that recognition of characters in pictures confuses: one slip in a long name, or lost blanks."""

_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_CLASSES = str.maketrans({"0": "o", "1": "l", "i": "l", "|": "l", "5": "s", "8": "b", "9": "g", "q": "g", "c": "e"})
_SHORTEST = 8  # characters without blanks: one slip in a shorter name may well be another name


def skeleton(tokens: tuple[str, ...]) -> str:
    """Return a form that is equal for names that differ in confusable signs only, empty for short names.

    A token with a digit is kept as it is unless letters surround the digit: a number is never a slip.
    """
    joined = "".join(tokens)
    if len(joined) < _SHORTEST or any(_is_number(token) for token in tokens):
        return ""
    for pair, single in _PAIRS:
        joined = joined.replace(pair, single)
    return joined.translate(_CLASSES)


def is_one_slip(left: tuple[str, ...], right: tuple[str, ...]) -> bool:
    """Return whether two names of equal skeleton differ in one sign at most, blanks aside."""
    one, other = "".join(left), "".join(right)
    if len(one) == len(other):
        return sum(a != b for a, b in zip(one, other, strict=True)) <= 1
    shorter, longer = sorted((one, other), key=len)
    if len(longer) - len(shorter) != 1:
        return False
    start = next((at for at, sign in enumerate(shorter) if sign != longer[at]), len(shorter))
    return longer[start + 2 :] == shorter[start + 1 :]


def _is_number(token: str) -> bool:
    digits = sum(character.isdigit() for character in token)
    return digits > 1 or (digits == 1 and len(token) <= 3)
