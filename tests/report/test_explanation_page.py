"""The page on one trained model: whole, harmless, and with its numbers beside it."""

import csv
import re
import subprocess
import sys
from dataclasses import replace
from html import unescape

import numpy as np
import pytest
from made_up_explanation import HOSTILE, images, made_up, without_data

from genbench.core.errors import OutputError
from genbench.report.explanation.attributions import draw_attributions
from genbench.report.explanation.board import framed, shown, signed
from genbench.report.explanation.content import Probe, Probes
from genbench.report.explanation.directions import draw_directions
from genbench.report.explanation.inversions import draw_inversions
from genbench.report.explanation.neighbours import draw_neighbours
from genbench.report.explanation.page import write_explanation
from genbench.report.explanation.paths import draw_paths
from genbench.report.explanation.probes import draw_probes
from genbench.report.explanation.traversals import draw_traversals
from genbench.report.explanation.units import draw_units, effective
from genbench.report.explanation.words import listed, number, percent, place

FIGURES = [
    "neighbours",
    "traversals",
    "paths",
    "paths-between-test-images",
    "directions",
    "attributions",
    "units-vae",
    "ablation",
    "probes",
    "inversions",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    assert write_explanation(made_up(), folder / "new") == folder / "new" / "index.html"
    return folder / "new"


@pytest.fixture(scope="module")
def page(folder):
    return (folder / "index.html").read_text()


@pytest.mark.run
def test_every_figure_has_a_picture_and_its_numbers_beside_the_page(folder, page):
    stems = {f"vae-{name}" for name in FIGURES}
    assert (
        {path.stem for path in folder.glob("*.png")} == {path.stem for path in folder.glob("*.csv")} == stems
    )
    for stem in stems:
        assert f'download="{stem}.csv"' in page
        rows = list(csv.DictReader((folder / f"{stem}.csv").open()))
        assert rows and all(len(row) >= 2 for row in rows)
    assert page.count("<figure") == len(FIGURES)


def test_the_page_is_whole_and_loads_nothing(page):
    assert "default-src 'none'" in unescape(page) and page.rstrip().endswith("</html>")
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert addresses and all(a.startswith(("data:", "#")) for a in addresses)
    assert "http" not in re.sub(r'"data:[^"]*"', "", page).replace("http-equiv", "")
    anchors = re.findall(r' id="([^"]*)"', page)
    assert len(anchors) == len(set(anchors))
    assert set(re.findall(r'href="#([^"]*)"', page)) <= set(anchors)


def test_the_page_says_what_it_is_of(page):
    for text in (
        "vae on vae",
        "training seed 3",
        "600 steps",
        "N(0, 1)",
        "genbench explain vae/abc --seed 5",
    ):
        assert text in page
    assert "Not made" not in page and "flatters" not in page


@pytest.mark.run
def test_names_are_text(tmp_path):
    page = write_explanation(made_up(HOSTILE), tmp_path).read_text()
    assert HOSTILE not in page and page.count("<script>") == 1
    assert "&lt;script&gt;alert(1)" in page
    assert {path.parent for path in tmp_path.rglob("*")} == {tmp_path}


def test_what_could_not_be_had_is_said(tmp_path):
    reason = "no <data> here."
    page = write_explanation(without_data(reason), tmp_path).read_text()
    assert page.count("Not made: no &lt;data&gt; here.") == 4
    assert "No paths between test images: no &lt;data&gt; here." in page
    assert page.count("(not made)") == 4
    assert "DIVERGED: a loss" in page and "This model has collapsed: 0" in page
    assert "genbench explain CHECKPOINT --seed 5" in page  # outside of a run nothing names it
    assert len(list(tmp_path.glob("*.png"))) == 5


@pytest.mark.run
def test_the_same_input_gives_the_same_page(page, tmp_path):
    assert write_explanation(made_up(), tmp_path).read_text() == page


@pytest.mark.run
def test_drawing_needs_no_torch(tmp_path):
    code = (
        "import sys\nfrom made_up_explanation import made_up, without_data\n"
        "from genbench.report.explanation.page import write_explanation\n"
        f"write_explanation(without_data('none'), {str(tmp_path)!r})\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=__file__.rpartition("/")[0])


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="taken is a file"):
        write_explanation(without_data(""), tmp_path / "taken")


def test_distances_stand_beside_the_typical_one():
    whole = made_up()
    (plot,) = draw_neighbours(whole.neighbours, whole.subject)
    assert "nearest of 77 training images" in plot.caption and "are 1.0 from" in plot.caption
    assert "1 of 2 samples are nearer than 0.55." in plot.caption
    assert list(plot.frame["distance"])[:3] == [0.25, 4.5, 0.5]


def test_traversals_print_shares_and_count_columns_from_the_prior():
    whole = made_up()
    (plot,) = draw_traversals(whole.traversals, whole.subject)
    assert _texts(plot) >= {"z2, 75 %", "z1, 25 %", "−2.5", "0", "+2.5"}
    assert list(plot.frame["sensitivity"]) == [3.0] * 3 + [1.0] * 3
    assert "all latents" in plot.caption
    many = replace(whole.traversals, sensitivity=np.ones(40))
    assert "the 2 most sensitive of 40 latents" in draw_traversals(many, whole.subject)[0].caption


def test_a_path_whose_ends_are_one_image_has_no_speed():
    whole = made_up()
    between_draws, between_images = draw_paths(whole.paths, whole.subject)
    assert "ends: 1.5;" in between_draws.caption and "speeds: 2.0." in between_draws.caption
    assert "both ends give one image" in _texts(between_images)
    assert "ends: –; highest speeds: –" in between_images.caption


def test_integrated_gradients_above_one_percent_are_refused_with_words():
    whole = made_up()
    (plot,) = draw_attributions(whole.attributions, whole.subject)
    texts = _texts(plot)
    assert "error 0.3 %\nNI 0.20" in texts
    assert "not shown\nerror 4 %\nNI 0.40\ninside 60 %" in texts
    assert "error –\nNI –\ninside 50 %" in texts  # another method is not refused for it
    assert "1 of 2 maps of integrated gradients are not shown" in plot.caption
    assert list(plot.frame["shown"]) == [True, True, False, True]
    assert "Medians of NI: integrated gradients 0.30." in plot.caption
    drawn = [np.asarray(picture.get_array()) for axes in plot.figure.axes for picture in axes.images]
    plain, patch = shown(whole.attributions.images[0]), whole.attributions.patch
    (real, *_), (planted, *_) = drawn[:3], drawn[3:]
    assert np.array_equal(real, plain) and np.array_equal(planted, framed(plain, patch))


def test_probes_below_the_mean_stay_in_the_picture():
    whole = made_up()
    (plot,) = draw_probes(whole.probes, whole.subject)
    low, _ = plot.figure.axes[0].get_ylim()
    assert all(line.get_ydata().min() > low for line in plot.figure.axes[0].lines)
    assert plot.frame["score"].min() == -3.0 and "left out" not in plot.caption
    assert "at most 0.75 (class, accuracy) in vae" in plot.caption
    seen = Probes((Probe("encoder", "image", "class", 0.5, 0.1),), {"encoder": (2, 1)}, "x")
    assert "The generator is left out" in draw_probes(seen, whole.subject)[0].caption


def test_inversions_that_never_were_finite_are_dashes():
    whole = made_up()
    broken = replace(whole.inversions, errors=np.full(4, np.inf), shown=np.full(3, np.inf))
    (plot,) = draw_inversions(broken, whole.subject)
    assert "worst\nerror –" in _texts(plot) and "Median –" in plot.caption


def test_effective_units():
    assert effective(np.array([2.0, 2.0, 2.0, 2.0])) == pytest.approx(1)
    assert effective(np.array([3.0, 0.0, 0.0, 0.0])) == pytest.approx(0.25)
    assert effective(np.array([1.0, 1.0, 0.0, 0.0])) == pytest.approx(0.5)
    assert np.isnan(effective(np.zeros(3))) and np.isnan(effective(np.array([1.0, np.nan])))


def test_pictures():
    grey = shown(images()[0:1].reshape(1, 6, 6))
    assert grey.shape == (6, 6, 3) and np.array_equal(grey[..., 0], grey[..., 2]) and grey[5, 5, 0] == 1
    assert shown(np.full((3, 2, 2), np.nan, dtype=np.float32)).max() == 0
    red, white, blue = signed(np.array([[2.0, 0.0, -2.0]]), 2.0)[0]
    assert np.array_equal(signed(np.array([[0.5, 0.0, -0.5]]), 0.5)[0], [red, white, blue])
    assert red[0] > red[2] and blue[2] > blue[0] and white.min() > 0.95
    assert signed(np.ones((2, 2)), 0.0).min() > 0.95
    inside = np.zeros((5, 5), dtype=bool)
    inside[2, 2] = True
    marked = framed(np.zeros((5, 5, 3)), inside)
    assert marked[2, 2].max() == 0 and (marked[..., 0] > 0).sum() == 8


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0"), (0.1234, "0.12"), (12.34, "12"), (-0.00066, "-0.00066"), (12345.6, "12,346")],
)
def test_numbers_in_words(value, text):
    assert number(value) == text


