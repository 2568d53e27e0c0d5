"""One cohort of a run: what it is trained with, what it is measured on, and what a failure leaves."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from genbench.core.datainfo import DataInfo
from genbench.core.record import OUTCOME, Status
from genbench.data.dataset import Dataset
from genbench.measures.evidence import Reference
from genbench.runner import attempt, on_dataset
from genbench.runner.attempt import Job, run_cohort
from genbench.runner.earlier import Earlier
from genbench.runner.ground import ground_of
from genbench.runner.measuring import chosen_measures
from genbench.runner.phases import Phases
from genbench.runner.prepare import Loaded
from genbench.runner.scribe import Scribe
from genbench.runner.target import Track
from genbench.store.rundir import RunDirectory
from genbench.suite.plan import DataSpec, make_plan

CPU = torch.device("cpu")
DATA = Dataset(
    DataInfo("plane", (2,), ("a", "b")),
    np.random.default_rng(0).normal(-3, 1, (50, 2)).astype(np.float32),
    np.arange(50) % 2,
    np.random.default_rng(1).normal(3, 1, (20, 2)).astype(np.float32),
    np.arange(20) % 2,
    "here",
)
SPEC = DataSpec("plane", DATA.hash)
TRAIN = (
    "train.steps=96",
    "train.batch_size=7",
    "train.save_every=5",
    "train.evaluate_every=3",
    "train.compile=always",
    'measures=["modes"]',
)


@pytest.fixture
def work(tiny_suite, told, monkeypatch, tmp_path):
    """Let a cohort be worked on; training is a list of what it was given, which then fails."""
    given = []

    def train_cohort(part, **asked):
        given.append((part, asked))
        raise RuntimeError("enough")

    monkeypatch.setattr(attempt, "train_cohort", train_cohort)

    def start(*changes, precision="bfloat16", earlier=None, processes=1, **options):
        suite = tiny_suite(*TRAIN, *changes, only=["vae"], **options)
        (cohort,) = make_plan(suite, {SPEC: precision})[: 1 if suite.train.lanes == "auto" else None]
        directory = RunDirectory.create(tmp_path, "s", mark="abc1234")
        scribe = Scribe(journal=[], run="r", suite="s", env="e", code="c", protocol={"quick": False})
        known = earlier(cohort) if earlier else Earlier()
        job = Job(
            suite, CPU, chosen_measures(suite.measures), directory, scribe, told, known, "me", None,
            Phases(lambda: 0.0, 0.0), processes,
        )  # fmt: skip
        return job, cohort

    work = SimpleNamespace(start=start, given=given)
    work.run = lambda job, cohort, samples=40: run_cohort(job, cohort, Reference(DATA, CPU), samples)
    return work


def test_training_gets_what_the_suite_says(work):
    job, cohort = work.start(processes=2)
    work.run(job, cohort)
    ((part, given),) = work.given
    assert part.seeds == cohort.seeds == (0, 1)
    assert np.array_equal(given["examples"].numpy(), DATA.train_examples)
    assert np.array_equal(given["test_examples"].numpy(), DATA.test_examples)
    assert (given["samples"], given["data"], given["halfway"]) == (40, DATA.info, None)
    settings = given["settings"]
    assert (settings.steps, settings.batch_size, settings.save_every, settings.evaluate_every) == (
        96,
        7,
        5,
        3,
    )
    assert (settings.compile, settings.compute, settings.device) == ("always", torch.bfloat16, CPU)
    assert (settings.trace_every, settings.processes) == (0, 2)
    assert (given["gauged"], given["opened"]) == (False, False)


def test_float32_is_the_arithmetic_of_the_parameters(work):
    work.run(*work.start(precision="float32"))
    assert work.given[0][1]["settings"].compute is None


@pytest.mark.parametrize(
    ("measures", "gauged", "opened", "trace_every"),
    [("throughput", True, False, 0), ("representation", False, True, 0), ("stability", False, True, 32)],
)
def test_only_what_some_measure_wants_is_made(work, measures, gauged, opened, trace_every):
    work.run(*work.start(f'measures=["modes", "{measures}"]'))
    ((_, given),) = work.given
    found = given["gauged"], given["opened"], given["settings"].trace_every
    assert found == (gauged, opened, trace_every)


def test_a_failure_is_the_outcome_of_every_trial_of_the_cohort(work, told):
    job, cohort = work.start()
    work.run(job, cohort)
    ends = [r for r in job.scribe.journal if r.metric == OUTCOME]
    assert [(r.seed, r.status, r.value, r.reason) for r in ends] == [
        (seed, Status.FAILED, 0, "RuntimeError: enough") for seed in (0, 1)
    ]
    assert any("vae" in text and "RuntimeError: enough" in text for text in told.warnings)


def test_what_an_earlier_process_has_ended_is_not_trained_again(work):
    job, cohort = work.start(earlier=lambda cohort: Earlier(outcomes={cohort.trials[0].id: Status.DONE}))
    job.scribe.outcomes.update(job.earlier.outcomes)
    work.run(job, cohort)
    assert [part.seeds for part, _ in work.given] == [(1,)]
    assert [r.seed for r in job.scribe.journal if r.metric == OUTCOME] == [1]


def test_evaluations_are_of_the_part_that_is_looked_at(work, monkeypatch):
    seen = []
    monkeypatch.setattr(attempt, "evaluate", lambda *given: seen.append(given) or True)
    job, cohort = work.start()
    work.run(job, cohort)
    ((part, given),) = work.given
    snapshot = SimpleNamespace(cohort=part)
    assert given["evaluate"](snapshot) is True
    ((measures, of, reference, scribe, reporter, track),) = seen
    assert (measures, of, reference.dataset, scribe, reporter) == (
        job.measures, snapshot, DATA, job.scribe, job.reporter,
    )  # fmt: skip
    assert isinstance(track, Track) and track.goal is None


@pytest.mark.parametrize(("asked", "drawn"), [(30, 30), (50, 50), (51, 50)])
def test_no_more_samples_are_drawn_than_there_are_training_examples(work, asked, drawn):
    job, cohort = work.start(f"samples={asked}")
    ground = ground_of(job, Loaded(DATA, SPEC, "plane"), [cohort])
    assert ground.samples == drawn and ground.reference.dataset is DATA
    ground.work_on(cohort)
    assert work.given[0][1]["samples"] == drawn


def test_records_on_data_that_stand_in_for_others_say_so(work):
    job, cohort = work.start()
    ground = ground_of(job, Loaded(DATA, SPEC, "wanted", "not to be had"), [cohort])
    assert ground.job.scribe.protocol == {"quick": False, "fallback_for": "wanted"}
    assert ground_of(job, Loaded(DATA, SPEC, "plane"), [cohort]).job.scribe.protocol == {"quick": False}


@pytest.mark.parametrize("known", [(), ("other",), ("plane",)])
def test_control_rows_are_measured_where_there_are_none_yet(work, monkeypatch, known):
    measured, worked_on = [], []
    monkeypatch.setattr(on_dataset, "measure_controls", lambda *given: measured.append(given[2]))
    job, cohort = work.start("samples=40", earlier=lambda _: Earlier(controls=frozenset(known)))

    def executor(ground, number, left):
        worked_on.append((number, left))
        yield from ()

    on_dataset.run_dataset(job, Loaded(DATA, SPEC, "plane"), 4, [cohort], executor)
    assert measured == ([] if "plane" in known else [40])
    assert worked_on == [(4, [cohort])]
