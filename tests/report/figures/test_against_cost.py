import numpy as np
import pytest
from made_scopes import cohort, control, record, scope_of, trained

from genbench.core.record import OUTCOME
from genbench.report.figures.against_cost import quality_against_cost
from genbench.report.ranking import pareto_note, ranks_of

FD, PACE = "quality.fid", "throughput.s_per_1000_steps"


def words(plot):
    return [text.get_text() for text in plot.figure.texts]


def best(plot):
    (line,) = (line for line in plot.figure.axes[0].lines if line.get_gid() == "best")
    return list(line.get_xdata()), list(line.get_ydata())


def paid(model, qualities, seconds):
    return trained(model, {FD: qualities, "cost.seconds": [seconds] * len(qualities)})


def test_points_have_their_quality_and_the_seconds_of_a_lane_by_its_pace():
    records = trained("gan", {FD: [10.0, 12.0, 17.0]}) + cohort("gan", {PACE: (6.0, 0.6)})
    records += control("real", {FD: [1.5, 1.5, 1.5]})
    plot = quality_against_cost(scope_of(records))
    (axes,) = plot.figure.axes
    (container,) = axes.containers
    (x,), (y,) = container.lines[0].get_data()
    assert (x, y) == pytest.approx((4.0, 12.0))  # 6 s x 2 thousand steps / 3 lanes
    ends = np.concatenate([bar.get_segments()[0] for bar in container.lines[2]])
    assert np.sort(ends[:, 0])[[0, -1]] == pytest.approx([3.6, 4.4])
    assert np.sort(ends[:, 1])[[0, -1]] == pytest.approx([10.0, 17.0])
    assert words(plot)[1:] == ["gan", "real data: 1.50"]
    floor = next(line for line in axes.lines if line.get_linestyle() == ":")
    assert floor.get_ydata() == pytest.approx([1.5, 1.5]) and axes.get_ylim()[0] <= 1.5
    assert axes.get_xlabel() == "training time of one lane ↓ (s)" and axes.get_ylabel() == "FD ↓"


def test_seconds_that_were_recorded_have_no_interval_as_in_the_tables():
    plot = quality_against_cost(scope_of(paid("gan", [1.0, 2.0], 50.0) + cohort("gan", {PACE: (6.0, 0.6)})))
    row = plot.frame.iloc[0]
    assert row["seconds"] == 50.0 and row[["seconds_low", "seconds_high"]].isna().all()
    assert "interval of its measurement" not in plot.caption


def test_no_interval_and_no_axis_goes_below_no_time():
    plot = quality_against_cost(scope_of(trained("gan", {FD: [1.0] * 3}) + cohort("gan", {PACE: (6.0, 9.0)})))
    row = plot.frame.iloc[0]
    assert (row["seconds_low"], row["seconds"], row["seconds_high"]) == pytest.approx((0.0, 4.0, 10.0))
    assert plot.figure.axes[0].get_xlim()[0] == 0.0 and "interval of its measurement" in plot.caption


@pytest.mark.parametrize("parts", [(5, 2), (2, 1), (2, 5)])
def test_the_seconds_of_uneven_parts_are_those_of_the_widest(parts):
    records = trained("gan", {FD: [10.0] * sum(parts)})
    for lanes in parts:
        records += cohort("gan", {PACE: (3.0 * lanes, None)}, trial=f"part of {lanes}", lanes=lanes)
    plot = quality_against_cost(scope_of(records))
    assert plot.frame["seconds"].tolist() == pytest.approx([6.0])  # 3 s a lane and 1000 steps, of 2000 steps


def test_the_seconds_of_parts_that_ended_early_are_those_of_the_widest():
    records = trained("gan", {FD: [10.0] * 5})
    for lanes, step in ((2, 1000), (2, 3000), (1, 9000)):  # the narrow one took longest to get there
        part = f"part of {lanes} until {step}"
        records += cohort("gan", {PACE: (3.0 * lanes, None)}, trial=part, step=step, lanes=lanes)
        records.append(record(OUTCOME, 1.0, trial=f"{part}: seed", step=step, lanes=lanes))
    plot = quality_against_cost(scope_of(records))
    assert plot.frame["seconds"].tolist() == pytest.approx([6.0])


@pytest.fixture(scope="module")
def field():
    """``cheap`` is quick, ``good`` is surely better and dearer, ``waste`` is dearer still and no better."""
    jitter = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    records = paid("cheap", [20 + j for j in jitter], 10.0) + paid("good", [5 + j for j in jitter], 40.0)
    return records + paid("waste", [9 + j for j in jitter], 80.0)


def test_the_front_is_that_of_the_tables_and_the_best_medians_are_drawn_in_steps(field):
    scope = scope_of(field)
    plot = quality_against_cost(scope)
    (note,) = pareto_note(scope.summary, "quality", field, ranks_of(field))
    told = plot.frame.set_index("model")["front"].to_dict()
    assert told == {"cheap": True, "good": True, "waste": False}
    assert [name for name in told if f"{name} (" in note.split(".")[0] + note] == ["cheap", "good"]
    x, y = best(plot)
    assert x[:-1] == [10.0, 40.0, 80.0] and x[-1] > 80 and y == pytest.approx([20.35, *[5.35] * 3])
    alphas = {
        float(c.lines[0].get_xdata()[0]): c.lines[0].get_alpha() for c in plot.figure.axes[0].containers
    }
    assert alphas[80.0] < 0.5 and alphas[10.0] == alphas[40.0] == 1.0
    assert "best median for the time" in words(plot) and "no dearer" in plot.caption


def test_the_line_has_the_best_medians_even_of_a_model_off_the_front_and_the_caption_says_why():
    noise = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    records = paid("cheap", [10 + j for j in noise], 10.0) + paid("dear", [9.5 + j for j in noise], 50.0)
    plot = quality_against_cost(scope_of(records + paid("close", [11 + j for j in noise], 10.5)))
    told = plot.frame.set_index("model")["front"].to_dict()
    assert told == {"cheap": True, "close": True, "dear": False}  # none is surely better, and time is close
    assert best(plot)[1] == pytest.approx([12.5, 12.5, 12.0, 12.0])
    assert "Models of one rank count as equal, and so do times within 10 %" in plot.caption


def test_quality_is_logarithmic_where_an_interval_would_flatten_the_others():
    wide = trained("gan", {FD: [1.0, 1.1, 30.0]}) + cohort("gan", {PACE: (6.0, 9.0)})
    (axes,) = quality_against_cost(scope_of(wide)).figure.axes
    assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")


def test_a_quick_run_has_no_front(field):
    from dataclasses import replace

    quick = [replace(r, protocol={"quick": True}) for r in field]
    plot = quality_against_cost(scope_of(quick))
    assert not plot.frame["front"].any() and "QUICK RUN: not for comparison" in plot.title
    assert "best median for the time" not in words(plot)


def test_models_without_a_point_are_named(field):
    records = field + trained("lost", {}, lost=[0, 1])
    assert "lost (0 of 2 seeds)\n(no value)" in words(quality_against_cost(scope_of(records)))


def test_without_cost_or_quality_there_is_no_figure():
    assert quality_against_cost(scope_of(trained("gan", {FD: [1.0]}))) is None
    assert quality_against_cost(scope_of(trained("gan", {"cost.seconds": [1.0]}))) is None
