"""When symbols are spoken: the best path through scores per frame. Plain numpy; no model."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


class Spoken(NamedTuple):
    """The frames of a symbol, half-open, and the geometric mean of its probability over them."""

    start: int
    end: int
    probability: float


def starts_of_tokens(attention: "NDArray[numpy.float64]") -> list[int]:
    """Return the first frame of each token: those frames, in order, along which the attention is greatest.

    Args:
        attention: How much each token (rows, in their order) looks at each frame (columns).

    Every frame belongs to one token, and every token has at least one frame; where there are more tokens than frames,
    the tokens are spread evenly.
    """
    import numpy

    tokens, frames = attention.shape
    if tokens > frames:
        return [token * frames // tokens for token in range(tokens)]
    best = numpy.full(tokens, -numpy.inf)
    best[0] = attention[0, 0]
    moved = numpy.zeros((frames, tokens), bool)
    for frame in range(1, frames):
        from_before = numpy.concatenate(([-numpy.inf], best[:-1]))
        moved[frame] = from_before > best
        best = numpy.maximum(best, from_before) + attention[:, frame]
    starts = [0] * tokens
    token = tokens - 1
    for frame in range(frames - 1, 0, -1):
        if moved[frame, token]:
            starts[token] = frame
            token -= 1
    return starts


def spoken_symbols(
    log_probabilities: "NDArray[numpy.float32]", symbols: Sequence[int], blank: int, *, to_the_end: bool
) -> list[Spoken]:
    """Return when each symbol is spoken by the best path of connectionist temporal classification.

    Args:
        log_probabilities: Of each symbol (columns) in each frame (rows).
        symbols: What is said, as columns.
        blank: The column of the blank.
        to_the_end: Whether all symbols are said; else the first ones are returned that the frames hold best.
    """
    import numpy

    frames = len(log_probabilities)
    if not symbols or not frames:
        return []
    states = 2 * len(symbols) + 1
    emitted = numpy.full(states, blank)
    emitted[1::2] = symbols
    may_skip = numpy.zeros(states, bool)
    may_skip[3::2] = emitted[3::2] != emitted[1:-2:2]  # equal neighbours need a blank between them
    nothing = float("-inf")
    best = numpy.full(states, nothing, numpy.float64)
    best[:2] = log_probabilities[0, emitted[:2]]
    steps = numpy.zeros((frames, states), numpy.int8)
    for frame in range(1, frames):
        one = numpy.concatenate(([nothing], best[:-1]))
        two = numpy.where(may_skip, numpy.concatenate(([nothing, nothing], best[:-2])), nothing)
        choices = numpy.stack((best, one, two))
        steps[frame] = choices.argmax(0)
        best = choices.max(0) + log_probabilities[frame, emitted]
    state = states - 2 + int(best[-1] >= best[-2]) if to_the_end else int(best.argmax())
    if best[state] == nothing:
        return []  # the frames cannot hold so many symbols
    path = numpy.empty(frames, int)
    for frame in range(frames - 1, -1, -1):
        path[frame] = state
        state -= int(steps[frame, state])
    return _spans(path, log_probabilities, symbols)


def _spans(
    path: "NDArray[numpy.int64]", log_probabilities: "NDArray[numpy.float32]", symbols: Sequence[int]
) -> list[Spoken]:
    import numpy

    found: list[Spoken] = []
    for number in range((int(path.max()) + 1) // 2):
        at = numpy.flatnonzero(path == 2 * number + 1)
        probability = float(numpy.exp(log_probabilities[at, symbols[number]].mean()))
        found.append(Spoken(int(at[0]), int(at[-1]) + 1, min(1.0, probability)))
    return found
