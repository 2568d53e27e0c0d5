import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from genbench.analyse.summary import Summary, summarise
from genbench.core.errors import OutputError
from genbench.core.record import OUTCOME, Better, Record, Status
from genbench.report.figures.against_cost import quality_against_cost
from genbench.report.figures.bars import COST, QUALITY, bars
from genbench.report.figures.catalogue import file_name, write_plots

Make = Callable[..., Record]
COST_METRIC = {"metric": "throughput.s_per_1000_steps", "seed": None, "unit": "s"}


@pytest.fixture(scope="module")
def summary(run: list[Record]) -> Summary:
    return summarise(run)[0]


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def test_writes_png_and_svg_of_each_kind(
    make_run: Callable[..., list[Record]], make: Make, tmp_path: Path
) -> None:
    paths = write_plots(make_run(quick=True), tmp_path / "plots")
    kinds = ("quality-against-cost", "quality", "cost")
    assert [p.name for p in paths] == [f"digits-{kind}.{end}" for kind in kinds for end in ("png", "svg")]
    for path in paths:
        if path.suffix == ".png":
            with Image.open(path) as picture:
                assert np.asarray(picture.convert("L")).std() > 10  # something is drawn
        else:
            assert "<svg" in path.read_text()[:1000]


def test_the_same_records_make_the_same_files(make: Make, tmp_path: Path) -> None:
    records = [make(seed=seed, value=10.0 + seed) for seed in range(3)]
    first, second = (write_plots(records, tmp_path / name) for name in "ab")
    assert [p.read_bytes() for p in first] == [p.read_bytes() for p in second]


def test_points_have_their_quality_and_the_seconds_of_a_lane(make: Make) -> None:
    records = [make(seed=seed, value=value) for seed, value in enumerate((10.0, 12.0, 17.0))]
    records += [make(**COST_METRIC, value=6.0, error=0.6, step=2000, lanes=3)]
    records += [make(metric=OUTCOME, seed=seed, step=2000) for seed in range(3)]
    records += [make(model="real", seed=None, value=1.5, lanes=1, step=0)]
    figure = quality_against_cost(summarise(records)[0], records, "digits")
    assert figure is not None
    (axes,) = figure.axes
    (container,) = axes.containers
    (x,), (y,) = container.lines[0].get_data()
    assert (x, y) == pytest.approx((4.0, 12.0))  # 6 s x 2 thousand steps / 3 lanes
    ends = np.concatenate([bar.get_segments()[0] for bar in container.lines[2]])
    assert np.sort(ends[:, 0])[[0, -1]] == pytest.approx([3.6, 4.4])
    assert np.sort(ends[:, 1])[[0, -1]] == pytest.approx([10.0, 17.0])
    assert legend(figure) == ["gan", "real data: 1.50"]
    floor = next(line for line in axes.lines if line.get_linestyle() == ":")
    assert floor.get_ydata() == pytest.approx([1.5, 1.5])
    assert axes.get_xlabel() == "training time of one lane ↓ (s)" and axes.get_ylabel() == "FD ↓"


@pytest.mark.parametrize("parts", [(5, 2), (2, 1), (2, 5)])
def test_the_seconds_of_uneven_parts_are_those_of_the_widest(make: Make, parts: tuple[int, int]) -> None:
    records = [make(seed=seed, value=10.0) for seed in range(sum(parts))]
    records += [
        make(**COST_METRIC, trial=f"part of {lanes}", value=3.0 * lanes, step=2000, lanes=lanes)
        for lanes in parts
    ]
    figure = quality_against_cost(summarise(records)[0], records, "digits")
    assert figure is not None
    (container,) = figure.axes[0].containers
    (x,), _ = container.lines[0].get_data()
    assert x == pytest.approx(6.0)  # 3 s a lane and 1000 steps, of 2000 steps


def test_the_seconds_of_parts_that_ended_early_are_those_of_the_widest(make: Make) -> None:
    records = [make(seed=seed, value=10.0) for seed in range(5)]
    for lanes, step in ((2, 1000), (2, 3000), (1, 9000)):  # the narrow one took longest to get there
        part = f"part of {lanes} until {step}"
        records.append(make(**COST_METRIC, trial=part, value=3.0 * lanes, step=step, lanes=lanes))
        records.append(make(metric=OUTCOME, trial=f"{part}: seed", step=step, lanes=lanes))
    figure = quality_against_cost(summarise(records)[0], records, "digits")
    assert figure is not None
    (container,) = figure.axes[0].containers
    (x,), _ = container.lines[0].get_data()
    assert x == pytest.approx(6.0)  # 3 s a lane and 1000 steps, of 2000 steps in the middle


def test_models_without_a_point_are_named(summary: Summary, run: Sequence[Record]) -> None:
    figure = quality_against_cost(summary, run, "digits")
    assert figure is not None
    assert [text.split("\n")[0] for text in legend(figure)][:2] == ["gan", "ns_gan"]
    assert "vae\n(no value)" in legend(figure) and "gan\n(4 of 5 seeds)" in legend(figure)


