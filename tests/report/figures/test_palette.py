import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.report.figures.palette import looks


def test_models_that_ship_keep_their_looks_in_any_company() -> None:
    alone = {name: looks([name])[name] for name in ("gan", "ns_gan", "wgan", "vae")}
    together = looks(["aaa", "gan", "ns_gan", "wgan", "vae", "zzz"])
    assert {name: together[name] for name in alone} == alone
    assert len({look.color for look in alone.values()}) == 4


@given(st.sets(st.text(), max_size=8))
def test_up_to_eight_models_are_told_apart_and_order_does_not_matter(names: set[str]) -> None:
    found = looks(sorted(names))
    assert len({look.color for look in found.values()}) == len(names)
    assert len({look.marker for look in found.values()}) == len(names)
    assert looks(sorted(names, reverse=True)) == found


@pytest.mark.parametrize("count", [9, 20, 88])
def test_many_models_are_told_apart_by_color_and_marker_together(count: int) -> None:
    found = looks([f"model {index}" for index in range(count)])
    assert len({(look.color, look.marker) for look in found.values()}) == count


def test_more_models_than_looks_can_be_drawn() -> None:
    assert len(looks([f"model {index}" for index in range(100)])) == 100


def _lightness(color: str) -> float:
    """As grey print shows it, 0 to 1 (ITU-R BT.601)."""
    red, green, blue = (int(color[place : place + 2], 16) / 255 for place in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue


def test_every_color_can_be_seen_on_white_and_on_dark() -> None:
    colors = {look.color for look in looks([f"model {index}" for index in range(8)]).values()}
    assert len(colors) == 8 and all(0.25 < _lightness(color) < 0.75 for color in colors)
