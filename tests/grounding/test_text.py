import json
import random
import re
import time
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.grounding.text import FoundQuote, QuoteNotFound, SearchableText, find_quote, nearest_passage

OWN_TEXTS = (
    "Patient John Smith was given 5 mg of warfarin daily for atrial fibrillation on March 3. He was not given 40 mg of"
    " heparin, and no bleeding was seen within 14 days of the visit to Dr. Anna Keller at St. Mary Hospital in Leeds.",
    "The Port of Valenbeek moved 2.5 million tonnes of grain in 2019, 12% more than the year before, said director"
    " Marta Oliveira. The port did not publish its figures for 2020; analysts at Harlow & Finch expect $430 million.",
    "A storm of 130 km/h struck the island of Norrholm at 04:30 on 17 October. Nobody was killed, officials say, but"
    " 1,250 people lost their homes, and the ferry Aurelia was never found. Mayor Tove Lindqvist asked for 15 boats.",
    "On Tuesday the committee of the Rivermark Bank refused, by 7 votes to 4, to raise its rate from 3.25 to 3.5 per"
    " cent. Governor Ines Halloran denied that the 60-page report, which she had not read, had been kept secret.",
)
NAMES = ("Jane", "Petra", "Lisbon", "Hamilton", "Novak", "Oslo", "Garcia", "Unilever", "Kenya", "Monday", "April")
UNITS = {"mg": "g", "km": "miles", "kg": "pounds", "tonnes": "kilograms", "million": "billion", "percent": "points",
         "per cent": "points", "days": "weeks", "years": "months", "hours": "minutes", "%": "‰", "$": "€"}  # fmt: skip


def tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.casefold())


def says(text: str, quote: str) -> bool:
    """An independent judge: the tokens of the quote stand in the text one after another."""
    whole, part = tokens(text), tokens(quote)
    return any(whole[at : at + len(part)] == part for at in range(len(whole) - len(part) + 1))


def a_quote(random_: random.Random, text: str, least: int, most: int) -> str:
    words = list(re.finditer(r"\S+", text))
    size = min(random_.randint(least, most), len(words))
    first = random_.randrange(len(words) - size + 1)
    return text[words[first].start() : words[first + size - 1].end()].rstrip(".,;:!?")


def _change_number(random_: random.Random, quote: str) -> str | None:
    numbers = list(re.finditer(r"\d+", quote))
    if not numbers:
        return None
    number = random_.choice(numbers)
    digits = number.group()
    changed = random_.choice(
        (str(int(digits) + random_.randint(1, 9)), f"{digits}0", f"1{digits}", digits[:-1] or "7", f"{digits}.5")
    )
    return quote[: number.start()] + changed + quote[number.end() :]


def _change_name(random_: random.Random, quote: str) -> str | None:
    names = list(re.finditer(r"\b[A-Z][a-z]{2,}\b", quote))
    if not names:
        return None
    name = random_.choice(names)
    return quote[: name.start()] + random_.choice(NAMES) + quote[name.end() :]


def _change_negation(random_: random.Random, quote: str) -> str | None:
    negation = re.search(r"(?<=\s)(?:not|no|never|nobody)\s", quote, re.IGNORECASE)
    if negation is not None and random_.random() < 0.7:
        return quote[: negation.start()] + quote[negation.end() :]
    words = quote.split()
    words.insert(random_.randrange(1, len(words)), random_.choice(("not", "never", "no")))
    return " ".join(words)


def _change_unit(random_: random.Random, quote: str) -> str | None:
    units = [unit for unit in UNITS if re.search(rf"(?<!\w){re.escape(unit)}(?!\w)|\d{re.escape(unit)}", quote)]
    if not units:
        return None
    unit = random_.choice(units)
    return quote.replace(unit, UNITS[unit], 1)


def _change_word(random_: random.Random, quote: str) -> str | None:
    words = quote.split()
    at = random_.randrange(len(words))
    words[at] = random_.choice(("quietly", "rose", "against", "women", "cheaper", "after"))
    return " ".join(words)


def _swap_words(random_: random.Random, quote: str) -> str | None:
    words = quote.split()
    at = random_.randrange(len(words) - 1)
    words[at], words[at + 1] = words[at + 1], words[at]
    return " ".join(words)


MUTATIONS = (_change_number, _change_name, _change_negation, _change_unit, _change_word, _swap_words)


