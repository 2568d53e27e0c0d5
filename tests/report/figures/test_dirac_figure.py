import pytest
from made_scopes import cohort, record, scope_of, trained

from genbench.report.figures.dirac import MEASURED, PREDICTED, RADII, dirac


def played(model, eigenvalue, radii):
    numbers = dict(zip(PREDICTED, eigenvalue, strict=True)) | dict(zip(MEASURED, eigenvalue, strict=True))
    numbers |= dict(zip(RADII, radii, strict=True))
    seeds = trained(model, {"known_modes.covered": [1.0]})
    return seeds + cohort(model, {name: (value, None) for name, value in numbers.items()})


@pytest.fixture(scope="module")
def drawn():
    records = played("gan", (0.0, 0.5), (3.0, 1.0)) + played("damped", (-0.5, 0.0), (1e-9, 1e-12))
    records += trained("vae", {"known_modes.covered": [2.0]})
    records += [record(name, None, model="vae", seed=None) for name in (*PREDICTED, *MEASURED, *RADII)]
    return dirac(scope_of(records))


def at(collection):
    return [tuple(map(float, place)) for place in collection.get_offsets()]


def test_radii_are_on_a_logarithmic_axis_a_row_a_model(drawn):
    radii, _ = drawn.figure.axes
    assert radii.get_xscale() == "log"
    marks = at(radii.collections[-1])
    assert [x for x, _ in marks] == pytest.approx([3.0, 1.0, 1e-9, 1e-12])
    assert marks[0][1] == marks[1][1] != marks[2][1] == marks[3][1]
    hollow, full = radii.collections[-1].get_facecolors()[:2]
    assert tuple(hollow) != tuple(full)
    names = {text.get_text(): text.xy[1] for text in radii.texts if text.get_text() in ("gan", "damped")}
    assert names == {"gan": marks[0][1], "damped": marks[2][1]}
    assert "vae" not in {text.get_text() for text in radii.texts}


def test_an_eigenvalue_stands_with_its_conjugate(drawn):
    _, plane = drawn.figure.axes
    measured, predicted = plane.collections
    assert at(measured) == at(predicted) == [(0.0, 0.5), (0.0, -0.5), (-0.5, 0.0)]
    low, high = plane.get_ylim()
    assert low < -0.5 < 0.5 < high


def test_the_frame_has_every_number(drawn):
    assert len(drawn.frame) == 2 * 6
    assert set(drawn.frame["model"]) == {"gan", "damped"}


def test_nothing_played_is_no_figure():
    assert dirac(scope_of(trained("gan", {"quality.fid": [1.0]}))) is None
    alone = [record(name, None, seed=None) for name in (*PREDICTED, *MEASURED, *RADII)]
    assert dirac(scope_of(alone)) is None
