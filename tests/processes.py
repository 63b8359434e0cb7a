"""Processes as the kernel tells of them."""

from pathlib import Path


def children_of(process: int | str = "self") -> set[int]:
    """Return the processes that a process started and that run or were not waited for."""
    found: set[int] = set()
    for task in Path(f"/proc/{process}/task").iterdir():
        try:
            found |= {int(child) for child in (task / "children").read_text("ascii").split()}
        except OSError:
            continue  # the thread ended meanwhile
    return found


def is_alive(process: int) -> bool:
    """Return whether a process runs; one that nobody waited for yet does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
