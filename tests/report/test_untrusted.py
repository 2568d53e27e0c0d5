import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from genbench.report.folding import fold
from genbench.report.untrusted import cell, clean, clean_all, clean_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mred\x1b[0m", "ared"),
        ("\x1b]8;;http://x\x07link\x1b]8;;\x07", "link"),
        ("\x9b31mcsi", "31mcsi"),
        ("two\nlines\r\n\tand", "two lines and"),
        ("abc\u202edef", "abcdef"),
        ("a \x1b b", "a b"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("é ∞ 漢", "é ∞ 漢"),
        ("a" + "\u0301" * 500 + "b", "a" + "\u0301" * 4 + "b"),
        ("\u1100\u115f\u3164x", "\u1100x"),
        ("a\x1b]52;c;cm0=\x07b", "ab"),
    ],
)
def test_clean(text: str, shown: str) -> None:
    assert clean(text) == shown


@given(st.text())
def test_clean_text_is_printable_and_stays(text: str) -> None:
    shown = clean(text)
    assert not {unicodedata.category(letter) for letter in shown} & {"Cc", "Cf", "Cs"}
    assert clean(shown) == shown


@given(st.text().map(clean), st.integers(2, 30))
def test_folding_loses_nothing_and_keeps_the_width(name: str, width: int) -> None:
    lines = fold(name, width).split("\n")
    assert "".join(lines) == name
    assert all(cell_len(line) <= width for line in lines)


def test_names_fold_after_joining_signs() -> None:
    assert fold("wgan_gradient_penalty", 15) == "wgan_gradient_\npenalty"
    assert fold("short", 15) == "short"
    assert fold("x" * 7, 3) == "xxx\nxxx\nx"
    assert fold("a_" + "x" * 5, 4) == "a_\nxxxx\nx"
    assert fold("\u0300", 2) == "\u0300"  # a mark without a letter


def test_lines_keep_their_places() -> None:
    assert clean_lines("a\x1b[2J\n\tb\rc\n\n  d\u2028e") == "a\n    b c\n\n  d e"


def test_texts_of_json_are_clean() -> None:
    content = {"a\x1b": ["b\u202e", 1, None, ("c\n", -1.5)]}
    assert clean_all(content) == {"a": ["b", 1, None, ["c", -1.5]]}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1.5", "'-1.5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'=1"),
        ("\r\x00=1", "'=1"),
        ("\uff1d1", "'\uff1d1"),
        ("x;=1;y", "x;'=1;y"),
        ("'=1", "''=1"),
        ("a=1-1", "a=1-1"),
        ("'quoted'", "'quoted'"),
        ("x; -1", "x; -1"),
        ("", ""),
    ],
)
def test_cells_are_no_formulas(text: str, shown: str) -> None:
    assert cell(text) == shown


@given(st.text(alphabet="'=+-@;a ").map(clean))
def test_cells_are_undone_by_taking_one_apostrophe_away(text: str) -> None:
    shown = cell(text)
    assert not re.search(r"(?:^|;)[=+\-@]", shown)
    assert re.sub(r"(^|;)'(?='*[=+\-@])", r"\1", shown) == text
