"""What the local transcriber asks of its recogniser and of its aligner. The samples are mono float32 at 16 kHz."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reamo_mcp.isolation.control import Control
from reamo_mcp.models.roles import HeardWord

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray


@dataclass(frozen=True)
class HeardPart:
    """The words of one part, in seconds from its first sample; ``language`` as in "en", None where it is unknown."""

    language: str | None
    words: tuple[HeardWord, ...]


class Recogniser(Protocol):
    """Hears words in stretches of speech."""

    @property
    def longest(self) -> float:
        """Seconds that one part may have."""
        ...

    def hear(
        self, parts: "Sequence[NDArray[numpy.float32]]", language: str | None, control: Control
    ) -> list[HeardPart]:
        """Return the words of each part; the language is that of the first part unless it is given."""
        ...


class Aligner(Protocol):
    """Finds given words in speech."""

    def knows(self, text: str) -> bool:
        """Whether the model knows the letters of a text. Loads no weights."""
        ...

    def place(self, samples: "NDArray[numpy.float32]", words: Sequence[str], control: Control) -> list[HeardWord]:
        """Return the first of these words, as far as they are spoken, in seconds from the first sample.

        Words without a letter are left out.
        """
        ...
