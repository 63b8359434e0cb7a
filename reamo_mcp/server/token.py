"""The token by which a client of this machine proves that it belongs to the same user."""

import os
import secrets
from pathlib import Path

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.settings import Settings


def token_file(settings: Settings) -> Path:
    """Return where the token of this installation is kept."""
    return settings.cache_folder() / "token"


def installation_token(settings: Settings) -> str:
    """Return the token: ``REAMO_TOKEN``, else the one in the token file, made on first use for its owner only.

    Raises InvalidArgument if the file cannot be made or others may read it.
    """
    if given := os.environ.get("REAMO_TOKEN"):
        return given
    path = token_file(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = path.with_name(f".token-{secrets.token_hex(8)}")
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(32))
        try:
            os.link(fresh, path)  # of two servers that start at once, both end with the same token
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        if path.stat().st_mode & 0o077:
            raise InvalidArgument("others may read the token file", f"Run: chmod 600 {path}")
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise InvalidArgument(
            f"the token file cannot be made: {error.strerror}", "Set REAMO_TOKEN, or REAMO_CACHE to a writable folder"
        ) from error
