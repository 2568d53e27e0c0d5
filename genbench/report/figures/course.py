"""How quality went while models were trained: against steps, seconds, real examples and operations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING

from genbench.analyse.estimates import Estimate
from genbench.analyse.standing import Spot, courses
from genbench.analyse.summary import Metric
from genbench.report.figures import captions
from genbench.report.figures.axes import few_log_ticks, few_ticks, heading, is_wide, scale, tidy
from genbench.report.figures.figure import style
from genbench.report.figures.frames import about, frame_of
from genbench.report.figures.headline import headline
from genbench.report.figures.layout import Room, sheet
from genbench.report.figures.marks import bands, entry, model_entries, model_mark
from genbench.report.figures.palette import CONTROL_COLOR
from genbench.report.figures.plot import Plot, Scope
from genbench.report.figures.themed import PAPER
from genbench.report.numbers import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = (
    *("model", "control", "metric", "unit", "better", "step"),
    *("seconds", "examples", "gflop", "median", "low", "high", "n"),
)
"""``low`` and ``high`` are the lowest and the highest seed; costs are those of one lane until that step."""

_STEPS = "steps"
_PANELS = {
    _STEPS: "training steps",
    "cost.seconds": "training time of one lane (s)",
    "cost.images": "real examples of one lane",
    "cost.gflop": "operations of one lane (GFLOP)",
}
_COSTS = {"seconds": "cost.seconds", "examples": "cost.images", "gflop": "cost.gflop"}

_Drawn = Mapping[str, Sequence[Spot]]


def course(scope: Scope) -> Plot | None:
    """Draw a metric of quality against what it took, where models were evaluated on the way.

    A line is the median over the seeds that were still trained at that step, its band reaches from the lowest
    to the highest of them. A hollow mark stands where that is fewer seeds than the model had: some were lost,
    or ended early at the target and are not carried on.
    """
    metric = headline(scope)
    found = courses(scope.everything, metric.name) if metric else {}
    drawn = {row.model: found[row.model] for row in scope.models if row.model in found}
    if metric is None or all(len(spots) < 2 for spots in drawn.values()):
        return None
    panels = [p for p in _PANELS if p == _STEPS or any(p in s.cost for each in drawn.values() for s in each)]
    title = f"{scope.where}: quality while training"
    legend = model_entries(scope, [row for row in scope.models if row.model in drawn], line=True)
    real = real_of(scope, metric)
    if real:
        legend.append(real_entry(real))
    with style():
        room = Room(0.66, between=0.16)
        figure, grid = sheet(title, len(panels), 2, 1.9, room, legend, width=3.6 if len(panels) == 1 else 7.0)
        for place, (axes, panel) in enumerate(zip(grid, panels, strict=True)):
            _panel(axes, scope, drawn, panel)
            _scale_y(axes, drawn, real)
            axes.set_xlabel(_PANELS[panel])
            if place % 2:
                axes.tick_params(labelleft=False)
            else:
                axes.set_ylabel(heading(scope.summary, metric))
            tidy(axes)
    caption = _caption(drawn, real)
    frame = frame_of(_rows(metric, drawn, real), COLUMNS)
    return Plot(scope.summary.run, scope.summary.dataset, "course", title, caption, figure, frame)


def real_of(scope: Scope, metric: Metric) -> Estimate | None:
    """What real data score, if the records have it."""
    row = next((row for row in scope.summary.rows if row.model == "real"), None)
    return row.cells[metric.name].estimate if row else None


def real_entry(real: Estimate) -> tuple[Mapping[str, object], str]:
    """The entry of the line at which real data stand."""
    return entry(f"real data: {show(real).value}", color=CONTROL_COLOR, linestyle=":", linewidth=1.6)


def real_line(axes: Axes, real: Estimate) -> None:
    """A dotted line at which real data stand."""
    axes.axhline(real.median, color=CONTROL_COLOR, linestyle=":", linewidth=1.6, zorder=1)


def _caption(drawn: _Drawn, real: Estimate | None) -> str:
    spots = [spot for each in drawn.values() for spot in each]
    caption = (
        f"Median over {captions.count_of((len(spot.values) for spot in spots), 'seed')} at each evaluation; "
        "bands reach from the lowest to the highest seed."
    )
    if any(_hollow(each) for each in drawn.values()):
        caption += " Hollow marks: fewer seeds than before, the others were lost or ended early."
    if any("cost.seconds" in spot.cost for spot in spots):
        caption += f" Seconds are {captions.LANE_TIME}."
    return f"{caption} The dotted line is what real data score." if real else caption


def _rows(metric: Metric, drawn: _Drawn, real: Estimate | None) -> Iterator[Mapping[str, object]]:
    for model, spots in drawn.items():
        for spot in spots:
            yield about(model, False, metric) | {
                "step": spot.step, "median": median(spot.values), "low": min(spot.values),
                "high": max(spot.values), "n": len(spot.values),
                **{name: spot.cost.get(cost) for name, cost in _COSTS.items()},
            }  # fmt: skip
    if real:
        yield about("real", True, metric) | {
            "median": real.median, "low": real.low, "high": real.high, "n": real.n,
        }  # fmt: skip


def _panel(axes: Axes, scope: Scope, drawn: _Drawn, panel: str) -> None:
    """Lines, bands and marks; spots without that cost are left out."""
    lines = {
        model: [(x, spot) for spot in spots if (x := _at(spot, panel)) is not None]
        for model, spots in drawn.items()
    }
    lines = {model: line for model, line in lines.items() if line}
    bands(
        axes,
        [[x for x, _ in line] for line in lines.values()],
        [[min(spot.values) for _, spot in line] for line in lines.values()],
        [[max(spot.values) for _, spot in line] for line in lines.values()],
        [scope.looks[model].color for model in lines],
        0.16 if len(lines) <= 8 else 0.07,
    )
    for model, line in lines.items():
        mark = model_mark(scope.looks[model], 4.0)
        medians = [median(spot.values) for _, spot in line]
        axes.plot([x for x, _ in line], medians, linewidth=1.3, label=model, **mark)
        hollow = _hollow(drawn[model])
        fewer = [(x, y) for (x, spot), y in zip(line, medians, strict=True) if spot.step in hollow]
        if fewer:
            more = {"markerfacecolor": PAPER, "markeredgecolor": mark["color"], "linestyle": "none"}
            axes.plot(*zip(*fewer, strict=True), **mark | more)
    ends = [max(x for x, _ in line) for line in lines.values()]
    ends = [end for end in ends if end > 0]
    if is_wide(ends):  # some models' whole training takes far longer than others'
        axes.set_xscale("log")
        few_log_ticks(axes, "x")
    else:
        axes.set_xlim(0, max(ends, default=1.0) * 1.04)
        few_ticks(axes, "x", 5)


def _at(spot: Spot, panel: str) -> float | None:
    return float(spot.step) if panel == _STEPS else spot.cost.get(panel)


def _hollow(spots: Sequence[Spot]) -> set[int]:
    """Steps at which there are fewer seeds than the model had."""
    most = max(len(spot.values) for spot in spots)
    return {spot.step for spot in spots if len(spot.values) < most}


def _scale_y(axes: Axes, drawn: _Drawn, real: Estimate | None) -> None:
    """The axis of quality, with real data in sight: logarithmic where seeds are far apart."""
    values = [value for spots in drawn.values() for spot in spots for value in spot.values]
    log = is_wide(values)
    if real:
        real_line(axes, real)
        if real.median > 0 or not log:
            values.append(real.median)
    scale(axes, "y", values, zero=min(values) >= 0, log=log)
