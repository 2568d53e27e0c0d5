"""What quality costs: a point a model, the Pareto front, and the floor that real data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from genbench.analyse.estimates import Estimate
from genbench.analyse.rank import rank_columns
from genbench.analyse.summary import Metric, Row
from genbench.core.record import Better, Status, group_of
from genbench.report.figures import captions
from genbench.report.figures.axes import heading, is_wide, scale, tidy
from genbench.report.figures.course import real_entry, real_line, real_of
from genbench.report.figures.figure import style
from genbench.report.figures.frames import about, frame_of
from genbench.report.figures.headline import headline
from genbench.report.figures.layout import Room, sheet
from genbench.report.figures.marks import entry, model_entries, model_mark
from genbench.report.figures.palette import CONTROL_COLOR
from genbench.report.figures.plot import Plot, Scope
from genbench.report.headings import ARROWS, rank_of
from genbench.report.notes import is_quick
from genbench.report.ranking import SECONDS, front_of
from genbench.suite.margin import MEASURED

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PACE = "throughput.s_per_1000_steps"

COLUMNS = (
    *("model", "control", "metric", "unit", "better", "median", "low", "high", "n"),
    *("seconds", "seconds_low", "seconds_high", "front"),
)

_FAINT = 0.4


@dataclass(frozen=True, slots=True)
class _Point:
    row: Row
    seconds: Estimate
    quality: Estimate


def quality_against_cost(scope: Scope) -> Plot | None:
    """Draw quality against the training seconds of a lane; compiling and evaluation are left out of them."""
    metric, front = _judged(scope)
    if metric is None:
        return None
    points = _points(scope, metric)
    if not points:
        return None
    title = f"{scope.where}: what quality costs"
    there = {point.row.model for point in points}
    legend = model_entries(scope, [row for row in scope.models if row.model in there])
    legend += [
        entry(f"{label}\n(no value)", linestyle="none")
        for row in scope.models
        if row.model not in there
        for _, label in model_entries(scope, [row])
    ]
    on_front = [point for point in points if point.row.model in front]
    if on_front:
        legend.append(entry("best median for the time", color=CONTROL_COLOR, linewidth=1.1))
    real = real_of(scope, metric)
    if real:
        legend.append(real_entry(real))
    with style():
        figure, (axes,) = sheet(title, 1, 1, 2.6, Room(0.66), legend, width=5.0)
        _scale(axes, points, real)
        for point in points:
            _draw(axes, scope, point, faint=bool(on_front) and point not in on_front)
        if on_front:
            _draw_best(axes, points, metric)
        if real:
            real_line(axes, real)
        axes.set_xlabel(f"training time of one lane {ARROWS[Better.LOWER]} (s)")
        axes.set_ylabel(heading(scope.summary, metric))
        tidy(axes)
    frame = frame_of(_rows(metric, points, front, real), COLUMNS)
    return Plot(
        scope.summary.run,
        scope.summary.dataset,
        "quality-against-cost",
        title,
        _caption(scope, metric, points, front=bool(on_front), real=bool(real)),
        figure,
        frame,
    )


def _caption(scope: Scope, metric: Metric, points: Sequence[_Point], *, front: bool, real: bool) -> str:
    timed = any(point.seconds.high is not None for point in points)
    caption = (
        f"Median over {captions.seeds_of(scope.models, [metric.name])}, "
        f"{captions.intervals(point.quality for point in points)}; across, {captions.LANE_TIME}"
        f"{', with the interval of its measurement' if timed else ''}."
    )
    if front:
        caption += (
            " Models on the Pareto front are drawn in full. Faint are those off it: another model is surely "
            "better and no dearer, or of the same rank and cheaper. Models of one rank count as equal, and "
            f"so do times within {MEASURED}, so a model on the front may lie off the line."
        )
    return caption + " The dotted line is what real data score." * real


def _judged(scope: Scope) -> tuple[Metric | None, tuple[str, ...]]:
    """The metric of quality, and the models on the front: as the note below the tables has them."""
    metric = headline(scope)
    if metric is None or is_quick(scope.records):
        return metric, ()
    group = group_of(metric.name)
    names = sorted((name for name in scope.metrics if group_of(name) == group), key=rank_of)
    ranks = next((found for name in names if (found := rank_columns(scope.sides, [name]))), {})
    front = front_of(scope.summary, group, scope.sides, ranks)
    return (scope.metrics[front.metric], front.models) if front else (metric, ())


def _points(scope: Scope, metric: Metric) -> list[_Point]:
    points = []
    for row in scope.models:
        quality, seconds = row.cells[metric.name].estimate, _seconds(scope, row)
        if quality and seconds:
            points.append(_Point(row, seconds, quality))
    return points


def _seconds(scope: Scope, row: Row) -> Estimate | None:
    """What training a lane took: as recorded, else its steps at the pace that was measured.

    Only the second has an interval, that of the pace: as in the tables, recorded seconds have none. They are
    the whole of what was spent, and nothing is estimated.
    """
    spent = row.cells[SECONDS].estimate if SECONDS in row.cells else None
    if spent:
        return Estimate(spent.median, None, None, spent.n, "measurement")
    pace = row.cells[PACE].estimate if PACE in row.cells else None
    thousands = _lane_thousands(scope, row.model)
    if not pace or not thousands:
        return None
    low, high = (None if end is None else max(0.0, end * thousands) for end in (pace.low, pace.high))
    return Estimate(pace.median * thousands, low, high, pace.n, "measurement")


def _lane_thousands(scope: Scope, model: str) -> float:
    """Thousands of steps that a lane was trained for, over the lanes that shared the time.

    Lanes and steps are those of the widest parts of a divided cohort, whose pace the summary tells; where
    these ended at different steps, the steps are their median.
    """
    timed = [
        record
        for record in scope.records
        if (record.model, record.metric, record.status) == (model, PACE, Status.DONE)
        and record.value is not None
    ]
    if not timed:
        return 0.0
    lanes = max(record.lanes for record in timed)
    return median(record.step for record in timed if record.lanes == lanes) / 1000 / max(1, lanes)


def _draw(axes: Axes, scope: Scope, point: _Point, *, faint: bool) -> None:
    axes.errorbar(
        point.seconds.median, point.quality.median, xerr=_spread(point.seconds), yerr=_spread(point.quality),
        capsize=2.5, linestyle="none", alpha=_FAINT if faint else 1.0, zorder=3, elinewidth=1.1,
        **model_mark(scope.looks[point.row.model], 7.0),
    )  # fmt: skip


def _spread(guess: Estimate) -> list[list[float]] | None:
    if guess.low is None or guess.high is None:
        return None
    return [[max(0.0, guess.median - guess.low)], [max(0.0, guess.high - guess.median)]]


def _draw_best(axes: Axes, points: Sequence[_Point], metric: Metric) -> None:
    """Steps: the best median of all models that take so many seconds or fewer."""
    best = max if metric.better is Better.HIGHER else min
    at: list[float] = []
    reached: list[float] = []
    for point in sorted(points, key=lambda point: point.seconds.median):
        at.append(point.seconds.median)
        reached.append(best([point.quality.median, *reached[-1:]]))
    axes.plot(
        [*at, axes.get_xlim()[1]], [*reached, reached[-1]], drawstyle="steps-post", color=CONTROL_COLOR,
        linewidth=1.1, zorder=1.5, gid="best",
    )  # fmt: skip


def _scale(axes: Axes, points: Sequence[_Point], real: Estimate | None) -> None:
    """Zero-based axes where the range allows, else logarithmic ones; intervals and the floor are in sight."""
    for way, guesses in (("x", [p.seconds for p in points]), ("y", [p.quality for p in points])):
        ends = [end for g in guesses for end in (g.median, g.low, g.high) if end is not None]
        # of times the medians decide: the low end of a disturbed measurement may be no time at all
        log = is_wide(ends if way == "y" else [guess.median for guess in guesses])
        if log:
            ends = [end for end in ends if end > 0]
        if way == "y" and real and (not log or real.median > 0):
            ends.append(real.median)
        scale(axes, "x" if way == "x" else "y", ends, zero=not log, log=log)


def _rows(
    metric: Metric, points: Sequence[_Point], front: Sequence[str], real: Estimate | None
) -> Iterator[Mapping[str, object]]:
    for point in points:
        yield about(point.row.model, False, metric) | _numbers(point.quality) | {
            "seconds": point.seconds.median, "seconds_low": point.seconds.low,
            "seconds_high": point.seconds.high, "front": point.row.model in front,
        }  # fmt: skip
    if real:
        yield about("real", True, metric) | _numbers(real)


def _numbers(guess: Estimate) -> dict[str, object]:
    return {"median": guess.median, "low": guess.low, "high": guess.high, "n": guess.n}
