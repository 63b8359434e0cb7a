"""All scores of one sample, and of a cell of samples: which number is called what stands here."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from reamo_mcp.evaluation.bootstrap import Interval, interval_of_f1, interval_of_mean, interval_of_ratio
from reamo_mcp.evaluation.counts import Counts, total
from reamo_mcp.evaluation.facts import Facts, Thing, facts_of
from reamo_mcp.evaluation.grounded import (
    Media,
    PlaceKind,
    compared,
    count_grounded_links,
    count_grounded_parts,
    count_grounded_things,
    linked_places,
    matched_things,
)
from reamo_mcp.evaluation.overlap import mean, one_minus_iou, set_miou
from reamo_mcp.evaluation.places import track_frames, track_miou
from reamo_mcp.evaluation.pointing import count_pointed
from reamo_mcp.evaluation.recognition import (
    Task,
    count_arguments,
    count_entities,
    count_names,
    count_relations,
    count_triggers,
)
from reamo_mcp.evaluation.speech import Ratio, rates
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import VideoTrack

SEG_NAMES: dict[PlaceKind, str] = {
    "image_region": "I-Seg",
    "audio_segment": "A-Seg",
    "video_track": "V-Trck",
}


@dataclass(frozen=True)
class SampleScore:
    """The counts and overlaps of one sample, by the name of the measure; None where both sides have no place.

    ``ratios`` are added up over samples before they are divided. ``scored`` holds (score, was it right) of each
    predicted entity that has a score, for calibration.
    """

    counts: dict[str, Counts]
    places: dict[str, float | None]
    ratios: dict[str, Ratio] = field(default_factory=dict[str, Ratio])
    scored: tuple[tuple[float, bool], ...] = ()


@dataclass(frozen=True)
class Value:
    """A number with its interval; ``counts`` for micro scores, ``samples`` that took part in a mean."""

    value: float
    interval: Interval | None
    counts: Counts | None = None
    samples: int = 0


@dataclass(frozen=True)
class CellScore:
    """The scores of a cell by the name of the measure."""

    samples: int
    values: dict[str, Value] = field(default_factory=dict[str, Value])
    scored: tuple[tuple[float, bool], ...] = ()


def score_sample(gold: Extraction, predicted: Extraction, task: Task, symmetric: Sequence[str] = ()) -> SampleScore:
    """Return all scores of one sample. The headline measures are NER, RE, ET and EA, I-Seg, A-Seg and V-Trck.

    Which places are compared: for NER those of all entities; for RE those of entities in relations; for EE those of
    arguments, and of triggers in sound only (the paper gives triggers no visual place). Variants: ``opt`` assigns by
    IoU, ``linked`` binds places to things, ``words`` compares only places that carry words (print, speech).
    """
    mine, theirs = facts_of(gold), facts_of(predicted)
    media = {medium.name: medium for medium in gold.document.media}
    right = {id(other) for _, other in matched_things(mine.things, theirs.things)}
    scores = [entity.score for entity in predicted.entities]
    return SampleScore(
        counts=_counts(mine, theirs, media, task, symmetric),
        places=_places(mine, theirs, media, task),
        ratios=rates(gold, predicted) if task == "ASR" else {},
        scored=tuple(
            (score, id(thing) in right) for score, thing in zip(scores, theirs.things, strict=True) if score is not None
        ),
    )


def nothing_found(gold: Extraction, task: Task) -> SampleScore:
    """Return the scores of a sample on which the engine failed: everything is missed, nothing is left out."""
    nothing = Extraction(document=gold.document, engine=gold.engine)
    return score_sample(gold, nothing, task)


def score_cell(samples: Sequence[SampleScore]) -> CellScore:
    """Return micro F1 over the summed counts, and mean overlaps over the samples that have places."""
    values: dict[str, Value] = {}
    for name in dict.fromkeys(name for sample in samples for name in sample.counts):
        counts = [sample.counts[name] for sample in samples]
        summed = total(counts)
        if not summed.predicted and not summed.gold:
            continue  # nothing of this kind is annotated or claimed in the whole cell: no score, not a bad one
        values[name] = Value(summed.f1, interval_of_f1(counts), summed, len(counts))
    for name in dict.fromkeys(name for sample in samples for name in sample.ratios):
        ratios = [sample.ratios[name] for sample in samples]
        whole = sum(ratio.whole for ratio in ratios)
        if whole:
            values[name] = Value(
                sum(ratio.part for ratio in ratios) / whole,
                interval_of_ratio([ratio.part for ratio in ratios], [ratio.whole for ratio in ratios]),
                samples=len(ratios),
            )
    for name in dict.fromkeys(name for sample in samples for name in sample.places):
        there = [value for sample in samples if (value := sample.places.get(name)) is not None]
        if there:
            values[name] = Value(sum(there) / len(there), interval_of_mean(there), None, len(there))
    return CellScore(len(samples), values, tuple(pair for sample in samples for pair in sample.scored))


def _counts(mine: Facts, theirs: Facts, media: Media, task: Task, symmetric: Sequence[str]) -> dict[str, Counts]:
    match task:
        case "NER":
            return {
                "NER": count_entities(mine, theirs),
                "NER relaxed": count_entities(mine, theirs, relaxed=True),
                "NER boundary": count_entities(mine, theirs, boundary=True),
                "NER names": count_names(mine, theirs),
                "Pointing": count_pointed(mine, theirs),
                "Grounded F1": count_grounded_things(mine, theirs, media),
            }
        case "RE":
            return {
                "RE": count_relations(mine, theirs),
                "RE relaxed": count_relations(mine, theirs, relaxed=True),
                "RE typed": count_relations(mine, theirs, typed=True),
                "RE symmetric": count_relations(mine, theirs, symmetric=symmetric),
                "Grounded F1": count_grounded_links(mine, theirs, media),
            }
        case "EE":
            return {
                "ET": count_triggers(mine, theirs),
                "ET relaxed": count_triggers(mine, theirs, relaxed=True),
                "EA": count_arguments(mine, theirs),
                "EA relaxed": count_arguments(mine, theirs, relaxed=True),
                "EA loose": count_arguments(mine, theirs, loose=True),
                "Grounded F1": count_grounded_parts(mine, theirs, media),
            }
        case "ASR":
            return {}


def _places(mine: Facts, theirs: Facts, media: Media, task: Task) -> dict[str, float | None]:
    places: dict[str, float | None] = {}
    for kind, name in SEG_NAMES.items():
        of_gold, of_prediction = asked(mine, task, kind), asked(theirs, task, kind)
        items = compared(of_gold, of_prediction, media, (kind,))
        if not items:
            continue
        if kind == "video_track":
            places[name] = mean([_per_frame(of_gold, of_prediction, medium, media) for medium in media])
            places["track-mIoU"] = mean([set_miou(item.overlaps) for item in items])
        else:
            places[name] = mean([set_miou(item.overlaps) for item in items])
            places[f"{name} opt"] = mean([set_miou(item.overlaps, one_minus_iou) for item in items])
        in_gold, in_prediction = ([_in_words(thing) for thing in side] for side in (of_gold, of_prediction))
        places[f"{name} words"] = mean(
            [set_miou(item.overlaps) for item in compared(in_gold, in_prediction, media, (kind,))]
        )
        places[f"{name} linked"] = linked_places(Facts(things=of_gold), Facts(things=of_prediction), media, (kind,))
    return places


def _in_words(thing: Thing) -> Thing:
    """Return a thing with the places that carry words: print and speech, not what is drawn or photographed."""
    return replace(thing, places=tuple(place for place in thing.places if place.quote))


def asked(facts: Facts, task: Task, kind: PlaceKind) -> tuple[Thing, ...]:
    """Return the things whose places of a kind a task is about, each once."""
    match task:
        case "NER":
            things = facts.things
        case "RE":
            things = tuple(end for link in facts.links for end in (link.head, link.tail))
        case "EE":
            things = tuple(part.thing for part in facts.parts)
            if kind == "audio_segment":
                things = (*(happening.trigger for happening in facts.happenings), *things)
        case "ASR":
            things = ()
    return tuple({id(thing): thing for thing in things}.values())


def _per_frame(gold: Sequence[Thing], predicted: Sequence[Thing], name: str, media: Media) -> float | None:
    medium = media[name]
    if medium.kind != "video":
        return None
    mine, theirs = (
        [
            place
            for thing in things
            for place in thing.places
            if isinstance(place, VideoTrack) and place.media_id == name
        ]
        for things in (gold, predicted)
    )
    return track_miou(track_frames(mine, theirs, medium.width, medium.height))
