"""One annotated text, and how the texts of a set are divided. Offsets are code points, half-open."""

from dataclasses import dataclass
from hashlib import sha1

Place = tuple[int, int]
"""Start and end of a phrase."""


@dataclass(frozen=True)
class GoldSpan:
    """A phrase that names a thing of a type."""

    type: str
    start: int
    end: int


@dataclass(frozen=True)
class GoldRelation:
    """A directed link between two phrases."""

    type: str
    head: Place
    tail: Place


@dataclass(frozen=True)
class GoldArgument:
    """A phrase that plays a role in an event."""

    role: str
    start: int
    end: int


@dataclass(frozen=True)
class GoldEvent:
    """A trigger with its arguments."""

    type: str
    start: int
    end: int
    arguments: tuple[GoldArgument, ...] = ()


@dataclass(frozen=True)
class Sample:
    """An annotated text. What its set never annotates is not known, which is not the same as absent.

    ``pairs`` are the ordered pairs of phrases whose relations were looked at; None: those between any two entities.
    ``relation_types`` are the types that were looked for in this text; None: all types of the set.
    """

    key: str
    text: str
    entities: tuple[GoldSpan, ...] = ()
    relations: tuple[GoldRelation, ...] = ()
    events: tuple[GoldEvent, ...] = ()
    pairs: tuple[tuple[Place, Place], ...] | None = None
    relation_types: frozenset[str] | None = None


def digest(key: str) -> int:
    """Return a number that depends on the key alone, the same in every process."""
    return int(sha1(key.encode(), usedforsecurity=False).hexdigest(), 16)


def is_kept_back(sample: Sample) -> bool:
    """Return whether a text of a set without a development part is kept from training, one in five."""
    return digest(sample.text) % 5 == 0


def is_for_report(sample: Sample) -> bool:
    """Return whether a development text is for the report (half of the documents) or for tuning."""
    return digest(sample.key) % 2 == 0


class Joined:
    """Builds a text from tokens set one blank apart, and knows where each token stands."""

    def __init__(self, tokens: "list[str] | tuple[str, ...]") -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []
        at = 0
        for token in tokens:
            self.starts.append(at)
            at += len(token)
            self.ends.append(at)
            at += 1
        self.text = " ".join(tokens)

    def place(self, first: int, end: int) -> Place:
        """Return the place of the tokens from ``first`` to before ``end``."""
        return self.starts[first], self.ends[end - 1]
