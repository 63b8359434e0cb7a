"""Checkpoints on this machine: a folder each, with a manifest that pins the commit and the hash of every file.

A folder without its manifest is not there: the manifest is written last, when all files are in place.
"""

import hashlib
from collections.abc import Callable
from pathlib import Path

from pydantic import Field, ValidationError

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.models.catalogue import Checkpoint
from reamo_mcp.types.record import Record

MANIFEST = "reamo-manifest.json"
_AT_ONCE = 1 << 20


class PulledFile(Record):
    """A file of a checkpoint, by its name in the folder."""

    name: str = Field(pattern=r"^[\w][\w.-]*$")
    size: int = Field(ge=0)
    sha256: str


class Manifest(Record):
    """What was pulled: the commit, the licence that the hub told, and the files."""

    name: str
    revision: str
    licence: str
    files: tuple[PulledFile, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def folder_of(models: Path, name: str) -> Path:
    """Return where the checkpoint of this name lies below the folder of models."""
    return models / name.replace("/", "--")


def pulled(models: Path, checkpoint: Checkpoint) -> Manifest | None:
    """Return the manifest of a checkpoint, None if it is not there as a whole. Looks at sizes, not at contents."""
    folder = folder_of(models, checkpoint.name)
    try:
        manifest = Manifest.model_validate_json((folder / MANIFEST).read_bytes())
        whole = all((folder / file.name).stat().st_size == file.size for file in manifest.files)
    except (OSError, ValidationError):
        return None
    if not whole or checkpoint.revision not in (None, manifest.revision):
        return None
    return manifest


def verify(models: Path, manifest: Manifest, progress: Callable[[int], None] = lambda _: None) -> None:
    """Read all files and compare them with their hashes. ``progress`` is told the bytes of each step.

    Raises ModelUnavailable naming the first file that is missing or differs.
    """
    folder = folder_of(models, manifest.name)
    for file in manifest.files:
        try:
            found = sha256_of(folder / file.name, progress)
        except OSError as error:
            raise _differs(manifest, file, error.strerror or "it cannot be read") from None
        if found != file.sha256:
            raise _differs(manifest, file, "it is not what was pulled")


def sha256_of(path: Path, progress: Callable[[int], None] = lambda _: None) -> str:
    """Return the hash of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_AT_ONCE):
            digest.update(block)
            progress(len(block))
    return digest.hexdigest()


def _differs(manifest: Manifest, file: PulledFile, why: str) -> ModelUnavailable:
    return ModelUnavailable(f"{file.name} of {manifest.name}: {why}", "Fetch it again: reamo-mcp models pull PROFILE")
