import pytest
from made_scopes import scope_of, trained
from matplotlib.collections import FillBetweenPolyCollection, LineCollection, PathCollection

from genbench.report.figures.seeds import seeds

FD = "quality.fid"


def test_every_seed_is_there_and_those_that_were_lost_are_counted():
    plot = seeds(scope_of(trained("gan", {FD: [3.0, 1.0, 2.0]}, lost=[3, 4]) + trained("vae", {FD: [9.0]})))
    (axes,) = plot.figure.axes
    (marks,) = (c for c in axes.collections if isinstance(c, PathCollection))
    assert sorted(marks.get_offsets()[:, 0]) == [1.0, 2.0, 3.0, 9.0]
    # each stands in the row of its model, beside the line at the model's median
    medians = [c for c in axes.collections if isinstance(c, LineCollection)][-1].get_segments()
    rows = {upright[0][0]: sorted(y for _, y in upright) for upright in medians}
    for x, y in marks.get_offsets():
        low, high = rows[9.0 if x == 9.0 else 2.0]
        assert low <= y <= high
    assert "× 2" in [text.get_text() for text in axes.texts]
    gan = plot.frame[plot.frame["model"] == "gan"]
    assert gan[gan["lost"] == 0].set_index("seed")["value"].to_dict() == {0: 3.0, 1: 1.0, 2: 2.0}
    assert gan[gan["lost"] == 1]["seed"].tolist() == [3, 4]
    assert "1 to 3 seeds a model" in plot.caption and "how many seeds diverged" in plot.caption
    assert "diverged" not in seeds(scope_of(trained("gan", {FD: [3.0, 1.0]}))).caption


def test_of_points_the_modes_are_shown():
    metrics = {"known_modes.covered": [8.0], "known_modes.reverse_kl": [0.1], FD: [1.0]}
    figure = seeds(scope_of(trained("gan", metrics))).figure
    assert [axes.get_xlabel() for axes in figure.axes] == ["modes covered ↑ (classes)", "reverse KL ↓ (nats)"]


@pytest.mark.parametrize(("count", "shaded"), [(19, False), (20, True)])
def test_a_density_only_of_many_seeds(count, shaded):
    plot = seeds(scope_of(trained("gan", {FD: [1.0 + seed % 7 for seed in range(count)]})))
    bodies = [c for c in plot.figure.axes[0].collections if isinstance(c, FillBetweenPolyCollection)]
    assert bool(bodies) == shaded == ("Shaded" in plot.caption)


def test_no_seed_is_no_figure():
    assert seeds(scope_of(trained("gan", {FD: [None]}))) is None
