import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from genbench.report.folding import fold
from genbench.report.untrusted import clean


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
