"""The engine of a local profile: its models on one device, loaded when first needed, with the embedded engine beside.

Nothing here imports torch before a model is used, so that whoever only asks what the models are pays nothing.
"""

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Frame, Picture
from reamo_mcp.models.asks import Ask, Capacity, Sound
from reamo_mcp.models.catalogue import Part
from reamo_mcp.models.embedded.engine import embedded_engine
from reamo_mcp.models.embedded.voice_activity import VoiceActivity
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.local.packages import unusable_package
from reamo_mcp.models.local.transcriber import LocalTranscriber
from reamo_mcp.models.local.weights import Weights
from reamo_mcp.models.local_profiles import State
from reamo_mcp.models.phrase_detection import OF_GROUNDING_DINO
from reamo_mcp.models.phrase_segmenter import joined_card
from reamo_mcp.models.pulled import folder_of
from reamo_mcp.models.residents import Resident, Residents
from reamo_mcp.models.roles import (
    Answer,
    AudioSegmenter,
    Confirmation,
    HeardSpan,
    HeardWord,
    ImageSegmenter,
    ModelCard,
    Reasoned,
    Region,
    SpeechTranscript,
    TrackStep,
    Transcriber,
    VideoTracker,
)
from reamo_mcp.models.tracker_state import TrackerState

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner

_ROOM = 0.9  # share of the memory of a device that weights may take; the rest is for the work
_ALL = ("text", "image", "audio", "video")
_ENGLISH = "phrases are English"

T = TypeVar("T")


def local_engine(state: State, models: Path, room: int, threads: int, idle: float) -> Engine:
    """Return the engine of a profile that is ready; ``room`` is the memory of its device in bytes.

    Models that nobody used for ``idle`` seconds leave the device. No weights are opened before they are needed.
    """
    parts = _Parts(state, models)
    residents = Residents(int(room * _ROOM), idle, _free)
    reasoner, confirmer = _thinking(parts, residents) if parts.has("reasoner") else (None, None)
    return replace(
        embedded_engine(threads),
        profile=state.profile.name,
        transcriber=_transcriber(parts, residents),
        reasoner=reasoner,
        image_segmenter=_Segmenter(parts, residents),
        video_tracker=_Tracker(parts, residents),
        audio_segmenter=_audio_segmenter(parts, residents),
        confirmer=confirmer,
        device=state.profile.device,
        close=residents.drop_all,
    )


def _free() -> None:
    from reamo_mcp.models.local.work_on_device import free_memory

    free_memory()


@contextmanager
def _using(residents: Residents, model: Resident[T], control: Control) -> Generator[T]:
    """Yield a model with the device to itself. Raises ModelUnavailable where a package that it needs is unusable."""
    try:
        with residents.using(model, control) as opened:
            yield opened
    except ImportError as error:
        raise unusable_package(error) from None


class _Parts:
    """The checkpoints of a profile, by the part that they play."""

    def __init__(self, state: State, models: Path) -> None:
        self._state = state
        self._models = models
        self.device = state.profile.device

    def has(self, part: Part) -> bool:
        return part in self._state.profile.parts

    def weights(self, part: Part) -> Weights:
        checkpoint = self._state.profile.parts[part]
        manifest = self._state.present[checkpoint]
        return Weights(
            name=checkpoint.name, revision=manifest.revision, folder=folder_of(self._models, checkpoint.name)
        )

    def size(self, *parts: Part) -> int:
        """Return the bytes that parts take: as the catalogue tells, else as their files are."""
        total = 0
        for part in parts:
            checkpoint = self._state.profile.parts[part]
            files = self._state.present[checkpoint].files
            of_files = sum(file.size for file in files if file.name.endswith(".safetensors"))
            total += of_files if checkpoint.gigabytes is None else int(checkpoint.gigabytes * 10**9)
        return total

    def card(self, role: str, *parts: Part, accepts: tuple[str, ...], limits: str = "") -> ModelCard:
        cards = (
            ModelCard(role=part, name=weights.name, revision=weights.revision)
            for part in parts
            for weights in [self.weights(part)]
        )
        return joined_card(role, *cards).model_copy(update={"accepts": accepts, "limits": limits})


def _thinking(parts: _Parts, residents: Residents) -> "tuple[_Reasoner, _Confirmer]":
    """Return the two roles of one model, which is loaded once for both."""

    def opener() -> "LocalReasoner":
        from reamo_mcp.models.local.reasoner.loading import load_reasoner

        return load_reasoner(parts.weights("reasoner"), device=parts.device, capacity=Capacity())

    card = parts.card("reasoner", "reasoner", accepts=_ALL, limits="what does not fit is shown in parts or smaller")
    model = residents.resident("reasoner", parts.size("reasoner"), opener)
    confirming = parts.card("confirmer", "reasoner", accepts=("image",))
    return _Reasoner(card, Capacity(), residents, model), _Confirmer(confirming, residents, model)


@dataclass(frozen=True)
class _Reasoner:
    card: ModelCard
    capacity: Capacity
    residents: Residents
    model: "Resident[LocalReasoner]"

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        with _using(self.residents, self.model, control) as reasoner:
            return reasoner.reason(asks, budget, control)


