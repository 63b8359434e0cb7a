"""`reamo-mcp examples`: the runnable examples for whoever installed the package without its repository."""

from pathlib import Path
from typing import Annotated

import typer


def examples(
    folder: Annotated[Path, typer.Argument(help="Where to copy them; made if it is missing.", file_okay=False)],
) -> None:
    """Copy the examples into a folder. Files that are already there are kept."""
    import shutil

    from reamo_mcp.content import folder as content_folder

    copied = kept = 0
    source = content_folder("examples")
    for path in sorted(source.iterdir()):
        target = folder / path.name
        if not path.is_file():
            continue
        if target.exists():
            kept += 1
            continue
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
        copied += 1
    typer.echo(f"{copied} files copied to {folder}" + (f", {kept} kept as they were" if kept else ""))
    typer.echo(f"Start with: python {folder / 'make_press_kit.py'}")
