"""Which local profile can run here, and why another cannot. Asked without importing torch or loading weights."""

from pathlib import Path
from typing import NamedTuple

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.models.catalogue import LOCAL_PROFILES, Checkpoint, LocalProfile
from reamo_mcp.models.machine import Machine
from reamo_mcp.models.pulled import Manifest, pulled
from reamo_mcp.settings import Settings


class State(NamedTuple):
    """How far a profile is from running: what hinders it and the command that mends it; both empty if nothing does."""

    profile: LocalProfile
    present: dict[Checkpoint, Manifest]
    hindrance: str
    remedy: str

    @property
    def is_ready(self) -> bool:
        """Whether it can run."""
        return not self.hindrance


def state_of(profile: LocalProfile, models: Path, machine: Machine) -> State:
    """Return whether a profile can run here."""
    present = {
        checkpoint: manifest
        for checkpoint in profile.checkpoints
        if (manifest := pulled(models, checkpoint)) is not None
    }
    lacking = machine.lacks(profile.device)
    room = machine.room(profile.device)
    if lacking is not None:
        hindrance, remedy = lacking
    elif room < profile.memory:
        has, wants = room // 10**9, profile.memory // 10**9
        hindrance, remedy = f"it wants {wants} GB of memory, there are {has}", "choose another profile"
    elif missing := [one.name for one in profile.checkpoints if one not in present]:
        hindrance, remedy = f"not pulled: {', '.join(missing)}", f"reamo-mcp models pull {profile.name}"
    else:
        hindrance, remedy = "", ""
    return State(profile, present, hindrance, remedy)


def ready(profile: LocalProfile, models: Path, machine: Machine) -> State:
    """Return the state of a profile that can run. Raises ModelUnavailable with the command that mends it."""
    state = state_of(profile, models, machine)
    if not state.is_ready:
        raise ModelUnavailable(f"the profile {profile.name} cannot run: {state.hindrance}", state.remedy)
    return state


def settled(settings: Settings, machine: Machine | None = None) -> Settings:
    """Return the same settings with "auto" replaced by the profile that it means here.

    That is the largest profile on a GPU whose models were pulled and that can run, else "embedded": weights say that a
    profile is wanted, a GPU alone does not.
    """
    if settings.profile != "auto":
        return settings
    models, machine = settings.models_folder(), machine or Machine()
    for profile in LOCAL_PROFILES:
        wanted = profile.device == "cuda" and all(pulled(models, checkpoint) for checkpoint in profile.checkpoints)
        if wanted and state_of(profile, models, machine).is_ready:
            return settings.with_profile(profile.name)
    return settings.with_profile("embedded")
