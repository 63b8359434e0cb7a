"""Pulling checkpoints from a hub: the only work of this project that reaches into a network, and only when asked to.

Of each repository the configuration, the tokenizer and the safetensors are taken, nothing that could run. Every file
is compared with the hash that the hub tells; what was pulled is then used offline.
"""

# huggingface_hub is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false

import hashlib
import re
import shutil
import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from reamo_mcp.errors import EngineFailed, ModelUnavailable
from reamo_mcp.models.catalogue import Checkpoint
from reamo_mcp.models.pulled import MANIFEST, Manifest, PulledFile, folder_of, pulled, sha256_of, verify
from reamo_mcp.types.record import Record

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo

HUB = "https://huggingface.co"
_NAMES = re.compile(r"[\w][\w.-]*\.(json|txt|jinja|model)|(model|model-\d{5}-of-\d{5})\.safetensors")
_SPARE = 1 << 30  # bytes that stay free on the disk
_SHORT = 60.0
_BETWEEN_LOOKS = 0.5  # seconds


class Offered(Record):
    """A file that a hub offers; ``digest`` is its SHA-256, or that of git for small files."""

    name: str
    size: int = Field(ge=0)
    kind: Literal["sha256", "git"]
    digest: str


class Offer(Record):
    """A checkpoint as a hub offers it: the commit, its licence, and the files that would be taken."""

    name: str
    revision: str
    licence: str
    files: tuple[Offered, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def hub_of(environment: Mapping[str, str]) -> str:
    """Return the address of the hub: ``HF_ENDPOINT``, as the programs of the hub call it, or the public one."""
    return environment.get("HF_ENDPOINT", "").rstrip("/") or HUB


def offered(checkpoint: Checkpoint, models: Path, hub: str) -> Offer:
    """Return what would be pulled: the pinned commit, else the one pulled before, else the newest.

    Raises ModelUnavailable where there is no such checkpoint, it is gated, or it has no safetensors, and EngineFailed
    where the hub cannot be reached.
    """
    from huggingface_hub import HfApi

    known = pulled(models, checkpoint)
    wanted = checkpoint.revision or (known.revision if known else None)
    with _Told(checkpoint.name, hub):
        info = HfApi(endpoint=hub).model_info(checkpoint.name, revision=wanted, files_metadata=True, timeout=_SHORT)
    return _offer(checkpoint, info, wanted)


def _offer(checkpoint: Checkpoint, info: "ModelInfo", wanted: str | None) -> Offer:
    files = [
        Offered(
            name=file.rfilename,
            size=file.size or 0,
            kind="sha256" if file.lfs else "git",
            digest=file.lfs.sha256 if file.lfs else (file.blob_id or ""),
        )
        for file in info.siblings or ()
        if _NAMES.fullmatch(file.rfilename)
    ]
    names = {file.name for file in files}
    if "model.safetensors" in names:
        files = [file for file in files if file.name == "model.safetensors" or not file.name.endswith(".safetensors")]
    revision = info.sha or ""
    if not re.fullmatch(r"[0-9a-f]{40}", revision) or (wanted is not None and revision != wanted):
        raise _refused(checkpoint.name, "the hub names no commit, or another than was asked for")
    if not any(name.endswith(".safetensors") for name in names):
        raise _refused(checkpoint.name, "it has no safetensors, and nothing else is opened")
    if not all(file.digest for file in files):
        raise _refused(checkpoint.name, "the hub tells no hash of a file")
    card = info.card_data
    licence = str(card.license) if card is not None and card.license else "not told by the hub"
    return Offer(name=checkpoint.name, revision=revision, licence=licence, files=tuple(files))


def pull(offer: Offer, models: Path, hub: str, progress: Callable[[int], None] = lambda _: None) -> Manifest:
    """Fetch what is offered and is not there yet, compare it with its hashes, and put it in place as a whole.

    ``progress`` is told the bytes of each step, those of an earlier try at once. What was fetched before a failure is
    kept and not fetched again.

    Raises EngineFailed where the connection is lost, the disk is full or a file differs from its hash.
    """
    folder = folder_of(models, offer.name)
    present = pulled(models, Checkpoint(name=offer.name, licence="", revision=offer.revision))
    if present is not None:
        verify(models, present, progress)
        return present
    staged = folder.with_name(f".{folder.name}.pulling-{offer.revision[:12]}")
    files: list[PulledFile] = []
    try:
        staged.mkdir(parents=True, exist_ok=True)
        _check_room(offer, staged)
        with _watched(staged, progress):
            for file in offer.files:
                path = staged / file.name
                if not path.exists():
                    _fetch(offer, file, staged, hub)
                files.append(PulledFile(name=file.name, size=file.size, sha256=_checked(offer, file, path)))
        manifest = Manifest(name=offer.name, revision=offer.revision, licence=offer.licence, files=tuple(files))
        _put_in_place(staged, folder, manifest)
    except OSError as error:
        raise EngineFailed(
            f"{offer.name} could not be kept: {error.strerror or type(error).__name__}",
            "Free some space, or name another folder by REAMO_MODELS",
        ) from None
    return manifest


def _check_room(offer: Offer, staged: Path) -> None:
    here = _size_of(staged)
    room = shutil.disk_usage(staged).free - _SPARE
    if offer.size - here > room:
        raise EngineFailed(
            f"the disk has no room for the {offer.size} bytes of {offer.name}",
            "Free some space, or name another folder by REAMO_MODELS",
        )


def _size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder, those that are still growing too."""
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size if path.is_file() else 0
        except OSError:
            pass  # renamed meanwhile
    return total


@contextmanager
def _watched(folder: Path, progress: Callable[[int], None]) -> Generator[None]:
    """Tell by how many bytes a folder grows, whichever way its files are fetched."""
    told = 0
    done = threading.Event()

    def look() -> None:
        nonlocal told
        size = _size_of(folder)
        if size > told:
            progress(size - told)
            told = size

    def watch() -> None:
        while not done.wait(_BETWEEN_LOOKS):
            look()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
        look()


def _fetch(offer: Offer, file: Offered, staged: Path, hub: str) -> None:
    from huggingface_hub import HfApi

    with _Told(offer.name, hub):
        HfApi(endpoint=hub).hf_hub_download(offer.name, file.name, revision=offer.revision, local_dir=staged)


def _checked(offer: Offer, file: Offered, path: Path) -> str:
    """Return the SHA-256 of a fetched file. Removes one that is not what the hub told, and raises EngineFailed."""
    sha256 = sha256_of(path)
    found = sha256 if file.kind == "sha256" else _git_digest(path)
    if found != file.digest or path.stat().st_size != file.size:
        path.unlink()
        raise EngineFailed(
            f"{file.name} of {offer.name} is not what the hub promised; it was removed",
            "Pull again; if it stays so, something on the way changes it",
        )
    return sha256


def _git_digest(path: Path) -> str:
    content = path.read_bytes()
    return hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()


def _put_in_place(staged: Path, folder: Path, manifest: Manifest) -> None:
    shutil.rmtree(staged / ".cache", ignore_errors=True)  # what the hub's library remembers of its fetching
    (staged / MANIFEST).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
    if folder.exists():
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
        staged.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    else:
        staged.rename(folder)


class _Told:
    """Turns what the hub's library raises into errors that say what to do."""

    def __init__(self, name: str, hub: str) -> None:
        self._name = name
        self._hub = hub

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        from huggingface_hub.errors import (
            EntryNotFoundError,
            GatedRepoError,
            HfHubHTTPError,
            LocalEntryNotFoundError,
            OfflineModeIsEnabled,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        match error:
            case GatedRepoError():
                raise _refused(self._name, "it is gated: its owner asks for consent first") from None
            case RevisionNotFoundError():
                raise _refused(self._name, "the hub no longer has the pinned commit") from None
            case RepositoryNotFoundError():
                raise _refused(self._name, "the hub has no such checkpoint, or not for everyone") from None
            case OfflineModeIsEnabled():
                raise EngineFailed("the hub is switched off by HF_HUB_OFFLINE", "Unset it to pull") from None
            case LocalEntryNotFoundError() | HfHubHTTPError():
                raise self._lost(error) from None
            case EntryNotFoundError():
                raise _refused(self._name, "a file that the hub named is not there") from None
            case OSError():
                return  # of the disk
            case Exception():  # whichever HTTP library the hub's library uses, its errors are of the connection
                raise self._lost(error) from None
            case _:
                return

    def _lost(self, error: Exception) -> EngineFailed:
        return EngineFailed(
            f"{self._hub} could not be reached, or the connection was lost ({type(error).__name__})",
            "Pull again: what was fetched is kept",
        )


def _refused(name: str, why: str) -> ModelUnavailable:
    return ModelUnavailable(f"{name} is not pulled: {why}", "Choose another profile; see `reamo-mcp models`")
