"""From media and readings to candidates, with a reasoner that reads everything at once and modules that it calls.

A document is shown pass by pass; what is known is carried on, so that one thing keeps its identity from page to page.
An answer that says ``more``, or that its budget cut, is followed by another ask about the same pass, as long as new
things come. An answer of which nothing can be understood is asked for once more, and then that part was not read. The
calls of all answers are put to the modules at the end, one medium after another.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from reamo_mcp.isolation.control import Control
from reamo_mcp.models.asks import Ask, TextPassage
from reamo_mcp.models.meta_grammar import Form
from reamo_mcp.models.meta_response import MetaResponse
from reamo_mcp.models.roles import Answer, Failed, Found, Reasoned, Reasoner
from reamo_mcp.reading.asked_modules import Modules, put_calls
from reamo_mcp.reading.calls import CallResult, incomplete
from reamo_mcp.reading.checked_answers import checked
from reamo_mcp.reading.material import Material
from reamo_mcp.reading.passes import Extent, Pass, Unseen, passes
from reamo_mcp.reading.perception import Perception
from reamo_mcp.reading.propose_from_text import Proposal
from reamo_mcp.reading.setbacks import Gap, taken
from reamo_mcp.reading.told import Shown, Told
from reamo_mcp.types.candidate import Candidates
from reamo_mcp.types.coverage import MediumCoverage, Unit
from reamo_mcp.types.extraction import Notice, Ungrounded
from reamo_mcp.types.media import OpenedDocument
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.reading import Reading

_MOST_ROUNDS = 4  # asks about one pass
_USELESS = Gap("the reasoner's answer could not be understood", retryable=True)
_BUDGET = 3000  # tokens of one answer: about forty things with their mentions and calls
_DONE_BY_REASONING = frozenset(("names in text", "objects", "actions"))
READER = "reasoner"
"""The name of the reasoner in the coverage."""


@dataclass(frozen=True)
class Reasoning:
    """What a reasoner proposes, what became of its calls, and what it was shown."""

    candidates: Candidates
    calls: tuple[CallResult, ...]
    ungrounded: tuple[Ungrounded, ...]
    coverage: tuple[MediumCoverage, ...]
    notices: tuple[Notice, ...]


@dataclass
class _Open:
    """A pass that is asked about: how often it was, and whether an answer was of use."""

    shown: Pass
    asked: int = 0
    answered: bool = False


@dataclass
class _Account:
    """What was shown, what was not and why, in the order of the document."""

    shown: list[Extent] = field(default_factory=list[Extent])
    missed: list[tuple[Extent, Gap]] = field(default_factory=list[tuple[Extent, Gap]])
    notices: dict[Notice, None] = field(default_factory=dict[Notice, None])

    def coverage(self) -> tuple[MediumCoverage, ...]:
        extents = [*self.shown, *(extent for extent, _ in self.missed)]
        kinds: list[tuple[str, Unit]] = list(dict.fromkeys((extent.media_id, extent.unit) for extent in extents))
        return tuple(
            MediumCoverage(
                media_id=media_id,
                reader=READER,
                unit=unit,
                total=_length(extent for extent in extents if (extent.media_id, extent.unit) == (media_id, unit)),
                read=_length(extent for extent in self.shown if (extent.media_id, extent.unit) == (media_id, unit)),
                not_read=tuple(
                    gap.not_read(unit, extent.start, extent.end)
                    for extent, gap in self.missed
                    if (extent.media_id, extent.unit) == (media_id, unit)
                ),
            )
            for media_id, unit in kinds
        )


def _length(extents: Iterable[Extent]) -> float:
    return sum(extent.end - extent.start for extent in extents)


def propose_by_reasoner(
    document: OpenedDocument,
    readings: Sequence[Reading],
    material: Material,
    reasoner: Reasoner,
    modules: Modules,
    ontology: Ontology,
    control: Control,
) -> Reasoning:
    """Return what the reasoner claims of all media and readings of a document.

    ``ontology`` holds only what was asked for. Raises what ``control.check`` raises, and ModelUnavailable. A pass on
    which the reasoner fails is told in the coverage.
    """
    told, account = Told(reasoner.card.name), _Account()
    waiting: list[Pass] = []
    for number, one in enumerate(passes(document, readings, material, reasoner.capacity, control)):
        control.progress(number, number + 1, "passes")
        if isinstance(one, Unseen):
            account.missed.append((one.extent, one.gap))
            continue
        waiting.append(one)
        if len(waiting) == reasoner.capacity.together:
            _ask_all(waiting, document, reasoner, modules, ontology, told, account, control)
            waiting = []
    _ask_all(waiting, document, reasoner, modules, ontology, told, account, control)
    results = tuple(put_calls(told.calls, modules, document, material, control))
    told.settle(results)
    account.notices.update(dict.fromkeys(incomplete(results)))
    return Reasoning(
        candidates=told.candidates(),
        calls=results,
        ungrounded=tuple(told.ungrounded),
        coverage=account.coverage(),
        notices=tuple(account.notices),
    )


def with_reasoning(
    perceptions: Sequence[Perception], proposal: Proposal, reasoning: Reasoning
) -> tuple[tuple[Perception, ...], Proposal]:
    """Return both with what the reasoner adds, and without the complaints that it makes untrue."""
    seen = {medium.media_id for medium in reasoning.coverage if medium.read > 0}
    known = proposal.candidates
    added = reasoning.candidates
    candidates = Candidates(
        entities=(*added.entities, *known.entities),
        relations=(*added.relations, *known.relations),
        events=(*added.events, *known.events),
    )
    return (
        tuple(
            perception.model_copy(
                update={
                    "unsupported": tuple(
                        ask
                        for ask in perception.unsupported
                        if ask.media_id not in seen or ask.what not in _DONE_BY_REASONING
                    ),
                    "coverage": (
                        *perception.coverage,
                        *(one for one in reasoning.coverage if one.media_id == perception.medium.id),
                    ),
                }
            )
            for perception in perceptions
        ),
        Proposal(
            candidates=candidates,
            ungrounded=(*proposal.ungrounded, *reasoning.ungrounded),
            unsupported=tuple(ask for ask in proposal.unsupported if ask.what not in _DONE_BY_REASONING),
            failed=(*proposal.failed, *reasoning.notices),
        ),
    )


def _ask_all(
    shown: Sequence[Pass],
    document: OpenedDocument,
    reasoner: Reasoner,
    modules: Modules,
    ontology: Ontology,
    told: Told,
    account: _Account,
    control: Control,
) -> None:
    """Ask about some passes at once, and again about those that have more to tell."""
    open_passes = [_Open(one) for one in shown]
    for _ in range(_MOST_ROUNDS):
        if not open_passes:
            return
        known = [told.known(_text(one.shown)) for one in open_passes]
        asks = [
            Ask(
                passages=tuple(piece.passage for piece in one.shown.pieces),
                form=Form(
                    sources=tuple(dict.fromkeys((*one.shown.scopes(), *one.shown.media()))),
                    modules=modules.offered(document, one.shown.media()),
                    ontology=ontology,
                ),
                known=told.described(carried),
            )
            for one, carried in zip(open_passes, known, strict=True)
        ]
        answers = reasoner.reason(asks, _BUDGET, control)
        unfinished: list[_Open] = []
        for one, ask, carried, answer in zip(open_passes, asks, known, answers, strict=True):
            if isinstance(answer, Found) and len(answer.items) == 1:
                goes_on = _taken(answer.items[0], one, ask, carried, document, told, account)
            else:
                goes_on = _failed(answer, one, account)
            if goes_on:
                unfinished.append(one)
        open_passes = unfinished
    for one in open_passes:
        for media_id in one.shown.media():
            message = f"the reasoner had more to tell after {_MOST_ROUNDS} answers about one part; some may be missing"
            account.notices[Notice(code="incomplete", message=message, media_id=media_id)] = None


def _taken(
    reasoned: Reasoned,
    one: _Open,
    ask: Ask,
    known: dict[str, str],
    document: OpenedDocument,
    told: Told,
    account: _Account,
) -> bool:
    """Take in an answer; return whether the pass is to be asked about again."""
    extents = [piece.extent for piece in one.shown.pieces]
    one.asked += 1
    for piece in one.shown.pieces:
        if reasoned.reduced and (piece.pictures or piece.frames):
            notice = Notice(code="reduced", message=reasoned.reduced, media_id=piece.extent.media_id)
            account.notices[notice] = None
    if not reasoned.complete and reasoned.response == MetaResponse():
        if one.answered or one.asked == 1:
            return one.asked == 1
        account.missed.extend((extent, _USELESS) for extent in extents)
        return False
    if not one.answered:
        account.shown.extend(extents)
        one.answered = True
    meant = checked(reasoned.response, ask.form, document)
    if count := reasoned.dropped + meant.surplus:
        message = f"{count} items of an answer had no usable form or were too many, and were left out"
        account.notices[Notice(code="dropped", message=message, media_id=extents[0].media_id)] = None
    told.ungrounded += meant.refused
    new = told.take(meant.response, known, _shown(one.shown))
    return new and (reasoned.response.more or not reasoned.complete)


def _failed(answer: Answer[Reasoned], one: _Open, account: _Account) -> bool:
    """Take in that there is no answer; return that the pass is not asked about again."""
    gap = taken(answer)[1] or Gap("the reasoner gave no answer", retryable=True)
    if not one.answered:
        account.missed.extend((piece.extent, gap) for piece in one.shown.pieces)
    code = answer.code if isinstance(answer, Failed) else "unsupported"
    for media_id in one.shown.media():
        notice = Notice(code=code, message=gap.reason, media_id=media_id, retryable=gap.retryable)
        account.notices[notice] = None
    return False


def _text(one: Pass) -> str:
    return "\n".join(piece.passage.text for piece in one.pieces if isinstance(piece.passage, TextPassage))


def _shown(one: Pass) -> Shown:
    media = {media_id: media_id for media_id in one.media()}
    texts: dict[str, str] = {}
    for piece in one.pieces:
        if isinstance(piece.passage, TextPassage):
            media[piece.passage.source] = piece.extent.media_id
            texts[piece.passage.source] = f"{texts.get(piece.passage.source, '')}\n{piece.passage.text}"
    return Shown(media, one.scopes(), texts)
