"""Text and numbers as LaTeX sets them."""

from __future__ import annotations

import re
import unicodedata
from itertools import chain, zip_longest

_NAMES = {letter: unicodedata.name(letter).split()[-1] for letter in "αβγδεζηθικμνξπρστυφχψωΓΔΘΞΠΣΦΨΩ"}
_GREEK = {
    letter: "\\" + (name.lower() if letter.islower() else name.capitalize())
    for letter, name in {**_NAMES, "λ": "LAMBDA", "Λ": "LAMBDA"}.items()
}
_SIGNS = {
    "±": r"\pm",
    "↑": r"\uparrow",
    "↓": r"\downarrow",
    "→": r"\to",
    "−": "-",
    "×": r"\times",
    "∞": r"\infty",
    "≈": r"\approx",
    "≤": r"\le",
    "≥": r"\ge",
}
_ESCAPED = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "{": r"\{",
        "}": r"\}",
        "$": r"\$",
        "&": r"\&",
        "#": r"\#",
        "_": r"\_",
        "%": r"\%",
        "^": r"\textasciicircum{}",
        "~": r"\textasciitilde{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        '"': "''",
        "`": "'",
        "[": "{[}",  # a bracket after \\ would be read as its argument
        "]": "{]}",
        "–": "--",
        "‘": "`",
        "’": "'",
        **{sign: f"${command}$" for sign, command in {**_GREEK, **_SIGNS}.items()},
    }
)
_IN_NUMBERS = {sign: told for sign, told in _ESCAPED.items() if chr(sign) not in "[]"}  # never first in a row
_OPENING = re.compile(r"(?<!\w)'(?=\w)")
_EXPONENT = re.compile(r"(-?\d+(?:\.\d+)?)e([+-]\d+)")


def escape(text: str) -> str:
    """Text that LaTeX sets as it is, its quotation marks facing each other."""
    return _OPENING.sub("‘", text).translate(_ESCAPED)


def number(text: str) -> str:
    """Numbers with minus signs in place of hyphens, and powers of ten in place of an ``e``."""
    parts = _EXPONENT.split(text)  # text, digits, power, text, ...
    between = [part.replace("-", "−").translate(_IN_NUMBERS) for part in parts[::3]]
    powers = [
        rf"${digits}\times10^{{{int(power)}}}$"
        for digits, power in zip(parts[1::3], parts[2::3], strict=True)
    ]
    return "".join(chain.from_iterable(zip_longest(between, powers, fillvalue="")))


def footnote_mark(mark: int) -> str:
    """The number of a footnote, raised; nothing for 0."""
    return rf"\textsuperscript{{{mark}}}" if mark else ""
