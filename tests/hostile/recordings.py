"""Rows of recordings and videos: playlists in disguise, lies, damage, bombs."""

# The stubs of av leave the parameters of its packets and streams open:
# pyright: reportUnknownMemberType=false

import io
import struct
import tempfile
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

from tests.hostile.pictures import png
from tests.hostile.rows import Ground, Row, file
from tests.media_samples import VideoSample, write_tone, write_video


def made(suffix: str, write: Callable[[Path], object]) -> bytes:
    """Return the content of a file that ``write`` makes."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"made{suffix}"
        write(path)
        return path.read_bytes()


def video(suffix: str = ".mp4", size: tuple[int, int] = (96, 64), frames: int = 30, start: int = 0) -> bytes:
    """Return a short video without sound."""
    base = Fraction(1, 30)
    return made(
        suffix, lambda path: write_video(path, VideoSample(frames, size=size, base=base, pts=lambda n: n + start))
    )


def silence(seconds: int = 1, claims: int | None = None) -> bytes:
    """Return silent WAV; ``claims`` is the length that its header tells."""
    stream = io.BytesIO()
    with wave.open(stream, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(16_000)
        written.writeframes(bytes(32_000 * seconds))
    data = bytearray(stream.getvalue())
    if claims is not None:
        data[4:8] = data[40:44] = struct.pack("<I", claims)
    return bytes(data)


def _hls(address: Callable[[Ground], str]) -> Callable[[Ground], bytes]:
    return lambda ground: (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10.0,\n{address(ground)}\n#EXT-X-ENDLIST\n".encode()
    )


def _concat(address: Callable[[Ground], str]) -> Callable[[Ground], bytes]:
    return lambda ground: f"ffconcat version 1.0\nfile '{address(ground)}'\n".encode()


def _dash(ground: Ground) -> bytes:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet '
        f'mimeType="video/mp4"><Representation id="1" bandwidth="1"><BaseURL>{ground.canary}/d.mp4</BaseURL>'
        "</Representation></AdaptationSet></Period></MPD>"
    ).encode()


def _huge_frames(path: Path) -> None:
    side = 15_000
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=1)
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt = side, side, "gray"
        for number in range(2):
            packet = av.Packet(png(side, side))
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1)
            packet.is_keyframe = True
            container.mux(packet)


def _many_tracks(path: Path) -> None:
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=8000, layout="mono") for _ in range(64)]
        for stream in streams:
            assert isinstance(stream, AudioStream)
            frame = av.AudioFrame.from_ndarray(numpy.zeros((1, 800), numpy.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 8000, 0
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))


def _damaged(content: bytes) -> bytes:
    data, random = bytearray(content), numpy.random.default_rng(5)
    for at in random.integers(len(data) // 4, len(data), 40):
        data[at] ^= 1 << int(random.integers(8))
    return bytes(data)


def _lying_duration(_: Ground) -> bytes:
    data = bytearray(video(".mkv"))
    at = data.index(b"\x44\x89")
    assert data[at + 2] == 0x88, "another form of the field"
    data[at + 3 : at + 11] = struct.pack(">d", 1e12)
    return bytes(data)


def recording_rows() -> list[Row]:
    """Return rows 22 to 29d."""
    noise = numpy.random.default_rng(9).bytes(50_000)
    playlist = "unsupported_container"
    return [
        *(
            row
            for end in ("mp4", "m3u8")
            for row in (
                file("22", f"hls_file.{end}", playlist, _hls(lambda ground: ground.secret.as_uri())),
                file("22", f"hls_http.{end}", playlist, _hls(lambda ground: f"{ground.canary}/s.ts")),
            )
        ),
        file("22", "concat_beside.mp4", playlist, _concat(lambda _: "sibling.ts")),
        file("22", "concat_outside.mp4", playlist, _concat(lambda ground: str(ground.secret))),
        file("22", "concat_http.mp4", playlist, _concat(lambda ground: f"{ground.canary}/c.ts")),
        file("22", "dash.mp4", playlist, _dash),
        file(
            "22",
            "session.mp4",
            playlist,
            lambda _: b"v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n",
        ),
        file("23", "no_index.mp4", "corrupt_media", lambda _: video()[:1500]),
        file("23", "bits.mp4", "ok partial corrupt_media", lambda _: _damaged(video())),
        file("23", "zeros.mp4", "unsupported_format", lambda _: bytes(50_000)),
        file("23", "empty.mp4", "unsupported_format", lambda _: b""),
        file("23", "noise.mp4", "unsupported_format", lambda _: noise),
        file("24", "claims_4gib.wav", "ok partial", lambda _: silence(claims=0xFFFFFFF0)),
        file("24", "claims_30000_years.mkv", "ok partial", _lying_duration),
        file("25", "silence.wav", "ok partial", lambda _: silence(30)),
        file("27", "tracks64.mka", "ok partial too_large", lambda _: made(".mka", _many_tracks)),
        file("29b", "huge_frames.mov", "too_large", lambda _: made(".mov", _huge_frames), bomb=True),
        file("29d", "other_size.ts", "ok partial", lambda _: video(".ts") + video(".ts", (128, 96))),
        file("29d", "wrapped.ts", "ok partial", lambda _: video(".ts", start=2**33 // 3000 - 30)),
        file(
            "29", "tone.mp3", "ok partial", lambda _: made(".mp3", lambda path: write_tone(path, 2, codec="libmp3lame"))
        ),
    ]
