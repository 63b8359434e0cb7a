"""Rows of names: traversal, links, pipes, addresses, names with a meaning elsewhere."""

import os
import socket
from collections.abc import Callable

from tests.hostile.rows import Ground, Row, row

_LITERAL = (
    "-i",
    "concat:a|b",
    "x:y.txt",
    "%2e%2e",
    "~",
    "new\nline.txt",
    "rtl\u202etxt.exe",
    "[b]*?.txt",
    "C:\\x",
    "\\\\host\\share",
)
_NOWHERE = ("../outside/secret.txt", "a/../../outside/secret.txt", "no\0nul", "a" * 5000, "../inside-secret/x.txt")
_ADDRESSES = (
    *("http://127.0.0.1/x", "https://127.0.0.1/x", "file:///etc/passwd", "data:text/plain,x", "smb://127.0.0.1/x"),
    *("http://169.254.169.254/", "http://[::1]/", "http://0x7f000001/", "http://2130706433/", "concat://a"),
)


def _named(name: str) -> Callable[[Ground], str]:
    def make(ground: Ground) -> str:
        (ground.inside / name).write_text("literal name\n", encoding="utf-8")
        return name

    return make


def _nowhere(name: str) -> Callable[[Ground], str]:
    def make(ground: Ground) -> str:
        sibling = ground.inside.with_name("inside-secret")
        sibling.mkdir()
        (sibling / "x.txt").write_text("TOP SECRET CANARY", encoding="utf-8")
        return name

    return make


def _absolute(ground: Ground) -> str:
    return str(ground.secret)


def _link(ground: Ground) -> str:
    os.symlink(ground.secret, ground.inside / "link.txt")
    return "link.txt"


def _linked_folder(ground: Ground) -> str:
    os.symlink(ground.outside, ground.inside / "folder")
    return "folder/secret.txt"


def _loop(ground: Ground) -> str:
    os.symlink("b", ground.inside / "a")
    os.symlink("a", ground.inside / "b")
    return "a"


def _pipe(ground: Ground) -> str:
    os.mkfifo(ground.inside / "pipe.mp4")
    return "pipe.mp4"


def _socket(ground: Ground) -> str:
    here = os.open(ground.inside, os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(f"/proc/self/fd/{here}/s.mp4")  # a short name: AF_UNIX allows about 108 bytes
    finally:
        os.close(here)
    return "s.mp4"


def _folder(ground: Ground) -> str:
    (ground.inside / "folder.mp4").mkdir()
    return "folder.mp4"


def path_rows() -> list[Row]:
    """Return rows 1 to 10."""
    return [
        *(row("1", f"path {name[:30]!r}", "path_not_allowed invalid_argument", _nowhere(name)) for name in _NOWHERE),
        row("1", "absolute path outside", "path_not_allowed", _absolute),
        row("3", "link to the outside", "path_not_allowed", _link),
        row("3", "linked folder", "path_not_allowed", _linked_folder),
        row("3", "loop of links", "path_not_allowed", _loop),
        row("5", "named pipe", "not_a_regular_file", _pipe),
        row("5", "socket", "not_a_regular_file", _socket),
        row("5", "folder", "not_a_regular_file", _folder),
        row("5", "character device", "path_not_allowed not_a_regular_file", lambda _: "/dev/zero"),
        row("5", "procfs file", "path_not_allowed unsupported_format", lambda _: "/proc/self/environ"),
        *(row("6", f"name {name!r}", "ok", _named(name)) for name in _LITERAL),
        *(row("10", f"address {name}", "network_disabled", lambda _, name=name: name) for name in _ADDRESSES),
        row("10", "address of the canary", "network_disabled", lambda ground: f"{ground.canary}/x.mp4"),
    ]
