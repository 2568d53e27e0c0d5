"""The changes that `python tests/mutations` makes."""

import pytest
from mutants import chosen, mutants_of

SOURCE = '''
"""A docstring with 1 < 2."""
É = 3


def f(a: int = 4, *, frozen: bool = True) -> None:
    if not a <= 5 and a is None:
        return
    total = g("é", a - 6, strict=True)
    total += min(a, 7)
    _log.info("8 of %d", 9)
    h(total, a)
    raise ValueError(f"{a + 10}")
'''


def changes(kind):
    return {m.shown for m in mutants_of("f.py", SOURCE) if m.kind == kind}


def test_every_mutant_is_a_program_that_differs_in_one_place():
    mutants = mutants_of("f.py", SOURCE)
    for mutant in mutants:
        changed = mutant.applied(SOURCE)
        compile(changed, "f.py", "exec")
        assert changed != SOURCE
        assert changed[: mutant.start] == SOURCE[: mutant.start]
        assert SOURCE.splitlines()[mutant.line - 1].strip()[:4] in mutant.shown.replace("[[", "")
    assert len({mutant.applied(SOURCE) for mutant in mutants}) == len(mutants)


def test_comparisons_numbers_conditions_lines_and_arguments_are_changed():
    assert changes("comparison") == {
        "if not a [[<= -> <]] 5 and a is None:",
        "if not a <= 5 and a [[is -> is not]] None:",
        "total += [[min -> max]](a, 7)",
    }
    assert changes("boolean") == {
        "def f(a: int = 4, *, frozen: bool = [[True -> False]]) -> None:",
        "if [[not a <= 5 -> a <= 5]] and a is None:",
        "if not a <= 5 [[and -> or]] a is None:",
    }
    assert changes("arithmetic") == {'total = g("é", a [[- -> +]] 6, strict=True)'}
    numbers = {
        mutant.before: mutant.after for mutant in mutants_of("f.py", SOURCE) if mutant.kind == "off by one"
    }
    assert numbers == {"3": "4", "4": "5", "5": "6", "6": "7", "7": "8"}
    assert changes("swapped arguments") == {
        "h([[total, a -> a, total]])",
        'total = g([["é", a - 6 -> a - 6, "é"]], strict=True)',
    }
    assert changes("dropped line") == {
        "[[h(total, a) -> pass]]",
        "[[if not a <= 5 and a is None: return -> pass]]",
        "[[total += min(a, 7) -> pass]]",
    }


def test_messages_logs_and_annotations_stay():
    assert not [m for m in mutants_of("f.py", SOURCE) if m.before in ("8", "9", "10", "1", "2")]


def test_a_mutant_of_other_code_is_refused():
    mutant = mutants_of("f.py", SOURCE)[0]
    with pytest.raises(ValueError, match="no longer reads"):
        mutant.applied("x" + SOURCE)


def test_mutants_are_drawn_from_all_rooms_and_kinds_and_the_draw_can_be_repeated(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "f.py").write_text(SOURCE, encoding="utf-8")
    drawn = chosen(tmp_path, ["a", "b/f.py"], 12, seed=1)
    assert (
        drawn
        == chosen(tmp_path, ["a", "b/f.py"], 12, seed=1)
        != chosen(tmp_path, ["a", "b/f.py"], 12, seed=2)
    )
    assert [mutant.path for mutant in drawn] == ["a/f.py", "b/f.py"] * 6
    for path in ("a/f.py", "b/f.py"):
        assert len({mutant.kind for mutant in drawn if mutant.path == path}) == 6
