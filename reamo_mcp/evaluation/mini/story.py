"""What a case tells, before it is written, drawn or spoken: sentences over media, each name and trigger marked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from reamo_mcp.evaluation.mini.content import (
    AMOUNTS,
    CAPITAL_FILLERS,
    EVENTS,
    FILLERS,
    FIRST_NAMES,
    HARD_ORGANIZATIONS,
    HARD_PEOPLE,
    HARD_PLACES,
    LAST_NAMES,
    LEADS,
    MONTHS,
    ORGANIZATIONS,
    PLACES,
    RELATIONS,
    SCHOOLS,
    TYPE_OF,
    Pattern,
)
from reamo_mcp.evaluation.randomness import Dice
from reamo_mcp.evaluation.recognition import Task

Modality = Literal["T", "I", "A", "V"]
MODALITIES: tuple[Modality, ...] = ("T", "I", "A", "V")
_MARK = re.compile(r"\{(\w+):(\w)\}|\[(\w+)\]")
DEPICTABLE = ("person", "organization", "location")


@dataclass(frozen=True)
class Mark:
    """``text[start:end]`` of the sentence is a name of a type in a role; of a trigger, type and role are empty."""

    start: int
    end: int
    type: str
    role: str


@dataclass(frozen=True)
class Sentence:
    """A sentence, its marks, and the pattern it follows (None: it tells nothing that is asked for)."""

    text: str
    marks: tuple[Mark, ...] = ()
    pattern: Pattern | None = None


@dataclass(frozen=True)
class Depicted:
    """A thing that is drawn with its name below; without a name it is a distractor."""

    type: str
    name: str


@dataclass(frozen=True)
class Told:
    """What one medium tells."""

    sentences: tuple[Sentence, ...]
    depicted: tuple[Depicted, ...] = ()


def tell(task: Task, media: Sequence[Modality], level: int, dice: Dice) -> dict[Modality, Told]:
    """Return what each medium tells.

    Level 1: one sentence in each medium, all about the same few things, with plain names. Level 2: two sentences (one
    in a film), half of the names hard, and a filler in a text. Level 3: all people, organizations and places have hard
    names, sentences begin with something else, a text has two fillers with capitals; and in half of the cases the last
    of several media speaks of other things, so that nothing can be inferred from agreement.
    """
    patterns = {"NER": (*RELATIONS, *EVENTS), "RE": RELATIONS, "EE": EVENTS}[task]
    left = dice.sample(patterns, len(patterns))
    names = _Names(dice, level)
    told: dict[Modality, Told] = {}
    for number, medium in enumerate(media):
        if level == 3 and number and number == len(media) - 1 and dice.chance(50):
            names = names.others()
        count = 1 if level == 1 or medium == "V" else 2
        sentences = [_filled(left.pop(), names, dice.choice(LEADS) if level == 3 else "") for _ in range(count)]
        if medium == "T" and level > 1:
            for filler in dice.sample(FILLERS if level == 2 else CAPITAL_FILLERS, level - 1):
                sentences.insert(dice.between(0, len(sentences)), Sentence(filler))
        drawn = _drawn(sentences, medium, level, dice)
        told[medium] = Told(tuple(sentences), drawn)
    return told


class _Names:
    """The names of one story: two of each kind, so that media speak of the same things."""

    def __init__(self, dice: Dice, level: int, used: frozenset[str] = frozenset()) -> None:
        self._dice = dice
        self._level = level

        def pick(names: Sequence[str], count: int) -> list[str]:
            return dice.sample([name for name in names if name not in used], count)

        firsts, lasts = pick(FIRST_NAMES, 2), pick(LAST_NAMES, 2)
        people = [f"{first} {last}" for first, last in zip(firsts, lasts, strict=True)]
        hard = level - 1  # how many of two names
        dates = [f"{dice.between(1, 28)} {dice.choice(MONTHS)} {dice.between(1985, 2023)}" for _ in range(2)]
        self._of: dict[str, list[str]] = {
            "person": [*pick(HARD_PEOPLE, hard), *people[hard:]],
            "organization": [*pick(HARD_ORGANIZATIONS, hard), *pick(ORGANIZATIONS, 2 - hard)],
            "school": pick(SCHOOLS, 1),
            "location": [*pick(HARD_PLACES, hard), *pick(PLACES, 2 - hard)],
            "date": dates,
            "money": pick(AMOUNTS, 2),
        }
        self._used = used.union(firsts, lasts, *self._of.values())

    def others(self) -> "_Names":
        """Return names none of which was used before."""
        return _Names(self._dice, self._level, self._used)

    def for_sentence(self) -> dict[str, str]:
        """Return a name for each letter of a pattern; different letters of one kind get different names."""
        people = self._dice.sample(self._of["person"], 2)
        organizations = self._dice.sample(self._of["organization"], 2)
        places = self._dice.sample(self._of["location"], 2)
        return {
            "P": people[0],
            "Q": people[1],
            "O": organizations[0],
            "N": organizations[1],
            "U": self._of["school"][0],
            "L": places[0],
            "M": places[1],
            "D": self._dice.choice(self._of["date"]),
            "Y": self._dice.choice(self._of["money"]),
        }


def _filled(pattern: Pattern, names: _Names, lead: str) -> Sentence:
    chosen = names.for_sentence()
    text, marks, place = lead, list[Mark](), 0
    for match in _MARK.finditer(pattern.sentence):
        text += pattern.sentence[place : match.start()]
        role, letter, trigger = match.groups()
        said = trigger or chosen[letter]
        marks.append(Mark(len(text), len(text) + len(said), "" if trigger else TYPE_OF[letter], role or ""))
        text += said
        place = match.end()
    return Sentence(text + pattern.sentence[place:], tuple(marks), pattern)


def _drawn(sentences: Sequence[Sentence], medium: Modality, level: int, dice: Dice) -> tuple[Depicted, ...]:
    """Draw one or two of the things that are told (a film draws one), from level 3 on with a nameless distractor."""
    if medium not in ("I", "V"):
        return ()
    named = [
        Depicted(mark.type, sentence.text[mark.start : mark.end])
        for sentence in sentences
        for mark in sentence.marks
        if mark.type in DEPICTABLE
    ]
    different = list(dict.fromkeys(named))
    drawn = dice.sample(different, min(len(different), 1 if medium == "V" else 2))
    if level == 3 and medium == "I":
        drawn.append(Depicted(dice.choice(DEPICTABLE), ""))
    return tuple(drawn)
