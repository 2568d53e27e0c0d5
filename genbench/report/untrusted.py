"""Names and reasons come from files that anyone may have written: made harmless before they are shown."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

# Control characters move the cursor or recolour a terminal; format characters reverse the reading order;
# surrogates cannot be encoded. None of them belongs in a name.
_HARMFUL = {"Cc", "Cf", "Cs", "Co", "Cn"}
_BLANK = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters to Unicode, and nothing to the eye."""

_MARKS = 4
"""Marks above and below one letter that are kept: as many as any script in use puts there."""

_ESCAPE_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
_FORMULA = re.compile(r"(?:^|(?<=;))(?='*[=+\-@＝＋－＠])")


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """One line of printable text: escape sequences and control characters gone, white space single."""
    text = re.sub(r"\s", " ", _ESCAPE_SEQUENCE.sub("", text))
    kept: list[str] = []
    marks = 0
    for letter in text:
        category = unicodedata.category(letter)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        if category not in _HARMFUL and letter not in _BLANK and marks <= _MARKS:
            kept.append(letter)
    return re.sub(" +", " ", "".join(kept)).strip()  # last: what is dropped may have stood between two spaces


def clean_lines(text: str) -> str:
    """The same for each line of a text, such as a traceback; where lines begin is kept."""
    lines = (line.expandtabs(4) for line in text.split("\n"))
    return "\n".join(" " * (len(line) - len(line.lstrip(" "))) + clean(line) for line in lines)


def clean_all(content: Any) -> Any:
    """The same for every text, keys too, of what is to be JSON."""
    if isinstance(content, str):
        return clean(content)
    if isinstance(content, Mapping):
        return {clean(key): clean_all(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [clean_all(value) for value in content]
    return content


@lru_cache(maxsize=4096)
def cell(text: str) -> str:
    """The same for a cell of CSV, as no spreadsheet takes it for a formula: an apostrophe stands before one.

    Formulas begin with ``=``, ``+``, ``-`` or ``@``, in full width too; after a semicolon as well, because
    there a spreadsheet of many a country begins a new cell. One apostrophe is taken away to undo it, before
    any number of apostrophes that stand before such a sign.
    """
    return _FORMULA.sub("'", clean(text))
