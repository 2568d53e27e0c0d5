"""Numbers in LaTeX."""

import pytest

from genbench.report.latex_text import number


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("4.2e-05", r"$4.2\times10^{-5}$"),
        ("-8.1e+300", r"$-8.1\times10^{300}$"),
        ("[-2.0e-05, 4.4e-05]", r"[$-2.0\times10^{-5}$, $4.4\times10^{-5}$]"),
        ("[-0.3, ∞]", r"[$-$0.3, $\infty$]"),
    ],
)
def test_powers_of_ten_and_minus_signs(text: str, latex: str) -> None:
    assert number(text) == latex
