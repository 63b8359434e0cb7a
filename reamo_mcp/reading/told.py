"""What a reasoner has told so far, pass by pass, as candidates: one id for one thing, however often it is told.

Each ask numbers its own things; things that are known keep the number that the ask gave them. What an answer names but
does not define, or defines twice, is left out with the reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reamo_mcp.models.asks import KnownEntity
from reamo_mcp.models.meta_response import MetaCall, MetaEntity, MetaEvent, MetaMention, MetaRelation, MetaResponse
from reamo_mcp.reading.calls import AskedCall, CallResult
from reamo_mcp.types.candidate import (
    CandidateArgument,
    CandidateEntity,
    CandidateEvent,
    CandidateMention,
    CandidateRelation,
    Candidates,
)
from reamo_mcp.types.extraction import Ungrounded
from reamo_mcp.types.grounding import Provenance, Via
from reamo_mcp.types.reading import AtTime

_MOST_KNOWN = 60  # things carried on; more would fill the ask


@dataclass
class _Thing:
    """A thing; ``is_said``: a text that was shown says its name. If none does, ``quote`` is the longest true one."""

    type: str
    name: str
    is_said: bool = False
    quote: str = ""
    mentions: dict[CandidateMention, None] = field(default_factory=dict[CandidateMention, None])


@dataclass(frozen=True)
class Shown:
    """What one ask showed: the medium of each source, where quotes of it are looked for, and what is read there."""

    media: Mapping[str, str]
    scopes: Mapping[str, tuple[Via, ...]]
    texts: Mapping[str, str]

    def text_of(self, source: str) -> str:
        """Return the texts that were shown of a source, which is a reading or a medium."""
        own = [text for name, text in self.texts.items() if source in (name, self.media[name])]
        return "\n".join(own)

    def says(self, name: str) -> bool:
        """Return whether a text says a name, in whatever case and over whatever line breaks."""
        said = " ".join(name.split()).casefold()
        return any(said in " ".join(text.split()).casefold() for text in self.texts.values())


class Told:
    """Collects the answers of one document."""

    def __init__(self, model: str) -> None:
        self._provenance = Provenance(model=model, step="propose")
        self._things: dict[str, _Thing] = {}
        self._relations: dict[tuple[str, str, str], CandidateRelation] = {}
        self._events: dict[object, CandidateEvent] = {}
        self._calls: dict[tuple[str, MetaCall], AskedCall] = {}
        self.ungrounded: list[Ungrounded] = []

    def known(self, text: str) -> dict[str, str]:
        """Return the ids of the things to carry on into an ask about ``text``, by the numbers that it shall use.

        Things whose name stands in the text come first, then the ones told last.
        """
        text = text.casefold()
        named = [bool(thing.name) and thing.name.casefold() in text for thing in self._things.values()]
        order = [key for wanted in (True, False) for key, is_named in self._latest_first(named) if is_named is wanted]
        return {f"e{number}": key for number, key in enumerate(order[:_MOST_KNOWN], 1)}

    def _latest_first(self, named: Sequence[bool]) -> list[tuple[str, bool]]:
        return list(zip(self._things, named, strict=True))[::-1]

    def described(self, known: Mapping[str, str]) -> tuple[KnownEntity, ...]:
        """Return known things as an ask tells them."""
        return tuple(
            KnownEntity(id=number, type=self._things[key].type, name=self._things[key].name)
            for number, key in known.items()
        )

    def take(self, response: MetaResponse, known: Mapping[str, str], shown: Shown) -> bool:
        """Take in an answer; return whether it told anything new."""
        before = self._size()
        ids = dict(known)
        defined: dict[str, str] = {}
        for entity in response.entities:
            key = self._entity(entity, ids, shown)
            if key is not None:
                defined.setdefault(entity.id, key)  # of a number that is given twice, the first holds
        ids.update(defined)
        for relation in response.relations:
            self._relation(relation, ids, shown)
        events: dict[str, str] = {}
        for event in response.events:
            events.setdefault(event.id, self._event(event, ids, shown))
        for call in response.calls:
            self._call(call, {**ids, **events}, shown)
        return self._size() > before

    @property
    def calls(self) -> tuple[AskedCall, ...]:
        """All calls, each once, in order."""
        return tuple(self._calls.values())

    def settle(self, results: Sequence[CallResult]) -> None:
        """Take in what the modules found: a place replaces the claim about the whole medium, absence refutes it."""
        for result in results:
            self._settle_event(result)
            thing = self._things.get(result.asked.target)
            if thing is None or result.outcome == "failed":
                continue
            for claim in [one for one in thing.mentions if _is_whole(one, result.asked.call.medium)]:
                del thing.mentions[claim]
            thing.mentions.update(dict.fromkeys(result.mentions))
            if not thing.mentions:
                self._refuse("entity", thing.type, thing.name, result.reason, result.asked.call.medium)

    def _settle_event(self, result: CallResult) -> None:
        """Let an event whose medium only attests it be where it was heard; what is seen are its arguments."""
        heard = next((one for one in result.mentions if isinstance(one.place, AtTime)), None)
        for told, event in self._events.items():
            known = event.trigger
            if heard and event.id == result.asked.target and known.attested and known.media_id == heard.media_id:
                trigger = heard.model_copy(update={"quote": known.quote})
                self._events[told] = event.model_copy(update={"trigger": trigger})

    def candidates(self) -> Candidates:
        """Return everything that still has a mention."""
        return Candidates(
            entities=tuple(
                CandidateEntity(id=key, type=thing.type, name=_proven(thing), mentions=tuple(thing.mentions))
                for key, thing in self._things.items()
                if thing.mentions
            ),
            relations=tuple(self._relations.values()),
            events=tuple(self._events.values()),
        )

    def _size(self) -> int:
        mentions = sum(len(thing.mentions) for thing in self._things.values())
        return len(self._things) + mentions + len(self._relations) + len(self._events) + len(self._calls)

    def _entity(self, entity: MetaEntity, known: Mapping[str, str], shown: Shown) -> str | None:
        mentions = [one for one in (self._mention(mention, shown) for mention in entity.mentions) if one is not None]
        key = known.get(entity.id)
        if key is not None and entity.name and self._things[key].name.casefold() != entity.name.casefold():
            key = None  # the number of a known thing is used for another one
        key = key or self._equal(entity, mentions)
        if key is None:
            if not mentions:
                self._refuse("entity", entity.type, entity.name, "it quotes from what was not shown", None)
                return None
            key = f"t{len(self._things) + 1}"
            self._things[key] = _Thing(entity.type, entity.name)
        thing = self._things[key]
        thing.is_said = thing.is_said or shown.says(thing.name)
        if not thing.is_said:
            said = [mention.quote for mention in mentions if shown.says(mention.quote)]
            thing.quote = max([thing.quote, *said], key=len)
        thing.mentions.update(dict.fromkeys(mentions))
        return key

    def _equal(self, entity: MetaEntity, mentions: Sequence[CandidateMention]) -> str | None:
        """Return a thing that this one repeats: equal in type, name and mentions."""
        for key, thing in self._things.items():
            equal = (thing.type, thing.name) == (entity.type, entity.name)
            if equal and mentions and all(mention.quote and mention in thing.mentions for mention in mentions):
                return key
        return None

    def _mention(self, mention: MetaMention, shown: Shown) -> CandidateMention | None:
        media_id = shown.media.get(mention.source)
        if media_id is None:
            return None
        return CandidateMention(
            media_id=media_id,
            quote=mention.quote,
            within=shown.scopes.get(mention.source, ()) if mention.quote else (),
            nth=mention.nth,
            provenance=self._provenance,
        )

    def _relation(self, relation: MetaRelation, ids: Mapping[str, str], shown: Shown) -> None:
        head, tail = ids.get(relation.head), ids.get(relation.tail)
        if head is None or tail is None or head == tail:
            reason = "it names a thing that was not told" if head is None or tail is None else "both ends are one thing"
            self._refuse("relation", relation.type, f"{relation.head} - {relation.tail}", reason, None)
            return
        evidence = self._mention(relation.evidence[0], shown) if relation.evidence else None
        self._relations.setdefault(
            (relation.type, head, tail), CandidateRelation(type=relation.type, head=head, tail=tail, evidence=evidence)
        )

    def _event(self, event: MetaEvent, ids: Mapping[str, str], shown: Shown) -> str:
        trigger = next(
            (one for one in (self._trigger(event, mention, shown) for mention in event.evidence) if one), None
        )
        if trigger is None:
            self._refuse("event", event.type, event.trigger, "it quotes from what was not shown", None)
            return ""
        arguments: list[CandidateArgument] = []
        for argument in event.arguments:
            key = ids.get(argument.entity or "")
            if argument.value:
                mention = self._value(argument.value, event, shown)
                arguments.append(CandidateArgument(role=argument.role, value=argument.value, mention=mention))
            elif key is not None:
                arguments.append(CandidateArgument(role=argument.role, entity=key))
            else:
                said = f"{event.type}: {argument.role}"
                self._refuse("argument", said, argument.entity or "", "it names a thing that was not told", None)
        told = event.type, trigger, tuple(arguments)
        known = self._events.get(told)
        if known is None:
            known = self._events[told] = CandidateEvent(
                id=f"h{len(self._events) + 1}", type=event.type, trigger=trigger, arguments=tuple(arguments)
            )
        return known.id

    def _trigger(self, event: MetaEvent, evidence: MetaMention, shown: Shown) -> CandidateMention | None:
        """Return the trigger where the evidence says it; a medium that only shows the event attests it."""
        if not evidence.quote:
            media_id = shown.media.get(evidence.source)
            if media_id is None:
                return None
            said = CandidateMention(media_id=media_id, quote=event.trigger, attested=True, provenance=self._provenance)
            return said
        within_quote = event.trigger.casefold() in evidence.quote.casefold()
        if within_quote and event.trigger != evidence.quote:
            return self._mention(MetaMention(source=evidence.source, quote=event.trigger), shown)
        return self._mention(evidence, shown)

    def _value(self, value: str, event: MetaEvent, shown: Shown) -> CandidateMention | None:
        """Return where a plain value is said, else that the medium of the event attests it."""
        source = event.evidence[0].source
        if value.casefold() in shown.text_of(source).casefold():
            return self._mention(MetaMention(source=source, quote=value), shown)
        media_id = shown.media.get(source)
        if media_id is None:
            return None
        return CandidateMention(media_id=media_id, quote=value, attested=True, provenance=self._provenance)

    def _call(self, call: MetaCall, ids: Mapping[str, str], shown: Shown) -> None:
        target = ids.get(call.target)
        if not target or call.medium not in shown.media.values():
            self._refuse("entity", call.module, call.instruction, "a call for a thing that was not told", call.medium)
            return
        plain = call.model_copy(update={"target": target, "box": None, "time": None})
        self._calls.setdefault((target, plain), AskedCall(f"c{len(self._calls) + 1}", target, call))

    def _refuse(self, kind: str, type_name: str, said: str, reason: str, media_id: str | None) -> None:
        self.ungrounded.append(
            Ungrounded.model_validate(
                {"kind": kind, "type": type_name, "text": said, "reason": reason, "media_id": media_id}
            )
        )


def _is_whole(mention: CandidateMention, media_id: str) -> bool:
    return mention.media_id == media_id and not mention.quote and mention.place is None


def _proven(thing: _Thing) -> str:
    """Return the name of a thing: one that a text says, or a plain description, else its longest quote.

    A face alone has no proper name, and a true quote proves no other name than its own.
    """
    if thing.name == thing.name.lower():
        return thing.name
    return thing.name if thing.is_said and any(mention.quote for mention in thing.mentions) else thing.quote
