"""What holds of every kind of figure, whatever the records."""

import csv
import io
import json
import random
import re
from dataclasses import replace

import numpy as np
import pytest
from made_scopes import cohort, control, record, scope_of, trained
from matplotlib.collections import PathCollection

from genbench.analyse.merge import Merged
from genbench.core.record import EXPECTED, OF_SAMPLES, OUTCOME, Better, Status
from genbench.report.csv_of_frame import csv_of_frame
from genbench.report.figures.catalogue import KINDS, plots
from genbench.report.figures.figure import as_svg
from genbench.report.figures.plot import Plot
from genbench.report.headings import ARROWS
from genbench.store.course import Course, write_course
from genbench.store.rundir import TrialDirectory

IMAGES = {
    "quality.fid": 9.0, "quality.kid": 0.01, "quality.precision": 0.8, "quality.recall": 0.5,
    "quality.density": 0.9, "quality.coverage": 0.7, "modes.covered": 10.0, "modes.kl": 0.05,
}  # fmt: skip
POINTS = IMAGES | {"known_modes.covered": 8.0, "known_modes.high_quality": 0.7, "known_modes.reverse_kl": 0.1}
COST = {
    "throughput.train_images_per_s": (123_456.0, 999.0), "throughput.lane_images_per_s": (41_152.0, 333.0),
    "throughput.s_per_1000_steps": (3.2, 0.1), "throughput.utilization": (0.4, 0.01),
    "throughput.peak_memory": (812.0, None), "throughput.parameters": (1.5e6, None),
}  # fmt: skip
DIRAC = {
    f"dirac.{name}": (value, None)
    for name, value in {
        "predicted_real": 0.0, "predicted_imaginary": 0.5, "measured_real": 0.0, "measured_imaginary": 0.5,
        "radius_simultaneous": 3.0, "radius_alternating": 0.02,
    }.items()
}  # fmt: skip
COURSE = Course(
    (0, 1000, 2000), (None, 0.5, 0.01), (0.2, 0.9, 1.0), (0.1, 0.5, 0.6), (99.0, 9.0, 1.0), (90.0, 8.0, 2.0),
    ((1.0, 0.0), (0.5, 0.5), (0.5, 0.5)),
)  # fmt: skip
HOSTILE = (
    "$\\frac{1}{0$", "a\x1b[31mb", "../../up", "_hidden", "<b>&\"'", "", "=1+1", "x" * 300, "日本語 モデル",
    "a\u202eb", "one\ntwo", "%s {} \\", "expected ", "NaN",
)  # fmt: skip
LONG = tuple(f"wgan gradient penalty lambda {10 + n}, spectral norm, lr 0.0002, batch 64" for n in range(20))


def run(names, metrics=IMAGES, modes=10, seeds=3, folder=None, lost=()):
    """Records of everything that figures draw, and folders with curves."""
    draw = random.Random(1)
    records, trials = [], {}
    for place, name in enumerate(names):
        for seed in range(seeds):
            mine = {"model": name, "seed": seed}
            for step in (500, 1000, 2000):
                records += [
                    record(metric, value * draw.uniform(0.7, 1.3) * (1 + 0.2 * place), step=step, **mine)
                    for metric, value in metrics.items()
                ]
                records += [
                    record(f"mode_share.{k}", draw.random() / modes * (k > 0), step=step, **mine)
                    for k in range(modes)
                ]
                records += [
                    record(f"cost.{what}", step * 0.1, step=step, **mine)
                    for what in ("seconds", "images", "gflop")
                ]
            records.append(record(OUTCOME, 2000.0, **mine))
            trial = records[-1].trial
            if folder:
                (folder / trial[:200]).mkdir(exist_ok=True)
                lines = [
                    {"step": s, "generator.loss": draw.random(), "generator.gradient_norm": 0.1}
                    for s in (32, 64)
                ]
                (folder / trial[:200] / "curves.jsonl").write_text(
                    "".join(json.dumps(x) + "\n" for x in lines)
                )
                trials[trial] = TrialDirectory(folder / trial[:200])
                write_course(trials[trial].stability, COURSE)
        records += cohort(name, COST)
        records += cohort(name, DIRAC, better=Better.NEITHER)
    for name in OF_SAMPLES:
        if name != EXPECTED:
            records += control(name, {metric: [value] * 3 for metric, value in metrics.items()})
            records += control(name, {f"mode_share.{k}": [1 / modes] * 3 for k in range(modes)})
    records += [record(f"mode_share.{k}", 1 / modes, model=EXPECTED, seed=None, step=0) for k in range(modes)]
    records += [record(m, v, model=EXPECTED, seed=None, step=0) for m, v in metrics.items()]
    return Merged(tuple(records), trials, ())


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """Every figure of four models of images."""
    names = ("gan", "ns_gan", "wgan", "vae")
    return {plot.name: plot for plot in plots(run(names, folder=tmp_path_factory.mktemp("few")))}


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """Every figure of twenty models with long names, of points."""
    made = run(LONG, POINTS, modes=30, seeds=2, folder=tmp_path_factory.mktemp("many"))
    return {plot.name: plot for plot in plots(made)}


