from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from genbench.analyse.summary import summarise
from genbench.core.record import OUTCOME, Better, Record
from genbench.report.figures.course import quality_curves
from genbench.report.figures.catalogue import write_plots

Make = Callable[..., Record]
PER_STEP = {"cost.seconds": 0.01, "cost.images": 64.0, "cost.gflop": 0.5}


@pytest.fixture(scope="session")
def course(make: Make) -> Callable[..., list[Record]]:
    """Records of one model at several steps: quality falls as 1000 / step, seed by seed a little later."""

    def records(
        model: str = "gan",
        steps: tuple[int, ...] = (100, 200, 400),
        seeds: int = 3,
        metric: str = "quality.fid",
    ) -> list[Record]:
        made = []
        for seed in range(seeds):
            trial = {"model": model, "seed": seed, "trial": f"{model}-{seed}"}
            for step in steps:
                made += [
                    make(**trial, metric=name, step=step, value=rate * step)
                    for name, rate in PER_STEP.items()
                ]
                made.append(make(**trial, metric=metric, step=step, value=(1 + seed) * 1000 / step))
            made.append(make(**trial, metric=OUTCOME, step=steps[-1], better=Better.NEITHER))
        return made

    return records


def draw(records: list[Record]) -> Figure | None:
    (summary,) = summarise(records)
    return quality_curves(summary, records, "digits")


def test_four_panels_with_the_median_and_the_range_of_the_seeds(
    course: Callable[..., list[Record]], make: Make
) -> None:
    real = [make(model="real", seed=seed, trial=f"r{seed}", step=0, value=0.5) for seed in range(3)]
    figure = draw([*course(), *course("vae", (100, 200)), *real])
    assert figure is not None
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert labels == [
        "training steps",
        "training time of one lane (s)",
        "real examples of one lane",
        "operations of one lane (GFLOP)",
    ]
    for axes, rate in zip(figure.axes, (1.0, *PER_STEP.values()), strict=True):
        line = next(line for line in axes.lines if line.get_label() == "gan")
        assert np.allclose(line.get_xdata(), [rate * step for step in (100, 200, 400)])
        assert np.allclose(line.get_ydata(), [20, 10, 5])
        band = axes.collections[0].get_paths()[0].vertices
        assert (band[:, 1].min(), band[:, 1].max()) == (2.5, 30)
        dotted = next(line for line in axes.lines if line.get_linestyle() == ":")
        assert set(dotted.get_ydata()) == {0.5} and axes.get_ylim()[0] < 0.5
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["gan", "vae", "real data: 0.500"]
    assert figure.axes[0].get_ylabel() == "FD ↓"


def test_nothing_is_drawn_where_nothing_was_looked_at_on_the_way(
    course: Callable[..., list[Record]], run: list[Record], make: Make
) -> None:
    assert draw(course(steps=(400,))) is None
    assert draw([r for r in run if r.dataset == "digits"]) is None
    assert draw([make(metric="throughput.compile_s", seed=None)]) is None


def test_seeds_that_are_there_no_more_leave_a_hollow_marker(course: Callable[..., list[Record]]) -> None:
    lost = [r for r in course() if not (r.seed == 2 and r.step == 400)]
    figure = draw(lost)
    assert figure is not None
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_xdata()) for line in hollow] == [[400.0]]
    assert "hollow: of fewer seeds" in figure.legends[0].get_title().get_text()
    whole = draw(course())
    assert whole is not None and "hollow" not in whole.legends[0].get_title().get_text()


def test_a_lane_that_ends_early_is_not_carried_on(course: Callable[..., list[Record]]) -> None:
    early = [r for r in course() if not (r.seed == 0 and r.step > 200 and r.metric != OUTCOME)]
    early = [replace(r, step=200) if r.seed == 0 and r.metric == OUTCOME else r for r in early]
    figure = draw(early)
    assert figure is not None
    line = next(line for line in figure.axes[0].lines if line.get_label() == "gan")
    assert np.allclose(line.get_ydata(), [20, 10, 6.25])  # at the last step of seeds 1 and 2 alone
    hollow = [line for line in figure.axes[0].lines if line.get_markerfacecolor() == "white"]
    assert [list(line.get_xdata()) for line in hollow] == [[400.0]]


def test_another_metric_stands_in_and_costs_that_are_missing_have_no_panel(
    course: Callable[..., list[Record]],
) -> None:
    records = [r for r in course(metric="known_modes.reverse_kl") if not r.metric.startswith("cost.")]
    figure = draw(records)
    assert figure is not None
    assert [axes.get_xlabel() for axes in figure.axes] == ["training steps"]
    assert figure.axes[0].get_ylabel() == "reverse KL ↓"


def test_a_wide_range_is_drawn_on_a_logarithmic_axis(course: Callable[..., list[Record]]) -> None:
    figure = draw([*course(steps=(10, 4000)), *course("vae", (10, 20))])
    assert figure is not None
    assert (
        {axes.get_xscale() for axes in figure.axes} == {"log"} == {axes.get_yscale() for axes in figure.axes}
    )


def test_it_is_one_of_the_plots(course: Callable[..., list[Record]], tmp_path: Path) -> None:
    names = [path.name for path in write_plots(course(), tmp_path)]
    assert names == [f"digits-{kind}.{end}" for kind in ("quality", "curves") for end in ("png", "svg")]
    assert all((tmp_path / name).stat().st_size > 1000 for name in names)
