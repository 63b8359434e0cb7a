"""`reamo-mcp extract`: what is in these files, with proof."""

import secrets
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reamo_mcp.extractor import Extractor, Request
    from reamo_mcp.isolation.threads import Report
    from reamo_mcp.types.extraction import Extraction
    from reamo_mcp.types.media import Document, MediaKind
    from reamo_mcp.types.ontology import Ontology

_FAILED, _PARTIAL = 1, 3


def extract(
    files: Annotated[list[Path] | None, typer.Argument(help="Files of any kind, read as one document.")] = None,
    text: Annotated[str | None, typer.Option(help="A text to read, alone or with the files.")] = None,
    ontology: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Types to look for: an installed name, or a YAML or JSON file.")
    ] = "general",
    entity_types: Annotated[
        str, typer.Option(metavar="A,B", help="Only these types; own names work: 'ship,port'.")
    ] = "",
    relation_types: Annotated[
        str, typer.Option(metavar="A,B", help="Only these; own ones as 'captain of(person, ship)'.")
    ] = "",
    event_types: Annotated[
        str, typer.Option(metavar="A,B", help="Only these; own ones as 'launch(ship, place)'.")
    ] = "",
    modalities: Annotated[
        str, typer.Option(metavar="A,B", help="Only these kinds of files: text,image,audio,video,document.")
    ] = "",
    part: Annotated[str, typer.Option(help="Only this stretch: 'pages 3-9' or '00:10-02:00'.")] = "",
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Leave out what scores less.")] = 0.0,
    profile: Annotated[str | None, typer.Option(help="Which engine answers; see 'reamo-mcp doctor'.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the record as JSON, and nothing else.")] = False,
    each: Annotated[
        bool, typer.Option("--each", help="Read every file as a document of its own; with --json one line for each.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", dir_okay=False, help="Also write the record as JSON into this file.")
    ] = None,
) -> None:
    """Extract entities, relations and events from files, each with proof of its place.

    Ends with 0 when all was read, 3 when something could not be read, 2 for a wrong call, 1 for an error.
    """
    from reamo_mcp.cli.interrupt import run_interruptible
    from reamo_mcp.extractor import Request
    from reamo_mcp.ontologies.loading import load_ontology
    from reamo_mcp.ontologies.selection import selected
    from reamo_mcp.server.parts import parse_part

    paths = files or []
    _check_target(out, paths)
    job = Job(
        documents=_documents(paths, text, each),
        ontology=selected(
            load_ontology(ontology),
            entity_types=listed(entity_types),
            relation_types=listed(relation_types),
            event_types=listed(event_types),
        ),
        request=Request(part=parse_part(part), modalities=_media_kinds(modalities), min_score=min_score),
        profile=profile,
        as_json=as_json,
        out=out,
    )
    code = run_interruptible(lambda: _run(job))
    if code:
        raise typer.Exit(code)


def listed(written: str) -> list[str]:
    """Return the parts of a list written with commas; commas within parentheses belong to a part."""
    parts, depth = [""], 0
    for sign in written:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


@dataclass(frozen=True)
class Job:
    """What one call of the command does."""

    documents: "tuple[Document, ...]"
    ontology: "Ontology"
    request: "Request"
    profile: str | None
    as_json: bool
    out: Path | None


async def _run(job: Job) -> int:
    from reamo_mcp.extractor import open_extractor

    lines: list[str] = []
    codes: list[int] = []
    async with open_extractor(profile=job.profile) as extractor:
        for document in job.documents:
            extraction = await _extracted(extractor, document, job)
            if extraction is None:
                codes.append(_FAILED)
                continue
            codes.append(_PARTIAL if extraction.status == "partial" else 0)
            if job.out is not None:
                lines.append(extraction.model_dump_json())
            _print(extraction, job)
    if job.out is not None:
        _write(job.out, lines)
    if not any(codes):
        return 0
    return _FAILED if all(code == _FAILED for code in codes) else _PARTIAL


async def _extracted(extractor: "Extractor", document: "Document", job: Job) -> "Extraction | None":
    from reamo_mcp.errors import ReamoError

    with progress_shown() as report:
        try:
            return await extractor.extract(document, job.ontology, request=job.request, report=report)
        except ReamoError as error:
            if len(job.documents) == 1:
                raise
            failure = error  # the other documents are still read
    sys.stderr.write(f"reamo-mcp: {failure}\n")
    return None


def _print(extraction: "Extraction", job: Job) -> None:
    if job.as_json:
        typer.echo(extraction.model_dump_json())
        for failed in extraction.coverage.failed:
            sys.stderr.write(f"reamo-mcp: {failed.name}: {failed.message}\n")
        return
    from reamo_mcp.cli.table import print_extraction

    print_extraction(extraction)


@contextmanager
def progress_shown() -> "Generator[Report]":
    """Yield where to report progress: a bar on a terminal, nowhere else."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[units]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=None, units="")
        # Called from worker threads, which the bar allows.
        yield lambda told: bar.update(
            task,
            description=told.message,
            completed=told.done,
            total=told.total,
            units=f"{told.done:.0f} of {told.total:.0f} {told.unit}",
        )


def _documents(paths: Sequence[Path], text: str | None, each: bool) -> "tuple[Document, ...]":
    from reamo_mcp.errors import InvalidArgument
    from reamo_mcp.types.media import Document

    if not paths and text is None:
        raise InvalidArgument("nothing to read was named", "Name files, or give a text by --text")
    if not each:
        return (Document.of(*paths, text=text),)
    texts = () if text is None else (Document.of(text=text),)
    return (*texts, *(Document.of(path) for path in paths))


def _media_kinds(written: str) -> "tuple[MediaKind, ...]":
    from typing import get_args

    from reamo_mcp.errors import InvalidArgument
    from reamo_mcp.types.media import MediaKind

    kinds: tuple[MediaKind, ...] = get_args(MediaKind)
    wanted = listed(written)
    for name in wanted:
        if name not in kinds:
            raise InvalidArgument(f"{name!r} is no kind of file", f"Name some of {', '.join(kinds)}")
    return tuple(kind for kind in kinds if kind in wanted)


def _check_target(out: Path | None, paths: Sequence[Path]) -> None:
    from reamo_mcp.errors import InvalidArgument

    if out is None:
        return
    if any(path.resolve() == out.resolve() for path in paths):
        raise InvalidArgument(f"--out {out} is one of the files to read", "Name another file")
    if not out.resolve().parent.is_dir():
        raise InvalidArgument(f"the folder of --out {out} does not exist", f"Make it: mkdir -p {out.parent}")


def _write(out: Path, lines: Sequence[str]) -> None:
    from reamo_mcp.errors import InvalidArgument

    # A file that was half written is worse than none; a name that can be foreseen could be a link by now.
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(8)}")
    try:
        with temporary.open("x", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
        temporary.replace(out)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise InvalidArgument(
            f"{out} could not be written: {error.strerror}", "Name a file that you may write"
        ) from None
