"""Perceiving sound: what is said in a recording or in the sound track of a video, each word with its time."""

from typing import NamedTuple

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Description
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.types.coverage import MediumCoverage, UnsupportedAsk
from reamo_mcp.types.extraction import Notice
from reamo_mcp.types.reading import Reading


class Heard(NamedTuple):
    """What was heard of one medium: its part of a `Perception`."""

    readings: tuple[Reading, ...] = ()
    coverage: tuple[MediumCoverage, ...] = ()
    unsupported: tuple[UnsupportedAsk, ...] = ()
    notices: tuple[Notice, ...] = ()


def perceive_sound(given: Given, description: Description, senses: Senses, control: Control) -> Perception:
    """Return what is said in a recording. Raises what the decoder raises if no sound of it can be decoded."""
    raise NotImplementedError


def perceive_speech(given: Given, description: Description, senses: Senses, control: Control) -> Heard:
    """Return what is said in the sound of a recording or video, without its metadata.

    Honours ``given.part.seconds`` and ``given.sidecar``, and reports progress in seconds. Empty where the description
    says that there is no sound. Raises what the decoder raises if no sound can be decoded.
    """
    raise NotImplementedError
