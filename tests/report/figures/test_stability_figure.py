import math

import pytest
from made_scopes import scope_of, trained

from genbench.core.errors import GenbenchWarning
from genbench.report.figures.stability import COLUMNS, stability
from genbench.store.course import Course, write_course

STEPS = (0, 100, 200)


def course(drift=0.1, coverage=None, entropy=0.9):
    return Course(
        STEPS,
        (None, drift, 2 * drift),
        (entropy,) * 3,
        (coverage,) * 3,
        (5.0,) * 3,
        (9.0, 3.0, 1.0),
        ((1.0,),) * 3,
    )


def scope(root, courses):
    """One trial for each (model, seed), with its course."""
    records, folders = [], {}
    for model in dict.fromkeys(model for model, _ in courses):
        records += trained(model, {"quality.fid": [1.0] * 3})
    for record in records:
        folder = root / record.trial
        folder.mkdir(exist_ok=True)
        folders[record.trial] = folder
        if found := courses.get((record.model, record.seed)):
            write_course(folder / "stability.jsonl", found)
    return scope_of(records, folders)


@pytest.fixture
def two(tmp_path):
    return scope(
        tmp_path, {("gan", 0): course(0.5), ("gan", 1): course(0.4), ("vae", 0): course(0.002, coverage=0.7)}
    )


def test_a_row_a_model_and_a_line_a_seed(two):
    plot = stability(two)
    panels = plot.figure.axes
    assert [axes.get_ylabel() for axes in panels] == ["drift", "variety", "FD"] * 2
    assert [axes.get_title(loc="left") for axes in panels] == ["gan", "", "", "vae", "", ""]
    assert {axes.get_xlabel() for axes in panels} == {"training steps"}
    assert len(panels[0].lines) == 2 and len(panels[3].lines) == 1
    assert panels[0].lines[1].get_xydata()[1:].tolist() == [[100, 0.4], [200, 0.8]]
    assert panels[2].lines[0].get_ydata().tolist() == [9.0, 3.0, 1.0]  # what is told, not what chooses
    assert [axes.get_yscale() for axes in panels[:3]] == ["log", "linear", "log"]


def test_models_share_their_axes_so_that_they_compare(two):
    panels = stability(two).figure.axes
    for column in range(3):
        assert panels[column].get_ylim() == panels[column + 3].get_ylim()
        assert panels[column].get_xlim() == panels[column + 3].get_xlim()
    low, high = panels[0].get_ylim()
    assert low < 0.002 and high > 1.0


def test_factors_are_dashed_where_there_are_any(two, tmp_path):
    plot = stability(two)
    gan, vae = plot.figure.axes[1], plot.figure.axes[4]
    assert [line.get_linestyle() for line in gan.lines] == ["-", "-"]
    assert [line.get_linestyle() for line in vae.lines] == ["-", "--"]
    assert "dashed" in plot.caption
    (tmp_path / "plain").mkdir()
    plain = stability(scope(tmp_path / "plain", {("gan", 0): course()}))
    assert "dashed" not in plain.caption and "1 seed)" in plain.caption


def test_the_numbers_drawn_are_beside_it(two):
    frame = stability(two).frame
    assert tuple(frame.columns) == COLUMNS and len(frame) == 9
    row = frame.iloc[1]
    assert (row["model"], row["seed"], row["step"], row["drift"]) == ("gan", 0, 100, 0.5)
    assert math.isnan(frame.iloc[0]["drift"])


def test_what_is_nowhere_has_no_panel(tmp_path):
    points = Course(STEPS, (None, 0.1, 0.2), (None,) * 3, (None,) * 3, (1.0,) * 3, (1.0,) * 3, ((),) * 3)
    plot = stability(scope(tmp_path, {("gan", 0): points}))
    assert [axes.get_ylabel() for axes in plot.figure.axes] == ["drift", "FD"]
    assert "variety" not in plot.caption


def test_a_generator_that_does_not_move_leaves_a_gap(tmp_path):
    still = course(0.0)
    plot = stability(scope(tmp_path, {("gan", 0): still, ("vae", 0): course()}))
    assert len(plot.figure.axes[0].lines) == 0 and len(plot.figure.axes[3].lines) == 1


def test_damage_is_told_and_the_others_are_drawn(two, tmp_path):
    damaged = next(folder for folder in tmp_path.iterdir() if (folder / "stability.jsonl").exists())
    (damaged / "stability.jsonl").write_text("nonsense\n")
    with pytest.warns(GenbenchWarning, match="left out"):
        plot = stability(two)
    assert "damaged: " in plot.caption and len(plot.frame) == 6


def test_without_files_there_is_no_figure(tmp_path):
    assert stability(scope_of(trained("gan", {"quality.fid": [1.0]}))) is None
    assert stability(scope(tmp_path, {("gan", 5): course()})) is None
