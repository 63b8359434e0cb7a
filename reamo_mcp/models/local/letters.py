"""Words as letters of a model, and given words found by the probabilities of letters over time. Plain numpy."""

import json
import math
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.models.local.alignment import Spoken, spoken_symbols
from reamo_mcp.models.roles import HeardWord

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

BETWEEN_WORDS = "|"
# Not measured on weights: a trained model gives the letters that are said probabilities near 1, others near 0.
_LEAST_CONFIDENCE = 0.3
_LEAST_OF_ALL = 0.1
_WORDS_PER_SECOND = 6  # nobody reads faster


class Alphabet:
    """The letters of a model, by their column. Letters with marks are taken for those without where need be."""

    def __init__(self, columns: Mapping[str, int]) -> None:
        self._columns = columns
        self.between_words = columns.get(BETWEEN_WORDS)

    def spelled(self, word: str) -> list[int]:
        """Return the columns of the letters of a word that the model knows."""
        found: list[int] = []
        for letter in word:
            bare = "".join(sign for sign in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(sign))
            ways = (letter, letter.upper(), letter.lower(), bare, bare.upper(), bare.lower())
            column = next((self._columns[way] for way in ways if way in self._columns and way != BETWEEN_WORDS), None)
            if column is not None:
                found.append(column)
        return found

    def knows(self, text: str) -> bool:
        """Whether most letters of a text are known."""
        letters = [sign for sign in text if sign.isalpha()]
        return 2 * sum(bool(self.spelled(letter)) for letter in letters) > len(letters)


def alphabet_in(folder: Path) -> Alphabet:
    """Return the letters of the checkpoint in a folder. Raises ModelUnavailable."""
    try:
        told = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
        return Alphabet({sign: int(column) for sign, column in told.items() if len(sign) == 1})
    except (OSError, ValueError, AttributeError, TypeError) as error:
        raise ModelUnavailable(
            f"the letters of the aligner in {folder.name} cannot be read ({type(error).__name__})",
            "Fetch it again: reamo-mcp models pull PROFILE",
        ) from None


def placed_by_scores(
    scores: "NDArray[numpy.float32]", words: Sequence[str], alphabet: Alphabet, blank: int, seconds: float
) -> list[HeardWord]:
    """Return the first of these words, as far as the log-probabilities of letters [frame, column] hold them.

    ``seconds`` is the length of a frame. Nothing is returned where the letters are improbable as a whole.
    """
    most = int(len(scores) * seconds * _WORDS_PER_SECOND) + 5
    spelled = [(word, letters) for word in words if (letters := alphabet.spelled(word))][:most]
    symbols: list[int] = []
    ranges: list[tuple[str, int, int]] = []
    for word, letters in spelled:
        if symbols and alphabet.between_words is not None:
            symbols.append(alphabet.between_words)
        ranges.append((word, len(symbols), len(symbols) + len(letters)))
        symbols += letters
    spoken = spoken_symbols(scores, symbols, blank, to_the_end=False)
    found = [_timed(word, spoken[first:after], seconds) for word, first, after in ranges if after <= len(spoken)]
    sure = [word.confidence for word in found]
    return found if found and sum(sure) / len(sure) >= _LEAST_OF_ALL else []


def _timed(text: str, letters: Sequence[Spoken], seconds: float) -> HeardWord:
    # The geometric mean: a few letters that some other word has too say little.
    confidence = math.exp(sum(math.log(max(letter.probability, 1e-9)) for letter in letters) / len(letters))
    return HeardWord(
        text=text,
        start=letters[0].start * seconds,
        end=letters[-1].end * seconds,
        confidence=confidence,
        confident=confidence >= _LEAST_CONFIDENCE,
    )
