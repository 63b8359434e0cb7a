"""The profiles that run on models of a hub: which checkpoints each consists of, and what it asks of the machine.

No revision is pinned here, as none could be looked up when this was written: the first `reamo-mcp models pull` takes
the newest commit, writes it down with the hash of every file, and that is what is loaded from then on. Licences are as
remembered; pulling shows the one that the hub tells.
"""

from typing import Literal

from pydantic import Field

from reamo_mcp.types.record import Record

Part = Literal["reasoner", "phrase_detector", "outliner", "follower", "sound_scorer", "recogniser", "aligner"]


class Checkpoint(Record):
    """One checkpoint of a hub. ``gigabytes`` is about what its weights take in memory, None where that is not known."""

    name: str = Field(pattern=r"^[\w.-]+/[\w.-]+$")
    licence: str
    gigabytes: float | None = None
    revision: str | None = Field(default=None, description="The commit to take; None: the newest when it is pulled")


class LocalProfile(Record):
    """An engine on this machine. What it does not fill itself the embedded engine does."""

    name: Literal["gpu-24gb", "gpu-80gb", "cpu-hub"]
    device: Literal["cuda", "cpu"]
    memory: int = Field(description="Bytes that the device must have")
    parts: dict[Part, Checkpoint]

    @property
    def checkpoints(self) -> tuple[Checkpoint, ...]:
        """Each checkpoint once, in order: some serve two parts."""
        return tuple(dict.fromkeys(self.parts.values()))


_DETECTOR = Checkpoint(
    name="openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det", licence="Apache-2.0", gigabytes=0.35
)
_ALIGNER = Checkpoint(name="facebook/wav2vec2-base-960h", licence="Apache-2.0")
_TURBO = Checkpoint(name="openai/whisper-large-v3-turbo", licence="MIT")
# The fused variant has safetensors; of the unfused one and the larger one there were pickles alone.
_CLAP = Checkpoint(name="laion/clap-htsat-fused", licence="Apache-2.0")
_GIGABYTE = 10**9


def _sam(size: str) -> Checkpoint:
    return Checkpoint(name=f"facebook/sam2.1-hiera-{size}", licence="Apache-2.0")


LOCAL_PROFILES: tuple[LocalProfile, ...] = (
    LocalProfile(
        name="gpu-80gb",
        device="cuda",
        memory=76 * _GIGABYTE,
        parts={
            # The thinker alone, by its number of parameters; the talker is not loaded.
            "reasoner": Checkpoint(name="Qwen/Qwen3-Omni-30B-A3B-Instruct", licence="Apache-2.0", gigabytes=63.4),
            "phrase_detector": _DETECTOR,
            "outliner": _sam("large"),
            "follower": _sam("large"),
            "sound_scorer": _CLAP,
            "recogniser": _TURBO,
            "aligner": _ALIGNER,
        },
    ),
    LocalProfile(
        name="gpu-24gb",
        device="cuda",
        memory=22 * _GIGABYTE,
        parts={
            "reasoner": Checkpoint(name="Qwen/Qwen2.5-Omni-7B", licence="Apache-2.0", gigabytes=18),
            "phrase_detector": _DETECTOR,
            "outliner": _sam("base-plus"),
            "follower": _sam("base-plus"),
            "sound_scorer": _CLAP,
            "recogniser": _TURBO,
            "aligner": _ALIGNER,
        },
    ),
    LocalProfile(
        name="cpu-hub",
        device="cpu",
        memory=6 * _GIGABYTE,
        parts={
            "phrase_detector": _DETECTOR,
            "outliner": _sam("tiny"),
            "follower": _sam("tiny"),
            "sound_scorer": _CLAP,
            "recogniser": Checkpoint(name="openai/whisper-base", licence="Apache-2.0"),
            "aligner": _ALIGNER,
        },
    ),
)


def local_profile(name: str) -> LocalProfile | None:
    """Return the profile of this name, None if it is none of these."""
    return next((profile for profile in LOCAL_PROFILES if profile.name == name), None)
