import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genbench.core.ids import bytes_hash, content_hash, derive_seed, is_plain_name

PARTS = st.lists(st.integers() | st.text(), max_size=4)


def test_content_hash_goes_by_content_not_by_order() -> None:
    assert content_hash({"a": 1, "b": [1, 2]}) == content_hash({"b": [1, 2], "a": 1})
    assert content_hash({"a": [1, 2]}) != content_hash({"a": [2, 1]})
    assert content_hash({"a": 1}) != content_hash({"a": "1"})
    assert len(content_hash({}, digits=7)) == 7


def test_content_hash_refuses_what_json_cannot_say() -> None:
    with pytest.raises(ValueError):
        content_hash({"a": math.nan})


def test_values_are_pinned() -> None:
    # Ids and seeds are in published records: a change here makes every old record another trial's.
    assert content_hash({"model": "gan", "seed": 0}) == PINNED_CONTENT
    assert derive_seed(0, "noise", "generator", 3) == PINNED_SEED
    assert bytes_hash(b"abc") == "ba7816bf8f01"


PINNED_CONTENT = "de4f896fb503"
PINNED_SEED = 6476381030893036861


def test_bytes_hash_is_of_the_concatenation() -> None:
    assert bytes_hash(b"ab", memoryview(b"c")) == bytes_hash(b"abc")


def test_another_process_derives_the_same_seed() -> None:
    program = "from genbench.core.ids import derive_seed; print(derive_seed(1, 'data', 2))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert int(done.stdout) == derive_seed(1, "data", 2)


@given(PARTS, PARTS)
def test_seeds_fit_63_bits_and_differ_where_any_part_differs(
    one: list[int | str], other: list[int | str]
) -> None:
    assert 0 <= derive_seed(*one) < 2**63
    separator_free = all("\x1f" not in part for part in (*one, *other) if isinstance(part, str))
    if one != other and separator_free:
        assert derive_seed(*one) != derive_seed(*other)


def test_a_number_is_not_its_text() -> None:
    assert derive_seed(1) != derive_seed("1")
    assert derive_seed("a", "b") != derive_seed("ab")


@pytest.mark.parametrize(
    ("name", "good"),
    [("a", True), ("0.A_b+c-", True), ("x" * 48, True), ("x" * 49, False)]
    + [(name, False) for name in ("", " ", "a b", "a/b", "..", "-a", "_a", "a\n", "é")],
)
def test_plain_names(name: str, good: bool) -> None:
    assert is_plain_name(name) is good
