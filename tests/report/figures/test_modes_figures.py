import numpy as np
import pytest
from made_scopes import control, record, scope_of, trained

from genbench.core.record import EXPECTED, OUTCOME, Status
from genbench.report.figures.modes import modes
from genbench.report.figures.modes_course import modes_while_training


def expected(shares):
    return [
        record(f"mode_share.{mode}", share, model=EXPECTED, seed=None, step=0, lanes=1)
        for mode, share in enumerate(shares)
    ]


def spread(model, *seeds, **change):
    """Each argument: the shares of one seed."""
    return trained(
        model, {f"mode_share.{mode}": list(of) for mode, of in enumerate(zip(*seeds, strict=True))}, **change
    )


COLLAPSED = {"mode_share.0": [1.0, 0.0], "mode_share.1": [0.0, 1.0], "modes.covered": [1.0, 1.0]}
RECORDS = [
    *spread("gan", (0.5, 0.25), (0.6, 0.2), (0.9, 0.01)),
    *expected((0.5, 0.5)),
    *control("collapsed", COLLAPSED),
]


@pytest.fixture(scope="module")
def drawn():
    return modes(scope_of(RECORDS))


def test_cells_are_shares_over_those_of_the_reference_and_say_how_many_seeds_lost_it(drawn):
    axes = drawn.figure.axes[0]
    said = [text.get_text() for text in axes.texts]
    assert said[:4] == ["1.33", "0.31\n1/3 lost", "1.00\n1/2 lost", "1.00\n1/2 lost"]
    assert said[4:] == ["gan", "collapsed"] and axes.get_xlabel() == "class"
    (mesh,) = axes.collections
    assert np.allclose(mesh.get_array().ravel(), [4 / 3, 0.92 / 3, 1.0, 1.0])
    # and all of it stands in its column and row
    assert [text.get_position() for text in axes.texts[:4]] == [(0, 0), (1, 0), (0, 1), (1, 1)]
    assert mesh.get_coordinates()[0].tolist() == [[-0.5, -0.5], [0.5, -0.5], [1.5, -0.5]]
    assert mesh.get_coordinates()[-1].tolist() == [[-0.5, 1.5], [0.5, 1.5], [1.5, 1.5]]
    assert axes.get_xticks().tolist() == [0, 1]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1"]


def test_seeds_that_collapse_to_different_modes_make_a_row_that_can_be():
    collapsed = [tuple(float(mode == seed) for mode in range(4)) for seed in range(4)]
    plot = modes(scope_of(spread("gan", *collapsed) + expected((0.25,) * 4)))
    assert plot.frame["mean"].tolist() == [0.25] * 4 and plot.frame["lost"].tolist() == [3] * 4


def test_what_counts_as_lost_fades_to_white(drawn):
    (mesh,) = drawn.figure.axes[0].collections
    none, little, lost, kept = (sum(mesh.cmap(mesh.norm(share))[:3]) for share in (0.0, 0.02, 0.1, 0.5))
    assert 3 > none > little > lost > kept > 0 and none - little < 0.3 * (none - lost)


def test_draws_of_controls_are_not_called_seeds(drawn):
    assert "the mean over 3 seeds" in drawn.caption and "2 draws of each" in drawn.caption
    assert "how many seeds (of controls: draws) lost the class" in drawn.caption
    alone = modes(scope_of([r for r in RECORDS if r.model != "gan"]))
    assert "the mean over 2 draws" in alone.caption and "seed" not in alone.caption
    models = modes(scope_of([r for r in RECORDS if r.model != "collapsed"]))
    assert "draw" not in models.caption.replace("drawn", "")


def test_the_frame_has_shares_not_ratios(drawn):
    row = drawn.frame.iloc[1]
    assert (row["model"], row["mode"], row["reference"]) == ("gan", 1, 0.5)
    assert row["mean"] == pytest.approx(0.46 / 3)
    assert (row["low"], row["high"], row["n"], row["lost"]) == (0.01, 0.25, 3, 1)
    assert drawn.frame["control"].tolist() == [False, False, True, True]


def test_of_many_modes_crosses_show_what_was_lost():
    whole = (0.01,) * 100
    lost = (0.0, *whole[1:])
    records = spread("gan", whole, lost) + expected(whole)
    records.append(record("known_modes.covered", 100.0, model="real", seed=0, step=0))
    plot = modes(scope_of(records))
    axes = plot.figure.axes[0]
    (crosses,) = axes.collections
    assert crosses.get_offsets().tolist() == [[0.0, 0.0]]
    assert axes.get_xlabel() == "mode" and "modes that are drawn" in plot.title
    assert len(axes.images) == 1 and axes.images[0].get_array().shape == (1, 100)


def test_a_share_of_a_trial_that_did_not_end_well_is_none():
    early = record("mode_share.0", 0.9, seed=5, status=Status.TIMEOUT, reason="stopped")
    assert modes(scope_of([*RECORDS, early])).frame.equals(modes(scope_of(RECORDS)).frame)


def test_a_mode_that_the_reference_has_not_is_left_blank():
    plot = modes(scope_of(spread("gan", (0.5, 0.5)) + expected((1.0, 0.0))))
    assert plot.figure.axes[0].collections[0].get_array().mask.tolist() == [[False, True]]


def test_without_shares_or_without_the_reference_there_is_no_figure():
    assert modes(scope_of(trained("gan", {"quality.fid": [1.0]}))) is None
    assert modes(scope_of(spread("gan", (0.5, 0.5)))) is None
    assert modes(scope_of(trained("gan", {"quality.fid": [1.0]}) + expected((0.5, 0.5)))) is None


def test_the_course_of_modes_has_steps_across_and_modes_down():
    records = expected((0.5, 0.5))
    for seed in (0, 1):
        for step, shares in ((100, (0.5, 0.0)), (200, (0.25, 0.25 + 0.5 * seed))):
            records += [
                record(f"mode_share.{mode}", share, seed=seed, step=step) for mode, share in enumerate(shares)
            ]
        records.append(record(OUTCOME, 200.0, seed=seed, step=200))
    plot = modes_while_training(scope_of(records))
    axes = plot.figure.axes[0]
    assert np.allclose(axes.collections[0].get_array(), [[1.0, 0.5], [0.0, 1.0]])
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["100", "200"]
    assert axes.get_title() == "gan" and axes.get_ylabel() == "class"
    row = plot.frame[(plot.frame["mode"] == 1) & (plot.frame["step"] == 100)].iloc[0]
    assert (row["mean"], row["n"], row["lost"]) == (0.0, 2, 2)
    assert "the mean over 2 seeds" in plot.caption
    once = [r for r in records if r.step in (0, 200)]
    assert modes_while_training(scope_of(once)) is None


def test_steps_of_an_attempt_that_was_begun_again_do_not_count():
    again = [record("mode_share.0", 0.1, step=50), record(OUTCOME, 50.0, step=50)]
    again += [record("mode_share.0", share, step=step) for step, share in ((100, 0.5), (200, 0.5))]
    again.append(record(OUTCOME, 200.0, step=200))
    plot = modes_while_training(scope_of(again + expected((1.0,))))
    assert plot.frame["step"].tolist() == [100, 200]
