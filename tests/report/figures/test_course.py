from dataclasses import replace

import numpy as np
import pytest
from made_scopes import control, record, scope_of, trained

from genbench.core.record import OUTCOME
from genbench.report.figures.course import course
from genbench.report.figures.themed import PAPER

PER_STEP = {"cost.seconds": 0.01, "cost.images": 64.0, "cost.gflop": 0.5}


def on_the_way(model="gan", steps=(100, 200, 400), seeds=3, metric="quality.fid"):
    """Records of one model at several steps: quality falls as 1000 / step, seed by seed a little later."""
    made = []
    for seed in range(seeds):
        trial = {"model": model, "seed": seed}
        for step in steps:
            made += [record(name, rate * step, step=step, **trial) for name, rate in PER_STEP.items()]
            made.append(record(metric, (1 + seed) * 1000 / step, step=step, **trial))
        made.append(record(OUTCOME, float(steps[-1]), step=steps[-1], **trial))
    return made


def draw(records):
    return course(scope_of(records))


def line(axes, model="gan"):
    return next(line for line in axes.lines if line.get_label() == model)


def hollow(axes):
    return [list(line.get_xdata()) for line in axes.lines if line.get_markerfacecolor() == PAPER]


@pytest.fixture(scope="module")
def drawn():
    return draw([*on_the_way(), *on_the_way("vae", (100, 200)), *control("real", {"quality.fid": [0.5] * 3})])


def test_four_panels_with_the_median_and_the_range_of_the_seeds(drawn):
    labels = [axes.get_xlabel() for axes in drawn.figure.axes]
    assert labels == [
        "training steps",
        "training time of one lane (s)",
        "real examples of one lane",
        "operations of one lane (GFLOP)",
    ]
    for axes, rate in zip(drawn.figure.axes, (1.0, *PER_STEP.values()), strict=True):
        assert np.allclose(line(axes).get_xdata(), [rate * step for step in (100, 200, 400)])
        assert np.allclose(line(axes).get_ydata(), [20, 10, 5])
        band = axes.collections[0].get_paths()[0].vertices
        assert (band[:, 1].min(), band[:, 1].max()) == (2.5, 30)
        dotted = next(line for line in axes.lines if line.get_linestyle() == ":")
        assert set(dotted.get_ydata()) == {0.5} and axes.get_ylim()[0] < 0.5
    assert drawn.figure.axes[0].get_ylabel() == "FD ↓"
    assert {"gan", "vae", "real data: 0.500"} <= {text.get_text() for text in drawn.figure.texts}


def test_the_frame_has_every_step_with_its_costs(drawn):
    frame = drawn.frame
    assert len(frame) == 3 + 2 + 1
    row = frame[(frame["model"] == "gan") & (frame["step"] == 200)].iloc[0]
    assert (row["median"], row["low"], row["high"], row["n"]) == (10.0, 5.0, 15.0, 3)
    assert (row["seconds"], row["examples"], row["gflop"]) == (2.0, 12_800.0, 100.0)
    assert frame[frame["control"]]["median"].tolist() == [0.5]


def test_nothing_is_drawn_where_nothing_was_looked_at_on_the_way():
    assert draw(on_the_way(steps=(400,))) is None
    assert draw(trained("gan", {"quality.fid": [1.0, 2.0]})) is None
    assert draw([record("throughput.compile_s", 1.0, seed=None)]) is None


@pytest.mark.run
def test_seeds_that_are_there_no_more_leave_a_hollow_mark(drawn):
    lost = [r for r in on_the_way() if not (r.seed == 2 and r.step == 400)]
    plot = draw(lost)
    assert hollow(plot.figure.axes[0]) == [[400.0]] and "Hollow marks" in plot.caption
    assert "Median over 2 to 3 seeds" in plot.caption
    assert hollow(drawn.figure.axes[0]) == [] and "Hollow" not in drawn.caption


def test_a_lane_that_ends_early_is_not_carried_on():
    early = [r for r in on_the_way() if not (r.seed == 0 and r.step > 200 and r.metric != OUTCOME)]
    early = [replace(r, step=200) if r.seed == 0 and r.metric == OUTCOME else r for r in early]
    axes = draw(early).figure.axes[0]
    assert np.allclose(line(axes).get_ydata(), [20, 10, 6.25])  # at the last step of seeds 1 and 2 alone
    assert hollow(axes) == [[400.0]]


def test_another_metric_stands_in_and_costs_that_are_missing_have_no_panel():
    records = [r for r in on_the_way(metric="known_modes.reverse_kl") if not r.metric.startswith("cost.")]
    figure = draw(records).figure
    assert [axes.get_xlabel() for axes in figure.axes] == ["training steps"]
    assert figure.axes[0].get_ylabel() == "reverse KL ↓ (nats)"


def test_a_wide_range_is_drawn_on_a_logarithmic_axis():
    figure = draw([*on_the_way(steps=(10, 4000)), *on_the_way("vae", (10, 20))]).figure
    assert (
        {axes.get_xscale() for axes in figure.axes} == {"log"} == {axes.get_yscale() for axes in figure.axes}
    )
