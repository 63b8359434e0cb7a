"""`reamo-mcp models`: which models answer, which profiles there are, and pulling their weights from a hub."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from reamo_mcp.models.catalogue import LocalProfile

_Name = Annotated[str, typer.Argument(help="gpu-80gb, gpu-24gb or cpu-hub", metavar="PROFILE")]


def commands() -> typer.Typer:
    """Return the command `models` and those below it."""
    app = typer.Typer(help="List the models that answer and the profiles there are; pull or verify weights.")
    app.callback(invoke_without_command=True)(models)
    app.command()(pull)
    app.command()(verify)
    return app


def models(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cards as JSON, one a line.")] = False,
) -> None:
    """List the models of the engine that would answer, and the profiles that there are."""
    from reamo_mcp.models.profiles import plain_engine
    from reamo_mcp.settings import Settings

    if context.invoked_subcommand is not None:
        return
    settings = Settings.from_environment()
    engine = plain_engine(settings)
    if as_json:
        for card in engine.cards():
            typer.echo(card.model_dump_json())
        return
    typer.echo(f"These answer (profile '{engine.profile}'):")
    for card in engine.cards():
        typer.echo(f"{card.role}: {card.name} {card.revision}")
        typer.echo(f"  takes {', '.join(card.accepts) or 'text'}")
        typer.echo(f"  knows {'any type' if card.vocabulary is None else ', '.join(card.vocabulary)}")
        if card.limits:
            typer.echo(f"  {card.limits}")
    _profiles(settings.models_folder())


def _profiles(folder: Path) -> None:
    from reamo_mcp.cli.cache import in_words
    from reamo_mcp.models.catalogue import LOCAL_PROFILES
    from reamo_mcp.models.local_profiles import state_of
    from reamo_mcp.models.machine import Machine

    typer.echo(f"\nProfiles for models of a hub, kept in {folder} (--profile NAME or REAMO_PROFILE chooses one):")
    for profile in LOCAL_PROFILES:
        state = state_of(profile, folder, Machine())
        typer.echo(f"{profile.name}: {'can run' if state.is_ready else state.hindrance}")
        if state.remedy:
            typer.echo(f"  mend: {state.remedy}")
        for checkpoint in profile.checkpoints:
            parts = ", ".join(part for part, one in profile.parts.items() if one == checkpoint)
            manifest = state.present.get(checkpoint)
            there = f"pulled, {manifest.revision[:12]}, {in_words(manifest.size)}" if manifest else "not pulled"
            typer.echo(f"  {checkpoint.name} ({parts}; {checkpoint.licence} from memory): {there}")


def pull(
    profile: _Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before fetching.")] = False,
) -> None:
    """Fetch the models of a profile: safetensors and configuration alone, each file compared with its hash.

    Size, licence and commit are shown first. Afterwards no network is needed. HF_ENDPOINT names another hub.
    """
    import os

    from huggingface_hub.utils import disable_progress_bars  # pyright: ignore[reportUnknownVariableType]

    from reamo_mcp.cli.cache import in_words
    from reamo_mcp.errors import InvalidArgument
    from reamo_mcp.models import pulling
    from reamo_mcp.settings import Settings

    asked = _profile(profile)
    folder = Settings.from_environment().models_folder()
    hub = pulling.hub_of(os.environ)
    offers = [pulling.offered(checkpoint, folder, hub) for checkpoint in asked.checkpoints]
    typer.echo(f"{asked.name} from {hub} into {folder}:")
    for checkpoint, offer in zip(asked.checkpoints, offers, strict=True):
        typer.echo(f"  {offer.name}  commit {offer.revision[:12]}  {in_words(offer.size)}  licence {offer.licence}")
        if checkpoint.licence.lower() != offer.licence.lower():
            typer.echo(f"    note: the catalogue remembers its licence as {checkpoint.licence}; the hub's word counts")
    total = sum(offer.size for offer in offers)
    typer.echo(f"  together {in_words(total)}")
    if not yes:
        if not sys.stdin.isatty():
            raise InvalidArgument("nothing was fetched: nobody can be asked here", "Add --yes to fetch this")
        typer.confirm("Fetch this?", abort=True)
    disable_progress_bars()  # the hub's own, of which there would be one for every file
    with _bar(total) as progress:
        for offer in offers:
            pulling.pull(offer, folder, hub, progress)
    typer.echo(f"pulled; use it with --profile {asked.name} or REAMO_PROFILE={asked.name}")


def verify(profile: _Name) -> None:
    """Read the pulled models of a profile and compare every file with the hash that was written down."""
    from reamo_mcp.errors import ModelUnavailable
    from reamo_mcp.models import pulled
    from reamo_mcp.settings import Settings

    asked = _profile(profile)
    folder = Settings.from_environment().models_folder()
    for checkpoint in asked.checkpoints:
        manifest = pulled.pulled(folder, checkpoint)
        if manifest is None:
            raise ModelUnavailable(
                f"{checkpoint.name} is not here as a whole", f"Pull it: reamo-mcp models pull {asked.name}"
            )
        with _bar(manifest.size) as progress:
            pulled.verify(folder, manifest, progress)
        typer.echo(f"{checkpoint.name} {manifest.revision[:12]}: {len(manifest.files)} files are as they were pulled")


def _profile(name: str) -> "LocalProfile":
    from reamo_mcp.errors import InvalidArgument
    from reamo_mcp.models.catalogue import LOCAL_PROFILES, local_profile

    found = local_profile(name)
    if found is None:
        known = ", ".join(profile.name for profile in LOCAL_PROFILES)
        raise InvalidArgument(f"{name!r} is no profile with models of a hub", f"There are: {known}")
    return found


@contextmanager
def _bar(total: int) -> "Generator[Callable[[int], None]]":
    """Yield what moves a bar on a terminal by some bytes; elsewhere nothing is shown."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task("", total=total)
        yield lambda size: bars.advance(task, size)
