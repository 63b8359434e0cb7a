"""Every cell that can be evaluated, by name, and how its cases come about."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.mini.cases import CASES, cell_names, make_cell, media_of
from reamo_mcp.evaluation.picture_cases import picture_cells
from reamo_mcp.evaluation.speech_cases import speech_cells
from reamo_mcp.evaluation.text_cases import text_cells


@dataclass(frozen=True)
class Cell:
    """A named set of ``size`` cases (None: not known before it is read).

    ``cases`` yields at most as many as it is told, each with the folder of its files. ``media`` are the letters of what
    each case has: T, I, A, V.
    """

    name: str
    media: tuple[str, ...]
    size: int | None
    cases: Callable[[int], Iterator[tuple[Case, Path]]]

    def at_most(self, limit: int) -> int:
        """Return how many cases there are within a limit; the limit itself where it is not known."""
        return limit if self.size is None else min(limit, self.size)


def cells(wanted: Sequence[str], made: Path, data: Path | None) -> list[Cell]:
    """Return the cells that names or beginnings of names choose, all of them if none is given.

    ``made`` is where MUIE-mini is written and recordings are copied, ``data`` where the user's annotated sets lie
    (None: there are none). Raises InvalidArgument for a name that chooses nothing.
    """
    known = [Cell(name, media_of(name), CASES, partial(_made, name, made)) for name in cell_names()]
    if data is not None:
        known += [Cell(name, ("T",), None, cases) for name, cases in text_cells(data)]
        known += [Cell(name, ("I",), size, cases) for name, size, cases in picture_cells(data)]
        known += [Cell(name, ("A",), size, cases) for name, size, cases in speech_cells(data, made)]
    if not wanted:
        return known
    chosen: list[Cell] = []
    for name in wanted:
        found = [cell for cell in known if cell.name == name or cell.name.startswith(f"{name.rstrip('/')}/")]
        if not found:
            more = "" if data is not None else "; sets of your own need --data DIR or REAMO_DATA, a folder that exists"
            raise InvalidArgument(f"there is no cell {name!r}", f"List them with 'reamo-mcp evaluate --list'{more}")
        chosen += [cell for cell in found if cell not in chosen]
    return chosen


def _made(name: str, folder: Path, count: int) -> Iterator[tuple[Case, Path]]:
    return make_cell(name, count, folder)
