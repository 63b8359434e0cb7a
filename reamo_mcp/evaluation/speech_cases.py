"""Recordings of English speech as cases, read from the folder where a user has them.

LibriVox, LibriSpeech, LJ Speech, a speech of Kennedy, a sonnet. They are copied beside the cases: what lies beside the
originals is their transcript, which an engine would read.
"""

import csv
import json
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from hashlib import sha256
from itertools import islice
from pathlib import Path

from reamo_mcp.evaluation.case import Case
from reamo_mcp.types.extraction import Engine, Extraction
from reamo_mcp.types.media import AudioMedium, OpenedDocument
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.reading import Reading

_NAME = "speech/english/ASR"
_KENNEDY = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."


def speech_cells(data: Path, made: Path) -> Iterator[tuple[str, int, Callable[[int], Iterator[tuple[Case, Path]]]]]:
    """Yield the cells whose sets lie in ``data``: name, size, cases. Recordings are copied below ``made``."""
    known = _recordings(data / "dev" / "audio" / "speech")
    recordings = [(path, text) for path, text in known if path.exists()]
    if recordings:
        yield _NAME, len(recordings), partial(_cases, recordings, made / "speech")


def _cases(recordings: list[tuple[Path, str]], folder: Path, limit: int) -> Iterator[tuple[Case, Path]]:
    folder.mkdir(parents=True, exist_ok=True)
    for path, text in islice(recordings, limit):
        shutil.copyfile(path, folder / path.name)
        medium = AudioMedium(
            id="m1",
            name=path.name,
            sha256=sha256(path.read_bytes()).hexdigest(),
            format=path.suffix[1:],
            duration=_duration(path),
        )
        reading = Reading(id="m1.speech", media_id="m1", kind="transcript", model="gold", text=text)
        gold = Extraction(
            document=OpenedDocument(id="gold", media=(medium,)),
            readings=(reading,),
            engine=Engine(profile="gold", version="1"),
        )
        yield (
            Case(
                id=f"speech-{path.stem}",
                cell=_NAME,
                task="ASR",
                files=(path.name,),
                ontology=Ontology.of(entity_types=["person"]),
                gold=gold,
            ),
            folder,
        )


def _recordings(speech: Path) -> Iterator[tuple[Path, str]]:
    """Yield the recordings of which the words are there, each with what is said."""
    for folder in ("librivox_austen", "librispeech"):
        for path in sorted((speech / folder).glob("*.wav")):
            if (text := path.with_suffix(".txt")).exists():
                yield path, text.read_text(encoding="utf-8")
    table = speech / "ljspeech" / "metadata.csv"
    if table.exists():
        with table.open(encoding="utf-8") as file:
            for name, _, normalised in csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE):
                yield table.parent / "wavs" / f"{name}.flac", normalised
    yield speech / "jfk" / "jfk.flac", _KENNEDY
    poem = speech / "shakespeare_sonnets" / "sonnet001.json"
    if poem.exists():
        fragments = json.loads(poem.read_text(encoding="utf-8"))["fragments"]
        yield poem.with_name("p001.mp3"), " ".join(line for fragment in fragments for line in fragment["lines"])


def _duration(path: Path) -> float:
    import av

    with av.open(str(path)) as container:
        return (container.duration or 0) / 1_000_000
