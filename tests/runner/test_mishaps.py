"""What goes wrong in one place costs that place only, and says so."""

import pytest
import torch

from genbench.core.record import EXPECTED, OUTCOME, Status
from genbench.core.registry import models
from genbench.runner import attempt, job, on_dataset
from genbench.runner.job import run

CHEAP = ("train.steps=4", "samples=40", 'measures=["throughput", "modes"]')


@pytest.fixture(autouse=True)
def no_plots(monkeypatch):
    """They take a second a run and are looked at elsewhere."""
    monkeypatch.setattr("genbench.runner.publish.write_plots", lambda records, folder: None)
    monkeypatch.setattr(job, "write_report", lambda directory: None)


@pytest.fixture(scope="module")
def straight(tiny_suite, tmp_path_factory):
    """The cheap run without any mishap."""
    return run(tiny_suite(*CHEAP), out=tmp_path_factory.mktemp("straight"))


@pytest.fixture
def register(monkeypatch):
    """Register a model for one test."""

    def bind(name, kind):
        monkeypatch.setitem(models._things, name, kind)
        monkeypatch.setitem(models._origins, name, __name__)

    return bind


@pytest.fixture
def vae():
    return models.get("vae")


@pytest.mark.run
def test_out_of_memory_halves_the_cohort_and_says_so(tiny_suite, told, ends, monkeypatch, tmp_path):
    real, tried = attempt.train_cohort, []

    def greedy(cohort, **rest):
        tried.append(len(cohort.trials))
        if len(cohort.trials) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(cohort, **rest)

    monkeypatch.setattr(attempt, "train_cohort", greedy)
    result = run(tiny_suite(*CHEAP, "seeds=5", only=["vae"]), out=tmp_path, reporter=told)
    assert tried == [5, 3, 2, 1, 2]
    assert result.failed == 0 and set(ends(result.records).values()) == {"DONE"}
    assert sum("do not fit into memory" in text and "lanes = 3" in text for text in told.warnings) == 1
    lanes = {(r.seed, r.lanes) for r in result.records if r.metric == OUTCOME}
    assert lanes == {(0, 2), (1, 2), (2, 1), (3, 2), (4, 2)}


@pytest.mark.soak
def test_a_cohort_is_cut_to_the_memory_there_is(tiny_suite, told, ends, monkeypatch, tmp_path):
    real, tried = attempt.train_cohort, []

    def watched(cohort, **rest):
        tried.append(len(cohort.trials))
        return real(cohort, **rest)

    monkeypatch.setattr(attempt, "train_cohort", watched)
    monkeypatch.setattr("genbench.runner.fitting.lane_bytes", lambda *_: 10**9)
    monkeypatch.setattr("genbench.runner.fitting.free_memory", lambda *_: 3 * 10**9)
    result = run(tiny_suite(*CHEAP, "seeds=5", only=["vae"]), out=tmp_path, reporter=told)
    assert tried == [2, 2, 1]
    assert set(ends(result.records).values()) == {"DONE"}
    assert not told.warnings
    assert [text for text in told.notes if "5 lanes would need about 4.7 GiB" in text and "2 are" in text]


@pytest.mark.soak
def test_an_interrupt_between_the_parts_of_a_cohort_leaves_their_costs(
    tiny_suite, told, ends, monkeypatch, tmp_path
):
    real_train, real_measure = attempt.train_cohort, attempt.measure_cohort

    def greedy(cohort, **rest):
        if len(cohort.trials) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real_train(cohort, **rest)

    def stop(chosen, trained, *rest):
        if trained.cohort.seeds == (1,):
            raise KeyboardInterrupt
        real_measure(chosen, trained, *rest)

    monkeypatch.setattr(attempt, "train_cohort", greedy)
    monkeypatch.setattr(attempt, "measure_cohort", stop)
    result = run(tiny_suite(*CHEAP, only=["vae"]), out=tmp_path, reporter=told)
    assert ends(result.records) == {("vae", 0): "DONE", ("vae", 1): "INTERRUPTED"}
    costs = [r.status for r in result.records if r.metric == "throughput.parameters"]
    assert costs == [Status.DONE]


@pytest.mark.run
def test_a_measure_that_raises_costs_its_own_numbers(tiny_suite, told, monkeypatch, tmp_path):
    from genbench.measures.modes import Modes

    def broken(self, evidence):
        raise ZeroDivisionError("no classes")
        yield

    monkeypatch.setattr(Modes, "__call__", broken)
    suite = tiny_suite("train.steps=4", "samples=40", 'measures=["modes", "quality"]', only=["vae"])
    result = run(suite, out=tmp_path, reporter=told)
    by_family = {}
    for record in result.records:
        if record.model == EXPECTED:
            continue  # computed, not measured
        by_family.setdefault(record.metric.partition(".")[0], set()).add(
            (record.status, record.value is None)
        )
    assert by_family["modes"] == {(Status.FAILED, True)}
    assert (Status.DONE, False) in by_family["quality"]
    assert Status.FAILED not in {status for status, _ in by_family["quality"]}
    assert result.failed == 2
    (reason,) = {r.reason for r in result.records if r.metric == OUTCOME}
    assert reason == "measures failed: Modes"
    assert any("measure Modes failed: ZeroDivisionError: no classes" in text for text in told.warnings)


