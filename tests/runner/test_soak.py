"""Three hundred trials in one run: memory and open files stay, and the last trial is as fast as the first."""

from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not (Path(__file__).parents[2] / "benchmarks").is_dir(),
    reason="the source tree is not there, and benchmarks are only in it",
)


def marks_of(seconds, memory):
    from soak import Mark

    return [
        Mark(wall=0.0, cpu=at, memory=held, files=8, threads=1, objects=0)
        for at, held in zip(seconds, memory, strict=True)
    ]


def test_growth_is_seen():
    from soak import slope, slowdown

    steady = marks_of([0.5 * n for n in range(31)], [400.0 + n % 2 for n in range(31)])
    assert abs(slope([mark.memory for mark in steady])) < 0.01
    assert slowdown(steady) == 1.0
    growing = marks_of([0.5 * n * n for n in range(31)], [400.0 + 2 * n for n in range(31)])
    assert slope([mark.memory for mark in growing]) == pytest.approx(2.0)
    assert slowdown(growing) == pytest.approx(25.0 / 5.0)


def test_models_of_the_suite_differ(tmp_path):
    from soak import suite_of

    from genbench.suite.load import load_suite
    from genbench.suite.plan import model_specs

    (tmp_path / "soak.toml").write_text(suite_of(100, 3, 3, 3))
    suite = load_suite(tmp_path / "soak.toml")
    assert len(model_specs(suite)) * len(suite.seed_list) == 300


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_three_hundred_trials(tmp_path, monkeypatch):
    """Without pictures, tables and pages, which take longest: ``benchmarks/soak.py`` has them."""
    from soak import slope, slowdown, soak, suite_of

    from genbench.core.record import OUTCOME, Status
    from genbench.runner import job, sample
    from genbench.store.journal import read_records

    monkeypatch.setattr(job, "publish", lambda *_: None)
    monkeypatch.setattr(job, "write_report", lambda *_: None)
    monkeypatch.setattr(sample, "write_scatter", lambda *_, **__: None)
    path, watch = soak(tmp_path, suite_of(100, 3, 3, 3))
    ends = [r for r in read_records(path / "records.jsonl") if r.metric == OUTCOME]
    assert len(ends) == 300 and {r.status for r in ends} == {Status.DONE}
    assert len(watch.marks) == 101
    steady = watch.marks[20:-1]
    # MiB for 100 trials
    assert 100 / 3 * slope([mark.memory for mark in steady]) < 8
    assert len({mark.files for mark in steady}) == 1
    assert len({mark.threads for mark in steady}) == 1
    counted = [mark.objects for mark in steady if mark.objects]
    assert (counted[-1] - counted[0]) / (3 * 60) < 100  # a trial; what is written of it is about 15 records
    assert slowdown(watch.marks[:-1]) < 2
    assert not list((path / "progress").glob("*"))
