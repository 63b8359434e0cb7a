"""Open everything a document names, and pair recordings with the transcripts that lie beside them."""

import hashlib
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import PurePath

from reamo_mcp.errors import Cancelled, ReamoError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import OpenFile
from reamo_mcp.media.opening import Allowed, open_file
from reamo_mcp.settings import Limits
from reamo_mcp.store.keys import key
from reamo_mcp.types.coverage import FailedMedium
from reamo_mcp.types.media import Document, FileSource

SUBTITLE_SUFFIXES = (".srt", ".vtt")
SIDECAR_SUFFIXES = (*SUBTITLE_SUFFIXES, ".txt")


@dataclass(frozen=True)
class OpenedText:
    """A text that was given as such."""

    name: str
    text: str
    sha256: str


@dataclass(frozen=True)
class OpenedFile:
    """An opened file, and the transcript that lies beside it or was named with it."""

    file: OpenFile
    sidecar: OpenFile | None = None


@dataclass(frozen=True)
class OpenedSources:
    """The sources of a document that could be opened, in order, and those that could not."""

    sources: tuple[OpenedText | OpenedFile, ...]
    failed: tuple[FailedMedium, ...]

    def content_key(self) -> str:
        """Return the hash of all content, whatever the names of the files."""
        hashes: list[str] = []
        for source in self.sources:
            if isinstance(source, OpenedText):
                hashes.append(f"text {source.sha256}")
            else:
                beside = source.sidecar.sha256 if source.sidecar else ""
                hashes.append(f"file {source.file.sha256} {beside}")
        return key(hashes)

    def names(self) -> list[str]:
        """Return the names of the sources, in order."""
        return [source.name if isinstance(source, OpenedText) else source.file.name for source in self.sources]


@contextmanager
def opened_sources(document: Document, allowed: Allowed, limits: Limits, control: Control) -> Generator[OpenedSources]:
    """Open the sources of a document; the files stay open until the context ends.

    A subtitle file named together with a recording of the same stem is that recording's transcript and no medium of
    its own. Raises the error of a source if none could be opened.
    """
    with ExitStack() as stack:
        opened: list[tuple[str, OpenedText | OpenFile]] = []
        errors: list[ReamoError] = []
        failed: list[FailedMedium] = []
        for source in document.sources:
            control.check()
            if not isinstance(source, FileSource):
                digest = hashlib.sha256(source.text.encode("utf-8", "surrogatepass")).hexdigest()
                opened.append((source.name, OpenedText(source.name, source.text, digest)))
                continue
            try:
                opened.append((source.path, stack.enter_context(open_file(source.path, allowed, limits, control))))
            except Cancelled:
                raise
            except ReamoError as error:
                errors.append(error)
                failed.append(failure(source.path, error))
        if not opened:
            raise nothing_readable(errors, failed)
        yield OpenedSources(tuple(_paired(opened, stack, allowed, limits, control)), tuple(failed))


def failure(name: str, error: ReamoError) -> FailedMedium:
    """Return the account of a source that could not be read."""
    return FailedMedium(name=name, code=error.code, message=str(error))


def nothing_readable(errors: list[ReamoError], failed: list[FailedMedium]) -> ReamoError:
    """Return the one error to raise when no source could be read: the only one, or the first telling of all."""
    if len(errors) == 1:
        return errors[0]
    told = "; ".join(f"{medium.name}: {medium.message}" for medium in failed[:5])
    return type(errors[0])(f"none of the {len(errors)} files could be read: {told}", errors[0].hint)


def _paired(
    opened: list[tuple[str, OpenedText | OpenFile]],
    stack: ExitStack,
    allowed: Allowed,
    limits: Limits,
    control: Control,
) -> Iterator[OpenedText | OpenedFile]:
    recordings = {
        str(PurePath(path).with_suffix(""))
        for path, item in opened
        if isinstance(item, OpenFile) and item.kind in ("audio", "video")
    }
    subtitles = {
        str(PurePath(path).with_suffix("")): item
        for path, item in opened
        if isinstance(item, OpenFile) and item.kind == "text" and PurePath(path).suffix.lower() in SUBTITLE_SUFFIXES
    }
    named = {path for path, _ in opened}
    for path, item in opened:
        if isinstance(item, OpenedText):
            yield item
            continue
        stem = str(PurePath(path).with_suffix(""))
        if stem in recordings and subtitles.get(stem) is item:
            continue
        if item.kind not in ("audio", "video"):
            yield OpenedFile(item)
            continue
        yield OpenedFile(item, subtitles.get(stem) or _beside(stem, named, stack, allowed, limits, control))


def _beside(
    stem: str, named: set[str], stack: ExitStack, allowed: Allowed, limits: Limits, control: Control
) -> OpenFile | None:
    for suffix in SIDECAR_SUFFIXES:
        path = f"{stem}{suffix}"
        if path in named:
            continue  # a text that was named is a medium of its own
        try:
            return stack.enter_context(open_file(path, allowed, limits, control))
        except Cancelled:
            raise
        except ReamoError:
            continue  # most recordings have no transcript beside them
    return None
