"""What a process and its children hold: memory, descriptors, threads, files."""

import os
from dataclasses import dataclass
from pathlib import Path

from tests.processes import children_of

_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Held:
    """How many children run, and how many descriptors, threads and temporary files there are in all."""

    children: int
    descriptors: int
    threads: int
    files: tuple[str, ...]


def memory() -> dict[str, int]:
    """Return the resident bytes of this process and of its children, by what they run."""
    found = {"server": _resident("self")}
    for child in children_of():
        try:
            program = Path(f"/proc/{child}/cmdline").read_text(encoding="utf-8").rstrip("\0").rpartition("\0")[2]
            found[program] = found.get(program, 0) + _resident(str(child))
        except OSError:
            continue  # it ended meanwhile
    return found


def held(cache: Path, temporary: Path) -> Held:
    """Count what is held now; unfinished files of the cache begin with a dot."""
    unfinished = (path for path in cache.rglob(".*") if path.is_file())
    processes = ("self", *map(str, children_of()))
    return Held(
        children=len(processes) - 1,
        descriptors=sum(1 for process in processes for _ in Path(f"/proc/{process}/fd").iterdir()),
        threads=sum(1 for process in processes for _ in Path(f"/proc/{process}/task").iterdir()),
        files=tuple(sorted(str(path) for path in (*unfinished, *temporary.rglob("*")))),
    )


def _resident(process: str) -> int:
    return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
