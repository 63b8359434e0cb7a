"""Keys of what is kept: the hash of everything that an answer depends on, and of nothing else."""

import hashlib
import json
from collections.abc import Sequence


def key(*parts: str | bytes | int | float | Sequence[str] | None) -> str:
    """Return a key of 64 hexadecimal digits. Different parts give different keys, whatever their boundaries."""
    digest = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else json.dumps(part, ensure_ascii=True).encode()
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.hexdigest()
