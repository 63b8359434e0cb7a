"""Containers of time, opened safely: what they hold, and the one clock of their streams.

Zero is the start of the container for all its streams, so sound and pictures stay together. Times are
``pts * time_base`` as fractions and become floats only where they are handed out.
"""

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, NoReturn

from reamo_mcp.errors import CorruptMedia, TooLarge, UnsupportedContainer, UnsupportedFormat
from reamo_mcp.media.container_facts import facts_of
from reamo_mcp.media.decoded import Description, OpenFile
from reamo_mcp.media.stream import FileStream
from reamo_mcp.settings import Limits
from reamo_mcp.types.extraction import Notice

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.subtitles.stream import SubtitleStream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# FFmpeg never guesses: a playlist, SDP or concat list is refused whatever it is named.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,avi,ogg,mp3,flac,wav,w64,aac"
TEXT_SUBTITLES = ("subrip", "srt", "webvtt", "mov_text", "ass", "ssa", "text")
STATES_DURATION = ("mov", "matroska", "avi", "wav", "flac")
"""Formats whose header promises a duration. Elsewhere it is guessed from the bit rate and proves no loss."""
SEEKS_EXACTLY = ("mov", "matroska")
"""Formats with an index of times. Elsewhere a position after a seek may be a guess, so they are read from the start."""
_MOST_STREAMS = 64
_READ_AT_ONCE = 1 << 17
_PROBED_PACKETS = 400


@dataclass(frozen=True)
class Opened:
    """An open container; ``origin`` is the time in seconds that counts as zero."""

    container: "InputContainer"
    origin: Fraction
    format: str

    @property
    def pictures(self) -> "VideoStream | None":
        """The first stream of moving pictures that can be decoded; cover art is none."""
        from av.stream import Disposition

        still = Disposition.attached_pic | Disposition.timed_thumbnails
        usable = [stream for stream in self.container.streams.video if stream.codec_context is not None]  # pyright: ignore[reportUnnecessaryComparison] None where FFmpeg lacks the codec
        return next((stream for stream in usable if not stream.disposition & still), None)

    @property
    def sound(self) -> "AudioStream | None":
        """The sound that a player would play: the one marked as default, else the first that can be decoded."""
        from av.stream import Disposition

        usable = [stream for stream in self.container.streams.audio if stream.codec_context is not None]  # pyright: ignore[reportUnnecessaryComparison] None where FFmpeg lacks the codec
        marked = [stream for stream in usable if stream.disposition & Disposition.default]
        return next(iter(marked or usable), None)

    @property
    def subtitles(self) -> "SubtitleStream | None":
        """The first stream of subtitles that are text."""
        for stream in self.container.streams.subtitles:
            if stream.codec_context is not None and stream.codec_context.name in TEXT_SUBTITLES:  # pyright: ignore[reportUnnecessaryComparison] None where FFmpeg lacks the codec
                return stream
        return None

    @property
    def duration(self) -> Fraction:
        """The duration in seconds that the header promises, 0 if it is silent about it. It may lie."""
        return Fraction(max(0, self.container.duration or 0), 1_000_000)

    def time(self, pts: int, base: Fraction) -> Fraction:
        """Return the time of a timestamp on the clock of the container."""
        return pts * base - self.origin

    def only(self, wanted: "Stream") -> None:
        """Let the demuxer pass over all other streams."""
        from av.stream import Discard

        for stream in self.container.streams:
            if stream.index != wanted.index:
                stream.discard = Discard.all


@contextmanager
def opened_container(file: OpenFile, limits: Limits) -> Generator[Opened]:
    """Open a container from its descriptor. Raises CorruptMedia, UnsupportedContainer, TooLarge.

    The limit on pixels is set on the container, which decodes while it probes, and on each codec.
    """
    import av
    from av import logging
    from av.error import ArgumentError, FFmpegError

    logging.set_level(None)  # FFmpeg's own messages quote file contents
    options = {
        "format_whitelist": _FORMATS,
        "protocol_whitelist": "file",
        "max_pixels": str(limits.most_pixels),
        "max_streams": str(_MOST_STREAMS),
    }
    try:
        container = av.open(
            FileStream(file.fd),
            "r",
            options=options,
            metadata_errors="replace",
            io_open=_refuse_other_files,
            buffer_size=_READ_AT_ONCE,
        )
    except ArgumentError:
        raise UnsupportedContainer(
            f"{file.name} is a playlist or a container that is refused", "Give the recording or video itself"
        ) from None
    except (FFmpegError, OSError, ValueError):
        raise CorruptMedia(
            f"{file.name} could not be read as sound or video", "Check that the file is complete and plays elsewhere"
        ) from None
    with container:
        for stream in container.streams.video:
            context = stream.codec_context
            if context is None:  # pyright: ignore[reportUnnecessaryComparison] None where FFmpeg lacks the codec
                continue
            if context.width * context.height > limits.most_pixels:
                raise _too_many_pixels(file, limits)
            context.options = {"max_pixels": str(limits.most_pixels)}
        start = container.start_time or 0
        yield Opened(container, Fraction(start, 1_000_000), file.format)


