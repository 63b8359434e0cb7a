"""The cells of MUIE-mini and their cases: files written, gold put together."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.mini.drawing import lines_of
from reamo_mcp.evaluation.mini.film import HEIGHT as FILM_HEIGHT
from reamo_mcp.evaluation.mini.film import WIDTH as FILM_WIDTH
from reamo_mcp.evaluation.mini.film import Film, render_film, save_film
from reamo_mcp.evaluation.mini.gold import GoldBuilder, Places
from reamo_mcp.evaluation.mini.poster import HEIGHT, WIDTH, Poster, render_poster, save_poster
from reamo_mcp.evaluation.mini.sound import Recording, save_recording, speak
from reamo_mcp.evaluation.mini.story import MODALITIES, Modality, Told, tell
from reamo_mcp.evaluation.randomness import Dice
from reamo_mcp.evaluation.recognition import Task
from reamo_mcp.models.roles import HeardWord, Line
from reamo_mcp.ontologies.loading import load_ontology
from reamo_mcp.types.extraction import Engine
from reamo_mcp.types.media import AudioMedium, ImageMedium, Medium, TextMedium, VideoMedium
from reamo_mcp.types.ontology import Ontology

VERSION = "2"
"""Part of every seed: another version is another benchmark."""
COMBINATIONS = ("T", "I", "A", "V", "T+I", "T+A", "T+V", "I+A", "V+A", "T+I+A", "T+I+A+V")
TASKS: tuple[Task, ...] = ("NER", "RE", "EE")
CASES = 24
"""Cases of a cell by default, eight of each level."""
PICTURE, SOUND, TRANSCRIPT, FILM, TEXT = "poster.png", "speech.wav", "speech.vtt", "film.mkv", "text"
ENGINE = Engine(profile="gold", version=VERSION)


@dataclass(frozen=True)
class Rendered:
    """What was drawn and spoken for a case, in memory: what its gold is checked against."""

    case: Case
    told: dict[Modality, Told]
    text: str | None = None
    poster: Poster | None = field(default=None, repr=False)
    recording: Recording | None = field(default=None, repr=False)
    film: Film | None = field(default=None, repr=False)


def cell_names() -> tuple[str, ...]:
    """Return the names of all cells, such as ``mini/T+I/NER``."""
    return tuple(f"mini/{combination}/{task}" for combination in COMBINATIONS for task in TASKS)


def media_of(cell: str) -> tuple[Modality, ...]:
    """Return the media that each case of a cell has."""
    combination = cell.split("/")[1].split("+")
    return tuple(medium for medium in MODALITIES if medium in combination)


def ontology_of(task: Task) -> Ontology:
    """Return the types that a task asks for: those of the general ontology that the sentences can tell."""
    from reamo_mcp.evaluation.mini.content import EVENTS, RELATIONS, TYPE_OF

    general = load_ontology("general")
    entities = set(TYPE_OF.values())
    told = {pattern.type for pattern in (*RELATIONS, *EVENTS)}
    return Ontology(
        name="mini",
        entity_types=tuple(kind for kind in general.entity_types if kind.name in entities),
        relation_types=tuple(
            kind.model_copy(update={"head": _within(kind.head, entities), "tail": _within(kind.tail, entities)})
            for kind in general.relation_types
            if task == "RE" and kind.name in told
        ),
        event_types=tuple(kind for kind in general.event_types if task == "EE" and kind.name in told),
    )


def make_case(cell: str, number: int, folder: Path) -> Rendered:
    """Write the files of case ``number`` (from 0) of a cell into a folder, and return it with its gold."""
    _, combination, task_name = cell.split("/")
    task: Task = TASKS[TASKS.index(task_name)]  # pyright: ignore[reportArgumentType]  # ValueError for any other
    level = number % 3 + 1
    dice = Dice(f"muie-mini {VERSION} {cell} {number}")
    told = tell(task, media_of(cell), level, dice)
    folder.mkdir(parents=True, exist_ok=True)

    places = Places()
    described: list[Medium] = []
    files: list[str] = []
    text = poster = recording = film = None
    if "T" in told:
        text = " ".join(sentence.text for sentence in told["T"].sentences)
        places.text = text
        described.append(_text(text))
    if "I" in told:
        poster = places.poster = render_poster(told["I"], level, dice)
        save_poster(poster, folder / PICTURE)
        files.append(PICTURE)
        described.append(
            ImageMedium(
                id=PICTURE, name=PICTURE, sha256=_hash(folder / PICTURE), format="png", width=WIDTH, height=HEIGHT
            )
        )
    if "A" in told:
        recording = places.recording = speak([sentence.text for sentence in told["A"].sentences], level, dice)
        save_recording(recording, folder / SOUND, folder / TRANSCRIPT)
        files.append(SOUND)
        described.append(
            AudioMedium(id=SOUND, name=SOUND, sha256=_hash(folder / SOUND), format="wav", duration=recording.duration)
        )
    if "V" in told:
        film = places.film = render_film(told["V"], level, dice)
        save_film(film, folder / FILM)
        files.append(FILM)
        described.append(
            VideoMedium(
                id=FILM,
                name=FILM,
                sha256=_hash(folder / FILM),
                format="matroska",
                width=FILM_WIDTH,
                height=FILM_HEIGHT,
                duration=film.duration,
                has_sound=False,
            )
        )
    gold = GoldBuilder(task, places).build(told, described, ENGINE)
    case = Case(
        id=f"{combination}-{task}-{number:03}",
        cell=cell,
        task=task,
        level=level,
        files=tuple(files),
        text=text,
        ontology=ontology_of(task),
        gold=gold,
        print_in={PICTURE: _lines(told["I"], poster)} if poster is not None else {},
        spoken_in={SOUND: _words(recording)} if recording is not None else {},
    )
    return Rendered(case, told, text, poster, recording, film)


def make_cell(cell: str, count: int, folder: Path) -> Iterator[tuple[Case, Path]]:
    """Yield the first ``count`` cases of a cell with their folders; what was made before is taken as it is."""
    for number in range(count):
        place = folder / cell.replace("/", "_") / f"{VERSION}-{number:03}"
        kept = place / "case.json"
        if kept.exists():
            yield Case.model_validate_json(kept.read_text(encoding="utf-8")), place
            continue
        case = make_case(cell, number, place).case
        fresh = place / "case.json.new"
        fresh.write_text(case.model_dump_json(), encoding="utf-8")
        fresh.replace(kept)  # last, and at once: a case that was cut short is made anew
        yield case, place


def _lines(told: Told, poster: Poster) -> tuple[Line, ...]:
    lines: list[Line] = []
    for sentence, printed in zip(told.sentences, poster.sentences, strict=True):
        lines += lines_of(sentence.text, printed)
    for thing in poster.things:
        if thing.name:
            lines += lines_of(thing.name, thing.name_in_print)
    return tuple(lines)


def _words(recording: Recording) -> tuple[HeardWord, ...]:
    return tuple(
        HeardWord(
            text=recording.text[word.start : word.end],
            start=word.begins,
            end=word.ends,
            confidence=1.0,
            confident=True,
        )
        for word in recording.words
    )


def _within(names: Sequence[str], known: set[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name in known)


def _text(text: str) -> TextMedium:
    digest = sha256(text.encode()).hexdigest()
    return TextMedium(id=TEXT, name=TEXT, sha256=digest, format="text", text=text, encoding="utf-8")


def _hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
