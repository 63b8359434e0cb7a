"""How well speech is recognised: word error rate, and how far words that look certain can be trusted.

- *WER*: substitutions, deletions and insertions of the cheapest alignment, divided by the words that were said (the
  measure of NIST's sclite). Words are compared without case; they are runs of letters and apostrophes, so numbers
  written as digits take no part. It can pass 100 %.
- *Sure words*: of the heard words that do not look doubtful, the share that the alignment pairs with an equal said one.

Both are added up over recordings before they are divided. A failure hears nothing: each said word is one error.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy

from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.reading import Reading

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*")


@dataclass(frozen=True)
class Heard:
    """A heard word, and whether it looks certain."""

    text: str
    sure: bool


@dataclass(frozen=True)
class Ratio:
    """A part of a whole, to be added up before it is divided. A whole of nothing has no rate."""

    part: int
    whole: int


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are compared."""
    return _WORD.findall(text.replace("’", "'").casefold())


def said(extraction: Extraction) -> list[str]:
    """Return the words of all transcripts."""
    return [word for reading in _transcripts(extraction) for word in words_of(reading.text)]


def heard(extraction: Extraction) -> list[Heard]:
    """Return the words of all transcripts; those that are not marked as doubtful look certain."""
    return [
        Heard(spoken, word.confident)
        for reading in _transcripts(extraction)
        for word in reading.words
        for spoken in words_of(reading.text[word.start : word.end])
    ]


def rates(gold: Extraction, predicted: Extraction) -> dict[str, Ratio]:
    """Return WER and the share of right sure words of one recording."""
    told, answer = said(gold), heard(predicted)
    errors, pairs = aligned(told, [word.text for word in answer])
    right = {other for _, other in pairs}
    sure = [index for index, word in enumerate(answer) if word.sure]
    return {
        "WER": Ratio(errors, len(told)),
        "Sure words": Ratio(sum(index in right for index in sure), len(sure)),
    }


def aligned(told: Sequence[str], answer: Sequence[str]) -> tuple[int, list[tuple[int, int]]]:
    """Return the fewest edits from one row of words to another, and the pairs of equal words of one such alignment."""
    edits = numpy.zeros((len(told) + 1, len(answer) + 1), dtype=numpy.int64)
    edits[:, 0] = numpy.arange(len(told) + 1)
    edits[0] = numpy.arange(len(answer) + 1)
    for row, word in enumerate(told, start=1):
        for column, other in enumerate(answer, start=1):
            edits[row, column] = min(
                edits[row - 1, column - 1] + (word != other), edits[row - 1, column] + 1, edits[row, column - 1] + 1
            )
    pairs: list[tuple[int, int]] = []
    row, column = len(told), len(answer)
    while row and column:
        equal = told[row - 1] == answer[column - 1]
        if edits[row, column] == edits[row - 1, column - 1] + (not equal):
            row, column = row - 1, column - 1
            if equal:
                pairs.append((row, column))
        elif edits[row, column] == edits[row - 1, column] + 1:
            row -= 1
        else:
            column -= 1
    return int(edits[-1, -1]), pairs[::-1]


def _transcripts(extraction: Extraction) -> list[Reading]:
    return [reading for reading in extraction.readings if reading.kind == "transcript"]
