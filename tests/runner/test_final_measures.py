"""Measures that look into models: taken at the end only, with control rows of their own."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import pytest

from genbench.core.record import CONTROLS, Better, Column
from genbench.core.registry import measures
from genbench.measures.evidence import Evidence, Final, Reading, Reference
from genbench.report.tables import build_tables
from genbench.runner.job import run
from genbench.store.course import read_course

SEEN = Column("looked.latent", "", Better.NEITHER)
KEPT = Column("looked.snapshots", "", Better.NEITHER)
TESTED = Column("tested.number", "", Better.HIGHER)


@dataclass(frozen=True)
class Looked:
    """Sees the model and its trace."""

    columns: ClassVar[tuple[Column, ...]] = (SEEN, KEPT)
    per_cohort: ClassVar[bool] = False
    traced: ClassVar[bool] = True
    of_lanes: ClassVar[bool] = True
    anchors: ClassVar[tuple[str, ...]] = ("oracle", "untrained")

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        assert evidence.generator is not None and evidence.trace is not None
        yield Reading(SEEN, float(evidence.generator.draw(2, "z").shape[1]))
        yield Reading(KEPT, float(len(evidence.trace.steps)))

    def anchor(self, name: str, reference: Reference, seed: int) -> Iterator[Reading]:
        if name == "untrained":
            yield Reading(SEEN, float(reference.untrained[seed].latent))


@dataclass(frozen=True)
class Probed:
    """Has anchors and no lanes."""

    columns: ClassVar[tuple[Column, ...]] = (TESTED,)
    per_cohort: ClassVar[bool] = False
    traced: ClassVar[bool] = False
    of_lanes: ClassVar[bool] = False
    anchors: ClassVar[tuple[str, ...]] = ("lime",)

    def __call__(self, evidence: Evidence) -> Iterator[Reading]:
        raise AssertionError("it is not of lanes")
        yield

    def anchor(self, name: str, reference: Reference, seed: int) -> Iterator[Reading]:
        yield Reading(TESTED, float(seed))


@pytest.fixture(scope="module")
def finished(tiny_suite, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("genbench.runner.job.write_report", lambda directory: None)
        for name, measure in (("looked", Looked), ("tested", Probed)):
            measures.register(name)(measure)
        changes = (
            "train.steps=96",
            "samples=40",
            "train.evaluate_every=32",
            'measures=["looked", "tested", "modes"]',
            "model.vae.optimizer.lr=1e30",  # diverges
        )
        yield run(tiny_suite(*changes), out=tmp_path_factory.mktemp("final"))
        for name in ("looked", "tested"):
            measures._things.pop(name)
            measures._origins.pop(name)


def of(result, metric):
    return [r for r in result.records if r.metric == metric]


def test_they_are_protocols_that_can_be_told():
    assert isinstance(Looked(), Final) and isinstance(Probed(), Final)
    assert not isinstance(measures.get("modes")(), Final)


@pytest.mark.run
def test_lanes_are_looked_at_once_at_the_end(finished):
    mine = [r for r in of(finished, "looked.latent") if r.model == "gan"]
    assert {(r.step, r.seed) for r in mine} == {(96, 0), (96, 1)}
    on_the_way = {r.step for r in of(finished, "modes.covered") if r.model == "gan"}
    assert on_the_way == {32, 64, 96}
    assert {r.value for r in of(finished, "looked.snapshots") if r.model == "gan"} == {4.0}


@pytest.mark.run
def test_a_lane_that_diverged_lacks_what_lanes_have_and_nothing_else(finished):
    assert {str(r.status) for r in of(finished, "looked.latent") if r.model == "vae"} == {"DIVERGED"}
    assert {r.model for r in of(finished, "tested.number")} == {"lime"}


@pytest.mark.run
def test_anchors_stand_in_their_own_tables_only(finished):
    assert [r.seed for r in of(finished, "looked.latent") if r.model == "untrained"] == [0, 1, 2]
    tables = {table.group: [row.name for row in table.rows] for table in build_tables(finished.records)}
    assert tables["looked"] == ["gan", "vae", "untrained"]  # no row of samples, no oracle of these data
    assert tables["tested"] == ["lime"]
    assert "real" in tables["modes"] and "lime" not in tables["modes"] and "untrained" not in tables["modes"]


@pytest.mark.run
def test_tracing_is_a_phase_of_its_own(finished):
    (execution,) = json.loads(finished.directory.timing.read_text())
    assert execution["phases_s"]["tracing"] > 0


@pytest.mark.run
def test_the_course_is_kept_beside_a_traced_trial(finished):
    trials = {r.trial for r in finished.records if r.model == "gan" and r.seed is not None}
    assert len(trials - {r.trial for r in finished.records if r.model in CONTROLS}) == 2
    for trial in trials:
        course = read_course(finished.directory.trial(trial).stability)
        assert course is not None and course.steps == (0, 32, 64, 96)
