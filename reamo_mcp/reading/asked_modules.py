"""What became of calls: each is put to its module, all calls for one medium together.

A module that sees nothing says so: the thing is absent there, whatever a reasoner claimed. So it is where the module
is not sure of what it found and a second look does not see it. A hint of the reasoner only chooses among what the
module found; it is never a place itself. Where a module could not look at all of a medium and found nothing in the
rest, the thing is not absent: the call failed.
"""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass
from functools import cached_property

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.meta_response import MetaCall, ModuleName
from reamo_mcp.models.roles import AudioSegmenter, Confirmer, ImageSegmenter, Region, VideoTracker
from reamo_mcp.reading.called_sounds import called_in_sound
from reamo_mcp.reading.called_tracks import called_in_video
from reamo_mcp.reading.calls import AskedCall, CallResult, result_of
from reamo_mcp.reading.checked_answers import regions_inside
from reamo_mcp.reading.material import Material
from reamo_mcp.reading.second_look import CROP_SIDE, UNSEEN, Doubt, SecondLook, cut
from reamo_mcp.reading.setbacks import Gap, setback, taken
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.grounding import Box, Provenance
from reamo_mcp.types.media import AudioMedium, ImageMedium, Medium, OpenedDocument, VideoMedium
from reamo_mcp.types.reading import AtRegion

_PICTURE_SIDE = 1333  # pixels: what detectors of today are trained on
_MOST_REGIONS = 64  # of a phrase in one picture, the best ones
_ORIGINAL_SIDE = 4096  # pixels of a picture of which crops are cut; most are not larger

_Find = tuple[str, Region]  # a phrase, and what was found of it


@dataclass(frozen=True)
class Modules:
    """The modules of an engine that calls can be put to, and who takes a second look at what they find."""

    image_segmenter: ImageSegmenter | None = None
    video_tracker: VideoTracker | None = None
    audio_segmenter: AudioSegmenter | None = None
    confirmer: Confirmer | None = None

    @classmethod
    def of(cls, engine: Engine) -> "Modules":
        """Return those that an engine has."""
        return cls(engine.image_segmenter, engine.video_tracker, engine.audio_segmenter, engine.confirmer)

    def offered(self, document: OpenedDocument, shown: Sequence[str]) -> tuple[tuple[str, ModuleName], ...]:
        """Return the pairs of medium and module that make sense for the media shown."""
        media = [medium for medium in document.media if medium.id in shown]
        return tuple((medium.id, module) for medium in media for module in self._of(medium))

    def _of(self, medium: Medium) -> Iterator[ModuleName]:
        if isinstance(medium, ImageMedium) and self.image_segmenter is not None:
            yield "image_segmenter"
        if isinstance(medium, VideoMedium) and self.video_tracker is not None:
            yield "video_tracker"
        is_heard = isinstance(medium, AudioMedium) or (isinstance(medium, VideoMedium) and medium.has_sound)
        if is_heard and self.audio_segmenter is not None:
            yield "audio_segmenter"


def seek(
    phrase: str, modules: Modules, document: OpenedDocument, material: Material, control: Control
) -> tuple[CallResult, ...]:
    """Return where the modules see and hear what a phrase names, every place of it, by medium and module.

    Raises what ``control.check`` raises.
    """
    offered = modules.offered(document, [medium.id for medium in document.media])
    calls = [
        AskedCall(
            f"c{number}", phrase, MetaCall(target=phrase, medium=medium, module=module, instruction=phrase), every=True
        )
        for number, (medium, module) in enumerate(offered, start=1)
    ]
    return tuple(put_calls(calls, modules, document, material, control))


