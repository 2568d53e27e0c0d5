from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import pytest
from annotated_types import Gt
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict, Field

from genbench.core.errors import SuiteError
from genbench.suite.options import build


@dataclass(frozen=True, kw_only=True)
class Fast:
    __pydantic_config__ = ConfigDict(extra="forbid")
    name: Literal["fast"] = "fast"
    rate: Annotated[float, Gt(0)] = 0.5


@dataclass(frozen=True, kw_only=True)
class Slow:
    __pydantic_config__ = ConfigDict(extra="forbid")
    name: Literal["slow"] = "slow"
    patience: int = 3


@dataclass(frozen=True, kw_only=True)
class Net:
    __pydantic_config__ = ConfigDict(extra="forbid")
    hidden: tuple[int, ...] = (16, 8)
    norm: bool = False


@dataclass(frozen=True, kw_only=True)
class Thing:
    size: Annotated[int, Gt(0)] = 4
    net: Net = Net(norm=True)
    way: Annotated[Fast | Slow, Field(discriminator="name")] = Fast()


@dataclass(frozen=True, kw_only=True)
class Demanding:
    need: str
    more: int = 1


def test_defaults_are_told() -> None:
    thing, options = build(Thing, {}, "model[0]")
    assert thing == Thing()
    assert options == {
        "size": 4,
        "net": {"hidden": [16, 8], "norm": True},
        "way": {"name": "fast", "rate": 0.5},
    }


def test_a_table_changes_only_what_it_names() -> None:
    thing, _ = build(Thing, {"net": {"hidden": [2]}, "way": {"rate": 1}}, "model[0]")
    assert thing == Thing(net=Net(hidden=(2,), norm=True), way=Fast(rate=1.0))


def test_another_kind_replaces_the_default() -> None:
    thing, _ = build(Thing, {"way": {"name": "slow"}}, "model[0]")
    assert thing.way == Slow()


def test_what_is_told_builds_the_same_again() -> None:
    thing, options = build(Thing, {"size": 7, "way": {"name": "slow", "patience": 9}}, "x")
    assert build(Thing, options, "x") == (thing, options)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sise": 3}, r"^m\.sise: unknown option 'sise'. Did you mean 'size'\?"),
        ({"net": {"hiden": [3]}}, r"^m\.net\.hiden: unknown option 'hiden'. Did you mean 'hidden'\?"),
        ({"size": 0}, r"^m\.size: expected a number above 0 \(got 0\)"),
        ({"size": 2.5}, r"^m\.size: expected a whole number"),
        ({"size": "3"}, r"^m\.size: expected a whole number \(got '3'\)"),
        ({"size": True}, r"^m\.size: expected a whole number"),
        ({"net": 3}, r"^m\.net: expected a table"),
        ({"net": {"hidden": [1, "x"]}}, r"^m\.net\.hidden\[1\]: expected a whole number \(got 'x'\)"),
        ({"net": {"norm": 1}}, r"^m\.net\.norm: expected true or false"),
        ({"way": {"name": "fsat"}}, r"^m\.way\.name: unknown name 'fsat'. Did you mean 'fast'\?"),
        ({"way": {"name": "slow", "rate": 1}}, r"^m\.way\.rate: no such key here"),
        ({"way": {"rate": float("inf")}}, r"^m\.way\.rate: inf is not a finite number"),
        ({"way": {"rate": -1.0}}, r"^m\.way\.rate: expected a number above 0"),
    ],
)
def test_a_wrong_option_is_told_with_its_key(given: dict[str, Any], said: str) -> None:
    with pytest.raises(SuiteError, match=said):
        build(Thing, given, "m")


def test_options_without_defaults_are_asked_for() -> None:
    assert build(Demanding, {"need": "x"}, "m")[0] == Demanding(need="x")
    with pytest.raises(SuiteError, match=r"m\.need is missing"):
        build(Demanding, {}, "m")


class Plain:
    pass


@dataclass(frozen=True)
class Odd:
    stream: Plain = field(default_factory=Plain)


@pytest.mark.parametrize("kind", [Plain, 3, Odd])
def test_what_has_no_options_to_check_is_told(kind: Any) -> None:
    with pytest.raises(SuiteError, match=r"^m: "):
        build(kind, {}, "m")


json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["size", "net", "way", "other"]), json_like, max_size=3))
def test_whatever_is_given_it_is_built_or_told(given: dict[str, Any]) -> None:
    try:
        thing, _ = build(Thing, given, "m")
    except SuiteError as error:
        assert str(error).startswith("m")
    else:
        assert isinstance(thing, Thing)


def test_a_model_that_raises_where_it_is_made_is_told() -> None:
    @dataclass(frozen=True)
    class Broken:
        size: int = 1

        def __post_init__(self) -> None:
            raise KeyError("mine")

    @dataclass(frozen=True)
    class Picky:
        size: int = 1

        def __post_init__(self) -> None:
            if self.size > 1:
                raise LookupError("too large")

    with pytest.raises(SuiteError, match="own defaults: KeyError: 'mine'"):
        build(Broken, {}, "model[0]")
    with pytest.raises(SuiteError, match=r"model\[0\]: Picky refuses its options: LookupError: too large"):
        build(Picky, {"size": 2}, "model[0]")
