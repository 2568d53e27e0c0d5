import json

import pytest

from genbench.core.errors import OutputError
from genbench.train import compile_cost
from genbench.train.compile_cost import FIRST_S, expected_cost, remember_cost


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GENBENCH_CACHE", str(tmp_path))
    return tmp_path / "compile_seconds.json"


def test_a_guess_then_what_it_took():
    assert expected_cost(("a", 1), players=2) == 2 * FIRST_S
    remember_cost(("a", 1), 3.14)
    remember_cost(("b", 1), 7.0)
    assert expected_cost(("a", 1), players=2) == 3.1
    remember_cost(("a", 1), 1.0)  # the compiler's own cache is warm
    assert expected_cost(("a", 1), players=2) == 1.0
    assert expected_cost(("b", 1), players=2) == 7.0


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"x": "y"}', "\x00\xff"])
def test_a_damaged_file_is_written_anew(cache, damage):
    cache.write_text(damage, encoding="latin-1")
    assert expected_cost("a", players=1) == FIRST_S
    remember_cost("a", 2.0)
    assert expected_cost("a", players=1) == 2.0


def test_the_file_does_not_grow_for_ever(cache):
    cache.write_text(json.dumps({f"old{number}": 1.0 for number in range(2000)}))
    remember_cost("new", 5.0)
    assert len(json.loads(cache.read_text())) <= 500
    assert expected_cost("new", players=1) == 5.0


def test_a_cache_that_cannot_be_written_costs_nothing(monkeypatch):
    def refuse(path, text):
        raise OutputError("read-only")

    monkeypatch.setattr(compile_cost, "write_text", refuse)
    remember_cost("a", 2.0)
    assert expected_cost("a", players=1) == FIRST_S
