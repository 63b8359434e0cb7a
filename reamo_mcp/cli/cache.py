"""`reamo-mcp cache`: what is kept of readings and results, and how to forget it."""

import typer


def commands() -> typer.Typer:
    """Return the commands below `cache`."""
    app = typer.Typer(help="Show or clear what is kept of readings and results.", no_args_is_help=True)
    app.command()(show)
    app.command()(clear)
    return app


def show() -> None:
    """Show where the cache is and what it holds."""
    from reamo_mcp.settings import Settings
    from reamo_mcp.store.records import Store

    settings = Settings.from_environment()
    typer.echo(f"folder   {settings.cache_folder()}")
    typer.echo(f"at most  {in_words(settings.cache_bytes)}" if settings.cache_bytes else "off: REAMO_CACHE_BYTES is 0")
    for name, blobs in Store(settings.cache_folder(), settings.cache_bytes).folders().items():
        count, size = blobs.size()
        typer.echo(f"{name:<8} {count} kept, {in_words(size)}")


def clear() -> None:
    """Forget all kept readings, results and jobs."""
    from reamo_mcp.errors import EngineFailed
    from reamo_mcp.settings import Settings
    from reamo_mcp.store.records import Store

    settings = Settings.from_environment()
    store = Store(settings.cache_folder(), settings.cache_bytes)
    freed = sum(blobs.clear() for blobs in store.folders().values())
    if store.trouble is not None:
        raise EngineFailed(f"{settings.cache_folder()}: {store.trouble}", "Check who owns the folder")
    typer.echo(f"freed {in_words(freed)}")


def in_words(size: int) -> str:
    """Return a number of bytes as people read it."""
    for unit, one in (("GB", 1 << 30), ("MB", 1 << 20), ("kB", 1 << 10)):
        if size >= one:
            return f"{size / one:.1f} {unit}"
    return f"{size} bytes"
