"""Evaluations on the way: they see every lane as it is, cost its clock nothing and change no later number."""

import json
import time
from dataclasses import replace

import pytest
import torch

from genbench.analyse.standing import courses, current
from genbench.core.record import CONTROLS, OUTCOME, Status
from genbench.runner.job import run

LOOKS = (8, 16, 20)
"""The steps at which ``finished`` was measured; training ends with the last."""


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    """Without plots and pages: they take a second a run and are looked at elsewhere."""
    monkeypatch.setattr("genbench.runner.publish.write_plots", lambda records, folder: None)
    monkeypatch.setattr("genbench.runner.job.write_report", lambda directory: None)


@pytest.fixture(scope="module")
def straight(tiny_suite, tmp_path_factory):
    return run(tiny_suite(), out=tmp_path_factory.mktemp("straight"))


def own(result, *families):
    """Records of lanes, by what they are of."""
    mine = [r for r in result.records if r.model not in CONTROLS and r.seed is not None]
    return [r for r in mine if r.metric.startswith(families or "")]


def test_every_measure_of_a_lane_is_taken_at_every_step(finished):
    metrics = {r.metric for r in own(finished, "quality", "modes") if r.step == 20}
    for step in LOOKS:
        for model in ("gan", "vae"):
            for seed in (0, 1):
                there = [r for r in own(finished) if (r.step, r.model, r.seed) == (step, model, seed)]
                assert {r.metric for r in there if r.metric.startswith(("quality", "modes"))} == metrics
    assert {r.step for r in own(finished)} == set(LOOKS)
    bounds = {(r.step, r.value is not None) for r in own(finished, "quality.elbo") if r.model == "vae"}
    assert bounds == {(step, True) for step in LOOKS}
    for metric in ("quality.fid", "quality.kid"):
        one = [r for r in own(finished, metric) if (r.model, r.seed) == ("gan", 1)]
        assert len({r.value for r in one}) == 3 and len({r.trial for r in one}) == 1
        assert len({json.dumps([r.protocol, r.versions], sort_keys=True) for r in one}) == 1


@pytest.mark.run
def test_control_rows_and_costs_of_cohorts_are_taken_once(finished, straight):
    for metric in ("quality.fid", "throughput.parameters"):
        counts = [
            sum(r.metric == metric and (r.model in CONTROLS or r.seed is None) for r in result.records)
            for result in (finished, straight)
        ]
        assert counts[0] == counts[1] > 0
    assert {r.step for r in finished.records if r.metric.startswith("throughput.")} == {20}


@pytest.mark.run
def test_looking_on_the_way_changes_no_final_number(finished, straight, numbers):
    for family in ("quality.", "modes.", "cost.images", "cost.gflop"):
        final = numbers(current(finished.records), family)
        assert final == numbers(straight.records, family) and final
    tables = [result.directory.tables.read_text() for result in (finished, straight)]
    shown = [
        [line for line in text.splitlines() if line.startswith("| ") and "%" not in line][:12]
        for text in tables
    ]
    quality = [[line for line in lines if line.startswith(("| gan", "| vae", "| *real"))] for lines in shown]
    assert quality[0] == quality[1] != []
    assert "steps 20" in tables[0] and "steps 8" not in tables[0]


def test_what_a_lane_had_cost_stands_beside_its_quality(finished):
    for model in ("gan", "vae"):
        mine = {(r.step, r.seed, r.metric): r for r in own(finished, "cost.") if r.model == model}
        assert len(mine) == 3 * 2 * 3
        per_step = 16  # one batch of real examples: the generator draws none
        assert [mine[step, 0, "cost.images"].value for step in LOOKS] == [step * per_step for step in LOOKS]
        flops = [mine[step, 1, "cost.gflop"].value / step for step in LOOKS]
        assert flops[0] > 0 and flops == pytest.approx([flops[0]] * 3)
        seconds = [mine[step, 0, "cost.seconds"].value for step in LOOKS]
        assert 0 < seconds[0] < seconds[1] < seconds[2]
        assert mine[20, 0, "cost.seconds"].value == mine[20, 1, "cost.seconds"].value
        assert {"lanes", "device"} <= mine[20, 0, "cost.seconds"].protocol.keys()
        assert not {"lanes", "device"} & mine[20, 0, "cost.images"].protocol.keys()
    spots = courses(finished.records, "quality.fid")["vae"]
    assert [(spot.step, len(spot.values), len(spot.cost)) for spot in spots] == [(n, 2, 3) for n in LOOKS]


