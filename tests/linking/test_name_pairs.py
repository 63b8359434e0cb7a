"""Names that an author paired by hand, before the rules were written: precision and recall of linking."""

import csv
from dataclasses import dataclass
from pathlib import Path

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.linking.link_names import Name, link_names
from reamo_mcp.linking.names import ReadAs

READ_AS: dict[str, ReadAs] = {"text": "text", "picture": "picture", "speech": "speech"}


@dataclass(frozen=True)
class Pair:
    names: tuple[Name, ...]
    same: bool
    why: str


def pairs() -> list[Pair]:
    lines = (Path(__file__).parent / "name_pairs.tsv").read_text(encoding="utf-8").splitlines()
    read: list[Pair] = []
    for left, left_type, left_as, right, right_type, right_as, same, others, why in csv.reader(
        (line for line in lines if not line.startswith("#")), delimiter="\t", quoting=csv.QUOTE_NONE
    ):
        names = [Name(left, left_type, READ_AS[left_as]), Name(right, right_type, READ_AS[right_as])]
        for other in filter(None, others.split(";")):
            name, _, kind = other.strip().rpartition("/")
            names.append(Name(name, kind))
        read.append(Pair(tuple(names), same == "yes", why))
    return read


def are_linked(pair: Pair) -> bool:
    return any({0, 1} <= set(group) for group in link_names(pair.names, Unlimited()))


def test_two_hundred_pairs_are_authored_of_every_kind() -> None:
    kinds = {pair.why for pair in pairs()}
    assert len(pairs()) >= 200
    assert len([pair for pair in pairs() if pair.same]) >= 80
    assert len(kinds) >= 8


def test_linked_pairs_mean_one_thing_and_most_pairs_that_do_are_linked() -> None:
    right = [pair for pair in pairs() if are_linked(pair) and pair.same]
    wrong = [pair for pair in pairs() if are_linked(pair) and not pair.same]
    wanted = [pair for pair in pairs() if pair.same]
    precision, recall = len(right) / (len(right) + len(wrong)), len(right) / len(wanted)
    assert precision >= 0.97, [pair.names for pair in wrong]
    assert recall >= 0.80, f"recall {recall:.3f}"


def test_the_order_of_names_does_not_change_what_is_linked() -> None:
    for pair in pairs():
        turned = Pair((pair.names[1], pair.names[0], *pair.names[2:]), pair.same, pair.why)
        assert are_linked(pair) == are_linked(turned), pair.names
