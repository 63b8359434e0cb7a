"""A bounded folder of blobs by key: written atomically, checked when read, safe for several processes.

A cache that cannot be used (full disk, read-only folder) never fails the work: reads find nothing, writes are dropped,
and `trouble` says why, so that the caller can tell it once.
"""

import hashlib
import os
import re
import tempfile
import time
from pathlib import Path

_KEY = re.compile(r"[0-9a-z][0-9a-z._-]{7,127}")
_MAGIC = b"reamo1 "
_DIGEST = 64
_SUFFIX = ".blob"
_STALE_SECONDS = 3600.0


class BlobFolder:
    """Blobs below ``folder``, at most ``most_bytes`` in all; the least recently used go first.

    ``most_bytes`` of 0 keeps nothing and touches no disk.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self._size: int | None = None
        self.trouble: str | None = None

    def get(self, key: str) -> bytes | None:
        """Return the blob, None if it is not kept or was damaged (then it is removed and may be made again)."""
        path = self._path(key)
        if self._most_bytes == 0:
            return None
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self.trouble = f"the cache could not be read: {error.strerror}"
            return None
        head, payload = content[: len(_MAGIC) + _DIGEST], content[len(_MAGIC) + _DIGEST :]
        if head != _MAGIC + hashlib.sha256(payload).hexdigest().encode():
            self.remove(key)
            return None
        try:
            os.utime(path)  # the time of last use orders the eviction
        except OSError:
            pass  # a read-only cache still answers
        return payload

    def put(self, key: str, payload: bytes) -> None:
        """Keep the blob. Replaces an older one at once or not at all."""
        path = self._path(key)
        if len(payload) > self._most_bytes:
            return
        temporary: str | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".new-")
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + hashlib.sha256(payload).hexdigest().encode())
                file.write(payload)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
            temporary = None
        except OSError as error:
            self.trouble = f"the cache could not be written: {error.strerror}"
            return
        finally:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)
        self._size = None if self._size is None else self._size + len(payload)
        if self._size is None or self._size > self._most_bytes:
            self._evict()

    def remove(self, key: str) -> None:
        """Forget the blob, if it is there."""
        try:
            self._path(key).unlink(missing_ok=True)
        except OSError as error:
            self.trouble = f"the cache could not be written: {error.strerror}"

    def clear(self) -> int:
        """Forget everything; return how many bytes that freed."""
        freed = 0
        for path, size, _ in self._entries():
            try:
                path.unlink(missing_ok=True)
                freed += size
            except OSError as error:
                self.trouble = f"the cache could not be written: {error.strerror}"
        self._size = None
        return freed

    def size(self) -> tuple[int, int]:
        """Return the number of blobs and their bytes."""
        sizes = [size for _, size, _ in self._entries()]
        return len(sizes), sum(sizes)

    def _path(self, key: str) -> Path:
        if not _KEY.fullmatch(key):
            raise ValueError(f"not a store key: {key!r}")
        return self._folder / key[:2] / f"{key}{_SUFFIX}"

    def _entries(self) -> list[tuple[Path, int, float]]:
        found: list[tuple[Path, int, float]] = []
        for path in self._folder.glob(f"*/*{_SUFFIX}"):
            try:
                status = path.stat()
            except OSError:
                continue  # another process removed it meanwhile
            found.append((path, status.st_size, status.st_mtime))
        return found

    def _evict(self) -> None:
        self._drop_leftovers()
        entries = sorted(self._entries(), key=lambda entry: entry[2])
        total = sum(size for _, size, _ in entries)
        # A tenth below the bound, so that not every later write evicts again.
        goal = self._most_bytes if total <= self._most_bytes else self._most_bytes * 9 // 10
        for path, size, _ in entries:
            if total <= goal:
                break
            try:
                path.unlink(missing_ok=True)
            except OSError as error:
                self.trouble = f"the cache could not be written: {error.strerror}"
                break
            total -= size
        self._size = total

    def _drop_leftovers(self) -> None:
        # A process that was killed while writing leaves its temporary file behind.
        for path in self._folder.glob("*/.new-*"):
            try:
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink(missing_ok=True)
            except OSError:
                continue