def test_the_seconds_of_a_lane_are_its_share_of_the_timed_blocks(finished, lines):
    end = next(r for r in own(finished, "cost.seconds") if r.step == 20 and r.model == "gan")
    first = finished.directory.trial(next(r.trial for r in own(finished, OUTCOME) if r.model == "gan"))
    blocks = sum(line["seconds"] for line in lines(first.timing) if line["phase"] in ("warm-up", "training"))
    assert end.value == pytest.approx(blocks / 2, rel=1e-3)
    (whole,) = json.loads((finished.path / "timing.json").read_text())
    looks = {line["step"]: line["seconds"] for line in lines(first.timing) if line["phase"] == "evaluation"}
    assert tuple(looks) == LOOKS
    assert min(looks.values()) > 0 and sum(looks.values()) < whole["wall_s"]


@pytest.mark.run
def test_time_and_memory_of_an_evaluation_are_in_no_training_block(monkeypatch):
    from genbench.core.datainfo import DataInfo
    from genbench.core.registry import models
    from genbench.train.settings import Settings
    from genbench.train.trainer import train

    small = {"latent": 2, "encoder": models.get("vae")().encoder, "decoder": models.get("vae")().decoder}
    model = models.get("vae")(**small)
    examples = torch.zeros(8, 1, 4, 4, dtype=torch.uint8)
    settings = Settings(6, 4, torch.device("cpu"), compile="never", evaluate_every=2)
    slow, seen = 0.4, []
    large = 200 * 2**20

    def on_evaluate(training):
        seen.append((training.state.step, training.seconds))
        torch.ones(large // 4)  # is let go at once
        time.sleep(slow)
        return False

    began = time.perf_counter()
    training = train(model, DataInfo("flat", (1, 4, 4)), examples, [0], settings, on_evaluate=on_evaluate)
    whole = time.perf_counter() - began
    assert [step for step, _ in seen] == [2, 4]
    assert training.seconds < whole - 2 * slow + 0.01
    assert seen[0][1] < seen[1][1] < training.seconds
    plain = train(model, DataInfo("flat", (1, 4, 4)), examples, [0], replace(settings, evaluate_every=0))
    if training.peak_memory and plain.peak_memory:
        assert training.peak_memory < plain.peak_memory + large // 2


def test_how_the_wall_time_was_spent_is_told_and_kept(finished, told_by_finished):
    (said,) = [text for text in told_by_finished.notes if text.startswith("wall time")]
    assert "training" in said and "overhead" in said and "\n" not in said
    (spent,) = json.loads((finished.path / "timing.json").read_text())
    phases = spent["phases_s"]
    assert sum(phases.values()) == pytest.approx(spent["wall_s"], abs=0.01)
    assert all(seconds >= 0 for seconds in phases.values())
    for phase in ("training", "drawing samples", "measuring", "saving checkpoints", "pictures and tables"):
        assert phases[phase] > 0


@pytest.mark.run
def test_an_interrupt_on_the_way_leaves_no_final_number(
    tiny_suite, told, ends, numbers, straight, monkeypatch, tmp_path
):
    from genbench.measures.modes import Modes

    real, taken = Modes.__call__, []

    def stop(self, evidence):
        taken.append(evidence)
        readings = real(self, evidence)
        if evidence.bounds and len(taken) > 1 and taken[-2].bounds:  # the second lane of vae
            yield next(iter(readings))
            raise KeyboardInterrupt
        yield from readings

    suite = tiny_suite("train.evaluate_every=8", only=["vae"])
    with monkeypatch.context() as patch:
        patch.setattr(Modes, "__call__", stop)
        first = run(suite, out=tmp_path, reporter=told)
    assert first.interrupted and set(ends(first.records).values()) == {"INTERRUPTED"}
    taken_on_the_way = [r for r in own(first, "modes.") if r.value is not None]
    assert {r.step for r in taken_on_the_way} == {8}
    final = [r for r in current(first.records) if r.seed is not None and r.model == "vae"]
    assert {(r.step, r.status) for r in final} == {(8, Status.INTERRUPTED)}
    assert all(r.value is None for r in final if r.metric != OUTCOME)
    second = run(suite, out=tmp_path, resume=first.path, reporter=told)
    assert set(ends(second.records).values()) == {"DONE"}
    mine = {key: value for key, value in numbers(straight.records, "modes.").items() if key[1] == "vae"}
    got = numbers(current(second.records), "modes.")
    assert {key: value for key, value in got.items() if key[1] == "vae"} == mine
    spots = courses(second.records, "modes.entropy")["vae"]
    assert [(spot.step, len(spot.values)) for spot in spots] == [(step, 2) for step in LOOKS]


@pytest.mark.run
def test_a_measure_that_raises_on_the_way_costs_that_evaluation(
    tiny_suite, told, ends, monkeypatch, tmp_path
):
    from genbench.measures.modes import Modes

    real, taken = Modes.__call__, []

    def once(self, evidence):
        taken.append(evidence)
        if evidence.bounds and not any(each.bounds for each in taken[:-1]):
            raise ZeroDivisionError("no classes")
        yield from real(self, evidence)

    monkeypatch.setattr(Modes, "__call__", once)
    suite = tiny_suite("train.evaluate_every=8", 'measures=["modes"]', only=["vae"], seeds=1)
    result = run(suite, out=tmp_path, reporter=told)
    assert set(ends(result.records).values()) == {"DONE"}
    statuses = {(r.step, r.status) for r in own(result, "modes.covered")}
    assert statuses == {(8, Status.FAILED), (16, Status.DONE), (20, Status.DONE)}
    assert any("measure Modes failed: ZeroDivisionError" in text for text in told.warnings)


@pytest.mark.run
def test_a_lane_that_is_lost_is_no_longer_looked_at(tiny_suite, told, monkeypatch, tmp_path):
    from dataclasses import dataclass

    from genbench.core.registry import models

    vae = models.get("vae")

    @dataclass(frozen=True, kw_only=True)
    class Lost(vae):
        """Its loss is no number once it is low enough."""

        def loss(self, nets, batch):
            loss, logs = vae.loss(self, nets, batch)
            return loss / (loss > 480), logs

    monkeypatch.setitem(models._things, "lost", Lost)
    monkeypatch.setitem(models._origins, "lost", __name__)
    changes = ("model.vae.name=lost", "train.steps=30", "train.evaluate_every=10", 'measures=["modes"]')
    result = run(tiny_suite("train.evaluate_every=8", *changes, only=["lost"]), out=tmp_path, reporter=told)
    for seed in (0, 1):
        mine = [r for r in own(result, "modes.covered") if r.seed == seed]
        *way, end = mine
        assert end.status is Status.DIVERGED and end.value is None
        assert way and all(r.value is not None and r.step < end.step for r in way)
        costs = [r for r in own(result, "cost.seconds") if r.seed == seed]
        assert costs[-1].status is Status.DIVERGED and len(costs) == len(mine)
    assert all(
        r.value is None for r in current(result.records) if r.model == "lost" and r.metric == "modes.covered"
    )
