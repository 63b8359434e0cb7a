"""The text forms in which the Reamo paper and its relatives print a meta-response, read and rendered.

- the form of the paper's figure: ``<UIE> (Trump, person)(Merkel, person) <Module> Image Segmenter <Instruction> the
  woman on the left, the man on the right``;
- the form with closing tags: ``<Module>ImageSegmentation</Module> <Instruction>segmentation: ...</Instruction>``;
- module letters of the sibling Vitron: ``<module>B</module>`` (B image, E video; the others make or edit media and
  name no module here).

Records are ``(name, type)``, ``(head, relation, tail)`` and ``(Type: t, Trigger: w, Role: argument ...)``. These forms
link no record to its places but by order: the n-th phrase of an instruction is for the n-th entity. They cannot say
ids, quotes or media; `from_paper` fills these in.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from reamo_mcp.models.meta_response import (
    MetaArgument,
    MetaCall,
    MetaEntity,
    MetaEvent,
    MetaMention,
    MetaRelation,
    MetaResponse,
    ModuleName,
)
from reamo_mcp.types.ontology import Ontology

_MODULES: Mapping[str, ModuleName] = {
    "imagesegmenter": "image_segmenter",
    "imagesegmentation": "image_segmenter",
    "b": "image_segmenter",
    "videotracker": "video_tracker",
    "videotracking": "video_tracker",
    "videosegmentation": "video_tracker",
    "e": "video_tracker",
    "audiosegmenter": "audio_segmenter",
    "audiosegmentation": "audio_segmenter",
}
_FIGURE_NAMES: Mapping[ModuleName, str] = {
    "image_segmenter": "Image Segmenter",
    "video_tracker": "Video Tracker",
    "audio_segmenter": "Audio Segmenter",
}
_CODE_NAMES: Mapping[ModuleName, str] = {
    "image_segmenter": "ImageSegmentation",
    "video_tracker": "VideoTracking",
    "audio_segmenter": "AudioSegmentation",
}
_LETTERS: Mapping[ModuleName, str] = {"image_segmenter": "B", "video_tracker": "E"}
PaperForm = Literal["figure", "closing tags", "letters"]
_MODULE = re.compile(r"<module>", re.IGNORECASE)
_INSTRUCTION = re.compile(r"<instruction>", re.IGNORECASE)
_CLOSING = re.compile(r"</\w+>")
_TASK_WORD = re.compile(r"^\s*(?:segmentation|tracking|segmenting)\s*:", re.IGNORECASE)
_ROLE = re.compile(r"(?:^|,)\s*([^,:()]+?)\s*:\s*")


def from_paper(text: str, ontology: Ontology, source: str, media: Mapping[ModuleName, str]) -> MetaResponse:
    """Return the meta-response that a text form tells; prose before and after the records is passed over.

    Names are quoted from ``source``; ``media`` gives the medium that each module is for, calls of others are left
    out. The ontology tells types from names that hold commas; types that it does not list are taken as they are.
    """
    records, *modules = _MODULE.split(text)
    reader = _Reader(ontology, source)
    for record in _records(records.rpartition("<UIE>")[2] if "<UIE>" in records else records):
        reader.take(record)
    calls = tuple(
        MetaCall(target=target, medium=media[module], module=module, instruction=phrase)
        for module, phrases in _instructions(modules)
        if module in media
        for target, phrase in zip(reader.targets(), phrases, strict=False)
    )
    return MetaResponse(
        entities=tuple(reader.entities), relations=tuple(reader.relations), events=tuple(reader.events), calls=calls
    )


def in_paper_form(response: MetaResponse, form: PaperForm = "figure") -> str:
    """Return one of the text forms. It loses what they cannot say: letters have none for what is heard."""
    names = {entity.id: entity.name for entity in response.entities}
    records: list[str] = []
    if not response.relations and not response.events:
        records += [f"({entity.name}, {entity.type})" for entity in response.entities]
    for relation in response.relations:
        records.append(f"({names.get(relation.head, '')}, {relation.type}, {names.get(relation.tail, '')})")
    for event in response.events:
        parts = [f"Type: {event.type}", f"Trigger: {event.trigger}"]
        parts += [
            f"{argument.role}: {argument.value or names.get(argument.entity or '', '')}" for argument in event.arguments
        ]
        records.append(f"({', '.join(parts)})")
    spoken = ["<UIE> " + "".join(records)]
    modules: list[ModuleName] = list(dict.fromkeys(call.module for call in response.calls))
    for module in modules:
        phrases = ", ".join(call.instruction for call in response.calls if call.module == module)
        match form:
            case "figure":
                spoken.append(f"<Module> {_FIGURE_NAMES[module]} <Instruction> {phrases}")
            case "closing tags":
                name = _CODE_NAMES[module]
                spoken.append(f"<Module>{name}</Module> <Instruction>segmentation: {phrases}</Instruction>")
            case "letters" if module in _LETTERS:
                letter = _LETTERS[module]
                spoken.append(f"<module>{letter}</module> <instruction>segmentation: {phrases}</instruction>")
            case "letters":
                pass
    return " ".join(spoken)


def _instructions(modules: Sequence[str]) -> Iterator[tuple[ModuleName, list[str]]]:
    for part in modules:
        name, *rest = _INSTRUCTION.split(part)
        plain = re.sub(r"[^a-z]", "", _CLOSING.split(name)[0].casefold())
        module = _MODULES.get(plain)
        if module is None or not rest:
            continue
        said = _TASK_WORD.sub("", _CLOSING.split(rest[0])[0])
        phrases = [phrase.strip() for phrase in said.split(",")]
        yield module, [phrase for phrase in phrases if phrase and set(phrase) - set(".… ")]


def _records(text: str) -> Iterator[str]:
    """Yield what stands in each outermost pair of parentheses."""
    depth = start = 0
    for at, sign in enumerate(text):
        if sign == "(":
            depth += 1
            start = at + 1 if depth == 1 else start
        elif sign == ")" and depth:
            depth -= 1
            if depth == 0:
                yield text[start:at].strip()


class _Reader:
    """Collects records; an entity that several records name is one entity."""

    def __init__(self, ontology: Ontology, source: str) -> None:
        self._types = {kind.name.casefold(): kind.name for kind in ontology.entity_types}
        self._relations = {kind.name.casefold(): kind.name for kind in ontology.relation_types}
        self._events = {kind.name.casefold(): kind.name for kind in ontology.event_types}
        self._source = source
        self.entities: list[MetaEntity] = []
        self.relations: list[MetaRelation] = []
        self.events: list[MetaEvent] = []

    def targets(self) -> list[str]:
        """Return the ids that phrases are for, in order."""
        return [entity.id for entity in self.entities]

    def take(self, record: str) -> None:
        if re.match(r"type\s*:", record, re.IGNORECASE):
            self._take_event(record)
            return
        parts = [part.strip() for part in record.split(",")]
        middle = [at for at in range(1, len(parts) - 1) if parts[at].casefold() in self._relations]
        if middle or (len(parts) == 3 and parts[-1].casefold() not in self._types):
            at = middle[0] if middle else 1
            head, tail = ", ".join(parts[:at]), ", ".join(parts[at + 1 :])
            kind = self._relations.get(parts[at].casefold(), parts[at])
            if head and tail:
                self.relations.append(MetaRelation(type=kind, head=self._entity(head, ""), tail=self._entity(tail, "")))
        elif len(parts) > 1 and parts[-1]:
            self._entity(", ".join(parts[:-1]), self._types.get(parts[-1].casefold(), parts[-1]))

    def _entity(self, name: str, kind: str) -> str:
        for index, known in enumerate(self.entities):
            if known.name == name and (not kind or not known.type or known.type == kind):
                self.entities[index] = known.model_copy(update={"type": known.type or kind})
                return known.id
        mention = MetaMention(source=self._source, quote=name)
        self.entities.append(MetaEntity(id=f"e{len(self.entities) + 1}", type=kind, name=name, mentions=(mention,)))
        return self.entities[-1].id

    def _take_event(self, record: str) -> None:
        said = list(_ROLE.finditer(record))
        ends = [*(match.start() for match in said[1:]), len(record)]
        pairs = [(match[1], record[match.end() : end].strip()) for match, end in zip(said, ends, strict=True)]
        kind = next((value for role, value in pairs if role.casefold() == "type"), "")
        trigger = next((value for role, value in pairs if role.casefold() == "trigger"), "")
        if not kind:
            return
        arguments = tuple(
            MetaArgument(role=role, entity=self._entity(value, ""))
            for role, value in pairs
            if role.casefold() not in ("type", "trigger") and value
        )
        self.events.append(
            MetaEvent(
                id=f"v{len(self.events) + 1}",
                type=self._events.get(kind.casefold(), kind),
                trigger=trigger,
                evidence=(MetaMention(source=self._source, quote=trigger),),
                arguments=arguments,
            )
        )