def mutants(texts: list[str], count: int, seed: int) -> list[tuple[str, str, str]]:
    """Return (text, false quote, kind); an independent judge has confirmed that the text does not say the quote."""
    random_ = random.Random(seed)
    found: list[tuple[str, str, str]] = []
    while len(found) < count:
        mutation = MUTATIONS[len(found) % len(MUTATIONS)]
        text = random_.choice(texts)
        mutant = mutation(random_, a_quote(random_, text, 3, 12))
        if mutant is not None and not says(text, mutant):
            found.append((text, mutant, mutation.__name__))
    return found


def _broken_at_line_end(random_: random.Random, quote: str) -> str:
    words = list(re.finditer(r"[^\W\d_]{6,}", quote))
    if not words:
        return quote.replace(" ", "\n", 1)
    word = random_.choice(words)
    at = random_.randrange(word.start() + 2, word.end() - 2)
    return f"{quote[:at]}-\n{quote[at:]}"


def _other_signs(_: random.Random, quote: str) -> str:
    return quote.replace("'", "’").replace('"', "”").replace("-", "‑").replace("fi", "ﬁ").replace("fl", "ﬂ")


DAMAGES: tuple[Callable[[random.Random, str], str], ...] = (
    lambda random_, quote: re.sub(r" ", lambda _: random_.choice((" ", "  ", "\n", "\t", "\u00a0")), quote),
    lambda random_, quote: random_.choice((quote.upper, quote.lower, quote.title))(),
    _broken_at_line_end,
    _other_signs,
    lambda _, quote: unicodedata.normalize("NFD", quote),
    lambda _, quote: "".join(chr(ord(sign) + 0xFEE0) if "!" <= sign <= "~" else sign for sign in quote),
    lambda random_, quote: quote[: (at := random_.randrange(1, len(quote)))] + "\u00ad" + quote[at:],
)


def share_found(texts: list[str], count: int, seed: int) -> float:
    """Damage the quote, or the text around the undamaged quote, in turn; return the share of quotes found."""
    random_ = random.Random(seed)
    found = 0
    for number in range(count):
        damage = DAMAGES[number % len(DAMAGES)]
        text = random_.choice(texts)
        quote = a_quote(random_, text, 2, 10)
        damaged = damage(random_, quote)
        if number % 2:
            text, quote = text.replace(quote, damaged, 1), quote
        else:
            quote = damaged
        found += isinstance(find_quote(text, quote), FoundQuote)
    return found / count


def dev_texts(folder: Path) -> list[str]:
    texts: list[str] = []
    for path in sorted((folder / "dev/text/re/re3d").glob("*/documents.json")):
        texts += [json.loads(line)["text"] for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    for path in sorted((folder / "dev/text/ee/litbank/entities/brat").glob("*.txt")):
        texts.append(path.read_text(encoding="utf-8")[:20_000])
    return texts


def located(texts: list[str], count: int, seed: int) -> list[tuple[str, str]]:
    return [
        (kind, quote)
        for text, quote, kind in mutants(texts, count, seed)
        if isinstance(find_quote(text, quote), FoundQuote)
    ]


def test_no_mutant_of_own_texts_is_located() -> None:
    assert located(list(OWN_TEXTS), 1_000, seed=20_261) == []


def test_no_mutant_of_real_texts_is_located(real_data: Path) -> None:
    assert located(dev_texts(real_data), 1_000, seed=20_262) == []


def test_damaged_true_quotes_of_own_texts_are_found() -> None:
    assert share_found(list(OWN_TEXTS), 700, seed=20_263) >= 0.95


def test_damaged_true_quotes_of_real_texts_are_found(real_data: Path) -> None:
    assert share_found(dev_texts(real_data), 700, seed=20_264) >= 0.95


@pytest.mark.parametrize(
    ("text", "quote", "said"),
    [
        ("价格是5元", "价格", "价格"),
        ("价格，\n是5元", "价格，是5元", "价格，\n是5元"),
        ("价格\n是5元", "价格是5元", "价格\n是5元"),
        ("the eﬃcient inter-\nnational café", "Efficient international cafe\u0301", "eﬃcient inter-\nnational café"),
        ("a well-\nknown man", "well-known man", "well-\nknown man"),
        ("said “Merkel” twice", '"Merkel"', "“Merkel”"),
        ("in Ｔｏｋｙｏ today", "Tokyo", "Ｔｏｋｙｏ"),
        ("in İstanbul and Ankara", "ankara", "Ankara"),
        ("서울에서 만났다", "서울", "서울"),
        ("Paris-based", "Paris", "Paris"),
        ("Angela\n  Merkel's car", "Angela Merkel", "Angela\n  Merkel"),
    ],
)
def test_what_the_text_says_in_other_signs_is_found(text: str, quote: str, said: str) -> None:
    found = find_quote(text, quote)
    assert isinstance(found, FoundQuote)
    assert text[found.start : found.end] == said


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("2.5 mg", "5 mg"),
        ("15 mg", "5 mg"),
        ("1,250 people", "250 people"),
        ("he paid $5 million", "he paid $5"),
        ("it grew by 5%", "it grew by 5"),
        ("-5 degrees", "5 degrees"),
        ("5²", "52"),
        ("3½", "31⁄2"),
        ("non-violent protests", "violent protests"),
        ("tell us who came", "WHO"),
        ("tell us who came", "US"),
        ("Who came?", "WHO"),
        ("Marianne came", "Maria"),
        ("10-\n20 people", "1020 people"),
        ("Patient John Smith was given 5 mg of warfarin daily", "was not given 5 mg of warfarin daily"),
        ("", "anything"),
        ("anything", "  "),
    ],
)
def test_what_the_text_does_not_say_is_not_found(text: str, quote: str) -> None:
    assert isinstance(find_quote(text, quote), QuoteNotFound)


