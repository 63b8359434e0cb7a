"""Make a press kit to try things on: a text, a poster, a scanned letter and a short video with subtitles.

Everything in it is invented and drawn here. Run: python make_press_kit.py [FOLDER]    (default: press_kit)
"""
# pyright: reportUnknownMemberType=false
# ... since PyAV leaves the types of packets and options open.

import struct
import sys
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy
from PIL import Image, ImageDraw, ImageFont

RELEASE = """# Research ship Polaris leaves Bergen for the Azores

Bergen, 14 March 2026. The Nordlys Institute sent its new research ship Polaris to the Azores on Saturday. "We waited
nine years for this day," said Ingrid Halvorsen, director of the Nordlys Institute. The ship cost 48 million euros and
is 72 metres long.

Captain Daniel Okafor was born in Lagos and lives in Bergen. His crew will meet scientists of the University of Lisbon
in Ponta Delgada on 2 April 2026. Marta Silva, who leads the project at the University of Lisbon, wants to count whales
from the air. Half of the money, 24 million euros, was given by the Norwegian government.

Press contact: Ingrid Halvorsen, press@nordlys.example.org, https://nordlys.example.org/polaris
"""

POSTER = (("POLARIS", 120), ("Open ship in Bergen", 56), ("Saturday, 14 March 2026", 44), ("Nordlys Institute", 52))
POSTER_NOTE = "with Captain Daniel Okafor"
POSTER_CODE = "https://nordlys.example.org/polaris"

LETTER = """University of Lisbon
Department of Marine Biology

Lisbon, 2 February 2026

Dear Ingrid Halvorsen,

we thank the Nordlys Institute for its invitation.
Marta Silva and Tiago Ramos will join the Polaris in
Ponta Delgada on 2 April 2026. They bring two drones
and a hydrophone of 35 kilograms.

The University of Lisbon will pay 90,000 euros.

With kind regards,
Helena Duarte
"""

# Start and end in seconds, what the card shows, what the subtitle says.
SCENES = (
    (0.0, 3.0, "Polaris in Bergen", "This is the Polaris, the new ship of the Nordlys Institute."),
    (3.0, 6.0, "Captain Daniel Okafor", "Daniel Okafor will take her from Bergen to the Azores."),
    (6.0, 9.0, "Nordlys Institute", "Lena Fischer of Greenpeace came to see her leave."),
)
SUBTITLE_STYLE = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Sans,16

[Events]
Format: Layer, Start, End, Style, Text
"""
VIDEO_SIZE = (854, 480)
FRAMES_A_SECOND = 12


def make_press_kit(folder: Path) -> list[Path]:
    """Write the files into a folder and return them."""
    folder.mkdir(parents=True, exist_ok=True)
    release = folder / "release.md"
    release.write_text(RELEASE, encoding="utf-8")
    return [
        release,
        draw_poster(folder / "poster.png"),
        scan_letter(folder / "letter.pdf"),
        film_launch(folder / "launch.mp4"),
    ]


def draw_poster(path: Path) -> Path:
    """Draw a poster with a code that holds an address."""
    poster = Image.new("RGB", (900, 1200), (18, 52, 86))
    pen = ImageDraw.Draw(poster)
    pen.polygon([(150, 760), (750, 760), (660, 880), (240, 880)], fill=(228, 92, 58))  # the ship
    pen.rectangle((380, 660, 560, 760), fill=(245, 245, 240))
    top = 90
    for words, size in POSTER:
        pen.text((450, top), words, font=ImageFont.load_default(size), fill=(255, 255, 255), anchor="ma")
        top += size + 48
    pen.text((60, 1040), POSTER_NOTE, font=ImageFont.load_default(40), fill=(255, 255, 255))
    code = Image.fromarray(numpy.asarray(cv2.QRCodeEncoder.create().encode(POSTER_CODE)))
    poster.paste(code.resize((200, 200), Image.Resampling.NEAREST).convert("RGB"), (660, 960))
    poster.save(path)
    return path


def scan_letter(path: Path) -> Path:
    """Write a letter as a scanner would: a picture of a sheet, a little crooked, grey and noisy, without any text."""
    sheet = Image.new("L", (1240, 1754), 250)  # A4 at 150 dots an inch
    ImageDraw.Draw(sheet).multiline_text((150, 180), LETTER, font=ImageFont.load_default(34), fill=30, spacing=16)
    crooked = numpy.asarray(sheet.rotate(0.5, Image.Resampling.BICUBIC, fillcolor=250), dtype=numpy.float32)
    noise = numpy.random.default_rng(7).normal(0, 6, crooked.shape)
    scan = Image.fromarray((crooked + noise).clip(0, 255).astype(numpy.uint8))
    scan.save(path, "PDF", resolution=150, title="Letter", author="Helena Duarte")
    return path


def film_launch(path: Path) -> Path:
    """Film three cards, with what the speaker says as a subtitle track."""
    with av.open(str(path), "w") as film:
        picture = film.add_stream("mpeg4", rate=FRAMES_A_SECOND, width=VIDEO_SIZE[0], height=VIDEO_SIZE[1])
        picture.pix_fmt, picture.bit_rate = "yuv420p", 3_000_000
        subtitles = film.add_stream("mov_text")
        subtitles.codec_context.subtitle_header = SUBTITLE_STYLE
        for number in range(round(SCENES[-1][1] * FRAMES_A_SECOND)):
            time = number / FRAMES_A_SECOND
            shown = next(card for start, end, card, _ in SCENES if start <= time < end)
            frame = av.VideoFrame.from_ndarray(draw_card(shown, number), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_A_SECOND)
            film.mux(picture.encode(frame))
        film.mux(picture.encode(None))
        for start, end, _, said in SCENES:
            words = said.encode()
            packet = av.Packet(struct.pack(">H", len(words)) + words)  # how MP4 wraps a line of text
            packet.stream, packet.time_base = subtitles, Fraction(1, 1000)
            packet.pts = packet.dts = round(start * 1000)
            packet.duration = round((end - start) * 1000)
            film.mux(packet)
    return path


def draw_card(words: str, number: int) -> "numpy.ndarray":
    """Draw one frame: the words above a sea, over which a ship moves."""
    card = Image.new("RGB", VIDEO_SIZE, (120, 170, 210))
    pen = ImageDraw.Draw(card)
    pen.rectangle((0, 330, *VIDEO_SIZE), fill=(20, 60, 110))
    pen.polygon(
        [(at + number * 3, y) for at, y in ((100, 320), (260, 320), (235, 350), (125, 350))], fill=(228, 92, 58)
    )
    pen.text((427, 90), words, font=ImageFont.load_default(56), fill=(10, 20, 40), anchor="ma")
    return numpy.asarray(card)


if __name__ == "__main__":
    for made in make_press_kit(Path(sys.argv[1] if len(sys.argv) > 1 else "press_kit")):
        print(made)
