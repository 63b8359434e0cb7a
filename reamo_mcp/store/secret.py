"""The secret of an installation, by which its handles cannot be guessed."""

import os
import secrets
from pathlib import Path

_LENGTH = 32  # bytes


def installation_secret(folder: Path | None) -> bytes:
    """Return the secret of this installation, made on first use; a passing one where nothing is or can be kept."""
    if folder is None:
        return secrets.token_bytes(_LENGTH)
    path = folder / "secret"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        fresh = folder / f".secret-{secrets.token_hex(8)}"
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_LENGTH))
        try:
            os.link(fresh, path)  # of two servers that start at once, one wins and both read the winner's
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        kept = path.read_bytes()
        return kept if len(kept) >= _LENGTH else secrets.token_bytes(_LENGTH)  # a full disk may have cut it
    except OSError:
        return secrets.token_bytes(_LENGTH)
