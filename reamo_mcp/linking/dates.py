"""Days that are written in several ways: "Saturday, 14 March 2026", "March 14, 2026" and "2026-03-14" are one.

Only days that are told wholly, with a month by its name or in the order of ISO 8601, have a form: what 3/4/2026 means
depends on the country.
"""

import re

_MONTHS = (
    "january february march april may june july august september october november december".split(),
    "jan feb mar apr may jun jul aug sep oct nov dec".split(),
)
_NUMBER_OF = {name: number for names in _MONTHS for number, name in enumerate(names, 1)} | {"sept": 9}
_DAY_OF_WEEK = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\.?,?\s+)?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_MONTH = rf"(?P<month>{'|'.join(sorted(_NUMBER_OF, key=len, reverse=True))})\.?"
_YEAR = r"(?P<year>\d{4})"
_FORMS = tuple(
    re.compile(rf"{_DAY_OF_WEEK}(?:the\s+)?{form}", re.IGNORECASE)
    for form in (
        rf"{_DAY}(?:\s+of)?\s+{_MONTH},?\s+{_YEAR}",
        rf"{_MONTH}\s+{_DAY},?\s+{_YEAR}",
        rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d)",
    )
)


def day_form(text: str) -> str | None:
    """Return the day as ISO 8601 writes it, None if the text tells no day wholly or tells more than a day."""
    stripped = text.strip()
    for form in _FORMS:
        if match := form.fullmatch(stripped):
            name = match["month"].casefold()
            month = int(name) if name.isdecimal() else _NUMBER_OF[name]
            day = int(match["day"])
            return f"{match['year']}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else None
    return None