@dataclass(frozen=True)
class _Confirmer:
    card: ModelCard
    residents: Residents
    model: "Resident[LocalReasoner]"

    def confirm(self, crops: Sequence[Picture], phrases: Sequence[str], control: Control) -> list[Answer[Confirmation]]:
        with _using(self.residents, self.model, control) as reasoner:
            from reamo_mcp.models.local.reasoner.confirmer import LocalConfirmer

            return LocalConfirmer(self.card, reasoner.thinking).confirm(crops, phrases, control)


class _Segmenter:
    """Detector and outliner, in memory together."""

    def __init__(self, parts: _Parts, residents: Residents) -> None:
        def opener() -> ImageSegmenter:
            from reamo_mcp.models.local.image_segmenter import load_image_segmenter
            from reamo_mcp.models.local.phrase_detector import load_phrase_detector

            detector = load_phrase_detector(parts.weights("phrase_detector"), device=parts.device)
            return load_image_segmenter(detector, parts.weights("outliner"), device=parts.device)

        card = parts.card("image_segmenter", "phrase_detector", "outliner", accepts=("image",), limits=_ENGLISH)
        self.card = card.model_copy(update={"sure_from": OF_GROUNDING_DINO.sure})
        self._residents = residents
        self._model = residents.resident("image_segmenter", parts.size("phrase_detector", "outliner"), opener)

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
        with _using(self._residents, self._model, control) as segmenter:
            return segmenter.segment(picture, phrases, control)


class _Tracker:
    """Detector and follower, in memory together."""

    def __init__(self, parts: _Parts, residents: Residents) -> None:
        def opener() -> VideoTracker:
            from reamo_mcp.models.local.phrase_detector import load_phrase_detector
            from reamo_mcp.models.local.video_tracker import load_video_tracker

            detector = load_phrase_detector(parts.weights("phrase_detector"), device=parts.device)
            return load_video_tracker(detector, parts.weights("follower"), device=parts.device)

        card = parts.card("video_tracker", "phrase_detector", "follower", accepts=("video",), limits=_ENGLISH)
        self.card = card.model_copy(update={"sure_from": OF_GROUNDING_DINO.sure})
        self._residents = residents
        self._model = residents.resident("video_tracker", parts.size("phrase_detector", "follower"), opener)

    def track(
        self, frames: Iterable[Frame], phrases: Sequence[str], state: TrackerState, control: Control
    ) -> Iterator[TrackStep]:
        with _using(self._residents, self._model, control) as tracker:
            yield from tracker.track(frames, phrases, state, control)


def _audio_segmenter(parts: _Parts, residents: Residents) -> AudioSegmenter:
    def opener() -> AudioSegmenter:
        from reamo_mcp.models.local.audio_segmenter import load_audio_segmenter

        return load_audio_segmenter(parts.weights("sound_scorer"), device=parts.device)

    limits = f"{_ENGLISH}; of sounds, what is above 8 kHz is not heard"
    card = parts.card("audio_segmenter", "sound_scorer", accepts=("audio",), limits=limits)
    return _AudioSegmenter(card, residents, residents.resident("sound_scorer", parts.size("sound_scorer"), opener))


@dataclass(frozen=True)
class _AudioSegmenter:
    card: ModelCard
    residents: Residents
    model: Resident[AudioSegmenter]

    def segment(self, sound: Sound, phrases: Sequence[str], control: Control) -> list[Answer[HeardSpan]]:
        with _using(self.residents, self.model, control) as segmenter:
            return segmenter.segment(sound, phrases, control)


def _transcriber(parts: _Parts, residents: Residents) -> Transcriber:
    card = parts.card(
        "transcriber", "recogniser", "aligner", accepts=("audio",), limits="given words are aligned in English letters"
    )

    def opener() -> Transcriber:
        from reamo_mcp.models.local.ctc_aligner import CtcAligner, load_sounding
        from reamo_mcp.models.local.letters import alphabet_in
        from reamo_mcp.models.local.whisper import WhisperRecogniser, load_hearing

        recogniser, aligner = parts.weights("recogniser"), parts.weights("aligner")
        return LocalTranscriber(
            card,
            VoiceActivity(),
            WhisperRecogniser(lambda: load_hearing(recogniser, parts.device)),
            CtcAligner(alphabet_in(aligner.folder), lambda: load_sounding(aligner, parts.device)),
        )

    return _Transcriber(card, residents, residents.resident("speech", parts.size("recogniser", "aligner"), opener))


@dataclass(frozen=True)
class _Transcriber:
    card: ModelCard
    residents: Residents
    model: Resident[Transcriber]

    def transcribe(self, sounds: Iterator[Sound], control: Control) -> Iterator[SpeechTranscript]:
        for sound in sounds:  # the device is free while the next window is awaited
            with _using(self.residents, self.model, control) as transcriber:
                heard = tuple(transcriber.transcribe(iter((sound,)), control))
            yield from heard

    def align(self, sound: Sound, text: str, control: Control) -> Answer[HeardWord]:
        with _using(self.residents, self.model, control) as transcriber:
            return transcriber.align(sound, text, control)
