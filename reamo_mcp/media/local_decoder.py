"""The decoder in this process: what the decoder child runs, and what tests, debugging and lesser platforms use."""

import threading
from collections.abc import Iterator
from dataclasses import replace

from reamo_mcp.errors import UnsupportedFormat
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import (
    Cue,
    DecodedText,
    Description,
    Frame,
    FramePlan,
    OpenFile,
    Outcome,
    Page,
    Picture,
    SoundWindow,
)
from reamo_mcp.media.sniffing import has_wrong_extension
from reamo_mcp.settings import Limits
from reamo_mcp.types.extraction import Notice


class LocalDecoder:
    """Decodes in the calling thread, within the limits but without the protection of a process of its own.

    Each method imports only the libraries that its kind of media needs.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._one_pdf_at_a_time = threading.Lock()  # pdfium is not safe for threads

    def describe(self, file: OpenFile, control: Control) -> Description:
        """Return what the file is, from its header; a misleading extension is told in a notice."""
        described = self._describe(file)
        if not has_wrong_extension(file.name, file.format):
            return described
        notice = Notice(code="wrong_extension", message=f"{file.name} is {file.format} by its content and read as such")
        return replace(described, notices=(notice, *described.notices))

    def text(self, file: OpenFile, control: Control) -> DecodedText:
        """Return the text of a text file, HTML or DOCX."""
        from reamo_mcp.media.text import load_text

        return load_text(file, self._limits, control)

    def pages(
        self, file: OpenFile, wanted: tuple[int, int] | None, outcome: Outcome, control: Control
    ) -> Iterator[Page]:
        """Yield the wanted pages of a PDF."""
        from reamo_mcp.media.document import load_pages

        pages = load_pages(file, wanted, self._limits, outcome, control)
        try:
            while True:
                with self._one_pdf_at_a_time:
                    page = next(pages, None)
                if page is None:
                    return
                yield page
        finally:
            with self._one_pdf_at_a_time:
                pages.close()

    def page_picture(self, file: OpenFile, page: int, longest_side: int, control: Control) -> Picture:
        """Return one upright page of a PDF as pixels."""
        from reamo_mcp.media.document import render_page

        with self._one_pdf_at_a_time:
            return render_page(file, page, longest_side)

    def picture(self, file: OpenFile, longest_side: int, control: Control) -> Picture:
        """Return an image, reduced so that its longer side has at most this many pixels."""
        from reamo_mcp.media.image import load_picture

        return load_picture(file, longest_side, self._limits)

    def sound(
        self, file: OpenFile, seconds: tuple[float, float] | None, outcome: Outcome, control: Control
    ) -> Iterator[SoundWindow]:
        """Yield the sound in windows."""
        from reamo_mcp.media.audio import sound_windows

        return sound_windows(file, seconds, self._limits, outcome, control)

    def frames(self, file: OpenFile, plan: FramePlan, outcome: Outcome, control: Control) -> Iterator[Frame]:
        """Yield the planned frames of a video."""
        from reamo_mcp.media.video import planned_frames

        return planned_frames(file, plan, self._limits, outcome, control)

    def subtitles(self, file: OpenFile, control: Control) -> tuple[Cue, ...]:
        """Return the cues of the first text subtitle stream."""
        from reamo_mcp.media.subtitles import subtitle_cues

        return subtitle_cues(file, self._limits, control)

    def _describe(self, file: OpenFile) -> Description:
        match file.kind:
            case "image":
                from reamo_mcp.media.image import describe_image

                return describe_image(file, self._limits)
            case "audio" | "video":
                from reamo_mcp.media.container import describe_media

                return describe_media(file, self._limits)
            case "text":
                return Description("text", file.format)
            case "document" if file.format == "pdf":
                from reamo_mcp.media.document import describe_document

                with self._one_pdf_at_a_time:
                    return describe_document(file)
            case "document" if file.format in ("html", "docx"):
                return Description("document", file.format)
            case _:
                raise UnsupportedFormat(f"{file.name} is {file.format}, which cannot be read", "Convert it")
