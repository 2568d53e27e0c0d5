from collections.abc import Callable
from pathlib import Path

import pytest

from genbench.core.errors import SuiteError
from genbench.suite.load import load_suite
from genbench.suite.plan import Budget, Cohort, DataSpec, ModelSpec, Trial, make_plan
from genbench.suite.schema import Suite

Write = Callable[..., Path]
DATA = DataSpec("digits", "0f3d")


def plan_of(path: Path, *changes: str, precision: str = "float32", data: DataSpec = DATA) -> list[Cohort]:
    return make_plan(load_suite(path, set_=changes), {data: precision})


def ids(plan: list[Cohort]) -> list[str]:
    return [trial.id for cohort in plan for trial in cohort.trials]


def test_every_model_with_every_seed_in_the_suites_order(write: Write) -> None:
    plan = make_plan(load_suite(write()), dict.fromkeys([DATA, DataSpec("other", "1")], "float32"))
    assert [(c.data.name, c.model.label, c.seeds) for c in plan] == [
        ("digits", "gan", (0, 1)),
        ("digits", "vae-4.5", (0, 1)),
        ("other", "gan", (0, 1)),
        ("other", "vae-4.5", (0, 1)),
    ]
    assert len(set(ids(plan))) == 8


@pytest.mark.parametrize(
    "change",
    [
        "train.steps=21",
        "train.batch_size=16",
        "model.gan.latent=9",
        "model.gan.generator.hidden=[17]",
        "seeds=[2, 3]",
    ],
)
def test_an_id_depends_on_what_decides_the_numbers(write: Write, change: str) -> None:
    assert ids(plan_of(write()))[0] != ids(plan_of(write(), change))[0]


def test_an_id_depends_on_precision_and_data(write: Write) -> None:
    first = ids(plan_of(write()))[0]
    assert first != ids(plan_of(write(), precision="bfloat16"))[0]
    assert first != ids(plan_of(write(), data=DataSpec("digits", "another")))[0]


@pytest.mark.parametrize(
    "change",
    [
        "model.gan.label=other",
        "train.lanes=1",
        "train.compile=always",
        "train.save_every=5",
        "train.evaluate_every=5",
        "target={metric='quality.fid', value=9.0}",
        "name=other",
        "samples=7",
        "model.gan.latent=8",
        'model.gan.generator_optimizer={ name = "adam" }',
    ],
)
def test_an_id_does_not_depend_on_the_rest(write: Write, change: str) -> None:
    every = "train.evaluate_every=5"  # without which a target is an error
    assert ids(plan_of(write())) == ids(plan_of(write(), every, change))


def test_ids_of_trials_without_an_early_end_stay_what_they_were() -> None:
    trial = Trial(ModelSpec("small", "gan", "1", {"latent": 8}), DATA, Budget(20, 32, "float32"), seed=3)
    assert trial.id == "321a309b585b"  # published records carry such


STOP = ("train.evaluate_every=5", "target.metric=quality.fid", "target.value=9", "target.stop=true")


@pytest.mark.parametrize(
    "change",
    [
        "train.evaluate_every=4",
        "target.metric=quality.kid",
        "target.value=9.5",
        "samples=7",
        "target.stop=false",
        "train.lanes=1",  # a seed alone ends when it is there, and waits for no other
        "seeds=3",
    ],
)
def test_an_id_depends_on_all_that_decides_an_early_end(write: Write, change: str) -> None:
    assert set(ids(plan_of(write(), *STOP))).isdisjoint(ids(plan_of(write(), *STOP, change)))


def test_an_early_end_is_of_a_value_and_of_seeds_trained_together(write: Write) -> None:
    assert ids(plan_of(write(), *STOP)) == ids(plan_of(write(), *STOP, "target.value=9.0"))
    assert set(ids(plan_of(write(), *STOP))) == set(ids(plan_of(write(), *STOP, "seeds=[1, 0]")))
    # trained in the same parts, the seeds are the same trials, whatever else the suite asks for
    alone = [ids(plan_of(write(), *STOP, "train.lanes=1", f"seeds={seeds}")) for seeds in (2, 3)]
    assert set(alone[0]) < set(alone[1])


@pytest.mark.parametrize(("lanes", "seeds"), [("1", [1, 1, 1]), ("2", [2, 1]), ("3", [3]), ("auto", [3])])
def test_lanes_divide_a_cohort(write: Write, lanes: str, seeds: list[int]) -> None:
    plan = plan_of(write(), f"train.lanes={lanes}", "seeds=3")
    assert [len(c.trials) for c in plan if c.model.label == "gan"] == seeds
    # parts of a cohort have clocks of their own, so their records must not take each other's place
    assert len({c.id for c in plan}) == len(plan)


def test_a_wrong_option_is_told_with_its_key(write: Write) -> None:
    with pytest.raises(
        SuiteError, match=r"model\[1\].latnet: unknown option 'latnet'. Did you mean 'latent'\?"
    ):
        plan_of(write(), "model.vae-4.5.latnet=3")


def test_the_same_model_under_two_labels_is_refused(write: Write) -> None:
    suite = load_suite(write())
    twin = suite.model[0].model_copy(update={"label": "twin"})
    twins = suite.model_copy(update={"model": (*suite.model, twin)})
    assert isinstance(twins, Suite)
    with pytest.raises(SuiteError, match=r"model\[2\]: twin is the same model with the same options as gan"):
        make_plan(twins, {DATA: "float32"})
