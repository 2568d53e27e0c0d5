import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.suite.margin import MEASURED, QUALITY, SHARE, Margin, parse_margin

# Not as small as numbers can be: those have no room for another unit.
SIZE = st.integers(-(10**6), 10**6).map(lambda n: n / 64)
AMOUNT = st.integers(0, 10**4).map(lambda n: n / 100)


@pytest.mark.parametrize(
    ("text", "margin"),
    [
        ("5%", Margin(0.05, relative=True)),
        (" 2.5 % ", Margin(0.025, relative=True)),
        (".5%", Margin(0.005, relative=True)),
        ("5.%", Margin(0.05, relative=True)),
        ("0%", Margin(0.0, relative=True)),
        ("199%", Margin(1.99, relative=True)),
        ("0.5", Margin(0.5)),
        (" 3 ", Margin(3.0)),
        ("1e-3", Margin(0.001)),
        (0.5, Margin(0.5)),
        (2, Margin(2.0)),
        (0, Margin(0.0)),
    ],
)
def test_a_margin_is_a_share_or_a_number_in_the_metrics_unit(text: str | float, margin: Margin) -> None:
    found = parse_margin(text)
    assert found.relative is margin.relative
    assert found.amount == pytest.approx(margin.amount, abs=0)


@pytest.mark.parametrize(
    "text",
    [
        "", "%", "-5%", "5%%", "5 percent", "%5", "1e2%", "nan%", "inf%", "5%\n3",
        "five", "-0.5", "1,5", "nan", "inf", -1, math.nan, math.inf,
    ],
)  # fmt: skip
def test_what_is_no_margin_is_refused_and_the_message_says_what_one_looks_like(text: str | float) -> None:
    with pytest.raises(ValueError, match=r"is no margin: give a share such as 5%, or a number") as caught:
        parse_margin(text)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["200%", "250 %"])
def test_a_share_that_no_two_numbers_can_differ_by_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="never differ"):
        parse_margin(text)


def test_a_share_of_more_digits_than_a_number_holds_is_refused() -> None:
    with pytest.raises(ValueError, match="no margin"):
        parse_margin("9" * 400 + "%")


@given(st.integers(0, 99_999), st.sampled_from([1, 10, 1000]), st.booleans())
def test_what_a_margin_prints_is_read_as_the_same(whole: int, parts: int, relative: bool) -> None:
    margin = Margin(whole % 199 / parts / 100 if relative else whole / parts, relative)
    found = parse_margin(str(margin))
    assert found.relative is relative
    assert found.amount == pytest.approx(margin.amount, rel=1e-5)


def test_margins_print_as_a_person_writes_them() -> None:
    assert [str(m) for m in (QUALITY, MEASURED, SHARE)] == ["5 %", "10 %", "0.05"]
    assert str(Margin(0.025, relative=True)) == "2.5 %"


@given(AMOUNT, SIZE, SIZE, st.booleans())
def test_a_margin_is_the_same_from_either_side_and_of_either_sign(
    amount: float, base: float, new: float, relative: bool
) -> None:
    margin = Margin(amount, relative)
    size = margin.size(base, new)
    assert size >= 0
    assert margin.size(new, base) == size
    assert margin.size(-base, new) == margin.size(base, -new) == size


@given(AMOUNT, SIZE, SIZE)
def test_only_a_relative_margin_grows_with_the_sides(amount: float, base: float, new: float) -> None:
    share, number = Margin(amount, relative=True), Margin(amount)
    assert share.size(1024 * base, 1024 * new) == 1024 * share.size(base, new)
    assert number.size(base, new) == amount


def test_a_share_is_of_the_mean_size_of_both_sides() -> None:
    assert Margin(0.1, relative=True).size(10.0, 30.0) == pytest.approx(2.0)
    assert Margin(0.1, relative=True).size(-10.0, 30.0) == pytest.approx(2.0)
    assert Margin(0.1, relative=True).size(0.0, 0.0) == 0.0
