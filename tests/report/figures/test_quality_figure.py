import numpy as np
import pandas as pd
import pytest
from made_scopes import cohort, control, record, scope_of, trained
from matplotlib.collections import PathCollection

from genbench.report.figures.quality import quality
from genbench.report.figures.themed import GREY, PAPER

FD = "quality.fid"


@pytest.fixture(scope="module")
def drawn():
    records = trained("gan", {FD: [10.0, 30.0, 20.0], "quality.elbo": [-5.0, -4.0, -3.0]})
    records += trained("vae", {FD: [40.0, 41.0]}, lost=[2])
    records += control("real", {FD: [1.0, 1.0, 1.0]}) + control("noise", {FD: [400.0, 400.0, 401.0]})
    return quality(scope_of(records))


def words(axes):
    return [text.get_text() for text in axes.texts]


def marks(axes):
    """All marks by their place: (x, y) -> (face, edge)."""
    found = {}
    for drawn in axes.collections:
        if isinstance(drawn, PathCollection) and drawn.get_zorder() == 3:
            for (x, y), face, edge in zip(
                drawn.get_offsets(), drawn.get_facecolors(), drawn.get_edgecolors(), strict=True
            ):
                found[float(x), round(float(y), 3)] = (tuple(face), tuple(edge))
    return found


def test_the_numbers_drawn_are_medians_with_their_range_and_every_seed(drawn):
    frame = drawn.frame[drawn.frame["metric"] == FD]
    gan = frame[(frame["model"] == "gan") & (frame["mark"] == "median")].iloc[0]
    assert (gan["value"], gan["low"], gan["high"], gan["n"]) == (20.0, 10.0, 30.0, 3)
    assert (gan["better"], gan["control"], gan["over"]) == ("lower", False, "seeds")
    seeds = frame[(frame["model"] == "gan") & (frame["mark"] == "seed")]
    assert dict(zip(seeds["seed"], seeds["value"], strict=True)) == {0: 10.0, 1: 30.0, 2: 20.0}
    assert list(frame[frame["mark"] == "median"]["model"]) == ["gan", "vae", "real", "noise"]
    assert frame[frame["control"]]["model"].unique().tolist() == ["real", "noise"]
    assert pd.isna(frame[(frame["model"] == "vae") & (frame["mark"] == "median")]["low"].iloc[0])


def test_medians_stand_where_they_are_and_controls_are_hollow(drawn):
    from matplotlib.colors import to_rgba

    found = marks(drawn.figure.axes[0])
    assert sorted(x for x, _ in found) == [1.0, 20.0, 40.5]
    (real,) = (colors for (x, _), colors in found.items() if x == 1.0)
    assert real == (to_rgba(PAPER), to_rgba(GREY))
    assert all(face != to_rgba(PAPER) for (x, _), (face, _) in found.items() if x != 1.0)


def test_seeds_stand_below_their_interval_so_that_both_are_seen(drawn):
    axes = drawn.figure.axes[0]
    dots = next(c for c in axes.collections if isinstance(c, PathCollection) and c.get_zorder() == 2)
    gan = min(y for x, y in marks(axes) if x == 20.0)
    below = [(x, y - gan) for x, y in dots.get_offsets() if x in (10.0, 20.0, 30.0)]
    assert sorted(x for x, _ in below) == [10.0, 20.0, 30.0]
    assert all(0.04 < down < 0.08 for _, down in below)  # inches; the vertical unit, downwards


def test_models_set_the_scale_and_what_is_beyond_says_its_value(drawn):
    distance, elbo = drawn.figure.axes
    low, high = distance.get_xlim()
    assert low < 1 and 41 < high < 60
    assert "400 →" in words(distance)
    assert distance.get_xlabel() == "FD ↓" and elbo.get_xlabel() == "ELBO ↑"
    assert elbo.get_xlim()[1] < -2.5  # zero is nowhere near
    assert words(elbo).count("–") == 3 and "no seed finished" not in " ".join(words(elbo))


def test_real_data_far_away_do_not_squeeze_the_models():
    records = trained("gan", {"quality.precision": [0.5, 0.51, 0.52]})
    axes = quality(scope_of(records + control("real", {"quality.precision": [0.98] * 3}))).figure.axes[0]
    assert axes.get_xlim()[1] < 0.6 and "0.980 →" in words(axes)


@pytest.mark.parametrize(("worst", "kind"), [(19.0, "linear"), (2100.0, "log")])
def test_models_far_apart_are_drawn_on_a_logarithmic_axis(worst, kind):
    records = trained("gan", {FD: [1.0, 1.1]}) + trained("vae", {FD: [worst, worst * 1.01]})
    axes = quality(scope_of(records)).figure.axes[0]
    assert axes.get_xscale() == kind
    ticks = [
        tick for tick in axes.xaxis.get_major_locator()() if axes.get_xlim()[0] <= tick <= axes.get_xlim()[1]
    ]
    assert 2 <= len(ticks) <= 5


def test_names_have_their_seeds_and_a_model_that_failed_says_so(drawn):
    assert "vae (2 of 3 seeds)" in words(drawn.figure.axes[0])
    records = trained("gan", {FD: [1.0, 2.0]}) + trained("dead", {}, lost=[0, 1])
    plot = quality(scope_of(records))
    assert "dead (0 of 2 seeds)" in words(plot.figure.axes[0])
    assert "– no seed finished" in words(plot.figure.axes[0])


def test_the_caption_says_seeds_intervals_and_controls(drawn):
    assert "Median over 2 to 3 seeds" in drawn.caption and "their range" in drawn.caption
    assert "noise: uniform noise" in drawn.caption and "memorized" not in drawn.caption
    six = quality(scope_of(trained("gan", {FD: [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})))
    assert "Median over 6 seeds" in six.caption and "95 % bootstrap" in six.caption
    assert "range" not in six.caption and "controls" not in six.caption
    one = quality(scope_of(trained("gan", {FD: [1.0]})))
    assert "1 seed (large marks), without an interval" in one.caption


def test_points_have_no_images():
    records = trained("gan", {"known_modes.covered": [7.0, 8.0, 8.0]})
    records += cohort("gan", {"throughput.train_images_per_s": (10.0, None)})
    from genbench.report.figures.cost import cost

    scope = scope_of(records)
    assert cost(scope).figure.axes[0].get_xlabel() == "training ↑ (points/s)"
    assert "image" not in quality(scope).caption


def test_no_metric_of_quality_is_no_figure():
    assert quality(scope_of([record("throughput.compile_s", 1.0, seed=None)])) is None
    assert quality(scope_of(trained("gan", {}, lost=[0]))) is None


def test_the_rows_of_names_and_marks_are_the_same(drawn):
    axes = drawn.figure.axes[0]
    names = {text.get_text(): text.xy[1] for text in axes.texts}
    (at,) = (y for (x, y) in marks(axes) if x == 20.0)
    assert at == pytest.approx(names["gan"], abs=1e-3)
    heights = [names[name] for name in ("gan", "vae (2 of 3 seeds)", "real", "noise")]
    assert np.all(np.diff(heights) > 0.1)