def test_the_second_place_is_counted_in_the_same_way_as_the_first() -> None:
    text = "Berlin, then BERLIN, then Berlin"
    assert find_quote(text, "Berlin", 2) == FoundQuote(26, 32, "exact")
    assert find_quote(text, "berlin", 2) == FoundQuote(13, 19, "normalised")
    missing = find_quote(text, "Berlin", 9)
    assert isinstance(missing, QuoteNotFound)
    assert "fewer than 9" in missing.reason


def test_all_places_come_in_order_and_once() -> None:
    places = list(SearchableText("Oslo and OSLO and Oslo").find_all("Oslo"))
    assert [(place.start, place.by) for place in places] == [(0, "exact"), (9, "normalised"), (18, "exact")]


def test_a_near_passage_is_proposed_but_never_found() -> None:
    text = OWN_TEXTS[0]
    false = "John Smith was given 50 mg of warfarin daily"
    assert isinstance(find_quote(text, false), QuoteNotFound)
    proposed = nearest_passage(text, false)
    assert proposed is not None
    assert "warfarin" in text[proposed.start : proposed.end]
    assert proposed.likeness < 1
    assert nearest_passage(text, "entirely other words") is None


@given(st.text(max_size=200), st.integers(0, 199), st.integers(1, 30))
def test_a_quote_found_has_the_words_of_the_slice(text: str, start: int, length: int) -> None:
    quote = text[start : start + length]
    found = find_quote(text, quote)
    if isinstance(found, FoundQuote):
        assert 0 <= found.start < found.end <= len(text)
        if found.by == "exact":
            assert text[found.start : found.end] == quote.strip()


@given(
    st.text(max_size=80),
    st.text(max_size=80),
    st.sampled_from(["Zanzibar", "naïve idea", "价格", "Ｆｕｌｌ", "ﬁnest hour"]),
)
def test_offsets_survive_any_text_around_a_quote(before: str, after: str, quote: str) -> None:
    text = f"{before} | {quote} | {after}"
    found = find_quote(text, unicodedata.normalize("NFKD", quote).upper())
    assert isinstance(found, FoundQuote)
    assert (
        unicodedata.normalize("NFKC", text[found.start : found.end])
        .casefold()
        .startswith(unicodedata.normalize("NFKC", quote).casefold()[:3])
    )


def test_the_cost_of_a_miss_grows_with_the_text_and_not_with_its_square() -> None:
    def seconds(length: int) -> float:
        text = ("Über größere Städte, “wählte” ﬁn-\nal 5 mg. " * (length // 40 + 1))[:length]
        best = 9.0
        for _ in range(3):
            start = time.process_time()
            assert isinstance(find_quote(text, "wählte ﬁnal 6 mg"), QuoteNotFound)
            best = min(best, time.process_time() - start)
        return best

    assert seconds(400_000) < 20 * max(seconds(50_000), 0.001)
