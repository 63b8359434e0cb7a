"""Which names of one document mean one thing. Precision first: what is ambiguous stays apart.

Names are compared within one kind (person, organization, location, or the type itself). One thing are

1. names that are equal in form: case, accents, possessives, articles, titles, legal forms of companies, ways to write
   a day aside;
2. full names of a person that differ in what one of them leaves out (middle names, ``Jr.``), unless the document has
   two such people; a place with and without its region, unless two regions are named;
3. names that differ by one slip of character recognition, if one of them was read in a picture;
4. an acronym and the only name of the document with those initials;
5. a surname, first name or initial and the only person of the document who has it; an organization and its name with
   "University" or "Bank", if no other thing of the document begins with that word.

All steps look names up in tables, so the time is linear in the number of distinct names.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

from reamo_mcp.isolation.control import Control
from reamo_mcp.linking.confusion import is_one_slip, skeleton
from reamo_mcp.linking.names import NameForm, ReadAs, kind_of, name_form

_HEADS = frozenset(("university", "bank"))
_MOST_VARIANTS = 50  # full names with one first and last name; more are not compared with one another


@dataclass(frozen=True)
class Name:
    """A name as it stands in one reading."""

    text: str
    type: str
    read_as: ReadAs = "text"


def link_names(names: Sequence[Name], control: Control) -> tuple[tuple[int, ...], ...]:
    """Return the indices of ``names`` in groups, one per thing, in order of first appearance.

    Raises what ``control.check`` raises.
    """
    distinct: dict[NameForm, int] = {}
    in_pictures: set[int] = set()
    number_of: list[int] = []
    for name in names:
        control.check()
        form = name_form(name.text, kind_of(name.type), name.read_as)
        number = distinct.setdefault(form, len(distinct))
        number_of.append(number)
        if name.read_as == "picture":
            in_pictures.add(number)
    linker = _Linker(list(distinct), in_pictures)
    linker.link()
    groups: dict[int, list[int]] = {}
    for index, number in enumerate(number_of):
        groups.setdefault(linker.root(number), []).append(index)
    return tuple(tuple(group) for group in groups.values())


class _Linker:
    """Disjoint sets over distinct name forms."""

    def __init__(self, forms: list[NameForm], in_pictures: set[int]) -> None:
        self._forms = forms
        self._in_pictures = in_pictures
        self._parents = list(range(len(forms)))

    def root(self, number: int) -> int:
        while self._parents[number] != number:
            self._parents[number] = self._parents[self._parents[number]]
            number = self._parents[number]
        return number

    def link(self) -> None:
        people = [number for number, form in enumerate(self._forms) if form.kind == "person"]
        places = [number for number, form in enumerate(self._forms) if form.kind == "location"]
        others = [number for number, form in enumerate(self._forms) if form.kind not in ("person", "location")]
        self._join_equal(others, lambda form: (form.kind, form.key))
        self._join_compatible(places, lambda form: (form.key,), _same_region)
        full = [number for number in people if len(self._forms[number].tokens) > 1]
        single = [number for number in people if len(self._forms[number].tokens) == 1]
        self._join_equal(full, lambda form: (form.key, form.suffix, form.sex))
        self._join_compatible(full, lambda form: (form.tokens[0], *form.surname), _same_person)
        self._join_compatible(single, lambda form: (form.key,), _same_person)
        self._join_slips()
        self._join_acronyms()
        self._join_short_people(full, single)
        self._join_short_organizations()

    def _join(self, left: int, right: int) -> None:
        one, other = sorted((self.root(left), self.root(right)))
        self._parents[other] = one

    def _join_equal(self, numbers: Iterable[int], key: Callable[[NameForm], tuple[object, ...]]) -> None:
        first: dict[tuple[object, ...], int] = {}
        for number in numbers:
            self._join(first.setdefault(key(self._forms[number]), number), number)

    def _join_compatible(
        self,
        numbers: Iterable[int],
        key: Callable[[NameForm], tuple[str, ...]],
        compatible: Callable[[NameForm, NameForm], bool],
    ) -> None:
        """Join names with one key if all of them agree; if any two contradict each other, none but equals join."""
        groups: dict[tuple[str, ...], list[int]] = defaultdict(list)
        for number in numbers:
            groups[key(self._forms[number])].append(number)
        for group in groups.values():
            agree = len(group) <= _MOST_VARIANTS and all(
                compatible(self._forms[left], self._forms[right]) for left, right in combinations(group, 2)
            )
            if agree:
                for number in group[1:]:
                    self._join(group[0], number)

    def _join_slips(self) -> None:
        by_skeleton: dict[tuple[str, str], list[int]] = defaultdict(list)
        for number, form in enumerate(self._forms):
            if shape := skeleton(form.tokens):
                by_skeleton[form.kind, shape].append(number)
        for group in by_skeleton.values():
            for read in group:
                if read not in self._in_pictures:
                    continue
                near = [
                    number
                    for number in group[:_MOST_VARIANTS]
                    if number != read and is_one_slip(self._forms[number].tokens, self._forms[read].tokens)
                ]
                if len({self.root(number) for number in near} - {self.root(read)}) == 1:
                    for number in near:
                        self._join(number, read)

    def _join_acronyms(self) -> None:
        long_forms: dict[tuple[str, str], set[int]] = defaultdict(set)
        for number, form in enumerate(self._forms):
            for initials in form.initials:
                long_forms[form.kind, initials].add(number)
        for number, form in enumerate(self._forms):
            if form.acronym:
                self._join_if_one(number, long_forms.get((form.kind, form.acronym), ()))

    def _join_if_one(self, number: int, candidates: Iterable[int]) -> bool:
        """Join a name with its candidates if they are one thing."""
        found = {self.root(candidate) for candidate in candidates}
        if len(found) != 1:
            return False
        self._join(found.pop(), number)
        return True

    def _join_short_people(self, full: Sequence[int], single: Sequence[int]) -> None:
        by_end: dict[tuple[str, ...], set[int]] = defaultdict(set)
        by_first: dict[str, set[int]] = defaultdict(set)
        by_initial: dict[tuple[str, tuple[str, ...]], set[int]] = defaultdict(set)
        for number in full:
            form = self._forms[number]
            for at in range(1, len(form.tokens)):
                by_end[form.tokens[at:]].add(number)
            if len(form.tokens[0]) > 1:
                by_initial[form.tokens[0][0], form.surname].add(number)
                if form.tokens[0] not in _PART_OF_NAME:
                    by_first[form.tokens[0]].add(number)
        ends = {number: by_end.get(self._forms[number].tokens, set()) for number in full}
        for number in full:
            form = self._forms[number]
            if ends[number]:
                self._join_if_one(number, ends[number])
            elif len(form.tokens[0]) == 1:
                self._join_if_one(number, by_initial.get((form.tokens[0], form.surname), ()))
        for number in single:
            form = self._forms[number]
            known: set[int] = set(by_end.get(form.tokens, ()))
            if not form.titled:
                known |= by_first.get(form.key, set())
            if form.suffix:
                known = {other for other in known if self._forms[other].suffix == form.suffix}
            self._join_if_one(number, {other for other in known if _same_sex(form, self._forms[other])})

    def _join_short_organizations(self) -> None:
        begins: dict[str, set[int]] = defaultdict(set)
        for number, form in enumerate(self._forms):
            if form.kind in ("organization", "location"):
                begins[form.tokens[0]].add(number)
        for number, form in enumerate(self._forms):
            if form.kind != "organization" or len(form.tokens) != 1:
                continue
            same_start = {other for other in begins[form.key] if self.root(other) != self.root(number)}
            if all(
                self._forms[other].kind == "organization"
                and len(self._forms[other].tokens) == 2
                and self._forms[other].tokens[1] in _HEADS
                for other in same_start
            ):
                self._join_if_one(number, same_start)


# What stands first in a name without being a first name.
_PART_OF_NAME = frozenset("king queen prince princess pope emperor empress saint st san santa duke duchess".split())


def _same_region(left: NameForm, right: NameForm) -> bool:
    return not left.qualifier or not right.qualifier or left.qualifier == right.qualifier


def _same_sex(left: NameForm, right: NameForm) -> bool:
    return left.sex is None or right.sex is None or left.sex == right.sex


def _same_person(left: NameForm, right: NameForm) -> bool:
    """Whether two names with one first and last name can be one person's."""
    if (left.suffix and right.suffix and left.suffix != right.suffix) or not _same_sex(left, right):
        return False
    if _is_number(left.suffix) != _is_number(right.suffix):
        return False
    one = left.tokens[1 : len(left.tokens) - len(left.surname)]
    other = right.tokens[1 : len(right.tokens) - len(right.surname)]
    if not one or not other:
        return True
    return len(one) == len(other) and all(
        a == b or (1 in (len(a), len(b)) and a[0] == b[0]) for a, b in zip(one, other, strict=True)
    )


def _is_number(suffix: str) -> bool:
    return suffix not in ("", "jr", "sr")