def describe_media(file: OpenFile, limits: Limits) -> Description:
    """Return what a container holds, from its header and its first picture.

    It is a video if it has moving pictures, else a recording; cover art makes no video. Width and height are those of
    the upright frame. Raises CorruptMedia, UnsupportedContainer, UnsupportedFormat, TooLarge.
    """
    with opened_container(file, limits) as opened:
        pictures, sound = opened.pictures, opened.sound
        duration = float(opened.duration)
        facts = facts_of(opened.container, sound, duration)
        has_subtitles = opened.subtitles is not None
        notices = tuple(_unread_tracks(opened, file))
        if pictures is None:
            if sound is None:
                raise UnsupportedFormat(f"{file.name} holds neither sound nor pictures", "Give a recording or a video")
            return Description(
                "audio",
                file.format,
                duration=duration,
                has_sound=True,
                has_subtitles=has_subtitles,
                facts=facts,
                notices=notices,
            )
        first = first_frame(opened, pictures)
        if first is None:
            if sound is None or not pictures.codec_context.width:
                raise (
                    _too_many_pixels(file, limits)
                    if _is_unprobed(pictures)
                    else CorruptMedia(
                        f"no picture of {file.name} could be decoded",
                        "Check that the file is complete and plays elsewhere",
                    )
                )
            width, height = pictures.codec_context.width, pictures.codec_context.height
        else:
            width, height = upright_size(first)
        return Description(
            "video",
            file.format,
            width=width,
            height=height,
            duration=duration,
            has_sound=sound is not None,
            has_subtitles=has_subtitles,
            facts=facts,
            notices=notices,
        )


def packets_of(opened: Opened, stream: "Stream") -> "Iterator[Packet[Stream]]":
    """Yield the packets of one stream, the last of them empty (it flushes the decoder). Damage ends them early."""
    from av.error import FFmpegError

    opened.only(stream)
    try:
        yield from opened.container.demux(stream)
    except (FFmpegError, OSError):
        return


def seek(opened: Opened, stream: "Stream", time: Fraction) -> None:
    """Go to the last key frame of a stream at or before a time; stay at the start where that fails."""
    from av.error import FFmpegError

    if stream.time_base is None:
        return
    try:
        opened.container.seek(int((time + opened.origin) / stream.time_base), stream=stream, backward=True)
    except (FFmpegError, OverflowError):
        return


def first_frame(opened: Opened, stream: "VideoStream") -> "VideoFrame | None":
    """Return the first picture that can be decoded, None if there is none near the start."""
    from av.error import FFmpegError
    from av.video.frame import VideoFrame

    for number, packet in enumerate(packets_of(opened, stream)):
        if number > _PROBED_PACKETS:
            return None
        try:
            for frame in packet.decode():
                if isinstance(frame, VideoFrame) and frame.pts is not None:
                    return frame
        except (FFmpegError, ValueError, MemoryError):
            continue
    return None


def upright_size(frame: "VideoFrame") -> tuple[int, int]:
    """Return width and height after the rotation of the file is applied."""
    turned = frame.rotation // 90 % 2 == 1
    return (frame.height, frame.width) if turned else (frame.width, frame.height)


def _refuse_other_files(url: str, flags: int, options: object) -> NoReturn:
    """Refuse every further file that a container names."""
    raise PermissionError("a container may not open other files")


def _is_unprobed(stream: "VideoStream") -> bool:
    """Whether FFmpeg gave up on the picture size: what it does where the size is above the limit."""
    return not stream.codec_context.width


def _too_many_pixels(file: OpenFile, limits: Limits) -> TooLarge:
    return TooLarge(
        f"the pictures of {file.name} have more than {limits.most_pixels} pixels, or no size at all",
        "Give a smaller video or raise REAMO_MOST_PIXELS",
    )


def _unread_tracks(opened: Opened, file: OpenFile) -> Iterator[Notice]:
    streams = opened.container.streams
    lacking = sum(stream.codec_context is None for stream in streams.video)  # pyright: ignore[reportUnnecessaryComparison] None where FFmpeg lacks the codec
    if lacking:
        yield Notice(code="unknown_codec", message=f"{file.name} has {lacking} picture tracks of an unknown codec")
    for count, what in ((len(streams.audio), "sound"), (len(streams.video), "picture")):
        covers = what == "picture" and opened.pictures is None
        if count > 1 and not covers:
            yield Notice(code="tracks", message=f"{file.name} has {count} {what} tracks: one of them is read")
