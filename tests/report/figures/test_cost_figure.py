import pytest
from made_scopes import cohort, record, scope_of, trained

from genbench.report.figures.cost import cost


@pytest.fixture(scope="module")
def drawn():
    records = trained("gan", {"quality.fid": [1.0]}) + trained("vae", {"quality.fid": [2.0]})
    records += cohort(
        "gan", {"throughput.train_images_per_s": (12_000.0, 500.0), "throughput.parameters": (5.0, None)}
    )
    records += cohort("vae", {"throughput.train_images_per_s": (30_000.0, None)})
    return cost(scope_of(records))


def test_bars_reach_from_zero_to_the_measurement_and_say_it(drawn):
    speed, parameters = drawn.figure.axes
    assert [bar.get_width() for bar in speed.patches] == [12_000.0, 30_000.0]
    assert speed.get_xlim()[0] == 0
    assert {"12.0k", "30.0k"} <= {text.get_text() for text in speed.texts}
    assert "–" in {text.get_text() for text in parameters.texts}
    assert speed.get_xlabel() == "training ↑ (images/s)"
    (interval, *_caps) = speed.collections[0].get_segments()
    assert sorted(interval[:, 0]) == [11_500.0, 12_500.0]


def test_the_frame_has_measurements_with_their_intervals(drawn):
    first = drawn.frame.iloc[0]
    assert (first["model"], first["value"], first["low"], first["high"]) == (
        "gan",
        12_000.0,
        11_500.0,
        12_500.0,
    )
    assert set(drawn.frame["over"]) == {"measurement"} and set(drawn.frame["mark"]) == {"median"}


def test_nothing_measured_is_no_figure():
    assert cost(scope_of(trained("gan", {"quality.fid": [1.0]}))) is None
    assert cost(scope_of([record("throughput.parameters", None, seed=None)])) is None
