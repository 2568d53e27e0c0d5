"""Text and numbers as LaTeX sets them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
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


def small(text: str) -> str:
    """An interval, or whatever stands below a number, in smaller type."""
    return rf"{{\scriptsize {number(text)}}}" if text else ""


def row_lines(cells: Sequence[Sequence[str]], *, bottom: bool = False) -> Iterator[str]:
    """One row of a table, on as many lines as its tallest cell has; others are filled up below or above."""
    height = max(map(len, cells))
    blank = [[""] * (height - len(cell)) for cell in cells]
    full = [[*b, *c] if bottom else [*c, *b] for b, c in zip(blank, cells, strict=True)]
    for line in zip(*full, strict=True):
        yield f"    {' & '.join(line)} \\\\"


def footnotes(texts: Sequence[str], marks: Collection[int] | None = None) -> Iterator[str]:
    """Numbered from 1, below a table and inside its float; all, or those of these numbers."""
    shown = [pair for pair in enumerate(texts, start=1) if marks is None or pair[0] in marks]
    if shown:
        yield r"  \par\smallskip\raggedright"
    for mark, text in shown:
        yield f"  {footnote_mark(mark)} {escape(text)}" + r"\par"


def notes_to(labels: Sequence[str], texts: Sequence[str]) -> Iterator[str]:
    """How to read tables: a paragraph after their floats, which with all of it may not fit on a page."""
    if labels and texts:
        tables = f"Table{'s' * (len(labels) > 1)}~" + ", ".join(rf"\ref{{{label}}}" for label in labels)
        yield rf"{{\footnotesize\noindent\emph{{Notes to {tables}.}}"
        yield from (f"  {escape(text)}" for text in texts)
        yield r"\par}"


def slug(text: str) -> str:
    """What may stand in a label whatever packages are loaded."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "table"
