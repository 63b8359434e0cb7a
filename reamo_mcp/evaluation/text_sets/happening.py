"""Sets with events: GENEVA, PHEE, LitBank, M2E2."""

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from reamo_mcp.evaluation.text_sets.sample import GoldArgument, GoldEvent, GoldSpan, Joined, Sample

_M2E2_ENTITIES = {
    "PER": "person",
    "GPE": "geo-political entity",
    "ORG": "organization",
    "LOC": "location",
    "FAC": "facility",
    "VEH": "vehicle",
    "WEA": "weapon",
    "VALUE": "money",
}
_M2E2_EVENTS = {
    "Movement:Transport": "transport",
    "Conflict:Attack": "attack",
    "Contact:Meet": "meet",
    "Life:Die": "die",
    "Justice:Arrest-Jail": "arrest or jail",
    "Conflict:Demonstrate": "demonstrate",
    "Transaction:Transfer-Money": "transfer money",
    "Contact:Phone-Write": "phone or write",
}


def read_geneva(path: Path) -> Iterator[Sample]:
    """Yield sentences with events and arguments; an event may be unmarked."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        joined = Joined(row["tokens"])
        phrases = {phrase["id"]: joined.place(phrase["start"], phrase["end"]) for phrase in row["entity_mentions"]}
        events = tuple(
            GoldEvent(
                event["event_type"],
                *joined.place(event["trigger"]["start"], event["trigger"]["end"]),
                tuple(GoldArgument(found["role"], *phrases[found["entity_id"]]) for found in event["arguments"]),
            )
            for event in row["event_mentions"]
        )
        yield Sample(row["wnd_id"], joined.text, events=events)


def roles_of_types(samples: Iterable[Sample]) -> dict[str, set[str]]:
    """Return the roles that occur with each type of event."""
    roles: dict[str, set[str]] = {}
    for sample in samples:
        for event in sample.events:
            roles.setdefault(event.type, set()).update(argument.role for argument in event.arguments)
    return roles


def read_phee(path: Path) -> Iterator[Sample]:
    """Yield sentences with adverse and hoped-for effects of drugs; arguments of arguments are arguments too."""
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        events: list[GoldEvent] = []
        for event in row["annotations"][0]["events"]:
            arguments = list(_phee_arguments(event))
            places = list(_phee_places(event["Trigger"]))
            if places:
                events.append(GoldEvent(event["event_type"], *places[0], tuple(dict.fromkeys(arguments))))
        yield Sample(str(row["id"]).split("_")[0], row["context"], events=tuple(events))


def _phee_places(part: dict[str, Any]) -> Iterator[tuple[int, int]]:
    # A discontinuous span counts as its pieces: each is a phrase of the text.
    for texts, starts in zip(part["text"], part["start"], strict=True):
        for text, start in zip(texts, starts, strict=True):
            yield start, start + len(text)


def _phee_arguments(event: dict[str, Any]) -> Iterator[GoldArgument]:
    for role in ("Treatment", "Effect", "Subject"):
        part = event.get(role)
        if part is None:
            continue
        yield from (GoldArgument(role, *place) for place in _phee_places(part))
        for inner, value in part.items():
            if inner in _PHEE_PARTS:
                yield from (GoldArgument(f"{role}.{inner}", *place) for place in _phee_places(value))


_PHEE_PARTS = frozenset(
    ("Drug", "Disorder", "Route", "Dosage", "Time_elapsed", "Duration", "Freq", "Age", "Gender", "Population", "Race")
)


def read_litbank(folder: Path) -> Iterator[Sample]:
    """Yield sentences of fiction with nested entities and triggers of the one type EVENT."""
    for path in sorted((folder / "entities" / "brat").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        entities = list(_brat(path.with_suffix(".ann")))
        triggers = folder / "events" / "brat" / f"{path.stem}.ann"
        events = list(_brat(triggers)) if triggers.exists() else []
        for match in re.finditer(r"[^\n]+", text):
            start, end = match.span()
            yield Sample(
                key=path.stem,
                text=match.group(),
                entities=tuple(
                    GoldSpan(span.type, span.start - start, span.end - start)
                    for span in entities
                    if start <= span.start and span.end <= end
                ),
                events=tuple(
                    GoldEvent(span.type, span.start - start, span.end - start)
                    for span in events
                    if start <= span.start and span.end <= end
                ),
            )


def _brat(path: Path) -> Iterator[GoldSpan]:
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("T"):
            kind, start, end = line.split("\t")[1].split(" ")[:3]
            yield GoldSpan(kind, int(start), int(end))


def read_m2e2(path: Path) -> Iterator[Sample]:
    """Yield news sentences in the words of the ontology ``m2e2``. Development only: its texts have no licence."""
    for row in json.loads(path.read_text(encoding="utf-8")):
        joined = Joined(row["words"])
        entities = tuple(
            GoldSpan(_M2E2_ENTITIES[found["entity-type"]], *joined.place(found["start"], found["end"]))
            for found in row["golden-entity-mentions"]
        )
        events = tuple(
            GoldEvent(
                _M2E2_EVENTS[event["event_type"]],
                *joined.place(event["trigger"]["start"], event["trigger"]["end"]),
                tuple(
                    GoldArgument(found["role"], *joined.place(found["start"], found["end"]))
                    for found in event["arguments"]
                ),
            )
            for event in row["golden-event-mentions"]
        )
        yield Sample(row["sentence_id"].rsplit("_", 1)[0], joined.text, entities, events=events)
