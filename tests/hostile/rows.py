"""What a hostile file is, and what must come of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SECRET = "TOP SECRET CANARY"
"""What the file says that nobody may read."""

SOON = 5.0
"""Wall seconds for an answer on a machine that is busy with other things; alone it takes below one."""


@dataclass(frozen=True)
class Ground:
    """Where the files of one row lie: ``inside`` may be read, ``outside`` never, and ``canary`` counts callers."""

    inside: Path
    outside: Path
    canary: str

    @property
    def secret(self) -> Path:
        """A file that nobody may read."""
        return self.outside / "secret.txt"


@dataclass(frozen=True)
class Row:
    """One row of the table. ``make`` writes the files and returns the path that the caller names.

    ``outcomes`` are error codes, 'ok' or 'partial'. A ``bomb`` is made to cost much: it is read by a fresh decoder too.
    """

    number: str
    what: str
    make: Callable[[Ground], str]
    outcomes: frozenset[str]
    big: bool = False
    bomb: bool = False
    types: tuple[str, ...] = ("person",)  # of entities that are looked for in it
    most_memory: int = 200 << 20


def row(
    number: str, what: str, outcomes: str, make: Callable[[Ground], str], *, big: bool = False, bomb: bool = False
) -> Row:
    """Return a row; ``outcomes`` are separated by blanks."""
    return Row(number, what, make, frozenset(outcomes.split()), big=big, bomb=bomb)


def holding(name: str, content: Callable[[Ground], bytes]) -> Callable[[Ground], str]:
    """Return what writes one file and names it."""

    def make(ground: Ground) -> str:
        (ground.inside / name).write_bytes(content(ground))
        return name

    return make


def file(
    number: str,
    name: str,
    outcomes: str,
    content: Callable[[Ground], bytes],
    *,
    big: bool = False,
    bomb: bool = False,
) -> Row:
    """Return a row of a single file."""
    return row(number, name, outcomes, holding(name, content), big=big, bomb=bomb)
