"""Which engine a profile is, and where its models and the decoder run."""

import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.media.child_decoder import ChildDecoder
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.catalogue import LocalProfile, local_profile
from reamo_mcp.models.embedded.engine import embedded_engine
from reamo_mcp.models.endpoint import Endpoint
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.host import EngineChild, engine_program, hosted
from reamo_mcp.models.local_profiles import ready, settled
from reamo_mcp.models.machine import Machine
from reamo_mcp.models.remembered import (
    RememberedDetector,
    RememberedImageSegmenter,
    RememberedTextReader,
    RememberedTranscriber,
)
from reamo_mcp.models.remote import RemoteConfirmer, RemoteReasoner
from reamo_mcp.settings import Settings
from reamo_mcp.store.files import BlobFolder


def plain_engine(settings: Settings) -> Engine:
    """Return the engine of the profile with its models in this process. Raises ModelUnavailable and InvalidArgument."""
    match settled(settings).profile:
        case "remote":
            endpoint = _endpoint(settings)
            return replace(
                embedded_engine(settings.threads),
                profile="remote",
                reasoner=RemoteReasoner(endpoint),
                confirmer=RemoteConfirmer(endpoint),
            )
        case name:
            profile = local_profile(name)
            return embedded_engine(settings.threads) if profile is None else _local_engine(profile, settings)


def _local_engine(profile: LocalProfile, settings: Settings) -> Engine:
    from reamo_mcp.models.local.engine import local_engine

    machine, models = Machine(), settings.models_folder()
    state = ready(profile, models, machine)
    return local_engine(state, models, machine.room(profile.device), settings.threads, settings.idle_seconds)


def _endpoint(settings: Settings) -> Endpoint:
    if not settings.remote_url:
        raise InvalidArgument("the profile 'remote' needs an endpoint", "Set REAMO_REMOTE_URL, as http://host:8000/v1")
    return Endpoint(
        url=settings.remote_url,
        model=settings.remote_model,
        token=os.environ.get("REAMO_REMOTE_TOKEN", ""),
        timeout=settings.remote_timeout,
        together=settings.remote_together,
    )


@contextmanager
def open_engine(settings: Settings, remembers: BlobFolder) -> Generator[Engine]:
    """Yield the engine of the profile, in a child process where the settings say so, with roles that remember."""
    settings = settled(settings)
    engine = plain_engine(settings)
    if settings.isolate:
        remote = settings.profile == "remote"
        # A remote model is asked from here: the child needs neither its address nor a network.
        program = engine_program(settings.with_profile("embedded") if remote else settings)
        hosts = hosted(engine, EngineChild(program))
        engine = replace(hosts, reasoner=engine.reasoner, confirmer=engine.confirmer) if remote else hosts
    try:
        yield remembering(engine, remembers)
    finally:
        engine.close()


def remembering(engine: Engine, remembers: BlobFolder) -> Engine:
    """Return the same engine; what its roles read of the same pixels they find again."""
    return replace(
        engine,
        text_reader=engine.text_reader and RememberedTextReader(engine.text_reader, remembers),
        transcriber=engine.transcriber and RememberedTranscriber(engine.transcriber, remembers),
        detectors=tuple(RememberedDetector(detector, remembers) for detector in engine.detectors),
        image_segmenter=engine.image_segmenter and RememberedImageSegmenter(engine.image_segmenter, remembers),
    )


@contextmanager
def open_decoder(settings: Settings) -> Generator[Decoder]:
    """Yield the decoder, in a child process where the settings say so."""
    if not settings.isolate:
        yield LocalDecoder(settings.limits)
        return
    decoder = ChildDecoder(settings.limits)
    try:
        yield decoder
    finally:
        decoder.close()
