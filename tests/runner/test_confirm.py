"""The second look: from which seeds it trains, what it trains, and what is left of a suspicion then."""

from types import SimpleNamespace

import pytest

from genbench.analyse.compare import compare_runs
from genbench.analyse.gate import Gates, judge
from genbench.core.environment import code_version
from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.runner import confirm as confirming
from genbench.runner.confirm import confirm
from genbench.suite.schema import Gate, Suite

FID = "quality.fid"
GATES = Gates((Gate(metric=FID, allow="1%"),))
SEEDS = tuple(range(10))


def suite():
    return Suite.model_validate(
        {
            "name": "gated",
            "seeds": 10,
            "measures": ["quality"],
            "dataset": [{"name": "digits"}, {"name": "ring"}],
            "model": [{"name": "vae"}, {"name": "gan"}, {"name": "wgan"}],
        }
    )


def records(values, seeds=SEEDS, code=None, n_fake=100):
    """A run whose numbers are near these, by data set and model."""
    made = []
    for (dataset, model), value in values.items():
        for place, seed in enumerate(seeds):
            for metric, number in ((FID, value + 0.01 * place), (OUTCOME, 5.0)):
                made.append(
                    Record(
                        run="r", suite="gated", trial=f"{dataset}-{model}-{seed}", model=model,
                        dataset=dataset, seed=seed, step=5, metric=metric, value=number, error=None,
                        unit="", n=1, lanes=1, status=Status.DONE,
                        better=Better.LOWER if metric == FID else Better.NEITHER,
                        reason="", env="e", code=code or code_version(), at="", protocol={"n_fake": n_fake},
                        versions={"metric": "1"},
                    )
                )  # fmt: skip
    return made


@pytest.fixture
def second(monkeypatch, told):
    """Confirm what is worse than the base, where training again gives these numbers."""

    def look(base, new, again, **more):
        asked = []

        def run(small, **options):
            asked.append(small)
            (entry,) = small.dataset
            mine = {key: value for key, value in again.items() if key[0] == entry.name}
            made = records(mine, small.seed_list, n_fake=more.get("n_fake", 100))
            return SimpleNamespace(path=entry.name, records=made, interrupted=more.get("interrupted", False))

        monkeypatch.setattr(confirming, "run", run)
        gates = more.get("gates", GATES)
        judgement = judge(compare_runs(base, new, rules=gates.rules()), gates)
        found = confirm(judgement, base, new, suite=suite(), gates=gates, reporter=told)
        return judgement, found, asked

    return look


def keys(violations):
    return [(one.dataset, one.model) for one in violations]


def test_only_what_is_suspected_is_trained_again_from_seeds_that_neither_side_has(second):
    base = records({("digits", "vae"): 1.0, ("digits", "gan"): 1.0, ("ring", "vae"): 1.0})
    new = records({("digits", "vae"): 2.0, ("digits", "gan"): 1.0, ("ring", "vae"): 1.0})
    new += records({("digits", "wgan"): 1.0}, seeds=(11, 12))
    judgement, found, asked = second(base, new, {("digits", "vae"): 2.0})
    assert keys(judgement.violations) == [("digits", "vae")]
    (small,) = asked
    assert small.seed_list == found.seeds == (10, *range(13, 22))
    assert small.name == "gated-confirm"
    assert [model.label for model in small.model] == ["vae"]
    assert [entry.name for entry in small.dataset] == ["digits"]
    assert (keys(found.judgement.violations), found.cleared) == ([("digits", "vae")], ())
    assert found.paths == ("digits",)


def test_what_fresh_seeds_do_not_show_is_cleared(second):
    sides = [("digits", "vae"), ("digits", "gan"), ("ring", "vae")]
    base, new = records(dict.fromkeys(sides, 1.0)), records(dict.fromkeys(sides, 2.0))
    again = {sides[0]: 2.0, sides[1]: 1.0, sides[2]: 1.0}
    judgement, found, asked = second(base, new, again)
    assert keys(judgement.violations) == sides
    assert keys(found.judgement.violations) == sides[:1] and keys(found.cleared) == sides[1:]
    assert [[model.label for model in small.model] for small in asked] == [["vae", "gan"], ["vae"]]
    assert found.paths == ("digits", "ring")


def test_fresh_seeds_that_do_not_compare_clear_nothing(second):
    base, new = records({("digits", "vae"): 1.0}), records({("digits", "vae"): 2.0})
    _, found, _ = second(base, new, {("digits", "vae"): 1.0}, n_fake=7)
    assert keys(found.judgement.violations) == [("digits", "vae")] and not found.cleared
    _, found, _ = second(base, new, {})  # it has no numbers at all
    assert keys(found.judgement.violations) == [("digits", "vae")] and not found.cleared


def test_nothing_is_trained_where_nothing_is_suspected_but_facts(second):
    base = records({("digits", "vae"): 1.0})
    judgement, found, asked = second(base, base, {})
    assert found.judgement is judgement and not asked and found.seeds == ()
    bound = Gates((Gate(metric=FID, at_most=0.5),))
    judgement, found, asked = second(base, base, {}, gates=bound)
    assert keys(judgement.violations) == [("digits", "vae")]
    assert found.judgement is judgement and not asked


def test_a_fact_stands_beside_what_is_cleared(second):
    gates = Gates((*GATES.gates, Gate(metric=FID, at_most=1.5)))
    base, new = records({("digits", "vae"): 1.0}), records({("digits", "vae"): 2.0})
    judgement, found, _ = second(base, new, {("digits", "vae"): 1.0}, gates=gates)
    assert {one.kind for one in judgement.violations} == {"worse", "above"}
    assert [one.kind for one in found.judgement.violations] == ["above"]
    assert [one.kind for one in found.cleared] == ["worse"]


def test_other_code_is_told_and_a_stop_is_a_stop(second, told):
    base = records({("digits", "vae"): 1.0})
    new = records({("digits", "vae"): 2.0})
    second(base, new, {})
    assert not told.warnings
    second(base, records({("digits", "vae"): 2.0}, code="older"), {})
    (said,) = told.warnings
    assert "made with genbench older" in said and code_version() in said
    with pytest.raises(KeyboardInterrupt):
        second(base, new, {}, interrupted=True)