NAMES = [kind.name for kind in KINDS]


@pytest.mark.run
def test_a_whole_run_has_every_figure_in_the_order_of_the_catalogue(few, many):
    assert list(few) == list(many) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_axis_says_what_it_shows_and_which_way_is_good(few, name):
    plot = few[name]
    assert plot.title.startswith("data: ") and plot.caption.endswith((".", ")"))
    metrics = dict(zip(plot.frame.get("metric", ()), plot.frame.get("better", ()), strict=True))
    panels = [axes for axes in plot.figure.axes if "÷" not in axes.get_xlabel()]
    labels = [axes.get_xlabel() + axes.get_ylabel() for axes in panels]
    assert all(axes.get_xlabel() for axes in panels)
    said = " ".join(labels)
    if name == "differences":
        assert all("better" in label for label in labels)
    elif metrics:
        wanted = {ARROWS[Better(better)] for better in metrics.values()} - {""}
        assert (wanted or name == "dirac") and all(arrow in said for arrow in wanted)
    if name in ("losses", "gradients", "stability", "modes-while-training"):
        assert "training steps" in said


@pytest.mark.parametrize("name", [name for name in NAMES if name != "precision-recall"])
def test_every_mark_and_line_is_in_sight(few, name):
    for axes in few[name].figure.axes:
        drawn = [line.get_xydata() for line in axes.lines if line.get_transform() == axes.transData]
        drawn += [each.get_offsets() for each in axes.collections if isinstance(each, PathCollection)]
        for place, limits in enumerate((axes.get_xlim(), axes.get_ylim())):
            numbers = np.concatenate([np.zeros(0), *(np.asarray(of)[:, place] for of in drawn)])
            numbers = numbers[np.isfinite(numbers)]
            assert all((min(limits) <= numbers) & (numbers <= max(limits)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("which", ["few", pytest.param("many", marks=pytest.mark.run)])
def test_all_text_is_on_the_canvas_legible_and_apart(request, which, name):
    figure = request.getfixturevalue(which)[name].figure
    assert figure.get_size_inches()[0] <= 7.0
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    canvas = figure.bbox.padded(0.5)
    found = [text for text in _texts(figure) if text.get_text().strip() and text.get_visible()]
    boxes = [(text, text.get_window_extent(renderer)) for text in found]
    for text, box in boxes:
        assert text.get_fontsize() >= 7, text
        assert canvas.x0 <= box.x0 and box.x1 <= canvas.x1, text
        assert canvas.y0 <= box.y0 and box.y1 <= canvas.y1, text
    for place, (text, box) in enumerate(boxes):
        inner = box.padded(-0.7)
        for other, its in boxes[place + 1 :]:
            assert not inner.overlaps(its.padded(-0.7)), (text, other)


def _texts(figure):
    yield from figure.texts
    for axes in figure.axes:
        yield from axes.texts
        yield from (axes.title, axes.xaxis.label, axes.yaxis.label)
        for axis, (low, high) in (
            (axes.xaxis, sorted(axes.get_xlim())),
            (axes.yaxis, sorted(axes.get_ylim())),
        ):
            ticks = zip(axis.get_majorticklocs(), axis.get_majorticklabels(), strict=False)
            yield from (label for at, label in ticks if low <= at <= high)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.run
def test_models_look_the_same_everywhere_and_names_are_whole(few, name):
    svg = as_svg(few[name].figure, "what & why")
    assert svg.startswith("<svg") and "<title>what &amp; why</title>" in svg
    assert "prefers-color-scheme:dark" in svg and "#262626;" not in re.sub(r"<style>.*?</style>", "", svg)
    if name not in ("differences",):
        assert ">gan</text>" in svg or ">generator</text>" in svg


@pytest.mark.parametrize("kind", KINDS, ids=NAMES)
@pytest.mark.parametrize(
    "records",
    [
        [record(OUTCOME, None, status=Status.FAILED, reason="no memory")],
        [record("other.number", 3.0)],
        [record(metric, None) for metric in (*IMAGES, *COST)],
        trained("gan", {"throughput.latency_p50": [1.0]}),
    ],
    ids=["failed", "another metric", "all missing", "nothing of these"],
)
def test_records_without_what_is_drawn_are_no_figure(kind, records):
    assert kind.draw(scope_of(records)) is None


def every(*values):
    """All metrics of a model, with the same numbers."""
    return {metric: list(values) for metric in POINTS}


ODD = {
    "one seed": trained("gan", every(1.0)),
    "all zero": trained("gan", every(0.0, 0.0)) + cohort("gan", dict.fromkeys(COST, (0.0, 0.0))),
    "huge and tiny": trained("gan", every(1e-300, 1.0, 1e300))
    + cohort("gan", dict.fromkeys(COST, (1e300, 1e290))),
    "negative": trained("gan", every(-1e9, -2.0, -3.0)) + trained("vae", every(-1.0)),
    "huge both ways": trained("gan", every(-1e308, 1e308)),
    "diverged": trained("gan", every(1.0), lost=[1, 2]) + trained("vae", {}, lost=[0, 1, 2]),
    "controls only": control("real", every(1.0, 1.0)) + control("noise", every(9.0, 9.0)),
    "shares without a model": [
        *(record("mode_share.0", 0.5, model=name, seed=None) for name in (EXPECTED, "real")),
        record("quality.fid", 1.0, model="real", seed=None),
    ],
    "odd modes": [
        *(record(f"mode_share.{name}", 0.5) for name in ("x", "-1", "²", "9" * 40, "")),
        record("mode_share.1", 0.5, model=EXPECTED, seed=None),
        record("quality.fid", 1.0),
    ],
    "huge on the way": [
        *(
            record(metric, value, step=step, seed=seed)
            for seed, value in enumerate((1e308, -1e308, 1.0))
            for step in (1, 10**12, 10**17)
            for metric in (*POINTS, "cost.seconds", "mode_share.0")
        ),
        *(record(OUTCOME, 1.0, seed=seed, step=10**17) for seed in range(3)),
        record("mode_share.0", 1e-308, model=EXPECTED, seed=None),
    ],
    "unfinished": [record("quality.fid", 1.0), record("cost.seconds", 1.0)],
    "quick": [
        replace(r, protocol={"quick": True, "fallback_for": "mnist"})
        for r in trained("gan", {"quality.fid": [1.0, 2.0]})
    ],
}


@pytest.mark.filterwarnings("ignore:overflow:RuntimeWarning")  # of axes that nobody can read anyway
@pytest.mark.parametrize("name", list(ODD))
@pytest.mark.run
def test_odd_records_are_drawn_or_left_out_and_never_break(name):
    scope = scope_of(ODD[name])
    for kind in KINDS:
        plot = kind.draw(scope)
        if plot is not None:
            assert isinstance(plot, Plot) and len(plot.frame) and as_svg(plot.figure, plot.title)
            if name == "quick":
                assert "fallback for mnist; QUICK RUN: not for comparison" in plot.title


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    return list(plots(run(HOSTILE, seeds=2, folder=tmp_path_factory.mktemp("hostile"))))


@pytest.mark.run
def test_hostile_names_are_drawn_as_text(hostile):
    import xml.etree.ElementTree as ET

    assert [plot.name for plot in hostile] == NAMES
    for plot in hostile:
        svg = as_svg(plot.figure, plot.title)
        told = "".join(ET.fromstring(svg).itertext())
        assert "\x1b" not in told and "\u202e" not in told
        if plot.name == "quality":
            assert "$\\frac{1}{0$" in told and "<b>&\"'" in told and "one two" in told
        for row in csv.DictReader(io.StringIO(csv_of_frame(plot.frame))):
            for name in (row.get("model", ""), row.get("minus", "")):
                assert not name.startswith(("=", "+", "@")) and "\x1b" not in name


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.run
def test_images_of_points_are_not_spoken_of(many, name):
    plot = many[name]
    svg = as_svg(plot.figure, plot.title)
    words = " ".join(re.findall(r">([^<]+)<", svg[svg.index("</style>") :]))
    assert "image" not in (words + plot.caption + plot.title).replace("cost.images", "").lower()
    assert "class" not in plot.title
