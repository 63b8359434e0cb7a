"""What was given: the sources a caller names, and the media they turned out to be."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from reamo_mcp.types.record import Record

MediaKind = Literal["text", "image", "audio", "video", "document"]


class FileSource(Record):
    """A file named by the caller; the path is opened later, under the rules of the server or library."""

    kind: Literal["file"] = "file"
    path: str


class TextSource(Record):
    """A text given as such, not as a file."""

    kind: Literal["text"] = "text"
    text: str
    name: str = "text"


Source = Annotated[FileSource | TextSource, Field(discriminator="kind")]


class Document(Record):
    """What is to be read in one pass: any files, a text, or both."""

    sources: tuple[Source, ...] = Field(min_length=1)

    @classmethod
    def of(cls, *paths: str | Path, text: str | None = None) -> "Document":
        """Return the document made of these files and this text. Strings are paths; text comes only by ``text``."""
        sources: list[Source] = [FileSource(path=str(path)) for path in paths]
        if text is not None:
            sources.insert(0, TextSource(text=text))
        return cls(sources=tuple(sources))


class MediumBase(Record):
    """What all media share: an id that groundings point to, a name for people, and the hash of the bytes."""

    id: str
    name: str
    sha256: str
    format: str = Field(description="What the content is, by its bytes: 'utf-8', 'jpeg', 'pdf', 'mov' ...")


class TextMedium(MediumBase):
    """Plain text or Markdown; ``text`` is the decoded text that offsets count in."""

    kind: Literal["text"] = "text"
    text: str
    encoding: str


class ImageMedium(MediumBase):
    """A picture; width and height in pixels of the upright original."""

    kind: Literal["image"] = "image"
    width: int = Field(ge=1)
    height: int = Field(ge=1)


class AudioMedium(MediumBase):
    """A recording; ``duration`` in seconds of what could be decoded."""

    kind: Literal["audio"] = "audio"
    duration: float = Field(ge=0)


class VideoMedium(MediumBase):
    """A video; width and height in pixels of the upright frame, ``duration`` in seconds on the container's clock."""

    kind: Literal["video"] = "video"
    width: int = Field(ge=1)
    height: int = Field(ge=1)
    duration: float = Field(ge=0)
    has_sound: bool


class PageSize(Record):
    """The size of one upright page in points."""

    width: float
    height: float


class DocumentMedium(MediumBase):
    """A document with pages (PDF), or of flowing text (HTML, DOCX: no pages)."""

    kind: Literal["document"] = "document"
    pages: int = Field(ge=0, description="Number of pages; 0 for flowing text")
    page_sizes: tuple[PageSize, ...] = Field(default=(), description="Of the pages that were read, in order")


Medium = Annotated[TextMedium | ImageMedium | AudioMedium | VideoMedium | DocumentMedium, Field(discriminator="kind")]


class OpenedDocument(Record):
    """The media of a document once opened; ``id`` is made of their hashes, so equal content has equal ids."""

    id: str
    media: tuple[Medium, ...]

    def medium(self, media_id: str) -> Medium | None:
        """Return the medium with this id, None if there is none."""
        return next((medium for medium in self.media if medium.id == media_id), None)


class Part(Record):
    """The stretch of each file that is wanted: pages (from 1, both ends included) or seconds (half-open)."""

    pages: tuple[int, int] | None = None
    seconds: tuple[float, float] | None = None
