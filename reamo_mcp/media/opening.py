"""Open the files that a caller names, and only those that the caller may name.

Below a root, every part of a path is opened without following links under the descriptor of the part before, so
nothing that is swapped in between a check and its use is ever followed. Everything later reads from the descriptor.
"""

import errno
import hashlib
import os
import re
import stat
import unicodedata
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reamo_mcp.errors import (
    CorruptMedia,
    NetworkDisabled,
    NotARegularFile,
    PathNotAllowed,
    SourceChanged,
    TooLarge,
)
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import FileIdentity, OpenFile
from reamo_mcp.media.sniffing import HEAD, sniff
from reamo_mcp.settings import Limits

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|(?:data|mailto|javascript):", re.IGNORECASE)
_CHUNK = 1 << 20
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Allowed:
    """Which files may be opened: ``roots`` is None where naming a file is the permission (command line, Python).

    ``option`` is what a refusal tells the caller's user to set.
    """

    roots: tuple[Path, ...] | None
    option: str = "--root"

    @classmethod
    def named(cls) -> "Allowed":
        """Return the permission to open every file that is named."""
        return cls(None)

    @classmethod
    def below(cls, roots: Iterable[Path], option: str = "--root") -> "Allowed":
        """Return the permission to open files below these folders only; without any, nothing is allowed."""
        return cls(tuple(roots), option)


def shown(name: str) -> str:
    """Return a name with signs of control, direction and line ends escaped, cut when it is very long."""
    safe = "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character)[0] == "C" or character in "\u2028\u2029"
        else character
        for character in name
    )
    return safe if len(safe) <= _LONGEST_SHOWN else f"{safe[: _LONGEST_SHOWN - 1]}…"


@contextmanager
def open_file(path: str, allowed: Allowed, limits: Limits, control: Control) -> Generator[OpenFile]:
    """Open a regular file, tell its type by content, hash it, and close it when the context ends.

    Relative paths start at the first root, or at the working directory where everything named is allowed. Raises
    errors of `reamo_mcp.errors`: PathNotAllowed, NotARegularFile, NetworkDisabled, TooLarge, SourceChanged,
    UnsupportedFormat, UnsupportedContainer, CorruptMedia where it cannot be read, and what the control raises.
    """
    if _ADDRESS.match(path):
        raise NetworkDisabled(
            f"{shown(path)} is an address", "Download it first and name the file; no address is ever fetched"
        )
    descriptor = _open_named(path) if allowed.roots is None else _open_beneath(path, allowed.roots, allowed.option)
    try:
        status = os.fstat(descriptor)
        if status.st_size > limits.most_bytes:
            raise TooLarge(
                f"{shown(path)} has {status.st_size} bytes, more than {limits.most_bytes}",
                "Cut it into smaller files, or raise REAMO_MOST_BYTES",
            )
        name = shown(os.path.basename(path.rstrip("/")) or path)
        sniffed = sniff(_part(descriptor, HEAD, 0, shown(path)), status.st_size, shown(path))
        if sniffed.format in ("text", "html", "docx") and status.st_size > limits.most_text_bytes:
            raise TooLarge(
                f"{shown(path)} has {status.st_size} bytes of text, more than {limits.most_text_bytes}",
                "Cut it into smaller files, or raise REAMO_MOST_TEXT_BYTES",
            )
        file = OpenFile(
            name=name,
            fd=descriptor,
            size=status.st_size,
            sha256=_hash(descriptor, status.st_size, shown(path), control),
            kind=sniffed.kind,
            format=sniffed.format,
            identity=_identity(status),
        )
        ensure_unchanged(file)
        yield file
    finally:
        os.close(descriptor)


def ensure_unchanged(file: OpenFile) -> None:
    """Raise SourceChanged if the file was written to since it was opened."""
    status = os.fstat(file.fd)
    if file.identity is not None and (status.st_size, _identity(status)) != (file.size, file.identity):
        raise SourceChanged(f"{file.name} changed while it was read", "Try again once nothing writes to it")


def _identity(status: os.stat_result) -> FileIdentity:
    return FileIdentity(device=status.st_dev, inode=status.st_ino, modified_ns=status.st_mtime_ns)


