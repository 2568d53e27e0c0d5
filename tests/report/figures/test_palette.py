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


@pytest.mark.parametrize("count", [9, 12, 30])
def test_any_number_of_models_can_be_drawn(count: int) -> None:
    found = looks([f"model {index}" for index in range(count)])
    assert len(found) == count
    assert len({(look.color, look.marker) for look in found.values()}) >= min(count, 9)
