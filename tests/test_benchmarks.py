"""The benchmarks run; what they find is for a quiet machine."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

pytestmark = pytest.mark.skipif(
    not (ROOT / "benchmarks").is_dir(), reason="the source tree is not there, and benchmarks are only in it"
)


@pytest.mark.run
def test_versus_eager_compares_both_sides(tmp_path, capsys):
    from versus_eager import main

    file = tmp_path / "times.json"
    short = ["--rounds", "1", "--seconds", "0.05", "--lanes", "2", "--compile", "never"]
    main(["--case", "ring", *short, "--device", "cpu", "--json", str(file)])
    table = capsys.readouterr().out
    assert "ring: ns_gan of points" in table
    assert max(map(len, table.splitlines())) <= 100
    (case,) = json.loads(file.read_text())["cases"]
    eager, tuned, ours = case["times"]
    assert (eager["name"], tuned["name"], ours["lanes"]) == ("eager", "eager, tuned", 2)
    assert all(len(each["seconds"]) == 1 and each["seconds"][0] > 0 for each in case["times"])
    assert len(case["peaks"]["float32"]) == 1


def test_both_sides_of_every_case_train_as_many_numbers():
    import torch
    from versus.cases import CASES
    from versus.scripts import Given

    from genbench.train.accounting import parameter_count

    for case in CASES.values():
        shape = (2,) if case.points else (1, 28, 28)
        script = case.script(Given(torch.zeros(8, *shape), 4, torch.device("cpu")))
        assert script.parameters == parameter_count(case.model, case.info), case.name


def test_a_ratio_is_the_median_over_rounds_with_an_interval_around_it():
    from versus.rounds import ratio

    assert ratio([2.0, 6.0, 4.0], [1.0, 2.0, 1.0]) == pytest.approx((3, 2, 4))
    assert ratio([3.0], [2.0]) == pytest.approx((1.5, 1.5, 1.5))


def test_a_block_of_inputs_is_never_drawn_twice():
    import torch
    from versus.contestants import warmed_up

    class Counting:
        name, done = "counting", 0

        def advance(self, steps):
            import time

            self.done += steps
            time.sleep(0.001 * steps)
            return [0.0]

    for seconds, least in ((0.02, 8), (0.2, 96)):
        contestant = Counting()
        steps = warmed_up(contestant, seconds, torch.device("cpu"))
        assert steps <= 4 * least
        assert contestant.done % steps == 0
        assert steps % 32 == 0 or 32 % steps == 0