@pytest.mark.run
def test_pictures_and_plots_cost_no_number(tiny_suite, told, monkeypatch, tmp_path):
    def broken(*rest):
        raise TypeError("no pencil")

    for name in ("write_model_picture", "write_overview"):
        monkeypatch.setattr(on_dataset, name, broken)
    monkeypatch.setattr("genbench.runner.publish.write_plots", broken)
    monkeypatch.setattr(job, "write_report", broken)
    result = run(tiny_suite(*CHEAP, only=["vae"], seeds=1), out=tmp_path, reporter=told)
    assert result.failed == 0 and result.directory.tables.exists()
    assert sum("TypeError: no pencil. No number is lost" in text for text in told.warnings) == 4


class Stops:
    """Ctrl-C once the given phase has begun."""

    def __init__(self, told, phase):
        self.told, self.phase = told, phase

    def __getattr__(self, name):
        return getattr(self.told, name)

    def begin(self, cohort, steps):
        if cohort.startswith(self.phase):
            raise KeyboardInterrupt


@pytest.mark.soak
@pytest.mark.parametrize(
    ("phase", "gan", "vae"),
    [
        ("gan on", "INTERRUPTED", None),
        ("measuring vae", "DONE", "INTERRUPTED"),
        ("plots", "DONE", "DONE"),
    ],
)
def test_an_interrupted_run_is_resumed(tiny_suite, straight, told, ends, numbers, tmp_path, phase, gan, vae):
    suite = tiny_suite(*CHEAP)
    first = run(suite, out=tmp_path, reporter=Stops(told, phase))
    assert first.interrupted
    before = first.records
    assert {model: status for (model, _), status in ends(before).items()} == {
        model: status for model, status in (("gan", gan), ("vae", vae)) if status
    }
    told.begun.clear()
    second = run(suite, out=tmp_path, resume=first.path, reporter=told)
    assert second.path == first.path and not second.interrupted and second.failed == 0
    after = second.records
    assert after[: len(before)] == before  # nothing is ever rewritten
    assert set(ends(after).values()) == {"DONE"} and len(ends(after)) == 4
    trained = {text.split()[0] for text in told.begun if " on digits, " in text and "measuring" not in text}
    assert trained == {label for label, status in (("gan", gan), ("vae", vae)) if status != "DONE"}
    tables = second.directory.tables.read_text()
    assert "interrupted" not in tables and "unfinished" not in tables
    assert numbers(after, "modes.") == numbers(straight.records, "modes.")


@pytest.mark.soak
def test_what_was_measured_before_an_interrupt_stands(tiny_suite, told, monkeypatch, tmp_path):
    from genbench.measures.modes import Modes

    real = Modes.__call__

    def stop(self, evidence):
        yield next(iter(real(self, evidence)))
        if evidence.bounds:  # not of a control row
            raise KeyboardInterrupt

    monkeypatch.setattr(Modes, "__call__", stop)
    result = run(tiny_suite(*CHEAP, only=["vae"]), out=tmp_path, reporter=told)
    assert result.interrupted
    from genbench.analyse.standing import current

    mine = {(r.seed, r.metric): r.status for r in current(result.records) if r.model == "vae"}
    assert mine[None, "throughput.parameters"] is Status.DONE
    first, *rest = Modes.columns
    assert mine[0, first.metric] is Status.DONE
    assert {mine[0, column.metric] for column in rest} == {Status.INTERRUPTED}
    assert mine[1, first.metric] is Status.INTERRUPTED


@pytest.mark.soak
def test_control_rows_that_failed_are_tried_again(tiny_suite, numbers, monkeypatch, tmp_path):
    from genbench.analyse.standing import current
    from genbench.measures.modes import Modes

    real, suite = Modes.__call__, tiny_suite(*CHEAP, only=["vae"], seeds=1)

    def broken(self, evidence):
        for place, reading in enumerate(real(self, evidence)):
            if not evidence.bounds and place == 1:
                raise ValueError("no second number of a control row")
            yield reading

    with monkeypatch.context() as patch:
        patch.setattr(Modes, "__call__", broken)
        first = run(suite, out=tmp_path)
    lacking = {(r.model, r.metric) for r in first.records if r.status is Status.FAILED}
    assert lacking and first.failed == 0 and not {model for model, _ in lacking} & {"vae"}
    before = first.directory.records.read_text()
    second = run(suite, out=tmp_path, resume=first.path)
    assert second.directory.records.read_text().startswith(before)
    stand = {(r.model, r.metric): r.status for r in current(second.records)}
    assert {stand[key] for key in lacking} == {Status.DONE}
    whole = run(suite, out=tmp_path / "whole")
    assert numbers(current(second.records), "modes.") == numbers(current(whole.records), "modes.")
    written = second.directory.records.read_text()
    run(suite, out=tmp_path, resume=first.path)
    assert second.directory.records.read_text() == written
