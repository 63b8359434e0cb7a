"""Small files of every kind of medium, no two of them alike."""

import struct
import wave
from collections.abc import Callable
from pathlib import Path

import numpy
from PIL import Image, ImageDraw, ImageFont

from tests.hostile.documents import docx, page, paragraph, pdf
from tests.media_samples import VideoSample, write_video

_WORD = b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
_VIDEOS = 8
_FIRST = ("Ada", "Grace", "Alan", "Emmy", "Kurt", "Marie", "Niels", "Lise", "Max", "Sofia")
_LAST = ("Lovelace", "Hopper", "Turing", "Noether", "Curie", "Bohr", "Meitner", "Planck", "Hilbert", "Gauss", "Euler")
_PLACES = ("London", "Paris", "Lisbon", "Berlin", "Oslo", "Rome", "Vienna")


def name(number: int) -> str:
    """Return the person of this number."""
    return f"{_FIRST[number % len(_FIRST)]} {_LAST[number % len(_LAST)]}"


def sentence(number: int) -> str:
    """Return a sentence that no other number has."""
    return f"{name(number)} met {name(number + 1)} in {_PLACES[number % len(_PLACES)]} on day {number}."


class SmallFiles:
    """Writes the files below one folder; each method returns the name of a new one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0
        # Encoders hold memory of their own: the videos are made before anything is measured.
        self._videos = [
            write_video(folder / f"kept{number}.mp4", _sample(number)).read_bytes() for number in range(_VIDEOS)
        ]

    @property
    def makers(self) -> "tuple[Callable[[], str], ...]":
        """One for each kind."""
        return (self.text, self.page, self.letter, self.print, self.picture, self.sound, self.video)

    def text(self) -> str:
        """Write a plain text."""
        return self._written("txt", lambda number: sentence(number).encode())

    def page(self) -> str:
        """Write an HTML page."""
        return self._written("html", lambda number: f"<!doctype html><p>{sentence(number)}</p>".encode())

    def letter(self) -> str:
        """Write a DOCX."""
        return self._written("docx", lambda number: docx(_WORD + paragraph(sentence(number).encode()) + _WORD_END))

    def print(self) -> str:
        """Write a PDF."""
        return self._written(
            "pdf", lambda number: pdf(page(b"BT /F 9 Tf 10 150 Td (%b) Tj ET" % sentence(number).encode()))
        )

    def picture(self) -> str:
        """Draw a name."""

        def draw(number: int) -> bytes:
            path = self.folder / "drawing.png"
            picture = Image.new("RGB", (200, 60), (230, 230, 220))
            ImageDraw.Draw(picture).text(
                (8, 8 + number % 20),
                name(number),
                font=ImageFont.load_default(20 + number % 3),
                fill=(0, 0, number % 99),
            )
            picture.save(path)
            return path.read_bytes()

        return self._written("png", draw)

    def damaged_picture(self) -> str:
        """Write the first half of a picture."""
        whole = self.folder / self.picture()
        content = whole.read_bytes()
        return self._written("png", lambda _: content[: len(content) // 2])

    def sound(self) -> str:
        """Write a second of noise."""

        def made(number: int) -> bytes:
            path = self.folder / "noise.wav"
            with wave.open(str(path), "wb") as file:
                file.setparams((1, 2, 16_000, 0, "NONE", ""))
                noise = numpy.random.default_rng(number).integers(-3000, 3000, 16_000, numpy.int16)
                file.writeframes(noise.tobytes())
            return path.read_bytes()

        return self._written("wav", made)

    def video(self) -> str:
        """Write a second of moving pictures with a tone; a box at its end makes it unlike the others."""
        return self._written(
            "mp4", lambda number: self._videos[number % _VIDEOS] + struct.pack(">I4sQ", 16, b"free", number)
        )

    def _written(self, suffix: str, content: Callable[[int], bytes]) -> str:
        self._count += 1
        path = self.folder / f"file{self._count}.{suffix}"
        path.write_bytes(content(self._count))
        return path.name


_WORD_END = b"</w:body></w:document>"


def _sample(number: int) -> VideoSample:
    def draw(frame: int, pixels: "numpy.ndarray[tuple[int, ...], numpy.dtype[numpy.uint8]]") -> None:
        pixels[: 10 + number, : 40 + frame] = 200

    return VideoSample(frames=30, size=(160, 90), sound_start=0.0, sound_seconds=1.0, picture=draw)
