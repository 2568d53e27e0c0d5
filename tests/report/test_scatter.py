import numpy as np
import pytest
from PIL import Image

from genbench.report import scatter
from genbench.report.scatter import write_scatter

BLUE, ORANGE = (1, 115, 178), (213, 94, 0)


@pytest.fixture
def drawn(monkeypatch):
    """The figure that is saved."""
    figures = []
    save = scatter.save_png

    def keep(figure, path):
        figures.append(figure)
        save(figure, path)

    monkeypatch.setattr(scatter, "save_png", keep)
    return figures


@pytest.fixture
def points():
    return np.random.default_rng(0).normal(size=(200, 2)).astype(np.float32)


def shown(axes):
    """Points of the panel: the first collection after the circles of modes."""
    return max((c.get_offsets() for c in axes.collections), key=len)


def test_a_panel_for_each_entry_in_order_on_one_scale(tmp_path, drawn, points):
    write_scatter(tmp_path / "a.png", {"gan": points, "vae": points + 1}, real=points, title="ring")
    (figure,) = drawn
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels] == ["gan", "vae"]
    assert panels[0].get_xlim() == panels[1].get_xlim()
    assert panels[0].get_ylim() == panels[1].get_ylim()
    assert Image.open(tmp_path / "a.png").format == "PNG"


def test_every_point_inside_is_drawn_and_the_others_are_counted(tmp_path, drawn, points):
    strays = points.copy()
    strays[:50] += 1000
    write_scatter(tmp_path / "a.png", {"gan": strays, "real": points}, real=points)
    gan, real = drawn[0].axes
    assert len(shown(gan)) == 150
    assert [text.get_text() for text in gan.texts] == ["25 % outside"]
    assert len(shown(real)) == 200
    assert not real.texts


@pytest.mark.parametrize("away", [(5, 0), (-5, 0), (0, 5), (0, -5)])
def test_a_point_may_be_outside_on_any_side(tmp_path, drawn, away):
    square = np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]], dtype=np.float32)
    write_scatter(tmp_path / "a.png", {"gan": np.array([away, *square], dtype=np.float32)}, real=square)
    assert np.array_equal(shown(drawn[0].axes[0]), square)
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["20 % outside"]


def test_points_that_are_no_numbers_are_outside(tmp_path, drawn, points):
    broken = points.copy()
    broken[:2] = np.nan, np.inf
    write_scatter(tmp_path / "a.png", {"gan": broken}, real=points)
    assert [text.get_text() for text in drawn[0].axes[0].texts] == ["1 % outside"]
    write_scatter(tmp_path / "b.png", {"gan": np.full_like(points, np.nan)})


def test_modes_are_circles_of_the_radius(tmp_path, drawn, points):
    centers = np.array([[0.0, 0.0], [1.0, 1.0]])
    write_scatter(tmp_path / "a.png", {"gan": points}, real=points, centers=centers, radius=0.25)
    axes = drawn[0].axes[0]
    (circles,) = [c for c in axes.collections if type(c).__name__ == "EllipseCollection"]
    assert circles.get_widths().tolist() == [0.5, 0.5]
    assert np.array_equal(circles.get_offsets(), centers)
    # and rings that are seen however small the modes are
    rings = [c for c in axes.collections if type(c).__name__ == "PathCollection"]
    assert any(np.array_equal(ring.get_offsets(), centers) for ring in rings)
    colors = {color for _, color in Image.open(tmp_path / "a.png").convert("RGB").getcolors(10**6)}
    assert ORANGE in colors


def test_the_frame_holds_every_mode(tmp_path, drawn):
    few = np.zeros((3, 2), dtype=np.float32)
    write_scatter(tmp_path / "a.png", {"gan": few}, centers=np.array([[-4.0, 4.0], [4.0, -4.0]]), radius=0.1)
    (low, high), (bottom, top) = drawn[0].axes[0].get_xlim(), drawn[0].axes[0].get_ylim()
    assert low < -4 and high > 4 and bottom < -4 and top > 4


def test_of_more_dimensions_two_are_shown(tmp_path, drawn):
    write_scatter(tmp_path / "a.png", {"gan": np.ones((5, 3), dtype=np.float32)})
    assert shown(drawn[0].axes[0]).shape == (5, 2)


@pytest.mark.parametrize(
    "samples", [{}, {"gan": np.zeros((5, 1), np.float32)}, {"gan": np.zeros(5, np.float32)}]
)
def test_what_cannot_be_shown(tmp_path, samples):
    with pytest.raises(ValueError, match="points"):
        write_scatter(tmp_path / "a.png", samples)


def test_names_are_text(tmp_path, drawn, points):
    write_scatter(tmp_path / "a.png", {"$x$\n\x1b[31m": points}, title="$y$")
    assert "\x1b" not in drawn[0].axes[0].get_title()