def put_calls(
    calls: Sequence[AskedCall], modules: Modules, document: OpenedDocument, material: Material, control: Control
) -> Iterator[CallResult]:
    """Yield the result of each call, medium by medium. Raises what ``control.check`` raises."""
    media = dict.fromkeys((asked.call.medium, asked.call.module) for asked in calls)
    for number, (media_id, module) in enumerate(media):
        control.check()
        control.progress(number, len(media), "media")
        own = [asked for asked in calls if (asked.call.medium, asked.call.module) == (media_id, module)]
        medium = document.medium(media_id)
        if module == "image_segmenter" and modules.image_segmenter is not None and isinstance(medium, ImageMedium):
            yield from _in_picture(own, media_id, modules.image_segmenter, modules.confirmer, material, control)
        elif module == "video_tracker" and modules.video_tracker is not None and isinstance(medium, VideoMedium):
            yield from called_in_video(own, medium, modules.video_tracker, modules.confirmer, material, control)
        elif (
            module == "audio_segmenter"
            and modules.audio_segmenter is not None
            and isinstance(medium, AudioMedium | VideoMedium)
        ):
            yield from called_in_sound(own, media_id, modules.audio_segmenter, material, control)
        else:
            yield from (CallResult(asked, "failed", reason=f"this engine has no {module} for it") for asked in own)


class _Source:
    """A picture as a segmenter is shown it, and as it is for a look at a part of it. Raises what the decoder raises."""

    def __init__(self, media_id: str, material: Material, control: Control) -> None:
        self._media_id = media_id
        self._material = material
        self._control = control

    @cached_property
    def shown(self) -> Picture:
        return self._material.picture(self._media_id, _PICTURE_SIDE, self._control)

    @cached_property
    def original(self) -> Picture:
        if self.shown.scale >= 1:
            return self.shown
        return self._material.picture(self._media_id, _ORIGINAL_SIDE, self._control)

    def doubt(self, find: _Find) -> Doubt:
        phrase, region = find
        return Doubt(phrase, region.score, lambda: cut(self.original, region.box, CROP_SIDE))


def _in_picture(
    calls: Sequence[AskedCall],
    media_id: str,
    segmenter: ImageSegmenter,
    confirmer: Confirmer | None,
    material: Material,
    control: Control,
) -> Iterator[CallResult]:
    phrases = list(dict.fromkeys(asked.call.instruction for asked in calls))
    found: dict[str, tuple[tuple[Region, ...], Gap | None]] = {}
    source = _Source(media_id, material, control)
    try:
        answers = segmenter.segment(source.shown, phrases, control)
        for phrase, answer in zip(phrases, answers, strict=True):
            regions, gap = taken(answer)
            found[phrase] = regions_inside(regions, source.shown), gap
    except Exception as error:  # what the reasoner said is worth having without the places
        gap = Gap.by(setback(error, f"a picture ({segmenter.card.name})"))
        found = dict.fromkeys(phrases, ((), gap))

    def choose(rejected: Set[_Find]) -> list[list[_Find]]:
        used: set[Box] = set()
        choices: list[list[_Find]] = []
        for asked in calls:
            phrase = asked.call.instruction
            left = [one for one in found[phrase][0] if (phrase, one) not in rejected]
            regions = left[:_MOST_REGIONS] if asked.every else _chosen(left, asked.call, used)
            choices.append([(phrase, region) for region in regions])
            used.update(region.box for region in regions)
        return choices

    look = SecondLook[_Find](confirmer, segmenter.card)
    for asked, finds in zip(calls, look.choices(choose, source.doubt, control), strict=True):
        mentions = tuple(_mention(asked, region, segmenter.card.name) for _, region in finds)
        is_rejected = any(phrase == asked.call.instruction for phrase, _ in look.rejected)
        unseen = UNSEEN if is_rejected else "the image segmenter does not see it"
        yield result_of(asked, mentions, found[asked.call.instruction][1], unseen)


def _chosen(regions: Sequence[Region], call: MetaCall, used: set[Box]) -> list[Region]:
    """Return the region that the hint points to, else the best that no other call has; the best if all are taken."""
    if not regions:
        return []
    if call.box is not None:
        left, top, right, bottom = call.box
        hint = Box(x=left, y=top, width=max(0.0, right - left), height=max(0.0, bottom - top))
        best = max(regions, key=lambda region: region.box.intersection_over_union(hint))
        if best.box.intersection_over_union(hint) > 0:
            return [best]
    free = [region for region in regions if region.box not in used]
    return [max(free or regions, key=lambda region: region.score)]


def _mention(asked: AskedCall, region: Region, model: str) -> CandidateMention:
    return CandidateMention(
        media_id=asked.call.medium,
        place=AtRegion(parts=(region.box,), mask=region.mask),
        score=region.score,
        score_kind=region.score_kind,
        provenance=Provenance(model=model, step="locate", call=asked.id),
    )