def _part(descriptor: int, size: int, at: int, name: str) -> bytes:
    """Return a part of a file. Raises CorruptMedia where the disk, or what plays one, refuses to hand it out."""
    try:
        return os.pread(descriptor, size, at)
    except OSError as error:
        raise CorruptMedia(
            f"{name} cannot be read: {(error.strerror or '').lower()}", "Check the disk, or name a copy on another one"
        ) from None


def _hash(descriptor: int, size: int, name: str, control: Control) -> str:
    digest = hashlib.sha256()
    position = 0
    while position < size:
        control.check()
        control.progress(position, size, "bytes")
        part = _part(descriptor, min(_CHUNK, size - position), position, name)
        if not part:
            break  # it shrank: the check of its identity tells
        digest.update(part)
        position += len(part)
    return digest.hexdigest()


def _open_named(path: str) -> int:
    """Open a file whose naming is the permission; each failure says what is wrong."""
    name = shown(path)
    try:
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise _not_regular(name, status.st_mode)
        return _checked(os.open(path, _flags(last=True)), name)
    except (FileNotFoundError, NotADirectoryError):
        raise PathNotAllowed(
            f"there is no file {name}", f"Check the path; relative paths start at {shown(os.getcwd())}"
        ) from None
    except PermissionError:
        raise PathNotAllowed(
            f"no permission to read {name}", "Give this user the right to read it, or name a copy"
        ) from None
    except (OSError, ValueError) as error:
        reason = (error.strerror or "").lower() if isinstance(error, OSError) else "it holds a NUL character"
        raise PathNotAllowed(f"{name} cannot be opened: {reason}", "Check the path") from None


def _open_beneath(path: str, roots: tuple[Path, ...], option: str) -> int:
    """Open a file below one of the roots. One refusal for everything else, whether it exists or not."""
    refusal = PathNotAllowed(
        f"{shown(path)} is not in a folder that may be read, or does not exist",
        f"Check the path, or start the server with {option} FOLDER for its folder"
        if roots
        else f"No folder may be read: start the server with {option} FOLDER",
    )
    if not roots:
        raise refusal
    try:
        real = Path(os.path.realpath(roots[0] / path, strict=True))
    except (OSError, ValueError):  # missing, a loop of links, NUL, too long
        raise refusal from None
    for root in roots:
        try:
            real_root = Path(os.path.realpath(root, strict=True))
        except OSError:
            continue
        if real != real_root and real.is_relative_to(real_root):
            try:
                return _open_parts(real_root, real.relative_to(real_root).parts, shown(path))
            except OSError:
                raise refusal from None
    raise refusal


def _open_parts(root: Path, parts: tuple[str, ...], name: str) -> int:
    """Open each part under the descriptor of the one before, following no link. Raises OSError, NotARegularFile."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in parts[:-1]:
            inner = os.open(part, _flags(last=False), dir_fd=folder)
            os.close(folder)
            folder = inner
        mode = os.stat(parts[-1], dir_fd=folder, follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):  # it was put there since the path was resolved
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if not stat.S_ISREG(mode):  # asked before opening, since opening a device can do something
            raise _not_regular(name, mode)
        return _checked(os.open(parts[-1], _flags(last=True) | os.O_NOFOLLOW, dir_fd=folder), name)
    finally:
        os.close(folder)


def _flags(*, last: bool) -> int:
    common = os.O_RDONLY | os.O_CLOEXEC
    return common | (os.O_NONBLOCK if last else os.O_DIRECTORY | os.O_NOFOLLOW)


def _checked(descriptor: int, name: str) -> int:
    """Return the descriptor if it is a regular file's: what was really opened counts, not what was asked about."""
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise _not_regular(name, mode)
    os.set_blocking(descriptor, True)
    return descriptor


def _not_regular(name: str, mode: int) -> NotARegularFile:
    if stat.S_ISDIR(mode):
        return NotARegularFile(f"{name} is a folder", "Name the files in it")
    return NotARegularFile(f"{name} is a pipe, socket or device", "Name a regular file")