def test_words():
    assert number(float("nan")) == percent(float("inf")) == "–"
    assert number(3e9) == "3.0e+09" and number(2.5e-7) == "2.5e-07"
    assert (percent(0), percent(0.5), percent(0.00123), percent(1e-7)) == (
        "0 %",
        "50 %",
        "0.12 %",
        "< 0.001 %",
    )
    assert (percent(1.0), percent(0.1), percent(0.0999)) == ("100 %", "10 %", "10 %")
    assert (place(-1.25), place(0.0), place(3.0)) == ("−1.25", "0", "+3")
    assert (listed([]), listed(["a"]), listed(["a", "b", "c"])) == ("", "a", "a, b and c")


def _texts(plot):
    return {text.get_text() for axes in plot.figure.axes for text in axes.texts}


def test_the_numbers_beside_each_figure_are_those_that_are_known():
    whole, subject = made_up(), made_up().subject
    walk = ("draws", "test images")
    told = {
        "neighbours": [("sample", 0.25), ("sample", 4.5), *(("test image", 0.5 + n / 7) for n in range(8))],
        "traversals": [(z, at, s, 0.0) for z, s in ((2, 3.0), (1, 1.0)) for at in (-2.5, 0.0, 2.5)],
        "paths": [(1, walk[0], 0.25, 1.0), (1, walk[0], 0.75, 2.0)],
        "paths-between-test-images": [(1, walk[1], 0.25, None), (1, walk[1], 0.75, None)],
        "directions": [(method, 1, 0.5) for method in ("SeFa", "GANSpace", "random")],
        "attributions": [
            (1, "real", 1.5, -0.25, "integrated-gradients", 0.003, 0.2, None, 1.0, True),
            (1, "real", 1.5, -0.25, "kernel-shap", 0.0, None, None, 71 / 143, True),
            (2, "planted", None, -0.25, "integrated-gradients", 0.04, 0.4, 0.6, 71 / 143, False),
            (2, "planted", None, -0.25, "kernel-shap", None, None, 0.5, 1.0, True),
        ],
        "units-vae": [("vae", 1, False, 0.5, "vae", 0.75), ("vae", 2, True, 0.0, "", None)],
        "ablation": [("vae", unit, effect) for unit, effect in enumerate((0.5, 0.5, 0.0, 0.0))],
        "probes": [
            ("generator", "latent", "class", 0.5, 0.1),
            ("generator", "vae", "class", 0.75, 0.1),
            ("generator", "latent", "vae", -3.0, 0.0),
        ],
        "inversions": [(n + 1, 0.5 + n / 7) for n in range(8)],
    }
    drawn = [
        *draw_neighbours(whole.neighbours, subject), *draw_traversals(whole.traversals, subject),
        *draw_paths(whole.paths, subject), *draw_directions(whole.directions, subject),
        *draw_attributions(whole.attributions, subject), *draw_units(whole.units, subject),
        *draw_probes(whole.probes, subject), *draw_inversions(whole.inversions, subject),
    ]  # fmt: skip
    assert [plot.name for plot in drawn] == FIGURES == [*told]
    for plot in drawn:
        boxes = [axes.get_position() for axes in plot.figure.axes]
        assert all(0 <= box.x0 < box.x1 <= 1 and 0 <= box.y0 < box.y1 <= 1 for box in boxes), plot.name
        rows = plot.frame.astype(object).where(plot.frame.notna(), None).itertuples(index=False, name=None)
        assert [*rows] == [pytest.approx(row) for row in told[plot.name]], plot.name
