"""Every setting of an installation, once: its default, its meaning, its environment variable.

The variable of a setting is ``REAMO_`` and its name in capitals: ``REAMO_MOST_PAGES=50``. Lists are separated as in
``PATH``.
"""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from pydantic import Field, ValidationError

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.types.record import Record

Profile: TypeAlias = Literal["auto", "embedded", "cpu-hub", "gpu-24gb", "gpu-80gb", "remote"]


class Limits(Record):
    """Bounds on what one file may cost. What a bound cuts off stands in the coverage."""

    most_bytes: int = Field(default=4 << 30, ge=1, description="Bytes of one file")
    most_text_bytes: int = Field(default=64 << 20, ge=1, description="Bytes of one text, HTML or DOCX file")
    most_pixels: int = Field(default=40_000_000, ge=1, description="Pixels of one image or video frame")
    most_pages: int = Field(default=500, ge=1, description="Pages of one document")
    most_seconds: float = Field(default=4 * 3600.0, gt=0, description="Decoded seconds of one recording or video")
    most_frames: int = Field(default=20_000, ge=1, description="Frames of one video that are looked at")
    most_archive_bytes: int = Field(default=100 << 20, ge=1, description="Unpacked bytes of one DOCX file")
    decoder_memory: int = Field(default=2 << 30, ge=1, description="Address space of the decoder process in bytes")
    decoder_silence: float = Field(
        default=20.0, gt=0, description="Seconds without an answer until the decoder is killed"
    )


class Settings(Record):
    """Settings of one installation. Construct directly, or from the environment by `from_environment`."""

    profile: Profile = Field(
        default="auto", description="Which engine answers; auto: a pulled one for the GPU here, else the embedded one"
    )
    roots: tuple[Path, ...] = Field(default=(), description="Folders whose files an MCP caller may name")
    cache: Path | None = Field(default=None, description="Folder of the store; None: the user's cache folder")
    models: Path | None = Field(default=None, description="Folder of pulled models; None: in the user's data folder")
    cache_bytes: int = Field(default=2 << 30, ge=0, description="Most bytes the store keeps; 0 keeps nothing")
    threads: int = Field(default=2, ge=1, description="Threads that one model may use")
    idle_seconds: float = Field(
        default=600.0, gt=0, description="Seconds without a call until the models of a device leave its memory"
    )
    isolate: bool = Field(default=True, description="Whether media are decoded and models run in child processes")
    most_queued: int = Field(default=16, ge=1, description="Extractions that may wait before callers are told busy")
    remote_url: str = Field(default="", description="OpenAI-compatible endpoint of the profile 'remote', up to '/v1'")
    remote_model: str = Field(default="", description="Model that the endpoint shall use; empty: the first it serves")
    remote_timeout: float = Field(
        default=300.0, gt=0, description="Seconds until an answer of the endpoint is given up"
    )
    remote_together: int = Field(default=4, ge=1, description="Requests to the endpoint at the same time")
    limits: Limits = Limits()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Return the settings named by ``REAMO_*`` variables. Raises InvalidArgument naming the variable."""
        variables = os.environ if environment is None else environment
        own: dict[str, object] = {}
        limits: dict[str, object] = {}
        for target, names in ((own, cls.model_fields), (limits, Limits.model_fields)):
            for name in names:
                value = variables.get(f"REAMO_{name.upper()}")
                if value is not None and name != "limits":
                    # An empty part would be the working directory, which nobody means by an empty variable.
                    target[name] = [part for part in value.split(os.pathsep) if part] if name == "roots" else value
        try:
            return cls.model_validate({**own, "limits": limits})
        except ValidationError as error:
            first = error.errors()[0]
            name = f"REAMO_{str(first['loc'][-1]).upper()}"
            raise InvalidArgument(f"{name} is not usable: {first['msg']}", f"Correct or unset {name}") from None

    def with_roots(self, roots: Sequence[str | os.PathLike[str]]) -> "Settings":
        """Return the same settings for these folders; ``~`` is the user's home, as hosts hand it on unexpanded."""
        return self.model_copy(update={"roots": tuple(Path(root).expanduser().resolve() for root in roots)})

    def with_profile(self, profile: str) -> "Settings":
        """Return the same settings for another engine. Raises InvalidArgument for one that does not exist."""
        try:
            return Settings.model_validate({**self.model_dump(), "profile": profile})
        except ValidationError:
            known = ", ".join(get_args(Profile))
            raise InvalidArgument(f"there is no profile {profile!r}", f"Profiles: {known}") from None

    def cache_folder(self) -> Path:
        """Return the folder of the store: the setting, else ``reamo-mcp`` in the user's cache folder (XDG)."""
        if self.cache is not None:
            return self.cache
        home = os.environ.get("XDG_CACHE_HOME")
        return (Path(home) if home else _home() / ".cache") / "reamo-mcp"

    def models_folder(self) -> Path:
        """Return the folder of pulled models: the setting, else a folder in the user's data folder (XDG)."""
        if self.models is not None:
            return self.models
        home = os.environ.get("XDG_DATA_HOME")
        return (Path(home) if home else _home() / ".local" / "share") / "reamo-mcp" / "models"


def _home() -> Path:
    """Return the user's home; where there is no such user, as in a container without an account, none that exists."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.sep, "nonexistent")