def test_bars_are_the_medians_and_controls_are_hatched(summary: Summary) -> None:
    figure = bars(summary, ["quality.precision"], "digits")
    assert figure is not None
    (axes,) = figure.axes
    patches = {round(patch.get_y() + patch.get_height() / 2): patch for patch in axes.patches}
    assert sorted(patches) == [0, 1, 2, 4, 5, 6]  # row 3, vae, has no bar
    for place, row in enumerate(summary.rows):
        estimate = row.cells["quality.precision"].estimate
        if estimate is None:
            continue
        assert patches[place].get_width() == pytest.approx(estimate.median)
        assert bool(patches[place].get_hatch()) == row.control
    assert "no seed finished" in " ".join(text.get_text() for text in axes.texts)
    assert axes.get_xlabel() == "precision ↑"
    assert axes.get_yticklabels()[0].get_text() == "gan\n(4 of 5 seeds)"


def test_a_control_far_off_is_cut_and_says_its_value(summary: Summary) -> None:
    figure = bars(summary, ["quality.fid"], "digits")
    assert figure is not None
    (axes,) = figure.axes
    assert axes.get_xlim()[1] < 30
    assert "410 →" in [text.get_text() for text in axes.texts]


def test_negative_values_reach_left(make: Make) -> None:
    elbo = {"metric": "quality.elbo", "better": Better.HIGHER, "unit": "nats"}
    records = [make(**elbo, seed=seed, value=-100.0 - seed) for seed in range(3)]
    figure = bars(summarise(records)[0], QUALITY, "digits")
    assert figure is not None
    least, most = figure.axes[0].get_xlim()
    assert least < -102 and most == 0
    assert figure.axes[0].get_xlabel() == "ELBO ↑ (nats)"


def test_nothing_to_draw_is_no_figure(make: Make, tmp_path: Path) -> None:
    failed = [make(metric=OUTCOME, status=Status.FAILED, reason="no memory")]
    (empty,) = summarise(failed)
    assert bars(empty, COST, "") is None and quality_against_cost(empty, failed, "") is None
    assert write_plots(failed, tmp_path) == []


def test_equal_and_single_zero_values_can_be_drawn(make: Make, tmp_path: Path) -> None:
    records = [make(seed=0, value=0.0), make(**COST_METRIC, value=0.0)]
    assert len(write_plots(records, tmp_path)) == 6


def test_title_says_dataset_fallback_and_quick(make: Make, tmp_path: Path) -> None:
    protocol = {"fallback_for": "mnist", "quick": True}
    (_, svg) = write_plots([make(protocol=protocol)], tmp_path)
    from genbench.report.figures.catalogue import _figures

    figure = _figures(summarise([make(protocol=protocol)])[0], [make(protocol=protocol)])["quality"]
    assert (
        figure.get_suptitle()
        == "digits (fallback for mnist): samples and modes\nQUICK RUN: not for comparison"
    )
    assert svg.suffix == ".svg"


def test_hostile_names_are_drawn_as_text(make: Make, tmp_path: Path) -> None:
    names = ["$\\frac{1}{0$", "a\x1b[31mb", "../../up", "_hidden", "<b>&"]
    records = [make(model=name, dataset="../d/$x", value=3.0) for name in names]
    records += [make(model=name, dataset="../d/$x", **COST_METRIC, value=2.0) for name in names]
    records += [make(model=name, dataset="../d/$x", metric=OUTCOME) for name in names]
    paths = write_plots(records, tmp_path / "plots")
    assert len(paths) == 6 and {path.parent for path in paths} == {tmp_path / "plots"}
    (summary,) = summarise(records)
    figure = quality_against_cost(summary, records, "")
    assert figure is not None
    assert legend(figure)[0] == "$\\frac{1}{0$" and "_hidden" in legend(figure)


def test_several_runs_have_files_of_their_own(make: Make, tmp_path: Path) -> None:
    paths = write_plots([make(run="a"), make(run="b")], tmp_path)
    assert [path.name for path in paths if path.suffix == ".png"] == [
        "a-digits-quality.png",
        "b-digits-quality.png",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [("digits", "digits"), ("../x", "_x"), ("..", "_"), ("a b/c", "a_b_c"), ("", "_"), ("x" * 300, "x" * 80)],
)
def test_file_names(text: str, name: str) -> None:
    assert file_name(text) == name


def test_an_unwritable_folder_is_an_output_error(make: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write_plots([make()], tmp_path / "file")


@pytest.mark.slow
def test_drawing_touches_no_global_state_and_imports_no_torch(run: list[Record], tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_text("".join(record.to_json() + "\n" for record in run))
    program = f"""
import sys
from pathlib import Path
from genbench.store.journal import read_records
from genbench.report.tables import build_tables
from genbench.report.render import render
records = read_records(Path({str(path)!r}))
render(build_tables(records), "rich", 80)
assert not {{"pandas", "seaborn", "matplotlib"}} & set(sys.modules), "tables need no plotting"
import matplotlib as mpl
before = dict(mpl.rcParams)
from genbench.report.figures.catalogue import write_plots
write_plots(records, Path({str(tmp_path)!r}))
import matplotlib.pyplot as plt
assert not plt.get_fignums()
changed = {{k for k in before if k != "backend" and before[k] != mpl.rcParams[k]}}
assert not changed, changed
assert "torch" not in sys.modules
print("fine")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "fine", done.stderr


def test_legible_when_saved_from_bytes(summary: Summary) -> None:
    figure = bars(summary, QUALITY, "digits")
    assert figure is not None
    figure.savefig(buffer := io.BytesIO())
    with Image.open(buffer) as picture:
        assert picture.width > 400
